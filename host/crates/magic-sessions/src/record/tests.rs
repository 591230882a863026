//! What is written is read back as it was; and the texts of every format ever written are.
use super::{FORMAT, read_event, read_input, read_spec, write_event, write_input, write_spec};
use crate::budget::{Limit, Spent};
use crate::contract::{session, spec, thought};
use crate::declarative::{Generation, Program};
use crate::event::SessionEvent;
use crate::prompt::{Block, Policy, Protocol};
use crate::script::{completion, question, usage};
use crate::session::{CallReport, Input};
use crate::spec::{Guide, Spec};
use magic_types::chat::{
    Extra, FinishReason, LlmError, Media, Message, Part, Role, ToolCall, ToolError, ToolOutput, ToolResult,
};
use magic_types::directive::{AgentCard, Delta};

fn call() -> ToolCall {
    ToolCall { id: "c".to_owned(), name: "t".to_owned(), arguments_json: "{\"x\": \"é\"}".to_owned() }
}

fn every_part() -> Vec<Part> {
    let structured = Some("[1]".to_owned());
    vec![
        Part::Text("a\n\u{1F600}".to_owned()),
        Part::Media(Media { mime: "image/png".to_owned(), url: "data:,".to_owned() }),
        Part::Reasoning("hm".to_owned()),
        Part::ToolCall(call()),
        Part::ToolResult(ToolResult {
            call_id: "c".to_owned(),
            outcome: Ok(ToolOutput { text: "4".to_owned(), structured }),
        }),
    ]
}

fn every_event() -> Vec<SessionEvent> {
    let text = || "x".to_owned();
    vec![
        session("s").into(),
        SessionEvent::StepStarted { step: 2 },
        thought("t"),
        SessionEvent::AgentToolCallStart { call_id: text(), tool_name: text(), arguments: text() },
        SessionEvent::AgentToolCallEnd { call_id: text(), ok: true, output: text() },
        SessionEvent::Observation { text: text() },
        SessionEvent::LlmCall {
            profile: text(),
            key_id: Some("openai#1".into()),
            attempts: 2,
            usage: magic_types::Usage { cost_micros: Some(3), ..usage(1, 2) },
            ms: 9,
        },
        SessionEvent::Progress { kind: text(), payload: "{}".to_owned() },
        SessionEvent::FinalAnswerStream { text: text() },
        SessionEvent::FinalAnswerStreamEnd {
            answer: text(),
            usage: usage(1, 2),
            finish_reason: FinishReason::Length,
            tool_calls: vec![call()],
            spent: Spent { steps: 1, llm_calls: 2, tool_calls: 3 },
            limit: Some(Limit::Cost),
        },
        SessionEvent::SessionFailed { code: text(), message: text() },
        SessionEvent::SessionCancelled,
    ]
}

fn every_input() -> Vec<Input> {
    let message = Message { role: Role::Assistant, parts: every_part() };
    let report = CallReport { profile: "p".to_owned(), key_id: Some("k".into()), attempts: 1, ms: 5 };
    let text = || "x".to_owned();
    let asked = |outcome| Input::Asked { ref_id: 1, outcome, report: report.clone() };
    let tool = |error| Input::ToolDone(ToolResult { call_id: "c".to_owned(), outcome: Err(error) });
    let mut inputs = vec![
        Input::Start,
        Input::Delta { ref_id: 1, delta: Delta::Text(text()) },
        Input::Delta { ref_id: 1, delta: Delta::Reasoning(text()) },
        asked(Ok(completion(every_part()))),
        Input::Delegated {
            ref_id: 4,
            outcome: Ok(completion(every_part())),
            usage: usage(3, 4),
            spent: Spent { steps: 1, ..Spent::default() },
        },
        Input::Approval { call_id: "c".to_owned(), approved: true, comment: Some(text()) },
        Input::TimerFired(3),
        Input::Said(message),
        Input::DeadlineReached,
        Input::Restarted(2),
        Input::Cancel,
    ];
    inputs.extend(
        [
            LlmError::Unavailable(text()),
            LlmError::RateLimited(Some(3)),
            LlmError::RateLimited(None),
            LlmError::ContextTooLong,
            LlmError::Refused(text()),
            LlmError::BudgetExceeded(text()),
            LlmError::InvalidRequest(text()),
            LlmError::Cancelled,
            LlmError::TimedOut,
        ]
        .map(|error| asked(Err(error))),
    );
    inputs.extend(
        [
            ToolError::NotFound,
            ToolError::InvalidArguments(text()),
            ToolError::Denied(text()),
            ToolError::Failed(text()),
            ToolError::Busy(250),
            ToolError::TimedOut,
            ToolError::OutcomeUnknown,
        ]
        .map(tool),
    );
    inputs
}

fn every_spec() -> Vec<Spec> {
    let generation = Generation { temperature: Some(0.7), top_p: None, max_output_tokens: Some(9) };
    let mut context = question();
    context.messages.push(Message { role: Role::Tool, parts: every_part() });
    context.agents.push(AgentCard { name: "a".to_owned(), description: "b".to_owned() });
    context.seed = u64::MAX;
    context.limits.total_tokens_max = Some(5);
    context.extra.push(Extra { key: "k".to_owned(), value: "1".to_owned() });
    let program = Program {
        structure: vec![Block { tag: "PLAN".to_owned(), content: "x".to_owned() }],
        protocol: Protocol::Grammar,
        policy: Policy {
            server_instruction: Some("s".to_owned()),
            server_manifests: vec!["m".to_owned()],
            client_instruction: None,
            client_manifests: vec!["c".to_owned()],
        },
        generation,
        client_tools: context.tools.clone(),
        tool_required: true,
    };
    let guides = [
        Guide::Loop(Box::new(program)),
        Guide::Component { preamble: Some("p".to_owned()), generation },
        Guide::Component { preamble: None, generation: Generation::default() },
    ];
    let base = spec();
    guides.into_iter().map(|guide| Spec { context: context.clone(), guide, ..base.as_ref().clone() }).collect()
}

#[test]
fn what_is_written_is_read_back() {
    for event in every_event() {
        assert_eq!(read_event(FORMAT, &write_event(&event)), Ok(event));
    }
    for (input, decided) in every_input().into_iter().zip([0, 1, u64::MAX].into_iter().cycle()) {
        assert_eq!(read_input(FORMAT, &write_input(&input, decided)), Ok((input, decided)));
    }
    for spec in every_spec() {
        assert_eq!(read_spec(FORMAT, &write_spec(&spec)), Ok(spec));
    }
}

#[test]
fn a_later_format_and_a_broken_text_are_told_apart_and_not_guessed() {
    let text = write_event(&thought("x"));
    for (format, text, expected) in [
        (FORMAT + 1, text.as_str(), "it has format 2, and this version reads up to 1"),
        (0, text.as_str(), "it has format 0, and this version reads up to 1"),
        (FORMAT, "{", "EOF while parsing an object at line 1 column 1"),
        (FORMAT, "{}", "the event `` is not known to this version"),
        (FORMAT, r#"{"event": "Dance"}"#, "the event `Dance` is not known to this version"),
        (FORMAT, r#"{"event": "StepStarted", "step": "one"}"#, "`step` is not a whole number"),
    ] {
        let error = read_event(format, text).unwrap_err().to_string();
        assert_eq!(error, format!("the record cannot be read: {expected}"));
    }
}

#[test]
fn bytes_of_any_kind_are_an_error_at_worst() {
    let texts: Vec<String> = every_input().iter().map(|input| write_input(input, 7)).collect();
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let text = &texts[usize::try_from(seed >> 33).unwrap() % texts.len()];
        let mut bytes = text.clone().into_bytes();
        let at = usize::try_from(seed >> 17).unwrap() % bytes.len();
        bytes[at] = u8::try_from(seed & 0x7f).unwrap();
        let _no_panic = read_input(FORMAT, &String::from_utf8_lossy(&bytes));
    }
}
