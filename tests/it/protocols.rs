//! The protocols by which a model says which tool it wants, as the vendor sees them; tags are everywhere else.
use crate::stage::{ANSWERS, react_folder};
use magic_tests::{Completion, Gateway, Provider, Script, said};
use serde_json::{Value, json};

async fn react_by(protocol: &str) -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let folder = react_folder(&provider, "", "");
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    folder.write("proxy_config.yaml", yaml.replace("tool_protocol: tags", &["tool_protocol: ", protocol].concat()));
    (provider, Gateway::start(folder).await)
}

async fn answered(gateway: &Gateway) -> Completion {
    let question = json!({ "model": "thinker", "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "What is 17 * 23?" }] });
    let reply = gateway.chat(&question).await;
    assert_eq!(reply.status, 200);
    Completion::of_stream(&reply.text().await)
}

/// A vendor's stream with one delta a frame.
fn deltas(deltas: &[Value], finish: &str) -> Script {
    let frame = |delta: &Value, finish: Option<&str>| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        format!("data: {}\n\n", json!({ "choices": [choice] }))
    };
    let mut frames: Vec<String> = deltas.iter().map(|delta| frame(delta, None)).collect();
    frames.push(frame(&json!({}), Some(finish)));
    frames.push("data: [DONE]\n\n".to_owned());
    Script::sse(frames)
}

fn call(arguments: &str) -> Value {
    json!({ "tool_calls": [{ "index": 0, "id": "call_vendor", "type": "function",
        "function": { "name": "calculator", "arguments": arguments } }] })
}

#[tokio::test]
async fn native_calls_and_their_results_keep_the_vendors_form_with_the_reasoning_that_led_to_them() {
    let (provider, gateway) = react_by("native").await;
    let thought = json!({ "reasoning_content": "I must multiply." });
    provider.once(deltas(&[thought, call("{\"expression\": \"17 * 23\"}")], "tool_calls")).once(said("It is 391."));

    let found = answered(&gateway).await;

    assert_eq!(found.content, "It is 391.");
    assert!(found.reasoning.contains("I must multiply.") && found.reasoning.contains("391"), "{found:?}");
    let (first, second) = (provider.call(0).await.json(), provider.call(1).await.json());
    assert_eq!(first["tools"][0]["function"]["name"], "calculator");
    assert!(first.get("stop").is_none() && first.get("tool_choice").is_none(), "{first}");
    let system = first["messages"][0]["content"].as_str().unwrap();
    assert!(!system.contains("<ACTION>") && !system.contains("<TOOLS>"), "{system}");
    let turns = second["messages"].as_array().unwrap();
    let [.., asked, result] = turns.as_slice() else { panic!("{turns:?}") };
    assert_eq!(asked["reasoning_content"], "I must multiply.");
    assert_eq!(asked["tool_calls"][0]["function"]["arguments"], "{\"expression\": \"17 * 23\"}");
    assert_eq!((&result["role"], &result["content"]), (&json!("tool"), &json!("391")));
    assert_eq!(result["tool_call_id"], asked["tool_calls"][0]["id"]);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn native_tools_are_switched_off_for_the_forced_answer() {
    let (provider, gateway) = react_by("native, max_steps: 1").await;
    provider.once(deltas(&[call("{\"expression\": \"17 * 23\"}")], "tool_calls")).once(said("So far: 391."));

    let found = answered(&gateway).await;

    assert_eq!((found.content.as_str(), found.finish_reason.as_deref()), ("So far: 391.", Some("length")));
    assert_eq!(provider.call(1).await.json()["tool_choice"], "none");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn under_json_schema_the_thinking_is_free_and_the_call_is_asked_for_apart() {
    let (provider, gateway) = react_by("json_schema").await;
    provider
        .once(said("<THOUGHT>I must multiply 17 by 23.</THOUGHT>"))
        .once(said("{\"next\": {\"action\": \"calculator\", \"arguments\": {\"expression\": \"17 * 23\"}}}"))
        .once(said(ANSWERS));

    let found = answered(&gateway).await;

    assert_eq!(found.content, "17 * 23 = 391.");
    assert!(!found.reasoning.contains("next"), "{found:?}");
    assert_eq!(provider.calls().len(), 3);
    let asked = |number: usize| provider.calls()[number].json();
    assert!(asked(0).get("response_format").is_none() && asked(2).get("response_format").is_none());
    let format = &asked(1)["response_format"];
    assert_eq!(format["type"], "json_schema");
    let branches = &format["json_schema"]["schema"]["properties"]["next"]["anyOf"];
    assert_eq!(branches[0]["properties"]["action"]["enum"], json!(["calculator"]));
    let (role, heard) = provider.call(2).await.messages().pop().unwrap();
    assert_eq!((role.as_str(), heard.as_str()), ("user", "<OBSERVATION>391</OBSERVATION>"));
    gateway.finish(&[&provider]).await;
}
