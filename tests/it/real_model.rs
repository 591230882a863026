//! The main job with a real model: 135 million parameters on this machine, which `cargo xtask test` starts.
use crate::stage::sample;
use magic_tests::{Completion, Gateway};
use serde_json::{Value, json};
use std::time::Duration;

/// For the next byte, on a machine that does other things as well.
const SLOW: Duration = Duration::from_secs(300);

async fn stream(gateway: &Gateway, request: &Value) -> Completion {
    let connection = gateway.connect().await.patience(SLOW);
    let reply = connection.request("POST", "/v1/chat/completions", &[], request.to_string().as_bytes()).await;
    assert_eq!(reply.status, 200);
    Completion::of_stream(&reply.text().await)
}

#[tokio::test]
async fn a_plain_alias_streams_a_real_models_words() {
    let gateway = sample().await;
    let request = json!({ "model": "local", "stream": true, "max_tokens": 32,
        "messages": [{ "role": "user", "content": "Name three colours." }] });

    let found = stream(&gateway, &request).await;

    assert!(found.content.chars().any(char::is_alphabetic), "{found:?}");
    assert!(found.pieces > 1, "in more than one piece: {found:?}");
    assert!(found.done && found.error.is_null(), "{found:?}");
    assert!(matches!(found.finish_reason.as_deref(), Some("stop" | "length")), "{found:?}");
    gateway.finish(&[]).await;
}

#[tokio::test]
async fn a_reasoning_alias_thinks_calls_the_calculator_and_answers_with_its_result() {
    let gateway = sample().await;
    let order = json!({ "model_alias": "local-react", "user_query": "What is 17 * 23?", "session_id": "real" });

    let connection = gateway.connect().await.patience(SLOW);
    let reply = connection.request("POST", "/v1/react/sessions", &[], order.to_string().as_bytes()).await;
    let events = magic_tests::Events::new(reply).await.rest().await;

    let of =
        |name: &str| events.iter().filter(|event| event.name == name).map(|event| &event.payload).collect::<Vec<_>>();
    let thought: String = of("AgentThoughtStream").iter().filter_map(|payload| payload["text"].as_str()).collect();
    assert!(thought.chars().any(char::is_alphabetic), "a thought: {events:?}");
    assert!(of("AgentToolCallStart").iter().any(|call| call["tool_name"] == "calculator"), "{events:?}");
    let results = of("AgentToolCallEnd");
    assert!(results.iter().any(|result| result["ok"] == true && result["output"] == "391"), "{results:?}");
    let [end] = of("FinalAnswerStreamEnd")[..] else { panic!("one end: {events:?}") };
    assert!(end["answer"].as_str().unwrap().contains("391"), "{end}");
    assert!(end["usage"]["total_tokens"].as_u64().unwrap() > 0, "{end}");
    gateway.finish(&[]).await;
}

#[tokio::test]
async fn the_same_through_chat_completions_streams_the_thinking_and_then_the_answer() {
    let gateway = sample().await;
    let request = json!({ "model": "local-react", "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "What is 17 * 23?" }] });

    let found = stream(&gateway, &request).await;

    assert!(found.reasoning.contains("calculator") && found.reasoning.contains("391"), "{found:?}");
    assert!(found.content.contains("391"), "{found:?}");
    assert!(found.pieces > 2 && found.done && found.error.is_null(), "{found:?}");
    assert!(found.usage["total_tokens"].as_u64().unwrap() > 0, "{found:?}");
    gateway.finish(&[]).await;
}
