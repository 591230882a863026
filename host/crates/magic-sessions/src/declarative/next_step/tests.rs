//! The schema as its vendor reads it, and what models make of it.
use super::{Stated, read, schema};
use crate::script::{EXPRESSION, tool};

#[track_caller]
fn check(text: &str, expected: &str) {
    let stated = match read(text) {
        Stated::Answer(answer) => format!("answer {answer}"),
        Stated::Calls(calls) => {
            calls.iter().map(|call| format!("{} {}", call.name, call.arguments_json)).collect::<Vec<_>>().join("; ")
        }
        Stated::Nothing(problem) => format!("nothing: {problem}"),
    };
    assert_eq!(stated, expected, "reading {text:?}");
}

#[test]
fn the_schema_is_one_object_with_a_branch_for_each_tool_and_the_answer() {
    let expected = "{\"additionalProperties\":false,\"properties\":{\"next\":{\"anyOf\":[\
                    {\"additionalProperties\":false,\"properties\":{\"action\":{\"enum\":[\"calculator\"],\"type\":\"string\"},\
                    \"arguments\":{\"properties\":{\"expression\":{\"type\":\"string\"}},\"required\":[\"expression\"],\"type\":\"object\"}},\
                    \"required\":[\"action\",\"arguments\"],\"type\":\"object\"},\
                    {\"additionalProperties\":false,\"properties\":{\"final_answer\":{\"type\":\"string\"}},\
                    \"required\":[\"final_answer\"],\"type\":\"object\"}]}},\"required\":[\"next\"],\"type\":\"object\"}";
    assert_eq!(schema(&[tool("calculator", EXPRESSION)]), expected);
}

#[test]
fn a_schema_that_is_none_or_too_large_is_any_object() {
    let any = "\"arguments\":{\"type\":\"object\"}";
    assert!(schema(&[tool("t", "not JSON")]).contains(any));
    let large = format!("{{\"description\": \"{}\"}}", "x".repeat(40 << 10));
    assert!(schema(&[tool("t", &large)]).contains(any));
}

#[test]
fn what_fits_the_schema_is_read() {
    check(r#"{"next": {"action": "t", "arguments": {"a": 1.10}}}"#, r#"t {"a": 1.10}"#);
    check(r#"{"next": {"final_answer": "It is \"4\"."}}"#, "answer It is \"4\".");
}

#[test]
fn backends_that_do_not_quite_obey_are_read_all_the_same() {
    check("```json\n{\"next\": {\"action\": \"t\", \"arguments\": {}}}\n```", "t {}");
    check(r#"{"tool_name": "t", "arguments": {}}"#, "t {}");
    check(r#"{"final_answer": "4"}"#, "answer 4");
}

#[test]
fn what_states_nothing_says_why() {
    check(
        r#"{"next": {"final_answer": " "}}"#,
        "nothing: Your action does not say which tool to call: add \"tool_name\".",
    );
    check("", "nothing: You stated no next step.");
    check(
        "{\"next\": ",
        "nothing: Your action is not valid JSON: EOF while parsing a value at line 1 column 8. Write one \
                          object: {\"tool_name\": \"...\", \"arguments\": {...}}, and nothing else.",
    );
}
