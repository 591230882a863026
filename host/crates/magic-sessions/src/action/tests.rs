//! What models write into ACTION, and what it reads as.
use super::parse;

/// `name{arguments}` for each call, or the sentence for the model.
fn check(text: &str, expected: &str) {
    let read = match parse(text) {
        Ok(calls) => {
            let calls = calls.iter().map(|call| format!("{} {}", call.name, call.arguments_json));
            calls.collect::<Vec<_>>().join("; ")
        }
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(read, expected, "reading {text:?}");
}

#[test]
fn the_form_of_the_prompt_is_read_and_arguments_keep_their_text() {
    check(r#"{"tool_name": "calculator", "arguments": {"e": "2+2"}}"#, r#"calculator {"e": "2+2"}"#);
    check(
        r#"{"tool_name":"t","arguments":{"n":12345678901234567890123, "b":1.10}}"#,
        r#"t {"n":12345678901234567890123, "b":1.10}"#,
    );
    check(r#"{"tool_name":"t","arguments":{}}"#, "t {}");
}

#[test]
fn an_empty_action_is_a_pause() {
    check("", "");
    check("  \n", "");
    check("[]", "");
    check("```json\n```", "");
}

#[test]
fn other_spellings_are_read() {
    check(r#"{"name":"t","args":{"a":1}}"#, r#"t {"a":1}"#);
    check(r#"{"tool":"t","parameters":{"a":1}}"#, r#"t {"a":1}"#);
    check(r#"{"tool_name":"t","input":{"a":1}}"#, r#"t {"a":1}"#);
    check(r#"{"tool_name":"t","arguments":"{\"a\": 1}"}"#, r#"t {"a": 1}"#);
    check(r#"{"tool_name":"t","arguments":""}"#, "t {}");
    check(r#"{"tool_name":"t","arguments":null}"#, "t {}");
    check(r#"{"tool_name":"t"}"#, "t {}");
    check(r#"{"tool_name":"t","e":"2+2"}"#, r#"t {"e": "2+2"}"#);
    check(r#"{"type":"function","function":{"name":"t","arguments":"{}"}}"#, "t {}");
}

#[test]
fn code_fences_are_stripped() {
    check("```json\n{\"tool_name\":\"t\"}\n```", "t {}");
    check("```\n{\"tool_name\":\"t\"}\n```", "t {}");
    check("```json {\"tool_name\":\"t\"}```", "t {}");
    check("```json\n{\"tool_name\":\"t\"}", "t {}");
}

#[test]
fn lists_and_rows_are_several_calls() {
    check(r#"[{"name":"a"},{"name":"b","args":{"x":1}}]"#, r#"a {}; b {"x":1}"#);
    check("{\"name\":\"a\"}\n{\"name\":\"b\"}", "a {}; b {}");
}

#[test]
fn real_line_breaks_inside_strings_are_read_as_such() {
    check("{\"tool_name\":\"t\",\"arguments\":{\"x\":\"a\nb\\\"\tc\"}}", r#"t {"x":"a\nb\"\tc"}"#);
}

#[test]
fn errors_say_what_to_mend() {
    check(
        "calculator(2+2)",
        "error: Your action is not valid JSON: expected value at line 1 column 1. Write one object: {\"tool_name\": \
         \"...\", \"arguments\": {...}}, and nothing else.",
    );
    check(
        r#"{"tool_name":"t","arguments":{"#,
        "error: Your action is not valid JSON: EOF while parsing an object at line 1 column 30. Write one object: \
         {\"tool_name\": \"...\", \"arguments\": {...}}, and nothing else.",
    );
    check(
        "42",
        "error: Your action must be a JSON object with \"tool_name\" and \"arguments\", or a list of such objects.",
    );
    check(r#"{"arguments":{}}"#, "error: Your action does not say which tool to call: add \"tool_name\".");
    check(r#"{"name":7}"#, "error: Your action does not say which tool to call: add \"tool_name\".");
    check(
        r#"{"name":"t","args":[1]}"#,
        "error: The value of \"args\" in your action must be a JSON object such as {\"name\": \"value\"}.",
    );
    check(
        r#"{"name":"t","args":{},"input":{}}"#,
        "error: Your action has both \"args\" and \"input\": put the arguments into one object, \"arguments\".",
    );
    let many = format!("[{}]", vec![r#"{"name":"t"}"#; 17].join(","));
    check(&many, "error: Your action calls 17 tools at once: call at most 16.");
}

#[test]
fn any_text_is_read_or_refused_without_panic() {
    let pieces =
        ["{", "}", "[", "]", "\"", "\\", ":", ",", "tool_name", "name", "1", "null", "```", "\n", "é", "\u{0}", " "];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let text: String = (0..8)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]
            })
            .collect();
        if let Err(error) = parse(&text) {
            assert!(error.to_string().ends_with('.'), "a sentence: {error}");
        }
    }
}
