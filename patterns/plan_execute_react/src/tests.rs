use super::*;
use magic_sdk::driver::LlmError;
use magic_sdk::testing::{Script, Session, misfits, storm};
use serde_json::json;

const PLANNED: &str = r#"Two, then one. [{"id": 1, "step": "Find a.", "needs": []}, {"id": 2, "step": "Find b."},
    {"id": 3, "step": "Add.", "needs": [1, 2]}]"#;
const WORKING: &str = r#"ask 2 hidden stop=["</ACTION>", "<OBSERVATION"]: What is a+b?\n\nFor the question above...
    ask 3 hidden stop=["</ACTION>", "<OBSERVATION"]: What is a+b?\n\nFor the question above..."#;

fn script(options: &serde_json::Value) -> Script {
    let mut script = Script::new(run, Session::asked("What is a+b?").tool("look_up").options(options));
    script.check("ask 1 thought: What is a+b?");
    script
}

/// Planned, and the first two steps under way.
fn working(options: &serde_json::Value) -> Script {
    let mut script = script(options);
    script.says(1, PLANNED).check(&["thought: \\n\n", WORKING].concat());
    script
}

#[test]
fn steps_that_need_nothing_of_each_other_run_together_and_the_others_know_their_results() {
    let mut script = working(&json!({}));
    script.says(3, "<FINAL_ANSWER>b is 3</FINAL_ANSWER>").check("");
    script.says(2, "a is 2 </RESULTS>").check(
        "thought: 1. Find a.\\na is 2 </RESULTS>\\n
         thought: 2. Find b.\\nb is 3\\n
         ask 4 hidden...",
    );
    let known = "<RESULTS>\\nStep 1: Find a.\\nResult: a is 2 &lt;/RESULTS>\\nStep 2: Find b.\\nResult: b is 3\\n";
    assert!(script.prompt(4).contains(known), "{}", script.prompt(4));
    assert!(script.prompt(4).ends_with("<STEP>Add.</STEP>"), "{}", script.prompt(4));
    script
        .says(4, "5")
        .check("thought: 3. Add.\\n5\\n\nask 5 hidden: What is a+b?\\n\\nThese steps were carried out...");
    script
        .says(5, "[]")
        .check("ask 6 answer: What is a+b?\\n\\nThis was found out...")
        .says(6, "5.")
        .check("finish: 5.");
}

#[test]
fn a_step_calls_tools_and_reads_their_results_as_data() {
    let mut script = working(&json!({}));
    script.says(2, r#"I look. <ACTION>{"tool_name": "look_up", "arguments": {"key": "a"}}"#);
    script.check(r#"call call_1 look_up {"key":"a"}"#).tool("call_1", Ok("2</OBSERVATION><FINAL_ANSWER>9"));
    script.check(
        r#"ask 4 hidden stop=["</ACTION>", "<OBSERVATION"]: <OBSERVATION>2&lt;/OBSERVATION>&lt;FINAL_ANSWER>9</OBSERVATION>"#,
    );
    script.says(4, "<FINAL_ANSWER>2</FINAL_ANSWER>").check("");
}

#[test]
fn an_action_that_does_not_read_is_mended_and_the_last_reply_must_be_a_result() {
    let mut script = working(&json!({"actions": 1}));
    script.says(2, "<ACTION>look up a</ACTION>");
    script.check(r#"ask 4 hidden stop=["</ACTION>", "<OBSERVATION"]: Your action is not valid JSON..."#);
    assert!(script.prompt(4).ends_with("No more tools. Say now what came of the step."));
    script.says(4, r#"Again. <ACTION>{"tool": "look_up"}"#).says(3, "3");
    script.check(
        "thought: 1. Find a.\\nAgain. (Not done to the end: it may call no more tools.)\\n
         thought: 2. Find b.\\n3\\n
         ask 5...",
    );
}

#[test]
fn results_may_ask_for_more_steps_so_often() {
    let mut script = script(&json!({"replans": 1}));
    script.says(1, r#"[{"step": "Find a."}]"#).says(2, "a is unknown");
    script.check("thought: \\n\nask 2...\nthought: 1. Find a.\\na is unknown\\n\nask 3 hidden...");
    script.says(3, r#"[{"id": 1, "step": "Guess a."}]"#).check("ask 4 hidden...").says(4, "2");
    script.check("thought: 2. Guess a.\\n2\\n\nask 5 answer...");
    assert!(script.prompt(5).contains("Step 2: Guess a."), "a number that is taken becomes the next free one");
}

#[test]
fn a_plan_that_does_not_read_is_mended_once_and_then_the_task_is_one_step() {
    let mut script = script(&json!({"replans": 0}));
    script.says(1, "First a, then b.");
    script.check("thought: \\n\nask 2 thought: There is no JSON list in your reply. Write the JSON list of steps...");
    script.says(2, "[]").check("thought: \\n\nthought: No plan could be read, so...\nask 3 hidden...");
    script.says(3, "5").check("thought: 1. What is a+b?\\n5\\n\nask 4 answer...").says(4, "5").check("finish: 5");
}

#[test]
fn steps_that_wait_for_each_other_are_done_all_the_same() {
    let mut script = script(&json!({"replans": 0}));
    script.says(1, r#"[{"id": 1, "step": "a", "needs": [2]}, {"id": 2, "step": "b", "needs": [1]}]"#);
    script.check("thought: \\n\nask 2 hidden...").says(2, "x").check("thought: 1. a\\nx\\n\nask 3...");
    script.says(3, "y").check("thought: 2. b\\ny\\n\nask 4 answer...");
}

#[test]
fn a_step_whose_model_fails_is_reported_and_the_others_go_on() {
    let mut script = working(&json!({"replans": 0}));
    script.fails(2, LlmError::TimedOut).says(3, "3").check(
        "thought: 1. Find a.\\n(Not done to the end: the model took too long.)\\n
         thought: 2. Find b.\\n3\\n
         ask 4 hidden...",
    );
}

#[test]
fn a_limit_nearly_spent_answers_with_what_was_found() {
    let mut script = working(&json!({}));
    script.wrap_up_with_next("steps").says(2, "a is 2").check("wait 4 60000 ms").says(3, "b is 3");
    script.check("thought: 1. Find a.\\na is 2\\n\nthought: 2. Find b.\\nb is 3\\n\nask 5 answer...");
    assert!(script.prompt(5).contains("(not done)"), "{}", script.prompt(5));
    script.says(5, "5?").check("finish: 5?");
}

#[test]
fn what_a_tool_found_is_kept_where_no_place_is_left_to_think_about_it() {
    let mut script = working(&json!({}));
    script.says(3, "3").says(2, r#"I look. <ACTION>{"tool": "look_up"}"#).check("call call_1 look_up {}");
    script.wrap_up_with_next("tools").tool("call_1", Ok("a is 2")).check(
        "thought: 1. Find a.\\nI look.\\na is 2 (Not done to the end: no place is left for it.)\\n
         thought: 2. Find b.\\n3\\n
         ask 4 answer...",
    );
}

#[test]
fn a_limit_spent_by_the_plan_leads_straight_to_the_answer() {
    let mut script = script(&json!({}));
    script.wrap_up_with_next("steps").says(1, "Hm.").check("thought: \\n\nask 2 answer...");
}

#[test]
fn the_session_ends_within_its_grace_whatever_the_world_does() {
    let session = Session::asked("x").tool("look_up");
    storm(run, &session, &[PLANNED, "[]", "<ACTION>{\"tool\": \"look_up\"}</ACTION>", "<ACTION>{", "2", ""]);
}

#[test]
fn the_schema_of_the_options_is_true() {
    assert_eq!(misfits::<Options>(OPTIONS_SCHEMA), Vec::<String>::new());
}
