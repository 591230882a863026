//! The public form of every event.
use super::SessionEvent;
use crate::budget::{Limit, Spent};
use magic_types::Usage;
use magic_types::chat::{FinishReason, ToolCall};

fn check(event: &SessionEvent, name: &str, payload: &str) {
    assert_eq!(event.name(), name);
    let expected: serde_json::Value = serde_json::from_str(payload).unwrap();
    assert_eq!(event.payload(), expected);
}

#[test]
fn every_event_has_its_public_name_and_payload() {
    let text = || "a\nb".to_owned();
    check(
        &SessionEvent::SessionCreated {
            session_id: "s".into(),
            alias: "deep".into(),
            pattern: "basic_react".to_owned(),
            digest: None,
        },
        "SessionCreated",
        r#"{"session_id":"s","alias":"deep","pattern":"basic_react","digest":null}"#,
    );
    check(&SessionEvent::StepStarted { step: 2 }, "StepStarted", r#"{"step":2}"#);
    check(&SessionEvent::AgentThoughtStream { text: text() }, "AgentThoughtStream", r#"{"text":"a\nb"}"#);
    check(&SessionEvent::Observation { text: text() }, "Observation", r#"{"text":"a\nb"}"#);
    check(&SessionEvent::FinalAnswerStream { text: text() }, "FinalAnswerStream", r#"{"text":"a\nb"}"#);
    let call = |arguments: &str| SessionEvent::AgentToolCallStart {
        call_id: "c".to_owned(),
        tool_name: "t".to_owned(),
        arguments: arguments.to_owned(),
    };
    check(&call("{\"x\":1}"), "AgentToolCallStart", r#"{"call_id":"c","tool_name":"t","arguments":{"x":1}}"#);
    check(&call("{x"), "AgentToolCallStart", r#"{"call_id":"c","tool_name":"t","arguments":"{x"}"#);
    check(
        &SessionEvent::AgentToolCallEnd { call_id: "c".to_owned(), ok: false, output: "no".to_owned() },
        "AgentToolCallEnd",
        r#"{"call_id":"c","ok":false,"output":"no"}"#,
    );
    check(
        &SessionEvent::Progress { kind: "k".to_owned(), payload: "[1]".to_owned() },
        "Progress",
        r#"{"kind":"k","payload":[1]}"#,
    );
    check(
        &SessionEvent::SessionFailed { code: "c".to_owned(), message: "m".to_owned() },
        "SessionFailed",
        r#"{"code":"c","message":"m"}"#,
    );
    check(&SessionEvent::SessionCancelled, "SessionCancelled", "{}");
}

#[test]
fn usage_is_told_in_openais_words() {
    let usage = Usage { input_tokens: 3, output_tokens: 4, cached_input_tokens: 1, ..Usage::default() };
    let told = r#"{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"cached_tokens":1,"reasoning_tokens":0,
        "cost_micros":null}"#;
    let call = SessionEvent::LlmCall {
        profile: "p".to_owned(),
        key_id: Some(magic_types::KeyId::new("openai#1")),
        attempts: 2,
        usage,
        ms: 5,
    };
    let expected = format!(r#"{{"profile":"p","key_id":"openai#1","attempts":2,"usage":{told},"ms":5}}"#);
    check(&call, "LlmCall", &expected);
    let end = SessionEvent::FinalAnswerStreamEnd {
        answer: "4".to_owned(),
        usage,
        finish_reason: FinishReason::ToolCalls,
        tool_calls: vec![ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments_json: "{}".to_owned() }],
        spent: Spent { steps: 1, llm_calls: 2, tool_calls: 3 },
        limit: Some(Limit::Steps),
    };
    let expected = format!(
        r#"{{"answer":"4","usage":{told},"finish_reason":"tool_calls","tool_calls":
            [{{"id":"c","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}],"steps":1,"model_calls":2,"tool_calls_made":3,"limit":"steps"}}"#
    );
    check(&end, "FinalAnswerStreamEnd", &expected);
    assert!(end.is_end() && !call.is_end());
}
