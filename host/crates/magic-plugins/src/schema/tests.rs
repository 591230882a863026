use super::*;
use std::fmt::Write;
use std::time::Duration;
use tokio::time::Instant;

/// `levels` definitions, each referring to the next one `times` times.
fn exploding(levels: u32, times: u32) -> String {
    let mut text = r##"{"type":"object","$ref":"#/$defs/d0","$defs":{"##.to_owned();
    for level in 0..levels {
        let refs = vec![format!(r##"{{"$ref":"#/$defs/d{}"}}"##, level + 1); times as usize].join(",");
        write!(text, r#""d{level}":{{"anyOf":[{refs}]}},"#).unwrap();
    }
    write!(text, r#""d{levels}":{{"required":["never"]}}}}}}"#).unwrap();
    text
}

#[test]
fn a_schema_that_explodes_is_refused_at_load() {
    let began = Instant::now();
    assert!(Schema::of_object(&exploding(40, 2)).is_err_and(|text| text.contains("too large or too deep")));
    assert!(Schema::of_object(&exploding(3, 3)).is_ok());
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_schema_that_refers_to_itself_bounds_the_nesting_of_arguments() {
    let text =
        r##"{"type":"object","properties":{"x":{"anyOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]}},"required":["y"]}"##;
    let schema = Schema::of_object(text).unwrap();
    let nested = |levels: usize| format!("{}1{}", r#"{"x":"#.repeat(levels), "}".repeat(levels));
    let began = Instant::now();
    assert!(schema.check_arguments(&nested(100)).is_err_and(|text| text.contains("nested deeper than 12 levels")));
    assert!(schema.check_arguments(&nested(8)).is_err_and(|text| text.contains("\"y\" is a required property")));
    assert!(began.elapsed() < Duration::from_secs(20));
    // A plain tree refers to itself once and may be as deep as JSON may.
    let tree = r##"{"type":"object","properties":{"x":{"$ref":"#"}}}"##;
    assert!(Schema::of_object(tree).unwrap().check_arguments(&nested(100)).is_err_and(|text| text.contains("object")));
}

#[test]
fn references_are_followed_inside_the_schema_only() {
    let good = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/s"}},"$defs":{"s":{"type":"string"}}}"##;
    let schema = Schema::of_object(good).unwrap();
    assert!(schema.check_arguments(r#"{"a":"x"}"#).is_ok());
    assert!(schema.check_arguments(r#"{"a":1}"#).is_err_and(|text| text.contains("at `/a`")));
    for target in ["https://a.example/s", "file:///etc/passwd", "other.json", "#anchor"] {
        let text = format!(r#"{{"type":"object","$ref":"{target}"}}"#);
        assert!(Schema::of_object(&text).is_err(), "{target}");
    }
    // A property may be called so, and an instance may look so.
    assert!(Schema::of_object(r#"{"type":"object","properties":{"$ref":{"type":"string"}}}"#).is_ok());
    assert!(Schema::of_object(r#"{"type":"object","default":{"$ref":"https://a.example"}}"#).is_ok());
}

#[test]
fn only_so_many_violations_are_told() {
    let schema = Schema::of_object(r#"{"type":"object","additionalProperties":{"type":"string"}}"#).unwrap();
    let many: Vec<_> = (0..50).map(|n| format!(r#""k{n}":{n}"#)).collect();
    let text = schema.check_arguments(&format!("{{{}}}", many.join(","))).unwrap_err();
    assert_eq!(text.matches("at `/k").count(), 20);
    assert!(text.ends_with("; and more"));
}

#[test]
fn a_pattern_cannot_make_the_check_hang() {
    let schema = Schema::of_object(r#"{"type":"object","properties":{"a":{"pattern":"^(a+)+$"}}}"#).unwrap();
    let began = Instant::now();
    assert!(schema.check_arguments(&format!(r#"{{"a":"{}!"}}"#, "a".repeat(50_000))).is_err());
    assert!(began.elapsed() < Duration::from_secs(5));
    // One that would compile to megabytes is refused.
    assert!(Schema::of_object(r#"{"type":"object","properties":{"a":{"pattern":"(\\w{500}){500}"}}}"#).is_err());
}

#[test]
fn arguments_are_bounded() {
    let schema = Schema::of_object(r#"{"type":"object"}"#).unwrap();
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(defaults::ARGUMENTS_BYTES_MAX));
    assert!(schema.check_arguments(&large).is_err_and(|text| text.contains("bytes, more than")));
    assert!(schema.check_arguments(&format!("{}{}", "[".repeat(500), "]".repeat(500))).is_err());
}
