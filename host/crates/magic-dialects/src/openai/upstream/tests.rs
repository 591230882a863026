use super::encode;
use magic_types::chat::{CompletionRequest, Extra, Media, Message, Part, Role, ToolOutput, ToolResult};
use serde_json::{Value, json};

fn encoded(request: &CompletionRequest, defaults: Value) -> Value {
    let Value::Object(defaults) = defaults else { panic!("defaults are an object") };
    serde_json::from_slice(&encode(request, "m", &defaults)).expect("JSON")
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
