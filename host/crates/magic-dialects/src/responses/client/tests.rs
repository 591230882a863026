use super::Responses;
use crate::chat::{Content, Format, MediaKind, Part, Request, Source, Thinking, ToolCall, ToolChoice};
use crate::dialect::{Client, Error};
use magic_types::Kind;
use magic_types::chat::Role;
use serde_json::{Value, json};

fn read(body: &Value) -> Request {
    Responses.read(body.to_string().as_bytes()).expect("a good request")
}

fn refused(body: &Value) -> String {
    let failure = Responses.read(body.to_string().as_bytes()).expect_err("a bad request");
    assert_eq!(failure.kind, Kind::InvalidRequest);
    failure.public
}

fn texts(request: &Request) -> Vec<(Role, String)> {
    let shown = |part: &Part| match &part.content {
        Content::Text(text) => text.clone(),
        Content::Reasoning { text, signature } => format!("<{text}|{}>", signature.as_deref().unwrap_or("-")),
        Content::RedactedReasoning(sealed) => format!("<sealed {sealed}>"),
        Content::Refusal(text) => format!("no: {text}"),
        Content::ToolCall(ToolCall { id, name, arguments, signature }) => {
            format!("{id}={name}({arguments}){}", signature.as_deref().unwrap_or_default())
        }
        Content::ToolResult { call_id, parts, .. } => format!("{call_id}:{}", parts.len()),
        Content::Foreign { kind, .. } => format!("[{kind}]"),
        Content::Media(media) => format!("{:?}", media.source),
    };
    let line = |parts: &[Part]| parts.iter().map(shown).collect::<Vec<_>>().join(" ");
    request.messages.iter().map(|message| (message.role, line(&message.parts))).collect()
}

#[test]
fn a_text_is_the_users_message_behind_the_instructions() {
    let request = read(&json!({ "model": "m", "input": "hi", "instructions": "be brief", "stream": true }));
    assert_eq!(texts(&request), [(Role::System, "be brief".to_owned()), (Role::User, "hi".to_owned())]);
    assert!(request.stream && request.include_usage && request.rest.is_empty());
    assert_eq!(request.echo.get("instructions"), Some(&json!("be brief")));
}

#[test]
fn what_the_model_made_in_one_turn_is_one_message() {
    let request = read(&json!({ "input": [
        { "role": "developer", "content": "d" },
        { "role": "user", "content": [{ "type": "input_text", "text": "q" }] },
        { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "a" }, { "type": "summary_text", "text": "b" }],
          "encrypted_content": "seal" },
        { "type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "blob" },
        { "type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [
            { "type": "output_text", "text": "t", "annotations": [], "logprobs": [] }, { "type": "refusal", "refusal": "r" }] },
        { "type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}",
          "extra_content": { "google": { "thought_signature": "G" } } },
        { "type": "web_search_call", "id": "ws_1", "status": "completed" },
        { "type": "function_call_output", "call_id": "c", "output": "42" },
        { "type": "function_call_output", "call_id": "d", "output": [{ "type": "input_text", "text": "x" },
            { "type": "input_image", "image_url": "https://a/b.png" }] },
        { "type": "item_reference", "id": "msg_0" },
    ] }));
    let lines: Vec<String> = texts(&request).into_iter().map(|(role, line)| format!("{role:?} {line}")).collect();
    assert_eq!(
        lines,
        [
            "System d",
            "User q",
            "Assistant <a\n\nb|seal> <sealed blob> t no: r c=f({})G [web_search_call]",
            "Tool c:1",
            "Tool d:2",
            "Assistant [item_reference]",
        ]
    );
    assert!(request.messages.iter().flat_map(|message| &message.parts).all(|part| part.rest.is_empty()));
}

#[test]
fn media_are_read_from_urls_data_and_ids() {
    let request = read(&json!({ "input": [{ "role": "user", "content": [
        { "type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low" },
        { "type": "input_image", "file_id": "file-1" },
        { "type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD" },
        { "type": "input_file", "file_url": "https://a/b.pdf" },
        { "type": "input_audio", "input_audio": { "data": "QUJD", "format": "wav" } },
        { "type": "input_video", "video": 1 },
    ] }] }));
    let found: Vec<String> = request.messages[0]
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::Media(media) => {
                let source = match &media.source {
                    Source::Url(url) => url.clone(),
                    Source::Id(id) => format!("#{id}"),
                    Source::Inline { mime, base64 } => format!("{mime} {base64}"),
                };
                format!("{:?} {source}", media.kind)
            }
            other => format!("{other:?}").chars().take(30).collect(),
        })
        .collect();
    assert_eq!(
        found,
        [
            "Image image/png QUJD",
            "Image #file-1",
            "File application/pdf QUJD",
            "File https://a/b.pdf",
            "Audio audio/wav QUJD",
            "Foreign { kind: \"input_video\","
        ]
    );
    assert!(matches!(&request.messages[0].parts[2].content,
        Content::Media(media) if media.kind == MediaKind::File && media.name.as_deref() == Some("a.pdf")));
}

#[test]
fn tools_format_and_thinking_have_their_canonical_places() {
    let request = read(&json!({ "input": "x",
        "tools": [{ "type": "function", "name": "f", "description": "d", "parameters": { "type": "object" }, "strict": true },
                  { "type": "function", "name": "g" }, { "type": "web_search" }],
        "tool_choice": { "type": "allowed_tools", "mode": "required", "tools": [{ "type": "function", "name": "f" }, { "type": "web_search" }] },
        "text": { "format": { "type": "json_schema", "name": "s", "schema": { "type": "object" }, "strict": true }, "verbosity": "low" },
        "reasoning": { "effort": "high", "summary": "auto" }, "max_output_tokens": 9, "temperature": 0.5, "top_p": 0.1,
        "parallel_tool_calls": false, "safety_identifier": "u" }));
    let tools: Vec<(&str, bool)> =
        request.tools.iter().map(|tool| (tool.name.as_str(), tool.foreign.is_some())).collect();
    assert_eq!(tools, [("f", false), ("web_search", true)]);
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    let schema = json!({ "type": "object" });
    assert_eq!(
        request.format,
        Some(Format::JsonSchema { name: "s".to_owned(), description: None, schema, strict: Some(true) })
    );
    assert_eq!(
        request.thinking,
        Some(Thinking { effort: Some("high".to_owned()), budget_tokens: None, shown: Some(true) })
    );
    assert_eq!((request.max_output_tokens, request.temperature, request.top_p), (Some(9), Some(0.5), Some(0.1)));
    assert_eq!((request.parallel_tool_calls, request.user.as_deref()), (Some(false), Some("u")));
    assert_eq!(Value::Object(request.rest), json!({ "verbosity": "low" }));
}

#[test]
fn what_has_no_place_is_left_over_and_what_changes_nothing_is_not() {
    let request = read(
        &json!({ "model": "m", "input": "x", "store": true, "metadata": { "a": "b" }, "previous_response_id": "resp_1",
        "truncation": "disabled", "background": false, "include": ["reasoning.encrypted_content"],
        "stream_options": { "include_obfuscation": false }, "conversation": null }),
    );
    assert_eq!(Value::Object(request.rest), json!({}));
    assert_eq!(request.echo.get("previous_response_id"), Some(&json!("resp_1")));

    let request = read(
        &json!({ "input": "x", "truncation": "auto", "background": true, "prompt_cache_key": "k", "wholly_new": 1,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"], "stream_options": { "include_obfuscation": true },
        "tools": [{ "type": "function", "name": "f", "defer_loading": true }], "tool_choice": { "type": "file_search" },
        "reasoning": { "mode": "pro" } }),
    );
    assert_eq!(
        Value::Object(request.rest),
        json!({ "truncation": "auto", "background": true, "prompt_cache_key": "k", "wholly_new": 1,
            "include": ["message.output_text.logprobs"], "stream_options.include_obfuscation": true,
            "tools[0].defer_loading": true, "tool_choice": { "type": "file_search" }, "reasoning.mode": "pro" })
    );
    assert_eq!(request.thinking, None);
}

#[test]
fn a_failure_names_the_fields_path() {
    let cases = [
        (json!({}), "`input`: is missing"),
        (json!({ "input": 7 }), "`input`: must be a string or a list"),
        (json!({ "input": [{ "role": "tool", "content": "x" }] }), "`input[0].role`: `tool` is no role"),
        (json!({ "input": ["x"] }), "`input[0]`: must be an object"),
        (json!({ "input": [{ "role": "user", "content": [{ "type": "input_text" }] }] }), "`input[0].content[0].text`"),
        (json!({ "input": [{ "role": "user", "content": [{ "text": "x" }] }] }), "`input[0].content[0].type`"),
        (json!({ "input": [{ "type": "function_call", "name": "f" }] }), "`input[0].call_id`: is missing"),
        (json!({ "input": [{ "type": "function_call_output", "call_id": "c" }] }), "`input[0].output`: is missing"),
        (json!({ "input": "x", "tools": [{ "type": "function" }] }), "`tools[0].name`: is missing"),
        (json!({ "input": "x", "tools": [{}] }), "`tools[0].type`"),
        (json!({ "input": "x", "tool_choice": "some" }), "`tool_choice`: `some` is no choice"),
        (json!({ "input": "x", "text": { "format": { "type": "xml" } } }), "`text.format.type`: `xml`"),
        (json!({ "input": "x", "temperature": "hot" }), "`temperature`: must be a number"),
        (json!({ "input": "x", "stream": 1 }), "`stream`: must be true or false"),
        (json!([]), "the request body must be an object"),
    ];
    for (body, start) in cases {
        let text = refused(&body);
        assert!(text.starts_with(start), "{body} gave {text}");
    }
}

#[test]
fn an_error_has_openais_shape_in_a_body_and_in_a_stream() {
    let error = Error { status: 429, kind: "rate_limited", class: "rate_limit_error", message: "slow" };
    let object = json!({ "type": "rate_limit_error", "code": "rate_limited", "message": "slow", "param": null });
    assert_eq!(Responses.error(&error), json!({ "error": object }));
    let frame = Responses.error_frame(&error);
    let data = frame.strip_prefix("event: error\ndata: ").and_then(|rest| rest.strip_suffix("\n\n")).expect("framed");
    let data: Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(
        data,
        json!({ "type": "error", "code": "rate_limited", "message": "slow", "param": null, "sequence_number": 0, "error": object })
    );
}

#[test]
fn no_bytes_make_the_reading_panic() {
    let good =
        json!({ "input": [{ "role": "user", "content": [{ "type": "input_image", "image_url": "data:x;base64,QQ" }] },
        { "type": "reasoning", "summary": [{ "text": "x" }] }], "tools": [{ "type": "function", "name": "f" }] })
        .to_string()
        .into_bytes();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..4000 {
        let mut bytes = good.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] = b"{}[]\",:0nx\xff\\"[(state >> 20) as usize % 12];
        }
        assert!(Responses.read(&bytes).map_or_else(|failure| failure.kind == Kind::InvalidRequest, |_| true));
    }
}
