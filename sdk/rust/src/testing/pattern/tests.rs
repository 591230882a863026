use super::*;

#[track_caller]
fn check(example: &str, expect: &str) {
    let found = match calls(&[("PLAN", "Plan."), ("EXAMPLE", example)]) {
        Ok(calls) => {
            calls.iter().map(|call| format!("{} {} -> {}", call.tool_name, call.arguments, call.observation)).collect()
        }
        Err(text) => format!("error: {text}"),
    };
    assert_eq!(found, expect);
}

#[test]
fn the_calls_come_with_their_observations() {
    check(
        "User: x\n<PLAN>p</PLAN><ACTION></ACTION><ACTION>{\"tool_name\": \"t\", \"arguments\": {\"a\": 1}}</ACTION>\n\
         <OBSERVATION>1</OBSERVATION><FINAL_ANSWER>y</FINAL_ANSWER>",
        r#"t {"a":1} -> 1"#,
    );
}

#[test]
fn what_breaks_the_grammar_is_named() {
    check("<DRAFT>x</DRAFT>", "error: <DRAFT> is neither the engine's nor one of the pattern's own");
    check("<THOUGHT>x<ACTION></ACTION></THOUGHT>", "error: <THOUGHT> has a tag inside");
    check("<THOUGHT>x", "error: <THOUGHT> is never closed");
    check("<THOUGHT>x</THOUGHT>", "error: the example ends with <THOUGHT>, not with an answer");
    check("<OBSERVATION>x</OBSERVATION>", "error: an observation follows no action: x");
    check(
        r#"<ACTION>{"tool_name":"t"}</ACTION>"#,
        r#"error: the action {"tool_name":"t"} lacks `tool_name` or `arguments`"#,
    );
    check(
        r#"<ACTION>{"tool_name":"t","arguments":{}}</ACTION><FINAL_ANSWER>x</FINAL_ANSWER>"#,
        "error: the call of `t` has no observation",
    );
}
