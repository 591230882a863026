use super::{Reply, SLOW_STEPS, STEPS, Script, marker};
use crate::wire;

fn at_once<'s>(script: &'s Script, body: &str) -> &'s [u8] {
    match script.reply(b"POST /v1/chat/completions HTTP/1.1", body.as_bytes()) {
        Reply::AtOnce(bytes) => bytes,
        Reply::InPieces(_) | Reply::Paced(_) | Reply::Slow(_) => panic!("not at once"),
    }
}

#[test]
fn a_whole_reply_is_one_kibibyte() {
    let script = Script::new();
    let reply = at_once(&script, r#"{"model":"whole"}"#);
    let head = wire::head(reply).unwrap().unwrap();
    assert_eq!((head.length, reply.len() - head.bytes), (wire::Length::Known(1024), 1024));
}

#[test]
fn a_session_is_led_from_step_to_step_and_then_to_its_end() {
    let script = Script::new();
    let asked_after = |step: usize| at_once(&script, &format!(r#"{{"model":"react","messages":"{}"}}"#, marker(step)));
    let first = at_once(&script, r#"{"model":"react"}"#);
    assert_eq!(first, script.react[0].as_slice());
    assert_eq!(asked_after(3), script.react[3].as_slice());
    assert_eq!(asked_after(STEPS), script.react[STEPS].as_slice());
}

#[test]
fn the_slow_vendor_says_the_same_in_one_piece_as_in_many() {
    let script = Script::new();
    let pieces = |model: &str, step: usize| {
        let body = format!(r#"{{"model":"{model}","messages":"{}"}}"#, marker(step));
        match script.reply(b"POST /v1/chat/completions HTTP/1.1", body.as_bytes()) {
            Reply::Slow(pieces) => pieces.to_vec(),
            Reply::AtOnce(_) | Reply::InPieces(_) | Reply::Paced(_) => panic!("not slow"),
        }
    };
    assert_eq!([pieces("slow", 0).len(), pieces("slow_whole", 0).len(), pieces("slow_acts", 0).len()], [20, 1, 20]);
    for model in ["slow", "slow_whole", "slow_acts"] {
        assert!(pieces(model, 0).concat().ends_with(wire::CHUNKED_END));
    }
    let answer = pieces("slow_whole", SLOW_STEPS).concat();
    assert!(String::from_utf8(answer).unwrap().contains("The work is done."));
}

#[test]
fn a_stream_ends_with_the_chunk_that_the_load_waits_for() {
    let script = Script::new();
    for stream in [&script.openai.flood, &script.paced, &script.anthropic.flood, &script.google.flood] {
        assert!(stream.concat().ends_with(wire::CHUNKED_END));
    }
}

#[test]
fn the_path_names_the_dialect_of_the_reply() {
    let script = Script::new();
    let reply = |path: &str, body: &str| match script.reply(format!("POST {path} HTTP/1.1").as_bytes(), body.as_bytes())
    {
        Reply::AtOnce(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::InPieces(pieces) | Reply::Paced(pieces) | Reply::Slow(pieces) => {
            String::from_utf8_lossy(&pieces.concat()).into_owned()
        }
    };
    assert!(reply("/v1/messages", "{}").contains("end_turn"));
    assert!(reply("/v1/messages", r#"{"stream":true}"#).contains("event: message_stop"));
    assert!(reply("/v1/models/whole:generateContent", "{}").contains("candidates"));
    assert!(reply("/v1/models/whole:streamGenerateContent?alt=sse", "{}").ends_with("0\r\n\r\n"));
}
