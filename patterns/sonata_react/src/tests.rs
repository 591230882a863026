use super::*;
use magic_sdk::driver::LlmError;
use magic_sdk::testing::{Script, Session, storm};

const ACT_ONE: &str = "ask 1 thought: Why do we wait?\\n\\nACT ONE...";
const ACT_TWO: &str = "thought: \\n\\n\nask 2 thought: ACT TWO, to yourself...";
const ACT_THREE: &str = "thought: \\n\\n\nask 3 answer: ACT THREE, to the user...";

fn script() -> Script {
    let mut script = Script::new(run, Session::asked("Why do we wait?"));
    script.check(ACT_ONE);
    script
}

#[test]
fn three_acts_are_three_calls_and_the_last_is_the_answer() {
    let mut script = script();
    script.says(1, "notes").check(ACT_TWO);
    script.says(2, "skeleton").check(ACT_THREE);
    let acts: Vec<&str> = script.prompt(3).lines().skip(1).map(|turn| turn.get(..14).unwrap_or(turn)).collect();
    assert_eq!(
        acts,
        ["user: Why do w", "assistant: not", "user: ACT TWO,", "assistant: ske", "user: ACT THREE"]
            .map(|turn| turn.get(..14).unwrap_or(turn))
    );
    script.says(3, "Because.").check("finish: Because.");
}

#[test]
fn each_prompt_begins_with_the_one_before() {
    let mut script = script();
    script.says(1, "notes").says(2, "skeleton");
    assert!(script.prompt(2).starts_with(script.prompt(1)));
    assert!(script.prompt(3).starts_with(script.prompt(2)));
}

#[test]
fn a_limit_nearly_spent_leads_straight_to_the_synthesis() {
    let mut script = script();
    script.wrap_up_with_next("steps").says(1, "notes").check("thought: \\n\\n\nask 2 answer: ACT THREE...");
    script.says(2, "Short.").check("finish: Short.");
}

#[test]
fn an_act_that_takes_too_long_is_left_out() {
    let mut script = script();
    script.wrap_up("time").check("wait 2 60000 ms").timer(2).check("cancel 1\nask 3 answer: Why do we wait?...");
    script.says(3, "Short.").check("finish: Short.");
}

#[test]
fn a_model_that_fails_fails_the_session_with_its_reason() {
    script().fails(1, LlmError::TimedOut).check("fail: the model took too long");
}

#[test]
fn the_session_ends_within_its_grace_whatever_the_world_does() {
    let session = Session::asked("x");
    storm(run, &session, &["notes", ""]);
}
