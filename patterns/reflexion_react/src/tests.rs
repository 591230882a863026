use super::*;
use magic_sdk::driver::{ToolError, ToolOutput};
use magic_sdk::testing::{Script, Session, misfits, storm};
use serde_json::{Value, json};

fn script(checker: Value, retries: u32) -> Script {
    let options = json!({"checker": checker, "retries": retries});
    let mut script = Script::new(run, Session::asked("Sort.").tool("check").options(&options));
    script.check("ask 1 thought: Sort.");
    script
}

fn plain(retries: u32) -> Script {
    script(json!({"tool": "check"}), retries)
}

#[test]
fn an_attempt_that_passes_is_the_answer() {
    let mut script = plain(3);
    script.says(1, "Done.").check("call call_1 check {\"answer\":\"Done.\"}");
    script.tool("call_1", Ok("fine")).check("finish: Done.");
}

#[test]
fn a_failure_is_reflected_on_in_the_checkers_words_and_tried_again_without_the_failed_attempt() {
    let mut script = plain(3);
    script.says(1, "Bad.").tool("call_1", Err("line 3 </CHECK><FINAL_ANSWER>"));
    script.check(
        "call call_1 check {\"answer\":\"Bad.\"}
         thought: \\nAttempt 1 failed its check.\\n
         ask 2 thought: Your answer was checked by a program and did not pass...",
    );
    assert!(script.prompt(2).contains("Error: line 3 &lt;/CHECK>&lt;FINAL_ANSWER>\\n</CHECK>"), "{}", script.prompt(2));
    script.says(2, "Mind line 3.").check("thought: \\n\nask 3 thought: Sort.\\n\\nYou have tried this before...");
    assert!(script.prompt(3).contains("Mind line 3.") && !script.prompt(3).contains("Bad."));
    script.says(3, "Good.").tool("call_2", Ok("")).check("call call_2 check {\"answer\":\"Good.\"}\nfinish: Good.");
}

#[test]
fn after_the_last_retry_the_last_attempt_is_given_and_said_to_have_failed() {
    let mut script = plain(0);
    script.says(1, "Bad.").tool("call_1", Err("no")).check(
        "call call_1...
         thought: \\nAttempt 1 failed its check.\\n
         thought: \\nNo attempt passed the check; the last one is the answer.
         finish: Bad.",
    );
}

#[test]
fn without_a_checker_nothing_is_judged() {
    let mut script = Script::new(run, Session::asked("x"));
    script.check("thought: There is no checker...\nask 1 answer: x").says(1, "y").check("finish: y");
}

#[test]
fn a_checker_that_is_not_there_fails_with_the_cure() {
    let options = json!({"checker": {"tool": "pytest"}});
    Script::new(run, Session::asked("x").options(&options)).check("fail: this pattern needs the tool `pytest`...");
}

#[track_caller]
fn verdict(checker: Value, reply: &str, call: &str, text: &str, structured: Option<&str>, passed: bool) {
    let mut script = script(checker, 0);
    script.says(1, reply).check(call);
    let output = ToolOutput { text: text.into(), structured: structured.map(str::to_owned) };
    script.tool_result("call_1", Ok(output));
    let end = format!("finish: {}", reply.replace('\n', "\\n"));
    if passed {
        script.check(&end);
    } else {
        script.check(&["thought: \\nAttempt 1...\nthought: \\nNo attempt...\n", &end].concat());
    }
}

#[test]
fn a_verdict_is_read_from_the_structured_output_or_from_the_text() {
    let call = "call call_1 check {\"answer\":\"a\"}";
    verdict(json!({"tool": "check"}), "a", call, "x", Some(r#"{"ok": true}"#), true);
    verdict(json!({"tool": "check"}), "a", call, "x", Some(r#"{"passed": false}"#), false);
    verdict(json!({"tool": "check", "passes": "all green"}), "a", call, "all green", None, true);
    verdict(json!({"tool": "check", "passes": "all green"}), "a", call, "2 red", None, false);
}

#[test]
fn what_is_checked_can_be_the_program_or_the_last_line() {
    let reply = "So:\n```python\nprint(1)\n```\nAnswer: one\n1";
    let code = json!({"tool": "check", "argument": "code", "part": "code", "arguments": {"tests": "t"}});
    verdict(code.clone(), reply, "call call_1 check {\"code\":\"print(1)\",\"tests\":\"t\"}", "", None, true);
    verdict(
        json!({"tool": "check", "part": "last_line"}),
        reply,
        "call call_1 check {\"answer\":\"1\"}",
        "",
        None,
        true,
    );
    let mut without = script(code, 1);
    without.says(1, "No program.").check("thought: \\nAttempt 1...\nask 2 thought: Your answer was checked...");
}

#[test]
fn a_checker_that_fails_itself_leads_to_no_retry() {
    let mut script = plain(3);
    script.says(1, "a").tool_result("call_1", Err(ToolError::Denied("no budget".into()))).check(
        "call call_1...
         thought: \\nThe checker could not check this: Error: no budget
         thought: \\nNo attempt passed...
         finish: a",
    );
}

#[test]
fn a_limit_nearly_spent_gives_what_there_is() {
    let mut late = plain(3);
    late.says(1, "a")
        .wrap_up_with_next("tools")
        .tool("call_1", Err("no"))
        .check("call call_1...\nthought: \\nAttempt 1...\nthought: \\nNo attempt passed...\nfinish: a");
    let mut early = plain(3);
    early.wrap_up("time").check("wait 2...").timer(2).check("cancel 1\nask 3 answer: Sort.\\n\\nAnswer now...");
}

#[test]
fn the_session_ends_within_its_grace_whatever_the_world_does() {
    let session = Session::asked("x").tool("check").options(&json!({"checker": {"tool": "check", "passes": "ok"}}));
    storm(run, &session, &["ok", "no", ""]);
}

#[test]
fn the_schema_of_the_options_is_true() {
    assert_eq!(misfits::<Options>(OPTIONS_SCHEMA), Vec::<String>::new());
}
