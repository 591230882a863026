//! The loop in two phases: free thinking, then the next step under a schema.
use super::*;

fn program() -> Program {
    Program { protocol: Protocol::JsonSchema, ..super::program() }
}

const DECIDED: &str = "<THOUGHT>I should add 2 and 2 with the calculator.</THOUGHT>";
const STATED: &str = r#"{"next": {"action": "calculator", "arguments": {"expression": "2+2"}}}"#;

#[test]
fn the_thinking_is_free_and_the_action_is_asked_for_under_a_schema() {
    let mut script = Script::new(program(), question());
    let request = &script.last_ask().request;
    assert!(request.response_json_schema.is_none() && request.stop.len() == 3 && request.tools.is_empty());
    assert!(!script.system().contains("\"tool_name\"") && script.system().contains("- calculator: "));
    script.forget();
    script.says(DECIDED);
    script.check("thought: I should add 2 and 2 with the calculator.\nstep 2\nask 2");
    let request = &script.last_ask().request;
    let schema = request.response_json_schema.as_deref().expect("a schema");
    assert!(schema.contains(r#""enum":["calculator"]"#) && schema.contains("final_answer"));
    assert!(request.stop.is_empty() && !script.last_ask().stream_to_me);
    let conversation = script.conversation();
    assert!(conversation.contains(&["Assistant: ", DECIDED, "\nUser: State the next step"].concat()), "{conversation}");
    script.says_at_once(STATED);
    script.check("call call_1 calculator {\"expression\": \"2+2\"}\nrun call_1");
    script.result("call_1", "4");
    let action = r#"<ACTION>{"tool_name": "calculator", "arguments": {"expression": "2+2"}}</ACTION>"#;
    let expected = ["User: What is 2+2?\nAssistant: ", DECIDED, "\n", action, "\nUser: <OBSERVATION>4</OBSERVATION>"];
    assert_eq!(script.conversation(), expected.concat(), "the question leaves no trace");
}

#[test]
fn an_answer_is_never_constrained_and_needs_no_second_phase() {
    let mut script = Script::new(program(), question());
    script.forget();
    script.says("<THOUGHT>Easy.</THOUGHT><FINAL_ANSWER>4</FINAL_ANSWER>");
    script.check("thought: Easy.\nanswer: 4\nend Stop: 4\nEND Answered");
}

#[test]
fn an_answer_that_was_only_thought_of_is_stated() {
    let mut script = Script::new(program(), question());
    script.says("It must be 4.");
    script.forget();
    script.says_at_once(r#"{"next": {"final_answer": "4"}}"#);
    script.check("answer: 4\nend Stop: 4\nEND Answered");
}

#[test]
fn a_usable_action_needs_no_second_phase_and_an_empty_one_is_a_pause() {
    let mut script = Script::new(program(), question());
    script.forget();
    script.says("<THOUGHT>First.</THOUGHT><ACTION></ACTION>");
    script.check("thought: First.\nstep 2\nask 2");
    assert!(script.last_ask().request.response_json_schema.is_none());
    script.says(ADD);
    script.check("thought: \\nI add.\ncall call_1 calculator {\"expression\": \"2+2\"}\nrun call_1");
}

#[test]
fn what_was_only_thought_natively_is_what_the_question_is_about() {
    let mut script = Script::new(program(), question());
    script.completes(completion(vec![Part::Reasoning("I add.".to_owned())]));
    assert!(script.conversation().contains("\nAssistant: <THOUGHT>I add.</THOUGHT>\nUser: State"));
    script.says_at_once(STATED);
    script.result("call_1", "4");
    assert!(script.conversation().ends_with("</ACTION>\nUser: <OBSERVATION>4</OBSERVATION>"));
}

#[test]
fn a_backend_that_ignores_the_schema_is_read_or_shown_its_error() {
    let mut script = Script::new(program(), question());
    script.says(DECIDED);
    script.forget();
    script.says_at_once(&["I call ", ADD.split_once("<ACTION>").unwrap().1].concat());
    script.check("call call_1 calculator {\"expression\": \"2+2\"}\nrun call_1");
    script.result("call_1", "4");
    script.says(DECIDED);
    script.forget();
    script.says_at_once("The calculator, please.");
    script.check(
        "observation: Error: Your action is not valid JSON: expected value at line 1 column 1. Write one object: \
         {\"tool_name\": \"...\", \"arguments\": {...}}, and nothing else.
         step 5
         ask 5",
    );
    assert!(script.last_ask().request.response_json_schema.is_none());
}

#[test]
fn at_the_limit_and_without_tools_nothing_is_asked_aside() {
    let mut limited = Script::new(program(), super::limited(1));
    limited.says(DECIDED);
    assert!(limited.conversation().contains("Give your final answer now"));
    assert!(limited.last_ask().request.response_json_schema.is_none());
    let mut alone = Script::new(program(), SessionContext { tools: Vec::new(), ..question() });
    alone.says(DECIDED);
    assert!(alone.last_ask().request.response_json_schema.is_none());
    assert!(alone.conversation().contains("\nUser: Go on"));
}
