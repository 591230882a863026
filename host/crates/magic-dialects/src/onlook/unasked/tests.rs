use super::{asking_usage, without_usage};
use bytes::Bytes;

const TEXT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a \\\"usage\\\":{ b\"}}],\"usage\":null}\n\n";
const USAGE: &str = "data: {\"id\":\"x\",\"choices\": [ ],\"usage\": {\"prompt_tokens\":3}}\n\n";
const BOTH: &str =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn check(events: &str, expected: &str) {
    assert_eq!(without_usage(Bytes::from(events.to_owned())), expected);
}

#[test]
fn the_chunk_of_usage_alone_is_kept_back_and_nothing_else() {
    check(&[TEXT, USAGE, DONE].concat(), &[TEXT, DONE].concat());
    check(&[TEXT, TEXT, BOTH, DONE].concat(), &[TEXT, TEXT, BOTH, DONE].concat());
    check(USAGE, "");
    check("", "");
}

#[test]
fn line_ends_of_any_kind_end_an_event() {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    check(&crlf(&[TEXT, USAGE, DONE].concat()), &crlf(&[TEXT, DONE].concat()));
    let cr = |text: &str| text.replace('\n', "\r");
    check(&cr(&[TEXT, USAGE, DONE].concat()), &cr(&[TEXT, DONE].concat()));
    check(&[": comment\n\n", USAGE, "data: x"].concat(), ": comment\n\ndata: x");
}

#[test]
fn whatever_the_client_says_usage_is_asked_for_unless_it_asks_itself() {
    let asking = |options| asking_usage(options).unwrap_or_default();
    assert_eq!(asking(None), r#"{"include_usage":true}"#);
    assert_eq!(asking(Some("null")), r#"{"include_usage":true}"#);
    assert_eq!(asking(Some(r#"{"include_usage": false}"#)), r#"{"include_usage":true}"#);
    assert_eq!(
        asking(Some(r#"{"include_obfuscation":false}"#)),
        r#"{"include_obfuscation":false,"include_usage":true}"#
    );
    assert_eq!(asking_usage(Some(r#"{ "include_usage" : true }"#)), None);
    assert_eq!(asking_usage(Some("7")), None, "the vendor says what is wrong with it");
}
