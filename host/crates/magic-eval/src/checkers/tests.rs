//! Answers in, verdicts out.
use super::*;
use serde_json::json;

fn checker(checker: &str, answer: Value) -> Checker {
    Checker::new(Wanted { checker, answer: Some(&answer), accepted_calls: None, tools: &[] }).unwrap()
}

fn found(checker: &Checker, text: &str) -> Option<String> {
    checker.check(Reply { text, calls: &[] }).checked
}

fn is_right(checker: &Checker, text: &str) -> bool {
    checker.check(Reply { text, calls: &[] }).correct
}

#[test]
fn the_number_is_the_last_one_unless_the_text_marks_another() {
    let any = checker("number", json!(0));
    for (text, wanted) in [
        ("17 * 23 = 391.", Some("391")),
        ("It is 5, no, 1,234,567", Some("1,234,567")),
        ("3,4 and 12,34", Some("34")),
        ("#### 42\nI used 3 steps.", Some("42")),
        (r"So \boxed{x = 12} in 3 steps", Some("12")),
        ("The answer is 12. This is so because 6 = 3 + 3.", Some("12")),
        ("The answer is 17 * 23 = 391, as 9 told", Some("391")),
        ("**Answer:** 8\nCheck: 8 - 1 = 7", Some("8")),
        ("The final answer is:\n\n-$7.50 (of 9)", Some("-7.50")),
        ("the answer is unclear, perhaps 4", Some("4")),
        ("An area of 12 m2", Some("12")),
        ("10-3", Some("3")),
        ("x = -3", Some("-3")),
        ("a minus: −3", Some("-3")),
        ("half is 1/2", Some("1/2")),
        (".5", Some(".5")),
        ("1.5e3 tons", Some("1.5e3")),
        ("5 eggs", Some("5")),
        ("none at all", None),
        ("<think>7 it is</think>8", Some("8")),
        ("", None),
    ] {
        assert_eq!(found(&any, text).as_deref(), wanted, "{text}");
    }
}

#[test]
fn numbers_are_compared_by_their_value() {
    for (wanted, texts) in [
        (json!(1000), &["1,000", "$1000", "1000.00", "1e3", r"\$1{,}000", "1000%", "2000/2"][..]),
        (json!("0.5"), &["1/2", ".50", r"\boxed{\frac{1}{2}}", r"\dfrac{5}{10}", "0.5 litres"]),
        (json!("#### -7"), &["-7", "-7.0", "-$7", "−7", "it falls by -14/2"]),
        (json!("1/3"), &["2/6"]),
    ] {
        let checker = checker("number", wanted.clone());
        for text in texts {
            assert!(is_right(&checker, text), "{text} is {wanted}");
        }
    }
    let checker = checker("number", json!(1000));
    for text in ["100", "1000.5", "-1000", "one thousand", "1/0", "99999999999999999999999999999999999999999999"] {
        assert!(!is_right(&checker, text), "{text}");
    }
}

#[test]
fn exact_forgives_case_spaces_and_a_full_stop_and_nothing_else() {
    let checker = checker("exact", json!(["Paris", "City of Light"]));
    for text in ["paris", " PARIS.\n", "City  of\nlight"] {
        assert!(is_right(&checker, text), "{text}");
    }
    assert!(!is_right(&checker, "It is Paris"));
}

#[test]
fn contains_finds_any_of_the_answers_anywhere() {
    let checker = checker("contains", json!(["Paris", "City of Light"]));
    assert!(is_right(&checker, "I think it is paris, France"));
    assert!(is_right(&checker, "the City\nof Light"));
    assert!(!is_right(&checker, "London"));
}

#[test]
fn a_choice_is_found_where_models_put_it() {
    let checker = checker("choice", json!("b"));
    for text in [
        "B",
        "(B)",
        "B) because A is wrong",
        "B. The second",
        "**B**",
        "The answer is B, not (A)",
        "the correct answer is (B).",
        "Answer: Option B",
        "A train leaves. So I choose (B)",
        "Consider (A). Then (B)",
        r"\boxed{B}",
        r"\boxed{\text{B}}",
        "Reasons.\n\nB.",
        "I would go with option B here",
    ] {
        assert!(is_right(&checker, text), "{text}");
    }
    for text in ["A", "Bananas are good", "the answer is C", "A train", "", "(A) and (B) and (C)"] {
        assert!(!is_right(&checker, text), "{text}");
    }
}

// === tool calls ===

fn tools() -> Vec<Value> {
    vec![
        json!({ "name": "shop.find", "parameters": { "type": "dict", "required": ["what"], "properties": {
            "what": { "type": "string" },
            "count": { "type": "integer" },
            "price": { "type": "float" },
            "tags": { "type": "array", "items": { "type": "string" } },
            "sizes": { "type": "tuple", "items": { "type": "float" } },
            "where": { "type": "dict", "properties": { "city": { "type": "string" }, "zip": { "type": "integer" } } },
            "parts": { "type": "array", "items": { "type": "dict" } },
            "data": { "type": "any" },
            "new": { "type": "boolean" },
        } } }),
        json!({ "name": "now", "parameters": { "type": "dict", "properties": {}, "required": [] } }),
    ]
}

fn for_calls(accepted: &Value) -> Checker {
    let tools = tools();
    let accepted_calls = Some(accepted.as_array().unwrap().clone());
    Checker::new(Wanted { checker: "tool_call", answer: None, accepted_calls, tools: &tools }).unwrap()
}

/// Whether these arguments of `shop.find` are right, where `what` is always asked for.
fn fits(accepted: Value, arguments: Value) -> bool {
    let mut wanted = json!({ "what": ["Red shoes"] });
    wanted.as_object_mut().unwrap().extend(accepted.as_object().unwrap().clone());
    let calls = [Call { name: "shop_find".to_owned(), arguments }];
    for_calls(&json!([{ "shop.find": wanted }])).check(Reply { text: "", calls: &calls }).correct
}

#[test]
fn texts_are_compared_but_for_case_spaces_and_punctuation() {
    for what in ["red shoes", "Red-Shoes", "RED_SHOES", "r.e,d/ s*h^oes"] {
        assert!(fits(json!({}), json!({ "what": what })), "{what}");
    }
    for what in ["red shoe", "red; shoes", ""] {
        assert!(!fits(json!({}), json!({ "what": what })), "{what}");
    }
    assert!(fits(json!({ "data": ["it's"] }), json!({ "what": "red shoes", "data": "IT\"S" })), "quotes are one");
}

#[test]
fn what_is_required_must_be_there_and_nothing_unknown_may() {
    assert!(!fits(json!({}), json!({})));
    assert!(!fits(json!({}), json!({ "what": "red shoes", "colour": "red" })));
    assert!(!fits(json!({}), json!({ "what": "red shoes", "count": 1 })), "declared, but in no accepted call");
    assert!(fits(json!({ "count": [1, ""] }), json!({ "what": "red shoes" })));
    assert!(!fits(json!({ "count": [1] }), json!({ "what": "red shoes" })), "not marked as one that may be left out");
}

#[test]
fn a_whole_number_passes_for_a_fraction_and_not_the_other_way_round() {
    let with = |accepted: Value, value: Value| {
        let name = if accepted["count"].is_null() { "price" } else { "count" };
        fits(accepted, json!({ "what": "red shoes", name: value }))
    };
    assert!(with(json!({ "price": [5.0] }), json!(5)));
    assert!(with(json!({ "price": [5] }), json!(5.0)));
    assert!(!with(json!({ "price": [5.0] }), json!("5")));
    assert!(with(json!({ "count": [5] }), json!(5)));
    assert!(!with(json!({ "count": [5] }), json!(5.0)));
    assert!(!with(json!({ "count": [1] }), json!(true)));
}

#[test]
fn lists_are_right_as_a_whole_and_in_their_order() {
    let with = |accepted: Value, name: &str, value: Value| fits(accepted, json!({ "what": "red shoes", name: value }));
    let tags = || json!({ "tags": [["Wi-Fi", "new"]] });
    assert!(with(tags(), "tags", json!(["wifi", "NEW"])));
    assert!(!with(tags(), "tags", json!(["new", "wifi"])));
    assert!(!with(tags(), "tags", json!(["wifi"])));
    assert!(!with(tags(), "tags", json!("wifi")));
    assert!(
        with(json!({ "tags": [["a"], ""] }), "tags", json!([])),
        "BFCL takes an empty list for one that is left out"
    );
    assert!(with(json!({ "sizes": [[1.0, 2.5]] }), "sizes", json!([1.0, 2.5])));
    assert!(!with(json!({ "sizes": [[1.0, 2.5]] }), "sizes", json!([1, 2.5])), "items have no leniency in BFCL");
}

#[test]
fn objects_are_right_key_by_key() {
    let accepted = || json!({ "where": [{ "city": ["New York"], "zip": [10001, ""] }] });
    let with = |value: Value| fits(accepted(), json!({ "what": "red shoes", "where": value }));
    assert!(with(json!({ "city": "new york", "zip": 10001 })));
    assert!(with(json!({ "city": "new york" })));
    assert!(!with(json!({ "zip": 10001 })));
    assert!(!with(json!({ "city": "new york", "zip": 10002 })));
    assert!(!with(json!({ "city": "new york", "street": "x" })));
    let parts = json!({ "parts": [[{ "name": ["Sole"] }, { "name": ["Lace"], "count": [2] }]] });
    let with = |value: Value| fits(parts.clone(), json!({ "what": "red shoes", "parts": value }));
    assert!(with(json!([{ "name": "sole" }, { "name": "lace", "count": 2 }])));
    assert!(!with(json!([{ "name": "sole" }])));
    assert!(!with(json!([{ "name": "lace", "count": 2 }, { "name": "sole" }])));
}

#[test]
fn several_calls_are_right_in_any_order_and_only_together() {
    let checker = for_calls(&json!([{ "shop.find": { "what": ["a"] } }, { "shop.find": { "what": ["b"] } }]));
    let call = |what: &str| Call { name: "shop_find".to_owned(), arguments: json!({ "what": what }) };
    let check = |calls: &[Call]| checker.check(Reply { text: "", calls }).correct;
    assert!(check(&[call("b"), call("a")]));
    assert!(!check(&[call("a"), call("a")]));
    assert!(!check(&[call("a")]));
    let none = for_calls(&json!([]));
    assert!(none.check(Reply { text: "I cannot help.", calls: &[] }).correct, "where no call is wanted, none is right");
    assert!(!none.check(Reply { text: "", calls: &[call("a")] }).correct);
}

#[test]
fn a_call_in_the_text_is_recovered_and_does_not_count_as_called() {
    let checker = for_calls(&json!([{ "shop.find": { "what": ["red shoes"], "count": [2] } }]));
    let arguments = r#"{"what": "red shoes", "count": 2}"#;
    for text in [
        format!(r#"{{"name": "shop.find", "arguments": {arguments}}}"#),
        format!("Sure [1]! <tool_call>\n{{\"name\": \"shop_find\", \"arguments\": {arguments}}}\n</tool_call>"),
        format!("```json\n[{{\"name\": \"shop_find\", \"parameters\": {arguments}}}]\n```"),
        format!(r#"<ACTION>{{"tool_name": "shop_find", "arguments": {arguments}}}</ACTION>"#),
        format!(r#"{{"type": "function", "function": {{"name": "shop_find", "arguments": {}}}}}"#, json!(arguments)),
        format!(r#"{{"shop.find": {arguments}}}"#),
        format!(r#"{{"tool_calls": [{{"name": "shop_find", "arguments": {arguments}}}]}}"#),
    ] {
        let verdict = checker.check(Reply { text: &text, calls: &[] });
        assert_eq!((verdict.correct, verdict.recovered), (false, Some(true)), "{text}");
    }
    for text in ["", "{", r#"{"name": "other", "arguments": {}}"#, r#"{"name": "shop_find", "arguments": {"what": "#] {
        let verdict = checker.check(Reply { text, calls: &[] });
        assert_eq!((verdict.correct, verdict.recovered), (false, Some(false)), "{text}");
    }
    let called = [Call { name: "shop_find".to_owned(), arguments: json!({ "count": 2, "what": "red shoes" }) }];
    let verdict = checker.check(Reply { text: "{", calls: &called });
    assert_eq!((verdict.correct, verdict.recovered), (true, Some(true)));
    assert_eq!(verdict.checked.as_deref(), Some(r#"shop_find({"count":2,"what":"red shoes"})"#));
}
