use super::*;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    agent: String,
    task: String,
}

#[track_caller]
fn check_list(text: &str, expect: &str) {
    let found = match json_list::<Part>(text) {
        Ok(parts) => parts.iter().map(|part| format!("{}: {}\n", part.agent, part.task)).collect(),
        Err(problem) => problem,
    };
    assert_eq!(found.trim(), expect);
}

#[test]
fn a_list_is_found_wherever_it_stands() {
    for text in [
        r#"[{"agent": "a", "task": "x"}]"#,
        "Here [as asked] it is:\n```json\n[{\"agent\": \"a\", \"task\": \"x\"}]\n```\nDone.",
        r#"{"parts": [{"agent": "a", "task": "x"}]}"#,
        r#"{"agent": "a", "task": "x"}"#,
        r#"<think>[{"agent": "no", "task": "no"}]</think> [{"agent": "a", "task": "x"}]"#,
    ] {
        check_list(text, "a: x");
    }
    check_list("[]", "");
}

#[test]
fn what_does_not_read_is_said_exactly() {
    check_list("I would ask a.", "There is no JSON list in your reply.");
    check_list(r#"[{"agent": "a"}]"#, "The JSON does not fit: missing field `task`.");
    check_list(r#"[{"agent": "a", "task": "x",}]"#, "The list is not valid JSON: trailing comma at line 1 column 29.");
}

#[track_caller]
fn check_answer(text: &str, thought: &str, expect: &str) {
    assert_eq!(answer(text), (thought.to_owned(), expect.to_owned()));
}

#[test]
fn an_answer_stands_behind_its_mark() {
    check_answer("2+2 is 4.\nAnswer: 4", "2+2 is 4.", "4");
    check_answer("So.\n**Final answer:** 4 apples.", "So.", "4 apples.");
    check_answer("Answer: 3\nNo.\nAnswer: 4", "Answer: 3\nNo.", "4");
    check_answer("thus \\boxed{\\frac{1}{2}} it is", "thus", "\\frac{1}{2}");
    check_answer("<THOUGHT>a</THOUGHT><FINAL_ANSWER>b</FINAL_ANSWER>", "a", "b");
    check_answer("<think>Answer: 3</think>4", "", "4");
    check_answer("Paris", "", "Paris");
    check_answer("Answer:", "", "Answer:");
}

#[test]
fn answers_that_say_the_same_are_the_same() {
    for same in [
        vec!["1,000", "1000.0", "$1000", "1000.", " **1_000** ", "+1000", "1000 dollars", "01000"],
        vec!["-0.50", "−0.5", "-0.5%"],
        vec!["0", "-0.0", "0 apples"],
        vec!["Paris", "paris.", "\"Paris\"", "PARIS!"],
    ] {
        let first = normalised(same[0]);
        assert!(same.iter().all(|text| normalised(text) == first), "{same:?} {first}");
    }
    for (one, other) in [
        ("1,5", "15"),
        ("10", "100"),
        ("yes, in 1969", "no, in 1969"),
        ("7 or 8", "7"),
        ("-1", "1"),
        ("1. Paris", "1. Rome"),
    ] {
        assert_ne!(normalised(one), normalised(other));
    }
}

#[test]
fn a_score_stands_behind_its_mark_or_first() {
    for (text, expect) in
        [("Score: 7/10", Some(7.0)), ("I give 3 of 5. Score: **8.5**.", Some(8.5)), ("9", Some(9.0)), ("none", None)]
    {
        assert_eq!(number_after("score", text), expect, "{text}");
    }
}

#[test]
fn a_program_stands_in_its_fence() {
    let found = |text: &str| code(text, "python", |text| text.contains("print("));
    let program = Some("a = 1\nprint(a)".to_owned());
    assert_eq!(found("Sure:\n```python\na = 1\nprint(a)\n```\nIt prints 1."), program);
    assert_eq!(found("```\nout\n```\n```Python\na = 1\nprint(a)\n```"), program);
    assert_eq!(found("```python\na = 1\nprint(a)"), program);
    assert_eq!(found("a = 1\nprint(a)"), program);
    assert_eq!(found("The answer is 1."), None);
    assert_eq!(found("```python\n```"), None);
}

#[track_caller]
fn check_action(text: &str, expect: &str) {
    let Acting { thought, calls, answer, .. } = acting(text);
    let calls = match calls {
        Ok(calls) => calls.iter().map(|call| format!("{}{} ", call.name, call.arguments_json)).collect(),
        Err(problem) => problem,
    };
    let answer = answer.unwrap_or_default();
    assert_eq!(format!("{thought}|{}|{answer}", calls.trim()), expect);
}

#[test]
fn an_action_is_read_in_every_usual_form() {
    check_action(r#"t<ACTION>{"tool_name": "c", "arguments": {"a": 1}}"#, r#"t|c{"a":1}|"#);
    check_action(r#"<ACTION>{"name": "c", "a": 1}</ACTION>"#, r#"|c{"a":1}|"#);
    check_action("<ACTION>```json\n[{\"tool\": \"c\"}, {\"tool\": \"d\"}]\n```</ACTION>", "|c{} d{}|");
    check_action("<ACTION></ACTION>", "||");
    check_action("<FINAL_ANSWER>x</FINAL_ANSWER>", "||x");
    check_action(r#"<ACTION>{"tool": "c"}</ACTION><OBSERVATION>1</OBSERVATION><FINAL_ANSWER>x"#, "|c{}|");
}

#[test]
fn what_a_model_invents_behind_its_call_does_not_come_back_to_it() {
    let invented =
        "I look.\n<action>{\"tool\": \"c\"}</action>\n<Observation>4</Observation><FINAL_ANSWER>4</FINAL_ANSWER>";
    assert_eq!(acting(invented).said, "I look.\n<ACTION>{\"tool\": \"c\"}</ACTION>");
    assert_eq!(acting("I look. <ACTION>{\"tool\":").said, "I look.\n<ACTION>{\"tool\":</ACTION>");
}

#[test]
fn an_action_that_does_not_read_says_what_to_mend() {
    let problem = |text: &str| acting(text).calls.unwrap_err();
    assert!(problem("<ACTION>{\"tool_name\": }</ACTION>").starts_with("Your action is not valid JSON: expected value"));
    assert!(problem("<ACTION>{}</ACTION>").starts_with("Your action does not say which tool to call."));
    assert!(problem("<ACTION>[1]</ACTION>").starts_with("Your action is not an object."));
    assert!(problem(r#"<ACTION>{"tool": "c", "args": 1}</ACTION>"#).starts_with("The arguments in your action"));
}
