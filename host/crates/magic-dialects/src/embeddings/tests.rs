use super::write;
use magic_types::Kind;
use serde_json::{Value, json};

#[test]
fn a_list_of_texts_is_one_batch_and_its_vectors_keep_their_order_and_digits() {
    let body = br#"{"model":"alias","input":["a","b"],"dimensions":2,"user":"u"}"#;
    let (written, asked) = write(body, "models/gemini-embedding-001").expect("good");
    let request = |text: &str| json!({ "model": "models/gemini-embedding-001", "content": { "parts": [{ "text": text }] }, "outputDimensionality": 2 });
    let sent: Value = serde_json::from_slice(&written.body).expect("JSON");
    assert_eq!(sent, json!({ "requests": [request("a"), request("b")] }));
    assert_eq!(written.lost, ["user"]);
    let reply = br#"{"embeddings":[{"values":[0.10000000001,-1]},{"values":[2e-3,3]}]}"#;
    let answer = asked.read(reply, "alias").expect("good");
    assert_eq!(
        answer.body,
        concat!(
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10000000001,-1]},"#,
            r#"{"object":"embedding","index":1,"embedding":[2e-3,3]}],"#,
            r#""model":"alias","usage":{"prompt_tokens":2,"total_tokens":2}}"#
        )
    );
    assert!(answer.usage_is_estimated);
}

#[test]
fn base64_is_little_endian_floats_as_openais_clients_ask_for() {
    let (written, asked) = write(br#"{"input":"a","encoding_format":"base64"}"#, "m").expect("good");
    assert!(written.lost.is_empty());
    let answer = asked.read(br#"{"embeddings":[{"values":[1.0,-2.5]}]}"#, "m").expect("good");
    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    // 00 00 80 3f 00 00 20 c0
    assert_eq!(json["data"][0]["embedding"], "AACAPwAAIMA=");
}

#[test]
fn a_reply_that_does_not_fit_its_question_is_refused() {
    let (_, asked) = write(br#"{"input":["a","b"]}"#, "m").expect("good");
    for bad in [r#"{"embeddings":[{"values":[1]}]}"#, r#"{"embeddings":[{"values":["x"]},{"values":[1]}]}"#, "{", "[]"]
    {
        assert_eq!(asked.read(bad.as_bytes(), "m").expect_err("bad").kind, Kind::BadReply, "{bad}");
    }
    let error = asked.read(br#"{"error":{"code":429,"message":"slow"}}"#, "m").expect_err("error");
    assert_eq!(error.kind, Kind::RateLimited);
}

#[test]
fn tokens_and_nonsense_are_refused_by_name() {
    for bad in ["{}", r#"{"input":[]}"#, r#"{"input":[1,2]}"#, r#"{"input":[[1]]}"#, r#"{"input":{}}"#] {
        let failure = write(bad.as_bytes(), "m").expect_err("bad");
        assert!(failure.kind == Kind::InvalidRequest && failure.public.contains("`input`"), "{bad}");
    }
    assert!(write(br#"{"input":"a","encoding_format":"hex"}"#, "m").is_err());
}
