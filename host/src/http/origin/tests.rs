use super::check;
use http::HeaderMap;

fn passes(headers: &[(&'static str, &'static str)]) -> bool {
    let pairs = headers
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)));
    check(&pairs.collect::<HeaderMap>()).is_ok()
}

#[test]
fn only_a_page_of_another_origin_is_kept_out() {
    assert!(passes(&[("host", "127.0.0.1:8001")]));
    assert!(passes(&[("host", "127.0.0.1:8001"), ("origin", "http://127.0.0.1:8001")]));
    assert!(passes(&[("host", "ai.example.org"), ("origin", "https://ai.example.org")]));
    assert!(!passes(&[("host", "127.0.0.1:8001"), ("origin", "https://evil.example")]));
    assert!(!passes(&[("host", "127.0.0.1:8001"), ("origin", "http://127.0.0.1:9000")]));
    assert!(!passes(&[("host", "127.0.0.1:8001"), ("origin", "null")]));
    assert!(!passes(&[("origin", "http://127.0.0.1:8001")]));
}
