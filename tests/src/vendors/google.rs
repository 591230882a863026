//! Google's `generateContent`, its embeddings and its speech.
use super::media;
use super::model::{Answer, Asked, CACHED, Complaint, Finish, INPUT, OUTPUT, Saying, picture};
use super::{and_then_silence, in_odd_pieces, json_of, pieces_of};
use crate::provider::{Call, Script};
use serde_json::{Value, json};

/// Signs a part; a client must send it back with the call that it came with.
const SIGNATURE: &str = "bGl0dGxl";

pub(super) fn answer(call: &Call, path: &str) -> Script {
    let body = json_of(call);
    let verb = path.rsplit(':').next().unwrap_or_default();
    if let Some(media) = of_media(&body) {
        return media;
    }
    match verb {
        "batchEmbedContents" => {
            let texts = body["requests"].as_array().into_iter().flatten().map(|one| text(&one["content"]["parts"]));
            let vectors: Vec<Value> = texts.map(|text| json!({ "values": media::vector(&text) })).collect();
            return Script::json(200, &json!({ "embeddings": vectors }));
        }
        "embedContent" => {
            let values = media::vector(&text(&body["content"]["parts"]));
            return Script::json(200, &json!({ "embedding": { "values": values } }));
        }
        "countTokens" => return Script::json(200, &json!({ "totalTokens": INPUT })),
        _ => {}
    }
    let asked = match read(&body, path.contains("gemini-3")) {
        Ok(asked) => asked,
        Err(why) => return refusal(400, "INVALID_ARGUMENT", &format!("the scripted Google: {why}")),
    };
    let stream = verb == "streamGenerateContent";
    if stream && !call.path.contains("alt=sse") {
        return refusal(400, "INVALID_ARGUMENT", "the scripted Google: only alt=sse is served here");
    }
    match asked.answer() {
        Answer::Says(saying) if stream => in_odd_pieces(&frames(&saying, true)),
        Answer::Says(saying) => Script::json(200, &whole(&saying)),
        Answer::Fails(complaint) => complain(complaint),
        Answer::Endless(saying) if stream => and_then_silence(&frames(&saying, false)),
        Answer::Endless(_) => Script::silence(),
        Answer::Breaks(saying, complaint) if stream => in_odd_pieces(
            &(frames(&saying, false) + &frame(&error(complaint.status(), "INTERNAL", complaint.message()))),
        ),
        Answer::Breaks(_, complaint) => complain(complaint),
    }
}

fn complain(complaint: Complaint) -> Script {
    match complaint {
        Complaint::Invalid => refusal(400, "INVALID_ARGUMENT", complaint.message()),
        Complaint::TooLong => refusal(
            400,
            "INVALID_ARGUMENT",
            "The input token count (11) exceeds the maximum number of tokens allowed (10).",
        ),
        Complaint::Broken => refusal(500, "INTERNAL", complaint.message()),
        Complaint::Busy => {
            let mut body = error(429, "RESOURCE_EXHAUSTED", complaint.message());
            body["error"]["details"] =
                json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "60s" }]);
            Script::json(429, &body)
        }
    }
}

fn refusal(status: u16, class: &str, message: &str) -> Script {
    Script::json(status, &error(status, class, message))
}

fn error(status: u16, class: &str, message: &str) -> Value {
    json!({ "error": { "code": status, "message": message, "status": class } })
}

fn text(parts: &Value) -> String {
    parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

/// What was asked, and what Google would refuse.
///
/// `seals`: from its third generation on, a call must come back with its signature.
fn read(body: &Value, seals: bool) -> Result<Asked, String> {
    let contents = body["contents"].as_array().filter(|all| !all.is_empty()).ok_or("contents is not specified")?;
    let mut asked = Asked { system: text(&body["systemInstruction"]["parts"]), ..Asked::default() };
    let declared = body["tools"].as_array().into_iter().flatten();
    let declared = declared.flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten());
    asked.tools = declared.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect();
    // The names of calls without their response.
    let mut open: Vec<String> = Vec::new();
    let mut before = "";
    for content in contents {
        let role = content["role"].as_str().unwrap_or("user");
        let parts =
            content["parts"].as_array().filter(|all| !all.is_empty()).ok_or("contents.parts must not be empty")?;
        if role == before {
            return Err(format!("please ensure that multiturn requests alternate: two turns of `{role}`"));
        }
        before = role;
        match role {
            "user" => asked.parts(parts, &mut open)?,
            "model" => {
                let calls: Vec<&Value> = parts.iter().filter(|part| part["functionCall"].is_object()).collect();
                if seals && calls.first().is_some_and(|call| !call["thoughtSignature"].is_string()) {
                    return Err("Function call is missing a thought_signature".to_owned());
                }
                open.extend(
                    calls.into_iter().filter_map(|call| call["functionCall"]["name"].as_str()).map(str::to_owned),
                );
            }
            other => return Err(format!("please use a valid role: user, model: not `{other}`")),
        }
    }
    if before == "model" {
        return Err("the last turn must be the user's".to_owned());
    }
    let config = &body["generationConfig"];
    let schema = ["responseJsonSchema", "responseSchema"].iter().map(|name| &config[*name]).find(|one| one.is_object());
    if schema.is_some() && config["responseMimeType"] != "application/json" {
        return Err("a schema needs responseMimeType application/json".to_owned());
    }
    asked.schema = schema.cloned();
    let calling = &body["toolConfig"]["functionCallingConfig"];
    asked.forced =
        (calling["mode"] == "ANY").then(|| calling["allowedFunctionNames"][0].as_str()).flatten().map(str::to_owned);
    Ok(asked)
}

impl Asked {
    fn parts(&mut self, parts: &[Value], open: &mut Vec<String>) -> Result<(), String> {
        let answered = parts.iter().filter(|part| part["functionResponse"].is_object()).count();
        if answered != open.len() {
            let count = open.len();
            return Err(format!(
                "the number of function response parts ({answered}) must equal that of the function call parts ({count})"
            ));
        }
        for part in parts {
            let answer = &part["functionResponse"];
            if let Some(name) = answer["name"].as_str() {
                let at =
                    open.iter().position(|known| known == name).ok_or_else(|| format!("a response of `{name}`"))?;
                open.remove(at);
                // An object: whoever answers with a text puts it under a name of their own.
                let response = answer["response"].as_object().ok_or("functionResponse.response must be an object")?;
                let texts =
                    response.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                self.results.push(texts.collect());
            } else if let Some(media_type) = part["inlineData"]["mimeType"].as_str() {
                self.pictures.push(picture(media_type, part["inlineData"]["data"].as_str().unwrap_or_default()));
            } else if let Some(uri) = part["fileData"]["fileUri"].as_str() {
                self.pictures.push(uri.to_owned());
            } else if !part["text"].is_string() {
                return Err(format!("a user's part {part}"));
            }
        }
        let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        if !text.is_empty() {
            self.said(text);
        }
        Ok(())
    }
}

/// A tool's call does not change it: Google says `STOP` then, too.
fn finish(saying: &Saying) -> &'static str {
    match saying.finish {
        Finish::Stop | Finish::Calls => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Filtered => "SAFETY",
    }
}

fn usage() -> Value {
    json!({ "promptTokenCount": INPUT, "cachedContentTokenCount": CACHED, "candidatesTokenCount": OUTPUT,
        "totalTokenCount": INPUT + OUTPUT })
}

fn reply(parts: &[Value], finish: &Value, usage: &Value) -> Value {
    let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts } });
    if !finish.is_null() {
        candidate["finishReason"] = finish.clone();
    }
    json!({ "candidates": [candidate], "usageMetadata": usage, "modelVersion": "little", "responseId": "little" })
}

fn calls(saying: &Saying) -> impl Iterator<Item = Value> + '_ {
    saying.calls.iter().enumerate().map(|(at, call)| {
        let mut part = json!({ "functionCall": { "name": call.name, "args": call.arguments } });
        if at == 0 {
            part["thoughtSignature"] = json!(SIGNATURE);
        }
        part
    })
}

fn whole(saying: &Saying) -> Value {
    let mut parts = Vec::new();
    if !saying.thought.is_empty() {
        parts.push(json!({ "text": saying.thought, "thought": true }));
    }
    if !saying.text.is_empty() {
        parts.push(json!({ "text": saying.text }));
    }
    parts.extend(calls(saying));
    reply(&parts, &json!(finish(saying)), &usage())
}

/// With `end`, all of it; else only what is said.
fn frames(saying: &Saying, end: bool) -> String {
    // Counted as it goes: the last count is the one that holds.
    let so_far = json!({ "promptTokenCount": INPUT, "totalTokenCount": INPUT });
    let mut frames = String::new();
    for piece in pieces_of(saying.thought, 3) {
        frames += &frame(&reply(&[json!({ "text": piece, "thought": true })], &Value::Null, &so_far));
    }
    for piece in pieces_of(&saying.text, 3) {
        frames += &frame(&reply(&[json!({ "text": piece })], &Value::Null, &so_far));
    }
    for call in calls(saying) {
        frames += &frame(&reply(&[call], &Value::Null, &so_far));
    }
    if end {
        frames += &frame(&reply(&[json!({ "text": "" })], &json!(finish(saying)), &usage()));
    }
    frames
}

/// Google ends its lines with both characters.
fn frame(value: &Value) -> String {
    format!("data: {value}\r\n\r\n")
}

/// What is asked for in sound or pictures; `None` for a conversation.
fn of_media(body: &Value) -> Option<Script> {
    let parts = &body["contents"][0]["parts"];
    let heard = parts.as_array().into_iter().flatten().filter_map(|part| part["inlineData"]["mimeType"].as_str());
    if heard.into_iter().any(|media_type| media_type.starts_with("audio/")) {
        let whole = parts
            .as_array()
            .into_iter()
            .flatten()
            .any(|part| part["inlineData"]["data"] == media::base64(&media::wav()));
        return Some(Script::json(200, &whole_of(json!({ "text": media::heard(whole) }))));
    }
    match body["generationConfig"]["responseModalities"].as_array()?.last()?.as_str()? {
        "AUDIO" => Some(speech(body)),
        "IMAGE" => {
            let data = json!({ "mimeType": "image/png", "data": media::base64(media::IMAGE) });
            Some(Script::json(200, &whole_of(json!({ "inlineData": data }))))
        }
        _ => None,
    }
}

fn speech(body: &Value) -> Script {
    let said = text(&body["contents"][0]["parts"]);
    let voice = body.pointer("/generationConfig/speechConfig/voiceConfig/prebuiltVoiceConfig/voiceName");
    if voice.is_none() || said.is_empty() {
        return refusal(400, "INVALID_ARGUMENT", "the scripted Google: no voice or no text");
    }
    let data = json!({ "mimeType": "audio/L16;codec=pcm;rate=24000", "data": media::base64(&media::PCM) });
    Script::json(200, &whole_of(json!({ "inlineData": data })))
}

fn whole_of(part: Value) -> Value {
    reply(&[part], &json!("STOP"), &usage())
}
