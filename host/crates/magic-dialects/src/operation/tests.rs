use super::Operation;
use crate::multipart::Form;
use crate::{embeddings, images, speech, transcription};
use std::collections::HashSet;

#[test]
fn every_operation_has_a_word_of_its_own() {
    let words: HashSet<_> = Operation::ALL.iter().map(|operation| operation.as_str()).collect();
    assert_eq!(words.len(), Operation::ALL.len());
}

/// A reply with everything in it that any of the readers looks for.
const REPLY: &[u8] =
    br#"{"embeddings":[{"values":[0.5,-1e3]}],"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"QQ=="}],
    "candidates":[{"content":{"parts":[{"text":"t"},{"inlineData":{"mimeType":"audio/L16;rate=24000","data":"AQID"}}]},
    "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":8}}"#;

#[test]
fn no_reply_makes_a_reader_panic() {
    let (_, vectors) = embeddings::write(br#"{"input":"a","encoding_format":"base64"}"#, "m").expect("good");
    let (_, sound) = speech::write(br#"{"input":"a"}"#).expect("good");
    let (_, imagen) = images::write(br#"{"prompt":"a"}"#, "imagen").expect("good");
    let (_, gemini) = images::write(br#"{"prompt":"a"}"#, "gemini").expect("good");
    let mut form = Form::new("multipart/form-data; boundary=b").expect("a form");
    form.push(b"--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nx\r\n--b--").expect("good");
    let (_, text) = transcription::write(&form).expect("good");
    let mut seed = 0x1234_5678_9abc_def1_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut read = 0;
    for _ in 0..3_000 {
        let mut reply = REPLY.to_vec();
        for _ in 0..next() % 4 {
            let (at, byte) = (next() as usize % reply.len(), next() as u8);
            reply[at] = byte;
        }
        let answers = [
            vectors.read(&reply, "m"),
            sound.read(&reply),
            imagen.read(&reply, 1),
            gemini.read(&reply, 1),
            text.read(&reply),
        ];
        read += answers.iter().flatten().filter(|answer| !answer.body.is_empty()).count();
    }
    // Unharmed ones among them are read, so that the loop has looked at more than refusals.
    assert!(read > 3_000, "{read}");
}
