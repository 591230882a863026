use super::write;
use magic_types::Kind;
use serde_json::{Value, json};

const REPLY: &[u8] = br#"{"candidates":[{"content":{"parts":[
    {"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=16000","data":"AQID"}},{"inlineData":{"data":"BA=="}}]},
    "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":48}}"#;

#[test]
fn a_text_is_asked_for_in_a_voice_and_a_manner() {
    let body = br#"{"model":"a","input":"Hi","voice":"echo","instructions":"Say cheerfully","response_format":"wav","speed":1.0}"#;
    let (written, _) = write(body).expect("good");
    let sent: Value = serde_json::from_slice(&written.body).expect("JSON");
    assert_eq!(
        sent,
        json!({
            "contents": [{ "role": "user", "parts": [{ "text": "Say cheerfully:\nHi" }] }],
            "generationConfig": { "responseModalities": ["AUDIO"],
                "speechConfig": { "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": "Puck" } } } },
        })
    );
    assert!(written.lost.is_empty());
}

#[test]
fn what_cannot_be_made_is_named() {
    let lost = |body: &str| write(body.as_bytes()).expect("good").0.lost;
    assert_eq!(lost(r#"{"input":"Hi","voice":"Kore"}"#), ["response_format"]);
    assert_eq!(
        lost(r#"{"input":"Hi","voice":{"id":"v"},"response_format":"opus","speed":2,"stream_format":"sse","x":1}"#),
        ["response_format", "speed", "stream_format", "x"]
    );
    assert!(write(b"{}").expect_err("no input").public.contains("`input`"));
}

#[test]
fn samples_come_bare_or_with_a_header_that_tells_their_rate() {
    let (_, asked) = write(br#"{"input":"Hi","response_format":"pcm"}"#).expect("good");
    let answer = asked.read(REPLY).expect("good");
    assert_eq!((answer.content_type, answer.body.as_ref()), ("audio/pcm", &[1, 2, 3, 4][..]));
    let (_, asked) = write(br#"{"input":"Hi"}"#).expect("good");
    let answer = asked.read(REPLY).expect("good");
    let head =
        b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\x04\0\0\0\x01\x02\x03\x04";
    assert_eq!((answer.content_type, answer.body.as_ref()), ("audio/wav", &head[..]));
    assert_eq!(answer.usage.map(|usage| usage.total_tokens()), Some(56));
}

#[test]
fn silence_is_a_failure_and_never_an_empty_file() {
    let (_, asked) = write(br#"{"input":"Hi"}"#).expect("good");
    let kind = |json: &str| asked.read(json.as_bytes()).expect_err("silent").kind;
    assert_eq!(kind("{}"), Kind::BadReply);
    assert_eq!(kind(r#"{"candidates":[{"finishReason":"SAFETY"}]}"#), Kind::ContentPolicy);
    assert_eq!(kind(r#"{"promptFeedback":{"blockReason":"OTHER"}}"#), Kind::ContentPolicy);
    let bad = r#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"?"}}]}}]}"#;
    assert_eq!(kind(bad), Kind::BadReply);
}
