use super::*;

#[test]
fn a_request_is_shown_without_what_it_carries() {
    let request = Outbound {
        method: "GET".to_owned(),
        url: "https://a.example/p?key=s3cret".to_owned(),
        shown_url: "https://a.example/p".to_owned(),
        headers: vec![("authorization".to_owned(), "Bearer s3cret".to_owned())],
        body: Bytes::from_static(b"s3cret"),
        timeout: Duration::from_secs(1),
        response_bytes_max: 1,
        allow_private: false,
    };
    let shown = format!("{request:?}");
    assert!(shown.contains("https://a.example/p") && !shown.contains("s3cret"), "{shown}");
}
