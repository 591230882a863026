use super::read;
use crate::counting::estimate;

#[test]
fn a_body_without_max_tokens_is_read_whole() {
    let bare = br#"{"model":"m","messages":[{"role":"user","content":"12345678"}]}"#;
    let body = br#"{"model":"m","system":"abcd","messages":[{"role":"user","content":"12345678"}],
        "tools":[{"name":"ab","description":"cd","input_schema":{}}]}"#;
    let count = |body| estimate(&read(body).expect("good"));
    assert!(count(body) > count(bare));
    assert!(read(br#"{"model":"m"}"#).is_err());
}
