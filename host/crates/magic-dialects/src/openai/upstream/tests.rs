use super::Chat;
use crate::chat::Request;
use crate::dialect::{Call, Client, Vendor};
use magic_types::chat::{
    CompletionRequest, Extra, Media, Message, Part, Role, ToolDefinition, ToolHints, ToolOutput, ToolResult,
};
use serde_json::{Value, json};

fn encoded(request: &CompletionRequest, defaults: Value) -> Value {
    let Value::Object(defaults) = defaults else { panic!("defaults are an object") };
    let mut request = Request::from(request);
    request.fill(&defaults);
    let call = Call { model: "m", stream: true, quirks: crate::quirks::of("") };
    serde_json::from_slice(&Chat.write(&request, &call).body).expect("JSON")
}

#[test]
fn a_request_wins_over_the_profiles_defaults() {
    let request = CompletionRequest {
        messages: vec![Message::text(Role::User, "{not} a format")],
        temperature: Some(0.2),
        max_output_tokens: Some(64),
        stop: vec!["</ACTION>".to_owned()],
        extra: vec![
            Extra { key: "grammar".to_owned(), value: "\"root ::= x\"".to_owned() },
            Extra { key: "vendor.private".to_owned(), value: "1".to_owned() },
        ],
        ..CompletionRequest::default()
    };
    assert_eq!(
        encoded(&request, json!({ "temperature": 1, "top_p": 0.5, "max_tokens": 9 })),
        json!({ "model": "m", "messages": [{ "role": "user", "content": "{not} a format" }], "temperature": 0.2,
            "top_p": 0.5, "max_tokens": 64, "stop": ["</ACTION>"], "grammar": "root ::= x", "stream": true,
            "stream_options": { "include_usage": true } })
    );
}

#[test]
fn a_patterns_tool_choice_is_written_in_each_dialects_form() {
    let tool = ToolDefinition {
        name: "t".to_owned(),
        description: String::new(),
        parameters_json_schema: "{}".to_owned(),
        output_json_schema: None,
        hints: ToolHints::default(),
    };
    let request = CompletionRequest {
        messages: vec![Message::text(Role::User, "x")],
        tools: vec![tool],
        extra: vec![Extra { key: "tool_choice".to_owned(), value: "\"required\"".to_owned() }],
        ..CompletionRequest::default()
    };
    assert_eq!(encoded(&request, json!({}))["tool_choice"], "required");
    let call = Call { model: "claude-sonnet-4-5", stream: true, quirks: crate::quirks::of("") };
    let written = crate::anthropic::upstream::Messages.write(&Request::from(&request), &call);
    let body: Value = serde_json::from_slice(&written.body).expect("JSON");
    assert_eq!(body["tool_choice"], json!({ "type": "any" }));
}

#[test]
fn media_and_tool_results_take_openais_shapes() {
    let picture = Part::Media(Media { mime: "image/*".to_owned(), url: "data:x".to_owned() });
    let result = |id: &str| {
        Part::ToolResult(ToolResult {
            call_id: id.to_owned(),
            outcome: Ok(ToolOutput { text: "1".to_owned(), structured: None }),
        })
    };
    let request = CompletionRequest {
        messages: vec![
            Message { role: Role::User, parts: vec![Part::Text("look".to_owned()), picture] },
            Message { role: Role::Tool, parts: vec![result("a"), result("b")] },
        ],
        ..CompletionRequest::default()
    };
    let body = encoded(&request, json!({}));
    assert_eq!(body.pointer("/messages/0/content/1/image_url/url"), Some(&json!("data:x")));
    assert_eq!(body.pointer("/messages/2/tool_call_id"), Some(&json!("b")));
}

fn sent(body: Value, provider: &str) -> (Value, Vec<String>) {
    let request = crate::openai::client::Chat.read(body.to_string().as_bytes()).expect("good");
    let call = Call { model: "m", stream: false, quirks: crate::quirks::of(provider) };
    let written = Chat.write(&request, &call);
    (serde_json::from_slice(&written.body).expect("JSON"), written.lost)
}

#[test]
fn field_14_reasoning_goes_back_to_deepseek_with_tool_calls_only() {
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let body = json!({ "messages": [
        { "role": "user", "content": "x" },
        { "role": "assistant", "content": "plain", "reasoning_content": "p" },
        { "role": "assistant", "content": null, "reasoning": "q", "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "c", "content": "1" }] });
    let field = |provider: &str, at: usize, name: &str| {
        sent(body.clone(), provider).0.pointer(&format!("/messages/{at}/{name}")).cloned()
    };
    assert_eq!(field("deepseek", 1, "reasoning_content"), None);
    assert_eq!(field("deepseek", 2, "reasoning_content"), Some(json!("q")));
    assert_eq!((field("vllm", 1, "reasoning"), field("vllm", 2, "reasoning")), (Some(json!("p")), Some(json!("q"))));
    assert_eq!((field("openai", 1, "reasoning_content"), field("openai", 2, "reasoning_content")), (None, None));
    assert_eq!(field("openrouter", 1, "reasoning_details/0/text"), Some(json!("p")));
}

#[test]
fn field_10_a_mark_that_is_lost_is_named_and_one_that_is_understood_is_kept() {
    let body = json!({ "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "a", "cache_control": { "type": "ephemeral" } }, { "type": "text", "text": "b" }] }] });
    let (json, lost) = sent(body.clone(), "openai");
    assert_eq!((json.pointer("/messages/0/content"), lost), (Some(&json!("a\nb")), vec!["cache_control".to_owned()]));
    let (json, lost) = sent(body.clone(), "openrouter");
    assert_eq!(json.pointer("/messages/0/content"), body.pointer("/messages/0/content"));
    assert!(lost.is_empty());
}

#[test]
fn field_10_a_mark_on_a_tools_result_is_kept_or_named_and_so_is_an_unknown_field() {
    let body = json!({ "max_tokens": 9, "messages": [
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "a", "name": "f", "input": {}, "odd": 1 }] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "a", "content": "1", "odd": 2,
            "cache_control": { "type": "ephemeral" } }], "odd": 3 }] });
    let request = crate::dialect::Dialect::Messages.client().expect("there").read(body.to_string().as_bytes());
    let request = request.expect("good");
    let written = |provider: &str| {
        let call = Call { model: "m", stream: false, quirks: crate::quirks::of(provider) };
        let written = Chat.write(&request, &call);
        (serde_json::from_slice::<Value>(&written.body).expect("JSON"), written.lost)
    };
    let odd = ["messages[0].content[0].odd", "messages[1].odd", "messages[1].content[0].odd"];
    let (json, lost) = written("openrouter");
    assert_eq!(json.pointer("/messages/1/content/0/cache_control"), Some(&json!({ "type": "ephemeral" })));
    assert_eq!(lost, odd);
    let (json, mut lost) = written("openai");
    assert_eq!(json.pointer("/messages/1/content"), Some(&json!("1")));
    assert_eq!(lost.pop().as_deref(), Some("cache_control"));
    assert_eq!(lost, odd);
}

#[test]
fn what_cannot_be_carried_over_is_named() {
    let body = json!({ "messages": [{ "role": "user", "odd": 1, "content": [{ "type": "video_url", "video_url": 1 },
            { "type": "text", "text": "t", "odd": 2 }] }], "n": 2, "logprobs": true, "made_up": 1, "seed": 3, "user": "u",
        "logit_bias": { "1": 1 }, "tool_choice": "required", "tools": [{ "type": "web_search" }] });
    let (json, lost) = sent(body, "mistral");
    assert_eq!(
        json,
        json!({ "model": "m", "random_seed": 3,
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "t" }] }] })
    );
    assert_eq!(
        lost,
        [
            "messages[0].odd",
            "messages[0].content[0].video_url",
            "messages[0].content[1].odd",
            "tools[0].web_search",
            "tool_choice",
            "user",
            "logit_bias",
            "logprobs",
            "made_up",
            "n"
        ]
    );
}

#[test]
fn pictures_of_a_tool_follow_its_result() {
    let image = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA" } });
    let body = json!({ "messages": [
        { "role": "tool", "tool_call_id": "a", "content": [{ "type": "text", "text": "see" }, image] },
        { "role": "tool", "tool_call_id": "b", "content": "2" },
        { "role": "user", "content": "and?" }] });
    let (json, lost) = sent(body, "openai");
    assert!(lost.is_empty());
    assert_eq!(
        json.get("messages"),
        Some(&json!([
        { "role": "tool", "tool_call_id": "a", "content": "see" },
        { "role": "tool", "tool_call_id": "b", "content": "2" },
        { "role": "user", "content": [image] },
        { "role": "user", "content": "and?" }]))
    );
}

#[test]
fn thinking_is_asked_for_in_each_vendors_words() {
    let asked = |provider: &str, body: Value| {
        let mut request = json!({ "messages": [] });
        request.as_object_mut().expect("object").extend(body.as_object().expect("object").clone());
        sent(request, provider).0
    };
    let high = json!({ "reasoning_effort": "high" });
    assert_eq!(asked("openai", high.clone()).get("reasoning_effort"), Some(&json!("high")));
    assert_eq!(asked("deepseek", high.clone()).get("thinking"), Some(&json!({ "type": "enabled" })));
    assert_eq!(asked("openrouter", high).get("reasoning"), Some(&json!({ "effort": "high" })));
    let budget = json!({ "thinking": { "type": "enabled", "budget_tokens": 4000 } });
    assert_eq!(asked("openai", budget.clone()).get("reasoning_effort"), Some(&json!("medium")));
    assert_eq!(asked("openrouter", budget).get("reasoning"), Some(&json!({ "max_tokens": 4000 })));
    let off = json!({ "thinking": { "type": "disabled" } });
    assert_eq!(asked("deepseek", off).get("thinking"), Some(&json!({ "type": "disabled" })));
}
