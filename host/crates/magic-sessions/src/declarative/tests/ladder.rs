//! Which rung reads which reply: recovery, repair, reasoning of the model's own, and the counts at the end.
use super::*;

/// The payload of the session's one event about it.
fn rungs(script: &Script) -> String {
    let told = script.events.iter().filter_map(|event| match event {
        SessionEvent::Progress { kind, payload } if kind == "ladder" => Some(payload.clone()),
        _ => None,
    });
    told.collect::<Vec<_>>().join(" and ")
}

const CALL: &str = r#"{"tool_name": "calculator", "arguments": {"expression": "2+2"}}"#;

#[test]
fn a_call_in_prose_or_a_fence_is_recovered_and_what_was_invented_behind_it_is_not_kept() {
    for (said, kept) in [
        (CALL.to_owned(), ""),
        (format!("I add: {CALL}\nThe result is 5."), "<THOUGHT>I add:</THOUGHT>\n"),
        (format!("I add.\n```json\n{CALL}\n```\nIt is 5."), "<THOUGHT>I add.</THOUGHT>\n"),
        (format!("<THOUGHT>I add: {CALL}</THOUGHT>It is 5."), "<THOUGHT>I add:</THOUGHT>\n"),
        (format!("<ACTION>I call {CALL}</ACTION>"), "<ACTION>I call "),
    ] {
        let mut script = script();
        script.says(&said);
        script.forget();
        script.result("call_1", "4");
        script.check("result call_1 ok 4\nobservation: 4\nstep 2\nask 2");
        let conversation = script.conversation();
        assert!(conversation.contains(&["?\nAssistant: ", kept].concat()), "{conversation}");
        assert!(!conversation.contains('5') && conversation.matches("calculator").count() == 1, "{conversation}");
        script.says("<FINAL_ANSWER>4");
        assert_eq!(rungs(&script), r#"{"protocol":"tags","rungs":{"extracted":1,"tag":1}}"#);
    }
}

#[test]
fn a_call_in_prose_is_recovered_at_the_last_step_too_and_its_words_are_a_thought() {
    let mut script = Script::new(program(), limited(1));
    script.forget();
    script.says(&format!("I add: {CALL}"));
    script.check("thought: I add:\ncall call_1 calculator {\"expression\": \"2+2\"}\nrun call_1");
}

#[test]
fn an_answer_that_shows_a_call_is_an_answer() {
    let mut script = script();
    script.forget();
    script.says(&format!("<FINAL_ANSWER>Write {CALL}.</FINAL_ANSWER>"));
    script.check(&format!("answer: Write {CALL}.\nend Stop: Write {CALL}.\nEND Answered"));
}

#[test]
fn a_pause_stays_a_pause_whatever_was_thought_of() {
    let mut script = script();
    script.forget();
    script.says(&format!("<THOUGHT>Not {CALL} yet.</THOUGHT><ACTION></ACTION>"));
    script.check(&format!("thought: Not {CALL} yet.\nstep 2\nask 2"));
}

#[test]
fn each_usable_reply_counts_on_one_rung() {
    let mut script = script();
    script.says("<ACTION>{</ACTION>");
    script.says(ADD);
    script.result("call_1", "4");
    script.says("Well.");
    script.says("<THOUGHT>Well.</THOUGHT><ACTION></ACTION>");
    script.says("<FINAL_ANSWER>4");
    assert_eq!(rungs(&script), r#"{"protocol":"tags","rungs":{"repaired":1,"tag":2,"untagged":1}}"#);
}

#[test]
fn a_forced_answer_counts_as_forced() {
    let mut script = Script::new(program(), limited(1));
    script.says("<THOUGHT>Hm.</THOUGHT>");
    script.says("<FINAL_ANSWER>4");
    assert_eq!(rungs(&script), r#"{"protocol":"tags","rungs":{"forced":1,"tag":1}}"#);
}

#[test]
fn each_protocols_own_means_counts_under_its_name() {
    let run = |protocol: Protocol, acts: &dyn Fn(&mut Script)| {
        let mut script = Script::new(Program { protocol, ..program() }, question());
        acts(&mut script);
        let id = script.events.iter().find_map(|event| match event {
            SessionEvent::AgentToolCallStart { call_id, .. } => Some(call_id.clone()),
            _ => None,
        });
        script.result(&id.expect("a call"), "4");
        script.says("<FINAL_ANSWER>4");
        rungs(&script)
    };
    let native = ToolCall { id: "x".to_owned(), name: "clock".to_owned(), arguments_json: String::new() };
    let native = completion(vec![Part::ToolCall(native)]);
    assert_eq!(
        run(Protocol::Native, &|script| script.completes(native.clone())),
        r#"{"protocol":"native","rungs":{"native":1,"tag":1}}"#
    );
    let schema = run(Protocol::JsonSchema, &|script| {
        script.says("<THOUGHT>I need the time.</THOUGHT>");
        script.says_at_once(r#"{"next": {"action": "clock", "arguments": {}}}"#);
    });
    assert_eq!(schema, r#"{"protocol":"json_schema","rungs":{"schema":1,"tag":1}}"#);
    assert_eq!(run(Protocol::Grammar, &|script| script.says(ADD)), r#"{"protocol":"grammar","rungs":{"grammar":2}}"#);
}

#[test]
fn a_session_without_a_usable_reply_tells_nothing() {
    let mut script = script();
    script.fails(LlmError::TimedOut);
    assert_eq!(rungs(&script), "");
}

#[test]
fn a_model_that_thinks_by_itself_is_not_asked_to_write_thoughts_again() {
    let marked = || completion(vec![Part::Text("<think>Hm.</think><ACTION></ACTION>".to_owned())]);
    let apart = || completion(vec![Part::Reasoning("Hm.".to_owned()), Part::Text("<ACTION></ACTION>".to_owned())]);
    for reply in [marked(), apart()] {
        let mut script = script();
        let before = script.system();
        assert!(before.contains("write your reasoning as <THOUGHT>"));
        script.completes(reply);
        let after = script.system();
        assert!(after.contains("You think before you write, so write no <THOUGHT>."));
        assert!(!after.contains("write your reasoning") && after.contains("- <ACTION>{\"tool_name\""));
        script.says("<ACTION></ACTION>");
        assert_eq!(script.system(), after, "it changes once");
    }
}

#[test]
fn reasoning_of_the_models_own_stays_on_its_turn() {
    let mut script = script();
    script.completes(completion(vec![Part::Reasoning("Hm.".to_owned()), Part::Text(ADD.to_owned())]));
    script.result("call_1", "4");
    let turn = script.last_ask().request.messages.iter().rfind(|message| message.role == Role::Assistant).unwrap();
    assert_eq!(turn.parts.first(), Some(&Part::Reasoning("Hm.".to_owned())));
    assert!(turn.plain_text().starts_with("<THOUGHT>I add."));
}

#[test]
fn no_assistants_turn_is_begun_for_the_model() {
    for protocol in [Protocol::Tags, Protocol::Native, Protocol::JsonSchema, Protocol::Grammar] {
        let script = Script::new(Program { protocol, ..program() }, question());
        assert_eq!(script.last_ask().request.messages.last().unwrap().role, Role::User, "{protocol:?}");
    }
}
