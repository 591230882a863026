//! What is seen in clients' own requests, whatever their dialect, and in a session's steps.
use super::look;
use crate::upstream::payload::{Asked, Payload};
use bytes::Bytes;
use http::HeaderMap;
use magic_dialects::openai::request::head;
use magic_dialects::operation::Operation;
use magic_routing::{Facts, Needs};
use magic_types::chat::{CompletionRequest, Message, Role, ToolDefinition, ToolHints};
use serde_json::{Value, json};

fn facts(operation: Operation, request: &Value) -> Facts {
    let (body, headers) = (Bytes::from(request.to_string()), HeaderMap::new());
    let head = head(&body).expect("a sound head");
    look(&Payload::Json(Box::new(Asked::new(operation, &head, &body, &headers))))
}

const ALL: Needs = Needs { tools: true, vision: true, json_schema: true };

#[test]
fn needs_are_seen_in_every_dialect() {
    let schema = json!({ "type": "object", "properties": {} });
    let format = json!({ "name": "answer", "schema": schema });
    let chat = facts(
        Operation::ChatCompletions,
        &json!({
            "model": "m", "max_completion_tokens": 77,
            "tools": [{ "type": "function", "function": { "name": "f", "parameters": schema } }],
            "response_format": { "type": "json_schema", "json_schema": format },
            "messages": [{ "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": "https://x/y.png" } },
            ] }],
        }),
    );
    assert_eq!((chat.needs, chat.output_tokens_max, chat.score), (ALL, Some(77), 200));
    assert!((1000..1100).contains(&chat.input_tokens), "{chat:?}");
    let responses = facts(
        Operation::Responses,
        &json!({
            "model": "m", "max_output_tokens": 77, "tools": [{ "type": "function", "name": "f", "parameters": schema }],
            "text": { "format": { "type": "json_schema", "name": "answer", "schema": schema } },
            "input": [{ "role": "user", "content": [
                { "type": "input_text", "text": "What is this?" },
                { "type": "input_image", "image_url": "https://x/y.png" },
            ] }],
        }),
    );
    assert_eq!((responses.needs, responses.output_tokens_max, responses.score), (ALL, Some(77), 200));
    let messages = facts(
        Operation::Messages,
        &json!({
            "model": "m", "max_tokens": 77, "tools": [{ "name": "f", "input_schema": schema }],
            "messages": [{ "role": "user", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image", "source": { "type": "url", "url": "https://x/y.png" } },
            ] }],
        }),
    );
    let expected = Needs { json_schema: false, ..ALL };
    assert_eq!((messages.needs, messages.output_tokens_max, messages.score), (expected, Some(77), 150));
}

#[test]
fn what_the_operator_and_the_model_say_scores_nothing() {
    let ask = |role: &str| {
        let messages = json!([{ "role": role, "content": "Explain the theorem, step by step" }, { "role": "user", "content": "Hi" }]);
        facts(Operation::ChatCompletions, &json!({ "model": "m", "messages": messages })).score
    };
    assert_eq!((ask("system"), ask("assistant"), ask("user")), (0, 0, 15), "a second turn");
}

#[test]
fn a_step_of_a_session_is_seen_like_any_request() {
    let tool = ToolDefinition {
        name: "f".to_owned(),
        description: String::new(),
        parameters_json_schema: "{}".to_owned(),
        output_json_schema: None,
        hints: ToolHints::default(),
    };
    let step = CompletionRequest {
        messages: vec![Message::text(Role::User, "Prove the theorem")],
        tools: vec![tool],
        max_output_tokens: Some(5),
        ..CompletionRequest::default()
    };
    let facts = look(&Payload::Step(&step));
    assert_eq!((facts.needs.tools, facts.output_tokens_max, facts.score), (true, Some(5), 300));
}

#[test]
fn what_is_no_conversation_or_cannot_be_read_has_a_size_and_no_needs() {
    let embeddings = facts(Operation::Embeddings, &json!({ "model": "m", "input": "x".repeat(400) }));
    assert!((100..120).contains(&embeddings.input_tokens), "{embeddings:?}");
    let odd = facts(Operation::ChatCompletions, &json!({ "model": "m", "messages": 7 }));
    assert_eq!((odd.needs, odd.score), (Needs::default(), 0));
}
