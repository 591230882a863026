//! What `${NAME}` becomes.
use super::{Unresolved, has_variable, resolve};

fn env(name: &str) -> Option<String> {
    match name {
        "A" => Some("one".to_owned()),
        "EMPTY" => Some(String::new()),
        "NESTED" => Some("${A} $$".to_owned()),
        _ => None,
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(resolve(text, &env).as_deref(), Ok(expected), "{text}");
}

#[test]
fn variables_defaults_and_escapes_are_put_in() {
    check("", "");
    check("plain $5 and $", "plain $5 and $");
    check("${A}/${A}", "one/one");
    check("${NO:-default}", "default");
    check("${NO:-}", "");
    check("${NO:-http://x:1/v1}", "http://x:1/v1");
    check("${A:-default}", "one");
    check("${EMPTY}", "");
    check("${EMPTY:-default}", "default");
    check("$${A} $$$${A}", "${A} $${A}");
    check("$$${A}", "$one");
}

#[test]
fn a_value_is_never_read_again() {
    check("${NESTED}", "${A} $$");
}

#[test]
fn every_unset_variable_is_named_once() {
    let unset = |name: &str| Unresolved::Unset { name: name.to_owned() };
    assert_eq!(resolve("${B} ${C} ${B}", &env), Err(vec![unset("B"), unset("C")]));
    assert_eq!(resolve("${A", &env), Err(vec![Unresolved::Unclosed]));
    let bad = |name: &str| Unresolved::BadName { name: name.to_owned() };
    assert_eq!(resolve("${}", &env), Err(vec![bad("")]));
    assert_eq!(resolve("${a b}", &env), Err(vec![bad("a b")]));
}

#[test]
fn an_escaped_dollar_is_no_variable() {
    assert!(has_variable("a${B}"));
    assert!(!has_variable("a$${B}"));
    assert!(!has_variable("a$B"));
}
