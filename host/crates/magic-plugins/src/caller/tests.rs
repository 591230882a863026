use super::*;

#[test]
fn a_request_that_is_tried_again_keeps_its_key_and_another_has_another() {
    let mut writes = Writes::default();
    let mut key = |method, url, body: &str| writes.key_of("s1/c2", method, url, body.as_bytes());
    let url = "https://a.example/";
    assert_eq!((key("GET", url, ""), key("head", url, "")), (None, None));
    assert_eq!(key("POST", url, "one").unwrap(), "\"s1/c2\"");
    assert_eq!(key("POST", url, "two").unwrap(), "\"s1/c2-2\"");
    assert_eq!(key("post", url, "one").unwrap(), "\"s1/c2\"");
    assert_eq!(key("PUT", url, "one").unwrap(), "\"s1/c2-3\"");
    assert_eq!(key("POST", "https://b.example/", "one").unwrap(), "\"s1/c2-4\"");
}

#[test]
fn a_key_that_no_header_may_have_is_not_sent() {
    for key in ["a\"b", "a\\b", "ü", "a\nb"] {
        assert_eq!(Writes::default().key_of(key, "POST", "https://a.example/", b""), None);
    }
}
