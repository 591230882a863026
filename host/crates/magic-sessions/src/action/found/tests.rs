//! Texts that hold a call, and texts that only look like it.
use super::find;

/// `name{arguments}` for each call and what stands before them, or nothing.
#[track_caller]
fn check(text: &str, expected: &str) {
    let found = find(text, |name| ["calculator", "clock"].contains(&name)).map(|found| {
        let calls: Vec<String> =
            found.calls.iter().map(|call| format!("{} {}", call.name, call.arguments_json)).collect();
        format!("{:?} then {}", text.split_at(found.at).0, calls.join("; "))
    });
    assert_eq!(found.unwrap_or_default(), expected, "in {text:?}");
}

#[test]
fn a_call_in_prose_or_in_a_fence_is_found() {
    let call = r#"{"tool_name": "calculator", "arguments": {"expression": "2+2"}}"#;
    let read = r#"calculator {"expression": "2+2"}"#;
    check(call, &format!("\"\" then {read}"));
    check(&format!("I add: {call}."), &format!("\"I add: \" then {read}"));
    check(&format!("I add.\n```json\n{call}\n```\nIt is 4."), &format!("\"I add.\\n```json\\n\" then {read}"));
    check(&format!("{{}} {{x}} {call}"), &format!("\"{{}} {{x}} \" then {read}"));
    check(r#"{"name": "clock", "parameters": {}}"#, "\"\" then clock {}");
    check(r#"{"type":"function","function":{"name":"clock","arguments":"{}"}}"#, "\"\" then clock {}");
}

#[test]
fn several_calls_side_by_side_are_one_run_and_what_comes_behind_it_is_not_read() {
    let (clock, add) = (r#"{"name":"clock","args":{}}"#, r#"{"name":"calculator","args":{"expression":"1"}}"#);
    let both = r#"clock {}; calculator {"expression":"1"}"#;
    check(&format!("[{clock}, {add}]"), &format!("\"[\" then {both}"));
    check(&format!("{clock}\n{add}"), &format!("\"\" then {both}"));
    check(&format!("{clock} It is noon. {add}"), "\"\" then clock {}");
}

#[test]
fn what_may_be_meant_otherwise_is_not_a_call() {
    check("", "");
    check("The answer is {4}.", "");
    check(r#"{"name": "abacus", "arguments": {}}"#, "");
    check(r#"{"name": "clock", "price": 3}"#, "");
    check(r#"{"arguments": {"expression": "1"}}"#, "");
    check(r#"{"tool_name": "calculator", "arguments": {"#, "");
    check(r#"{"tool_name": "calculator", "arguments": 4}"#, "");
}

#[test]
fn a_flood_of_braces_is_given_up() {
    let call = r#"{"tool_name": "clock", "arguments": {}}"#;
    check(&("{".repeat(100) + call), "");
    check(&(r#"{"a":"#.repeat(20_000) + call), "");
}
