//! OpenAI's endpoints beside chat: embeddings, audio, images, moderations, and the old completions.
use super::openai::refusal;
use super::{in_odd_pieces, json_of, model, openai, pieces_of};
use crate::provider::{Call, Script};
use serde_json::{Value, json};

/// A tenth of a second of 16-bit samples, 24000 a second: what a speech holds in every dialect.
pub(super) const PCM: [u8; 4800] = samples();

const fn samples() -> [u8; 4800] {
    let mut all = [0; 4800];
    let mut at = 0;
    while at < all.len() {
        all[at] = (at % 251) as u8;
        at += 1;
    }
    all
}

/// What is painted, whatever was asked for.
pub(super) const IMAGE: &[u8] = b"\x89PNG little";

pub(super) fn answer(call: &Call, path: &str) -> Option<Script> {
    let body = json_of(call);
    let answer = match path {
        "/embeddings" => embeddings(&body),
        "/audio/speech" => Script::bytes(200, "audio/wav", wav()),
        "/audio/transcriptions" => transcription(call),
        "/images/generations" => {
            let image = json!({ "b64_json": base64(IMAGE), "revised_prompt": body["prompt"] });
            Script::json(200, &json!({ "created": 1_700_000_000, "data": [image] }))
        }
        "/moderations" => moderation(&body),
        "/completions" => completion(&body),
        _ => return None,
    };
    Some(answer)
}

/// Four numbers that a float of 32 bits holds exactly.
pub(super) fn vector(text: &str) -> [f32; 4] {
    let sum = text.bytes().map(f32::from).sum::<f32>();
    [sum / 1024.0, -0.5, 0.25, text.chars().count() as f32 / 64.0]
}

fn embeddings(body: &Value) -> Script {
    let texts: Vec<&str> = match &body["input"] {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return refusal(400, "input is missing", "invalid_request_error", &Value::Null),
    };
    let as_asked = |vector: [f32; 4]| match body["encoding_format"].as_str() {
        Some("base64") => json!(base64(&vector.map(f32::to_le_bytes).concat())),
        _ => json!(vector),
    };
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "object": "embedding", "index": index, "embedding": as_asked(vector(text)) }))
        .collect();
    let usage = json!({ "prompt_tokens": model::INPUT, "total_tokens": model::INPUT });
    Script::json(200, &json!({ "object": "list", "data": data, "model": "little", "usage": usage }))
}

/// Says what it was sent: whoever changes the file on its way is found out.
fn transcription(call: &Call) -> Script {
    let form = String::from_utf8_lossy(&call.body);
    let whole = form.contains("name=\"model\"") && form.contains("name=\"file\"") && form.contains("RIFF");
    if !whole {
        return refusal(400, "the form has no model or no file", "invalid_request_error", &Value::Null);
    }
    let bytes = call.body.windows(PCM.len()).any(|window| window == PCM);
    Script::json(200, &json!({ "text": heard(bytes) }))
}

/// The transcript of a file.
pub(super) fn heard(whole: bool) -> &'static str {
    if whole { "Every sample came." } else { "Some samples are missing." }
}

fn moderation(body: &Value) -> Script {
    let flagged = body["input"].as_str().is_some_and(|text| text.contains("forbidden"));
    let result = json!({ "flagged": flagged, "categories": { "violence": flagged, "hate": false },
        "category_scores": { "violence": if flagged { 0.75 } else { 0.0 }, "hate": 0.0 } });
    Script::json(200, &json!({ "id": "modr-little", "model": "little", "results": [result] }))
}

fn completion(body: &Value) -> Script {
    let Some(prompt) = body["prompt"].as_str() else {
        return refusal(400, "prompt is missing", "invalid_request_error", &Value::Null);
    };
    let asked = model::Asked { last: prompt.to_owned(), first: prompt.to_owned(), ..model::Asked::default() };
    let model::Answer::Says(saying) = asked.answer() else {
        return refusal(400, "the little model only chats about this", "invalid_request_error", &Value::Null);
    };
    let reply = |text: &str, finish: Value| {
        json!({ "id": "cmpl-little", "object": "text_completion", "created": 1_700_000_000, "model": "little",
            "choices": [{ "index": 0, "text": text, "logprobs": null, "finish_reason": finish }] })
    };
    if body["stream"] == true {
        let texts =
            pieces_of(&saying.text, 3).into_iter().map(|piece| format!("data: {}\n\n", reply(&piece, Value::Null)));
        let frames: String = texts.collect();
        return in_odd_pieces(&format!("{frames}data: {}\n\ndata: [DONE]\n\n", reply("", json!("stop"))));
    }
    let mut whole = reply(&saying.text, json!("stop"));
    whole["usage"] = openai::usage();
    Script::json(200, &whole)
}

/// The samples with the header of a WAV file: <http://soundfile.sapp.org/doc/WaveFormat/>.
pub(super) fn wav() -> Vec<u8> {
    let size = PCM.len() as u32;
    let header: [&[u8]; 13] = [
        b"RIFF",
        &(size + 36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &24_000_u32.to_le_bytes(),
        &48_000_u32.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &size.to_le_bytes(),
    ];
    [&header.concat(), PCM.as_slice()].concat()
}

/// RFC 4648, section 4.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for letter in 0..4 {
            let six = number >> (18 - 6 * letter) & 63;
            text.push(if letter <= group.len() { char::from(LETTERS[six as usize]) } else { '=' });
        }
    }
    text
}
