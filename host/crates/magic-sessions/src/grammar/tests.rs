//! The grammar against texts that must fit and texts that must not, by a small reader of GBNF.
use super::{Scope, gbnf, literal};
use crate::prompt::{Protocol, Rendering};
use crate::script::{EXPRESSION, tool};
use magic_types::chat::ToolDefinition;

mod reader;

pub(crate) use reader::Grammar as Reader;

fn grammar(tools: &[ToolDefinition], scope: Scope) -> String {
    gbnf(tools, scope, Rendering::of(Protocol::Grammar))
}

#[track_caller]
fn check(tools: &[ToolDefinition], scope: Scope, fitting: &[&str], unfit: &[&str]) {
    let text = grammar(tools, scope);
    let grammar = reader::Grammar::read(&text);
    for reply in fitting {
        assert!(grammar.fits(reply), "{reply} does not fit\n{text}");
    }
    for reply in unfit {
        assert!(!grammar.fits(reply), "{reply} fits\n{text}");
    }
}

/// Arguments that fit the schema and arguments that do not.
#[track_caller]
fn check_arguments(schema: &str, fitting: &[&str], unfit: &[&str]) {
    let reply = |arguments: &&str| {
        format!("<THOUGHT>x</THOUGHT>\n<ACTION>{{\"tool_name\": \"t\", \"arguments\": {arguments}}}</ACTION>")
    };
    let (fitting, unfit): (Vec<_>, Vec<_>) = (fitting.iter().map(reply).collect(), unfit.iter().map(reply).collect());
    for reply in &fitting {
        let inside = reply.split("<ACTION>").nth(1).unwrap().trim_end_matches("</ACTION>");
        assert!(crate::action::parse(inside).is_ok(), "{inside} is read");
    }
    let refs = |replies: &'_ [String]| replies.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
    let (fitting, unfit) = (refs(&fitting), refs(&unfit));
    let fitting: Vec<&str> = fitting.iter().map(String::as_str).collect();
    let unfit: Vec<&str> = unfit.iter().map(String::as_str).collect();
    check(&[tool("t", schema)], Scope::Round, &fitting, &unfit);
}

#[test]
fn a_round_is_a_thought_and_then_one_action_or_the_answer() {
    let call = "<ACTION>{\"tool_name\": \"calculator\", \"arguments\": {\"expression\": \"2+2\"}}</ACTION>";
    let with = |tail: &str| ["<THOUGHT>I add, for 2 > 1.</THOUGHT>\n", tail].concat();
    let twice = [call, call].concat();
    check(
        &[tool("calculator", EXPRESSION)],
        Scope::Round,
        &[&with(call), &with("<FINAL_ANSWER>4 é</FINAL_ANSWER>")],
        &[call, &with(""), &with(&twice), "4", &with("<FINAL_ANSWER></FINAL_ANSWER>"), &with("<ACTION>{}</ACTION>")],
    );
}

#[test]
fn without_tools_there_is_no_action_and_at_the_end_only_the_answer() {
    let thought = "<THOUGHT>x</THOUGHT>\n";
    let answer = "<FINAL_ANSWER>4</FINAL_ANSWER>";
    let action = "<ACTION>{\"tool_name\": \"t\", \"arguments\": {}}</ACTION>";
    check(&[], Scope::Round, &[&[thought, answer].concat()], &[answer, &[thought, action].concat()]);
    let tools = [tool("t", r#"{"type":"object"}"#)];
    check(&tools, Scope::ActionOnly, &[&[thought, action].concat()], &[&[thought, answer].concat(), action]);
    check(&tools, Scope::AnswerOnly, &[answer], &[&[thought, answer].concat(), action]);
}

#[test]
fn scalars_enums_and_constants_are_typed() {
    let schema = r#"{"properties": {"s": {"type": "string"}, "n": {"type": "number"}, "i": {"type": "integer"},
        "b": {"type": "boolean"}, "e": {"enum": ["a \"q\"", 2, null]}, "k": {"const": {"x": [1, 2]}}},
        "required": ["s", "n", "i", "b", "e", "k"]}"#;
    let fit = r#"{"b": true, "e": "a \"q\"", "i": -5, "k": {"x": [1, 2]}, "n": 1.25, "s": "é \n \u003c"}"#;
    check_arguments(
        schema,
        &[fit, &fit.replace("\"a \\\"q\\\"\"", "null")],
        &[
            &fit.replace("true", "yes"),
            &fit.replace("-5", "5.5"),
            &fit.replace("1.25", "\"1\""),
            &fit.replace("[1, 2]", "[1]"),
            &fit.replace("null", "3").replace("\"a \\\"q\\\"\"", "3"),
            "{}",
        ],
    );
}

#[test]
fn optional_properties_may_stand_or_not() {
    let required = r#"{"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}},
        "required": ["b"]}"#;
    check_arguments(
        required,
        &[r#"{"b": 1}"#, r#"{"b": 1, "a": 2}"#, r#"{"b": 1, "a": 2, "c": 3}"#, r#"{"b": 1, "c": 3}"#],
        &["{}", r#"{"a": 1}"#, r#"{"b": 1, }"#, r#"{"b": 1, "d": 1}"#],
    );
    let optional = r#"{"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}}}"#;
    check_arguments(
        optional,
        &["{}", r#"{"a": 1}"#, r#"{"c": 1}"#, r#"{"a": 1, "c": 2}"#, r#"{"b": 1, "c": 2}"#],
        &[r#"{, "a": 1}"#, r#"{"c": 1, "a": 2}"#],
    );
}

#[test]
fn arrays_and_objects_nest() {
    let schema = r#"{"properties": {"l": {"type": "array", "items": {"type": "object", "properties":
        {"x": {"type": ["integer", "null"]}}, "required": ["x"]}, "minItems": 1, "maxItems": 2}}, "required": ["l"]}"#;
    check_arguments(
        schema,
        &[r#"{"l": [{"x": 1}]}"#, r#"{"l": [{"x": 1}, {"x": null}]}"#],
        &[r#"{"l": []}"#, r#"{"l": [{"x": 1}, {"x": 1}, {"x": 1}]}"#, r#"{"l": [1]}"#],
    );
}

#[test]
fn what_is_not_understood_is_any_json() {
    let schema =
        r##"{"properties": {"a": {"$ref": "#/x"}, "b": {}, "c": {"type": "object"}}, "required": ["a", "b", "c"]}"##;
    check_arguments(
        schema,
        &[r#"{"a": [1, {"z": "y"}], "b": null, "c": {}}"#],
        &[r#"{"a": [1, "b": null, "c": {}}"#, r#"{"a": 1, "b": 2, "c": 3}"#],
    );
    check_arguments("not json", &["{}", r#"{"any": [true]}"#], &["[]"]);
    check_arguments(r#"{"properties": {"a": {"type": "string"}}, "required": ["a", "z"]}"#, &[r#"{"z": 1}"#], &[]);
}

#[test]
fn names_are_escaped_and_cannot_break_out() {
    check_arguments(
        r#"{"properties": {"\"\n\\]": {"type": "integer"}}, "required": ["\"\n\\]"]}"#,
        &[r#"{"\"\n\\]": 1}"#],
        &["{}"],
    );
    assert_eq!(literal("a\"b\\c\nd\u{1}é"), r#""a\"b\\c\nd\x01é""#);
}

#[test]
fn a_grammar_is_bounded_however_large_the_schemas() {
    let deep = (0..40).fold("{\"type\":\"string\"}".to_owned(), |inner, _| {
        format!(
            "{{\"type\":\"object\",\"properties\":{{\"a\":{inner},\"b\":{inner_b}}},\"required\":[\"a\",\"b\"]}}",
            inner_b = "{}"
        )
    });
    assert!(grammar(&[tool("t", &deep)], Scope::Round).len() < 4_000);
    let wide: Vec<String> =
        (0..20).map(|at| format!("\"p{at}\":{{\"enum\":{:?}}}", vec!["x".repeat(40); 60])).collect();
    let wide = format!("{{\"properties\":{{{}}}}}", wide.join(","));
    let tools: Vec<ToolDefinition> = (0..30).map(|at| tool(&format!("t{at}"), &wide)).collect();
    assert!(grammar(&tools, Scope::Round).len() < 32 << 10);
    let required = wide.replace("}}}", "}},\"required\":[\"p0\",\"p1\",\"p2\",\"p3\",\"p4\",\"p5\",\"p6\",\"p7\",\"p8\",\"p9\",\"p10\",\"p11\",\"p12\",\"p13\",\"p14\"]}");
    let tools: Vec<ToolDefinition> = (0..30).map(|at| tool(&format!("t{at}"), &required)).collect();
    let text = grammar(&tools, Scope::Round);
    assert!(text.len() < 32 << 10 && text.contains("\"t29\\\"") && text.contains(" object "), "{} bytes", text.len());
}
