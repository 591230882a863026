//! OpenAI's `/v1/audio/speech` before a speaking Gemini: body in, sound out. Google sends raw samples, which are given on
//! as they are or with a WAV header; nothing is compressed here.
//! <https://ai.google.dev/gemini-api/docs/speech-generation>
use crate::base64;
use crate::dialect::Written;
use crate::errors::bad_reply;
use crate::fields::Fields;
use crate::gemini::wire::{Blob, Response, UsageMetadata};
use crate::lost::Lost;
use crate::operation::Answer;
use magic_types::{Failure, Kind};
use serde_json::{Value, json};

/// What Google sends when it does not say.
const SAMPLES_PER_SECOND: u32 = 24_000;

/// What the reply's form hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Bare samples instead of a WAV file.
    is_raw: bool,
}

/// The body for Google.
///
/// # Errors
/// A client's failure that names the field.
pub fn write(body: &[u8]) -> Result<(Written, Asked), Failure> {
    let mut fields = Fields::read(body)?;
    let mut lost = Lost::default();
    let input = fields.needed_text("input")?;
    let voice = match fields.take("voice") {
        Some(Value::Object(custom)) => custom.get("id").and_then(Value::as_str).map(str::to_owned),
        Some(Value::String(name)) => Some(name),
        Some(_) | None => None,
    };
    let text = match fields.text("instructions")? {
        Some(manner) if !manner.is_empty() => format!("{manner}:\n{input}"),
        Some(_) | None => input,
    };
    let format = fields.text("response_format")?;
    // OpenAI's default is MP3: who names nothing expects that.
    if !matches!(format.as_deref(), Some("wav" | "pcm")) {
        lost.name("response_format");
    }
    if fields.take("speed").and_then(|speed| speed.as_f64()).is_some_and(|speed| (speed - 1.0).abs() > f64::EPSILON) {
        lost.name("speed");
    }
    if fields.text("stream_format")?.as_deref() == Some("sse") {
        lost.name("stream_format");
    }
    fields.lose_the_rest(&mut lost);
    let voice = voice_of(voice.as_deref().unwrap_or("alloy"));
    let body = json!({
        "contents": [{ "role": "user", "parts": [{ "text": text }] }],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": { "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": voice } } },
        },
    });
    let asked = Asked { is_raw: format.as_deref() == Some("pcm") };
    Ok((Written { body: body.to_string().into(), lost: lost.into_names() }, asked))
}

/// OpenAI's voices as those of Google's that come near in pitch and manner; any other name is taken for one of Google's.
fn voice_of(name: &str) -> &str {
    const VOICES: &[(&str, &str)] = &[
        ("alloy", "Kore"),
        ("ash", "Charon"),
        ("ballad", "Umbriel"),
        ("cedar", "Alnilam"),
        ("coral", "Leda"),
        ("echo", "Puck"),
        ("fable", "Fenrir"),
        ("marin", "Achernar"),
        ("nova", "Aoede"),
        ("onyx", "Orus"),
        ("sage", "Sulafat"),
        ("shimmer", "Zephyr"),
        ("verse", "Algieba"),
    ];
    VOICES.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, google)| google)
}

// === impl Asked ===
impl Asked {
    /// Google's reply as a sound file.
    ///
    /// # Errors
    /// `BadReply` for what holds no sound, `ContentPolicy` where Google would not speak, Google's failure for an error
    /// inside a 200.
    pub fn read(&self, json: &[u8]) -> Result<Answer, Failure> {
        let mut response: Response<'_> = serde_json::from_slice(json).map_err(bad_reply)?;
        if let Some(failure) = response.failure(json) {
            return Err(failure);
        }
        let usage = response.usage_metadata.map(UsageMetadata::into_usage);
        let sounds = blobs(&mut response);
        let mime = sounds.iter().find_map(|blob| blob.mime_type.as_deref()).unwrap_or_default().to_owned();
        let mut samples = Vec::new();
        for data in sounds.iter().filter_map(|blob| blob.data.as_deref()) {
            samples.extend(base64::decode(data).ok_or_else(|| bad_reply("sound that is not base64"))?);
        }
        if samples.is_empty() {
            return Err(silent(&response));
        }
        let (content_type, bytes) = match self.is_raw {
            // 24 kHz, 16 bits, one channel: what OpenAI's `pcm` is as well.
            true => ("audio/pcm", samples),
            false => ("audio/wav", wav(&samples, rate(&mime))),
        };
        Ok(Answer { content_type, body: bytes.into(), usage, usage_is_estimated: false })
    }
}

/// What the first candidate holds beside text.
pub(crate) fn blobs<'a>(response: &mut Response<'a>) -> Vec<Blob<'a>> {
    let first = response.candidates.as_mut().and_then(|candidates| candidates.first_mut());
    let parts = first.and_then(|candidate| candidate.content.as_mut()).and_then(|content| content.parts.take());
    parts.into_iter().flatten().filter_map(|part| part.inline_data).collect()
}

/// Why a reply has nothing in it.
pub(crate) fn silent(response: &Response<'_>) -> Failure {
    let first = response.candidates.as_ref().and_then(|candidates| candidates.first());
    match first.and_then(|candidate| candidate.finish_reason.as_deref()) {
        Some("STOP" | "OTHER") | None => bad_reply("a reply without what was asked for"),
        Some(reason) => Failure::new(Kind::ContentPolicy, format!("the model's vendor gave no answer: {reason}")),
    }
}

/// `audio/L16;codec=pcm;rate=24000`.
fn rate(mime: &str) -> u32 {
    let rate = mime.split(';').find_map(|field| field.trim().strip_prefix("rate=")?.parse().ok());
    rate.filter(|rate| (1..=384_000).contains(rate)).unwrap_or(SAMPLES_PER_SECOND)
}

/// One channel of 16-bit samples in a RIFF WAVE file (Microsoft's Multimedia Programming Interface 1.0, chapter 3).
fn wav(samples: &[u8], rate: u32) -> Vec<u8> {
    const HEAD_BYTES: u32 = 36;
    const SAMPLE_BYTES: u16 = 2;
    // A length beyond the format's 32 bits cannot come: replies are bounded far below.
    let len = u32::try_from(samples.len()).unwrap_or(u32::MAX - HEAD_BYTES);
    let mut out = Vec::with_capacity(samples.len() + 44);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(HEAD_BYTES.saturating_add(len)).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel.
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&rate.to_le_bytes());
    out.extend_from_slice(&(rate * u32::from(SAMPLE_BYTES)).to_le_bytes());
    out.extend_from_slice(&SAMPLE_BYTES.to_le_bytes());
    out.extend_from_slice(&16_u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(samples);
    out
}

#[cfg(test)]
mod tests;
