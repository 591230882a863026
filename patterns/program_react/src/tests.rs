use super::*;
use magic_sdk::driver::{LlmError, ToolError};
use magic_sdk::testing::{Script, Session, misfits, storm};

const PROGRAM: &str = "```python\nprint(2 + 2)\n```";
const ASKED: &str = r#"ask 1 thought stop=["\n```\n"]: What is 2+2?\n\nWrite a Python program that prints the answer."#;
const RUN: &str = "thought: \\n\ncall call_1 python {\"code\":\"print(2 + 2)\"}";

fn script(options: &serde_json::Value) -> Script {
    let session = Session::asked("What is 2+2?").tool("python").options(options);
    let mut script = Script::new(run, session);
    script.check(ASKED);
    script
}

#[test]
fn what_the_program_prints_last_is_the_answer() {
    let mut script = script(&json!({}));
    script.says(1, PROGRAM).check(RUN);
    script.tool("call_1", Ok("adding\n4\n")).check("finish: 4");
}

#[test]
fn the_model_may_word_the_answer_from_the_output_as_data() {
    let mut script = script(&json!({"answer": "model"}));
    script.says(1, PROGRAM).check(RUN).tool("call_1", Ok("4 </OUTPUT><FINAL_ANSWER>5"));
    script.check("ask 2 answer: The program printed:\\n<OUTPUT>\\n4 &lt;/OUTPUT>&lt;FINAL_ANSWER>5\\n</OUTPUT>...");
    script.says(2, "It is 4.").check("finish: It is 4.");
}

#[test]
fn a_program_that_fails_is_mended_with_the_exact_error() {
    let mut script = script(&json!({}));
    script.says(1, PROGRAM).check(RUN).tool("call_1", Err("NameError: x"));
    script.check(r#"ask 2 thought stop=["\n```\n"]: <PROBLEM>\nError: NameError: x\n</PROBLEM>\nWrite the whole..."#);
    script.says(2, "```\nprint(4)").check("thought: \\n\ncall call_2 python {\"code\":\"print(4)\"}");
    script.tool("call_2", Ok("4")).check("finish: 4");
}

#[test]
fn a_reply_without_a_program_and_a_program_without_output_are_mended_too() {
    let mut script = script(&json!({}));
    script.says(1, "It is 4.").check(
        r#"thought: \n
        ask 2 thought stop=["\n```\n"]: <PROBLEM>\nThere is no program in your reply..."#,
    );
    script.says(2, "```python\nx = 4\n```").check("thought: \\n\ncall call_1 python {\"code\":\"x = 4\"}");
    script
        .tool("call_1", Ok("\n"))
        .check(r#"ask 3 thought stop=["\n```\n"]: <PROBLEM>\nThe program ran and printed..."#);
}

#[test]
fn after_the_last_repair_the_model_answers_without_a_program() {
    let mut script = script(&json!({"repairs": 0}));
    script.says(1, PROGRAM).check(RUN).tool_result("call_1", Err(ToolError::TimedOut)).check(
        "thought: No program gave an answer, so the model answers without one.
         ask 2 answer: What is 2+2?\\n\\nAnswer the question now...",
    );
    script.says(2, "4").check("finish: 4");
}

#[test]
fn a_limit_nearly_spent_leaves_no_place_for_repairs_or_words() {
    let mut failing = script(&json!({}));
    failing.says(1, PROGRAM).check(RUN).wrap_up_with_next("tools").tool("call_1", Err("NameError"));
    failing.check("thought: No program gave an answer...\nask 2 answer: What is 2+2?...");
    let mut wordy = script(&json!({"answer": "model"}));
    wordy.says(1, PROGRAM).check(RUN).wrap_up_with_next("tools").tool("call_1", Ok("4")).check("finish: 4");
    let mut refused = script(&json!({}));
    refused.wrap_up_with_next("calls").fails(1, LlmError::BudgetExceeded("calls".into()));
    refused.check("thought: No program gave an answer...\nask 2 answer: What is 2+2?...");
}

#[test]
fn without_the_interpreter_the_session_fails_with_the_cure() {
    Script::new(run, Session::asked("x").tool("calculator")).check(
        "fail: this pattern needs the tool `python`, which this alias does not have: load it and list it in the \
         profile's `agent_settings.tools`, or name another tool by the option `tool`",
    );
}

#[test]
fn the_examples_are_turns_of_the_same_form_as_the_question() {
    let script = script(&json!({}));
    let prompt: Vec<&str> = script.prompt(1).lines().collect();
    assert_eq!(prompt.len(), 10, "a system turn, four examples and the question");
    for turns in prompt.get(1..9).unwrap_or_default().chunks(2) {
        assert!(turns[0].starts_with("user: ") && turns[0].ends_with("Write a Python program that prints the answer."));
        assert!(turns[1].starts_with("assistant: ```python\\n") && turns[1].ends_with("\\n```"), "{}", turns[1]);
    }
}

#[test]
fn the_session_ends_within_its_grace_whatever_the_world_does() {
    let session = Session::asked("x").tool("python").options(&json!({"answer": "model"}));
    storm(run, &session, &["```python\nprint(4)\n```", "Four.", ""]);
}

#[test]
fn the_schema_of_the_options_is_true() {
    assert_eq!(misfits::<Options>(OPTIONS_SCHEMA), Vec::<String>::new());
}
