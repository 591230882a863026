use super::*;
use crate::bindings::driver::exports::magic::proxy::driver as wit;
use crate::bindings::tool::magic::proxy::types;
use magic_types::Usage;
use magic_types::chat::{Completion, FinishReason, LlmError, Message, Role, ToolError, ToolResult};
use magic_types::directive::{Delta, Event};

fn request() -> types::CompletionRequest {
    types::CompletionRequest {
        model: None,
        messages: Vec::new(),
        tools: Vec::new(),
        temperature: None,
        max_output_tokens: None,
        stop: Vec::new(),
        response_json_schema: None,
        seed: None,
        extra: Vec::new(),
    }
}

fn ask(request: types::CompletionRequest) -> wit::Directive {
    wit::Directive::Ask(wit::Ask { ref_: 3, request, show: wit::Visibility::Hidden, stream_to_me: false })
}

fn extra(key: &str, value: &str) -> types::Extra {
    types::Extra { key: key.to_owned(), value: value.to_owned() }
}

fn said(directive: wit::Directive) -> Result<(String, u64), String> {
    match directives(vec![directive], 10_000) {
        Ok(said) => Ok((format!("{:?}", said.directives), said.fingerprint)),
        Err(Wrong::Broken(text)) => Err(text),
        Err(Wrong::TooLarge(bytes)) => Err(format!("{bytes} bytes")),
    }
}

#[test]
fn every_event_has_its_word() {
    let error = |error| Event::Llm { ref_id: 1, outcome: Err(error) };
    let text = |text: &str| text.to_owned();
    let completion = Completion {
        message: Message { role: Role::Assistant, parts: Vec::new() },
        finish: FinishReason::ToolCalls,
        usage: Usage { input_tokens: 1, cache_write_tokens: 9, cost_micros: Some(5), ..Usage::default() },
        served_by: text("p"),
        extra: Vec::new(),
    };
    let told = [
        Event::Start,
        error(LlmError::Unavailable(text("a"))),
        error(LlmError::RateLimited(Some(3))),
        error(LlmError::ContextTooLong),
        error(LlmError::Refused(text("b"))),
        error(LlmError::BudgetExceeded(text("c"))),
        error(LlmError::InvalidRequest(text("d"))),
        error(LlmError::Cancelled),
        error(LlmError::TimedOut),
        Event::LlmDelta { ref_id: 1, delta: Delta::Text(text("e")) },
        Event::LlmDelta { ref_id: 1, delta: Delta::Reasoning(text("never told")) },
        Event::Tool(ToolResult { call_id: text("f"), outcome: Err(ToolError::TimedOut) }),
        Event::Delegated { ref_id: 2, outcome: Ok(completion) },
        Event::User(Message { role: Role::User, parts: Vec::new() }),
        Event::Timer(4),
        Event::WrapUp(text("g")),
    ];
    let shown: Vec<_> = events(&told).iter().map(|event| format!("{event:?}")).collect();
    let expected = r#"Event::Start
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::Unavailable("a")) })
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::RateLimited(Some(3))) })
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::ContextTooLong) })
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::Refused("b")) })
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::BudgetExceeded("c")) })
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::InvalidRequest("d")) })
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::Cancelled) })
Event::Llm(LlmEvent { ref: 1, outcome: Err(LlmError::TimedOut) })
Event::LlmDelta(LlmDelta { ref: 1, text: "e" })
Event::Tool(ToolResult { call-id: "f", outcome: Err(ToolError::TimedOut) })
Event::Delegated(LlmEvent { ref: 2, outcome: Ok(Completion { message: Message { role: Role::Assistant, parts: [] }, finish: FinishReason::ToolCalls, usage: Usage { input-tokens: 1, output-tokens: 0, cached-input-tokens: 0, reasoning-tokens: 0, cost-micros: Some(5) }, served-by: "p", extra: [] }) })
Event::User(Message { role: Role::User, parts: [] })
Event::Timer(4)
Event::WrapUp("g")"#;
    assert_eq!(shown.join("\n"), expected);
}

#[test]
fn every_directive_has_its_word() {
    let text = |text: &str| text.to_owned();
    let call = types::ToolCall { id: String::new(), name: text("as a model wrote it"), arguments_json: text("{") };
    let message = types::Message { role: types::Role::Assistant, parts: vec![types::Part::Text(text("m"))] };
    let task = wit::Delegate { ref_: 2, agent: text("expert"), messages: vec![message.clone()] };
    for (directive, expected) in [
        (
            wit::Directive::CallTools(vec![call]),
            r#"[CallTools([ToolCall { id: "", name: "as a model wrote it", arguments_json: "{" }])]"#,
        ),
        (
            wit::Directive::Delegate(task),
            r#"[Delegate { ref_id: 2, agent: "expert", messages: [Message { role: Assistant, parts: [Text("m")] }] }]"#,
        ),
        (wit::Directive::Emit(wit::Emit::Thought(text("t"))), r#"[Emit(Thought("t"))]"#),
        (wit::Directive::Emit(wit::Emit::Answer(text("a"))), r#"[Emit(Answer("a"))]"#),
        (
            wit::Directive::Emit(wit::Emit::Progress((text("p"), text("1")))),
            r#"[Emit(Progress { kind: "p", payload: "1" })]"#,
        ),
        (wit::Directive::Wait((1, 2)), "[Wait { ref_id: 1, ms: 2 }]"),
        (wit::Directive::Cancel(1), "[Cancel(1)]"),
        (wit::Directive::Finish(message), r#"[Finish(Message { role: Assistant, parts: [Text("m")] })]"#),
        (wit::Directive::Fail(text("f")), r#"[Fail("f")]"#),
    ] {
        assert_eq!(said(directive).unwrap().0, expected);
    }
    let (shown, _) = said(ask(request())).unwrap();
    assert!(shown.starts_with("[Ask(Ask { ref_id: 3, request: CompletionRequest { model: None, "), "{shown}");
}

#[test]
fn what_the_types_cannot_say_is_checked() {
    for (request, text) in [
        (types::CompletionRequest { temperature: Some(f32::NAN), ..request() }, "`temperature` is not a finite number"),
        (types::CompletionRequest { model: Some(String::new()), ..request() }, "the model has 0 bytes, not 1 to 256"),
        (types::CompletionRequest { extra: vec![extra("top_p", "x")], ..request() }, "`extra` `top_p` is not a number"),
        (
            types::CompletionRequest { extra: vec![extra("top_p", "inf")], ..request() },
            "`top_p` is not a finite number",
        ),
        (
            types::CompletionRequest { extra: vec![extra("a", "{")], ..request() },
            "`a` is not valid JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            types::CompletionRequest { response_json_schema: Some("x".to_owned()), ..request() },
            "`response-json-schema` is not valid JSON: expected value at line 1 column 1",
        ),
    ] {
        assert_eq!(said(ask(request)).unwrap_err(), format!("`ask` 3: {text}"));
    }
    let (shown, _) = said(ask(types::CompletionRequest { extra: vec![extra("top_p", "0.25")], ..request() })).unwrap();
    assert!(shown.contains("top_p: Some(0.25)") && shown.contains("extra: []"), "{shown}");
}

#[test]
fn equal_directives_and_no_others_have_one_fingerprint() {
    let variants = || {
        let message = |parts| types::Message { role: types::Role::User, parts };
        let text = |text: &str| types::Part::Text(text.to_owned());
        [
            request(),
            types::CompletionRequest { temperature: Some(0.0), ..request() },
            types::CompletionRequest { temperature: Some(-0.0), ..request() },
            types::CompletionRequest { seed: Some(0), ..request() },
            types::CompletionRequest { max_output_tokens: Some(0), ..request() },
            types::CompletionRequest { stop: vec!["ab".to_owned(), String::new()], ..request() },
            types::CompletionRequest { stop: vec!["a".to_owned(), "b".to_owned()], ..request() },
            types::CompletionRequest { model: Some("ab".to_owned()), ..request() },
            types::CompletionRequest { extra: vec![extra("a", "1")], ..request() },
            types::CompletionRequest { extra: vec![extra("top_p", "1")], ..request() },
            types::CompletionRequest { messages: vec![message(vec![])], ..request() },
            types::CompletionRequest { messages: vec![message(vec![text("a"), text("b")])], ..request() },
            types::CompletionRequest {
                messages: vec![message(vec![text("a")]), message(vec![text("b")])],
                ..request()
            },
        ]
    };
    let prints = || variants().into_iter().map(|request| said(ask(request)).unwrap().1).collect::<Vec<_>>();
    let (first, mut distinct) = (prints(), prints());
    assert_eq!(first, distinct);
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), first.len());
}

#[test]
fn empty_things_are_not_free() {
    let empty = types::Message { role: types::Role::User, parts: Vec::new() };
    let many = types::CompletionRequest { messages: vec![empty; 1_000], ..request() };
    assert_eq!(said(ask(many)).unwrap_err(), "16016 bytes");
}
