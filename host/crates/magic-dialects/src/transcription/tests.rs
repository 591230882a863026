use super::write;
use crate::multipart::Form;
use magic_types::{Failure, Kind};
use serde_json::Value;

fn form(fields: &[(&str, &str)]) -> Form {
    let mut body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"A.MP3\"\r\n\
        Content-Type: application/octet-stream\r\n\r\nsound\r\n--b"
        .to_owned();
    for (name, value) in fields {
        body.push_str(&format!("\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--b"));
    }
    let mut form = Form::new("multipart/form-data; boundary=b").expect("a form");
    form.push(format!("{body}--\r\n").as_bytes()).expect("good");
    assert!(form.is_whole());
    form
}

fn lost(fields: &[(&str, &str)]) -> Result<Vec<String>, Failure> {
    write(&form(fields)).map(|(written, _)| written.lost)
}

const REPLY: &[u8] =
    br#"{"candidates":[{"content":{"parts":[{"text":"think","thought":true},{"text":" Hello \"you\"."},{"text":"\n"}]},
    "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":4}}"#;

#[test]
fn a_recording_goes_inline_with_what_the_client_knows_of_it() {
    let (written, _) =
        write(&form(&[("model", "m"), ("language", "de"), ("prompt", "Kästner"), ("temperature", "0.2")]))
            .expect("good");
    let sent: Value = serde_json::from_slice(&written.body).expect("JSON");
    let parts = &sent["contents"][0]["parts"];
    let instruction = parts[0]["text"].as_str().expect("text");
    assert!(instruction.contains("`de`") && instruction.ends_with("Kästner"), "{instruction}");
    assert_eq!(parts[1]["inlineData"]["mimeType"], "audio/mp3");
    assert_eq!(parts[1]["inlineData"]["data"], "c291bmQ=");
    assert_eq!(sent["generationConfig"]["temperature"], 0.2);
    assert!(written.lost.is_empty());
}

#[test]
fn times_and_speakers_are_named_as_lost_and_subtitles_refused() {
    assert_eq!(
        lost(&[("response_format", "verbose_json"), ("timestamp_granularities[]", "word"), ("stream", "true")]),
        Ok(["response_format", "timestamp_granularities", "stream"].map(str::to_owned).to_vec())
    );
    assert_eq!(lost(&[("stream", "false"), ("response_format", "json")]), Ok(Vec::new()));
    let failure = lost(&[("response_format", "srt")]).expect_err("no times");
    assert!(failure.kind == Kind::InvalidRequest && failure.public.contains("srt"));
    assert!(lost(&[("temperature", "warm")]).is_err());
}

#[test]
fn a_transcript_is_json_or_bare_text() {
    let (_, asked) = write(&form(&[])).expect("good");
    let answer = asked.read(REPLY).expect("good");
    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((json["text"].as_str(), json["usage"]["total_tokens"].as_u64()), (Some("Hello \"you\"."), Some(34)));
    let (_, asked) = write(&form(&[("response_format", "text")])).expect("good");
    assert_eq!(asked.read(REPLY).expect("good").body, "Hello \"you\".\n");
}

#[test]
fn silence_is_an_empty_text_and_a_refusal_is_a_failure() {
    let (_, asked) = write(&form(&[])).expect("good");
    let silence = asked.read(br#"{"candidates":[{"finishReason":"STOP"}]}"#).expect("good");
    assert_eq!(silence.body, r#"{"text":""}"#);
    let kind = |json: &str| asked.read(json.as_bytes()).expect_err("bad").kind;
    assert_eq!(kind(r#"{"candidates":[{"finishReason":"RECITATION"}]}"#), Kind::ContentPolicy);
    assert_eq!(kind("{}"), Kind::BadReply);
}

#[test]
fn a_form_without_a_file_is_refused() {
    let mut form = Form::new("multipart/form-data; boundary=b").expect("a form");
    form.push(b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--").expect("good");
    assert_eq!(write(&form).expect_err("no file").public, "`file` is missing");
}
