use super::Fields;
use crate::lost::Lost;

#[test]
fn a_field_of_the_wrong_kind_is_named() {
    let mut fields = Fields::read(br#"{"input":1,"n":"2","voice":null,"model":"m"}"#).expect("an object");
    assert_eq!(fields.text("input").expect_err("a number").public, "`input`: must be a string");
    assert_eq!(fields.count("n").expect_err("a text").public, "`n`: must be a whole number of at least 0");
    assert_eq!(fields.needed_text("voice").expect_err("null").public, "`voice`: is missing: give a string");
    assert!(Fields::read(b"[]").is_err());
}

#[test]
fn only_what_was_left_over_is_lost() {
    let mut fields = Fields::read(br#"{"a":"x","b":"y","c":null,"model":"m"}"#).expect("an object");
    assert_eq!(fields.text("a"), Ok(Some("x".to_owned())));
    let mut lost = Lost::default();
    fields.lose_the_rest(&mut lost);
    assert_eq!(lost.into_names(), ["b"]);
}
