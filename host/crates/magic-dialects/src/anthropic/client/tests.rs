use super::Messages;
use crate::chat::{Content, Format, MediaKind, Request, Source, ToolChoice};
use crate::dialect::{Client, Error};
use magic_types::chat::Role;
use serde_json::{Value, json};

fn read(body: &Value) -> Request {
    Messages.read(body.to_string().as_bytes()).expect("good")
}

fn refused(body: &Value) -> String {
    Messages.read(body.to_string().as_bytes()).expect_err("bad").public
}

fn with(field: &str, value: &Value) -> Value {
    json!({ "model": "m", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }], field: value })
}

#[test]
fn results_of_tools_come_before_the_rest_of_their_turn() {
    let request = read(&json!({ "model": "m", "max_tokens": 9, "messages": [
        { "role": "user", "content": "hi" },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "hm", "signature": "s" }, { "type": "redacted_thinking", "data": "r" },
            { "type": "tool_use", "id": "a", "name": "f", "input": { "x": 1 } },
            { "type": "tool_use", "id": "b", "name": "g", "input": {} }] },
        { "role": "user", "content": [{ "type": "text", "text": "so?" },
            { "type": "tool_result", "tool_use_id": "a", "content": "one", "cache_control": { "type": "ephemeral" } },
            { "type": "tool_result", "tool_use_id": "b", "is_error": true, "content": [{ "type": "text", "text": "two" }] }] }] }));
    let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::Tool, Role::User]);
    let thought = Content::Reasoning { text: "hm".to_owned(), signature: Some("s".to_owned()) };
    assert_eq!(request.messages[1].parts[0].content, thought);
    let Content::ToolCall(call) = &request.messages[1].parts[2].content else { panic!("no call") };
    assert_eq!((call.id.as_str(), call.arguments.as_str()), ("a", r#"{"x":1}"#));
    assert!(request.messages[2].parts[0].cache_control.is_some());
    assert!(matches!(&request.messages[3].parts[0].content, Content::ToolResult { is_error: true, .. }));
}

#[test]
fn system_images_and_documents_keep_what_they_say() {
    let request = read(&json!({ "model": "m", "max_tokens": 9,
        "system": [{ "type": "text", "text": "be", "cache_control": { "type": "ephemeral", "ttl": "1h" } }],
        "messages": [{ "role": "user", "content": [
            { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } },
            { "type": "image", "source": { "type": "url", "url": "https://x/y.png" } },
            { "type": "document", "title": "T", "source": { "type": "file", "file_id": "file_1" } },
            { "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": "plain" } },
            { "type": "document", "source": { "type": "content", "content": [] } },
            { "type": "search_result", "title": "t", "source": "s", "content": [] }] }] }));
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.messages[0].parts[0].cache_control, Some(json!({ "type": "ephemeral", "ttl": "1h" })));
    let contents: Vec<&Content> = request.messages[1].parts.iter().map(|part| &part.content).collect();
    let Content::Media(image) = contents[0] else { panic!("no image") };
    assert_eq!(image.source, Source::Inline { mime: "image/png".to_owned(), base64: "AA==".to_owned() });
    let Content::Media(file) = contents[2] else { panic!("no file") };
    assert_eq!((file.kind, file.name.as_deref()), (MediaKind::File, Some("T")));
    assert_eq!(contents[3], &Content::Text("plain".to_owned()));
    let kinds: Vec<&str> = contents[4..]
        .iter()
        .map(|content| if let Content::Foreign { kind, .. } = content { kind.as_str() } else { "" })
        .collect();
    assert_eq!(kinds, ["document", "search_result"]);
}

#[test]
fn choices_thinking_and_formats_are_read() {
    let request = read(&with("tool_choice", &json!({ "type": "any", "disable_parallel_tool_use": true })));
    assert_eq!((request.tool_choice, request.parallel_tool_calls), (Some(ToolChoice::Required), Some(false)));
    let request = read(&with("thinking", &json!({ "type": "enabled", "budget_tokens": 2000 })));
    assert_eq!(request.thinking.and_then(|thinking| thinking.budget_tokens), Some(2000));
    let request = read(&with("thinking", &json!({ "type": "disabled" })));
    assert_eq!(request.thinking.and_then(|thinking| thinking.budget_tokens), Some(0));
    let config = json!({ "effort": "max", "format": { "type": "json_schema", "schema": { "type": "object" } } });
    let request = read(&with("output_config", &config));
    assert_eq!(request.thinking.and_then(|thinking| thinking.effort).as_deref(), Some("xhigh"));
    assert!(matches!(request.format, Some(Format::JsonSchema { .. })));
    let request = read(&with("metadata", &json!({ "user_id": "u" })));
    assert_eq!((request.user.as_deref(), request.include_usage, request.stream), (Some("u"), true, false));
}

#[test]
fn a_field_that_is_not_known_is_kept_under_its_path() {
    let tools = json!([{ "name": "f", "input_schema": { "type": "object" }, "input_examples": [1] },
        { "type": "web_search_20250305", "name": "web_search", "max_uses": 2 }]);
    let mut body = with("tools", &tools);
    body["container"] = json!("c");
    body["system"] = Value::Null;
    let request = read(&body);
    let kept: Vec<&String> = request.rest.keys().collect();
    assert_eq!(kept, ["container", "tools[0].input_examples"]);
    assert_eq!(request.tools[1].foreign, Some(tools[1].clone()));
}

#[test]
fn an_error_names_the_path_as_anthropic_does() {
    let mut body = with("x", &json!(1));
    body["max_tokens"] = Value::Null;
    assert_eq!(refused(&body), "max_tokens: Field required");
    let messages = json!([{ "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "image" }] }]);
    assert_eq!(refused(&with("messages", &messages)), "messages[0].content[1].source: Field required");
    assert_eq!(refused(&with("messages", &json!([{ "role": "user" }]))), "messages[0].content: Field required");
    assert_eq!(refused(&with("messages", &json!(7))), "messages: Input should be a valid list");
    assert_eq!(refused(&with("stop_sequences", &json!([1]))), "stop_sequences[0]: Input should be a valid string");
    let role = refused(&with("messages", &json!([{ "role": "tool", "content": "x" }])));
    assert_eq!(role, "messages[0].role: `tool` is none of user, assistant, system");
    assert_eq!(refused(&json!([])), "the request body: Input should be an object");
}

#[test]
fn an_error_has_anthropics_type_for_its_status() {
    let error = |status| Error { status, kind: "k", class: "c", message: "no" };
    let types = [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529].map(|status| {
        let body = Messages.error(&error(status));
        assert_eq!((&body["type"], &body["error"]["message"]), (&json!("error"), &json!("no")));
        body["error"]["type"].as_str().expect("a type").to_owned()
    });
    assert_eq!(
        types.map(|kind| kind.trim_end_matches("_error").to_owned()),
        [
            "invalid_request",
            "authentication",
            "permission",
            "not_found",
            "request_too_large",
            "invalid_request",
            "rate_limit",
            "api",
            "api",
            "overloaded",
            "overloaded"
        ]
    );
    assert!(Messages.error_frame(&error(529)).starts_with("event: error\ndata: {"));
}
