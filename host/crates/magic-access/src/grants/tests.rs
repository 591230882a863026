//! Aliases by name and by beginning; what cannot be meant.
use super::*;
use crate::{Amount, Money, Window};

fn of(rules: &[&str]) -> Grants {
    let rules = rules.iter().map(|rule| AliasRule::parse(rule).unwrap()).collect();
    Grants { aliases: Some(rules), ..Grants::default() }
}

#[test]
fn aliases_are_granted_by_name_and_by_beginning() {
    assert!(Grants::default().allows("anything"));
    assert!(!of(&[]).allows("anything"));
    let grants = of(&["fast", "gpt-*"]);
    assert_eq!(
        ["fast", "faster", "gpt-", "gpt-4", "GPT-4", "xgpt-4", ""].map(|alias| grants.allows(alias)),
        [true, false, true, true, false, false, false]
    );
    assert!(of(&["*"]).allows("anything"));
}

#[test]
fn a_star_is_an_end() {
    for text in ["", "a*b", "**", "*a", &"a".repeat(257)] {
        assert!(AliasRule::parse(text).is_err(), "{text}");
    }
    for text in ["a", "a*", "*", "with/slash and blank"] {
        assert_eq!(AliasRule::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_cannot_be_meant_is_said() {
    let good = Budget { amount: Amount::Money(Money(1)), window: Window::Day };
    let check = |budgets: Vec<Budget>| Grants { budgets, ..Grants::default() }.check();
    assert_eq!(check(vec![good, Budget { window: Window::Week, ..good }]), Ok(()));
    assert_eq!(check(vec![good, Budget { amount: Amount::Tokens(5), ..good }]), Ok(()));
    let other = Budget { amount: Amount::Money(Money(2)), ..good };
    assert_eq!(check(vec![good, other]), Err(Error::Twice { unit: "money", window: Window::Day }));
    assert_eq!(
        check(vec![Budget { amount: Amount::Tokens(0), ..good }]),
        Err(Error::Zero { name: "budgets[].amount" })
    );
    let none = Grants { requests_parallel_max: Some(0), ..Grants::default() };
    assert_eq!(none.check(), Err(Error::Zero { name: "requests_parallel_max" }));
    let many = (1..=9).map(|hours| Budget { window: Window::Every(hours * 3_600_000), ..good }).collect();
    assert!(matches!(check(many), Err(Error::TooMany { what: "budgets", found: 9, max: 8 })));
}
