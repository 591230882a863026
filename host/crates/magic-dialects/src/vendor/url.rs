//! Paths behind a base, and Google's names of models inside them.
use crate::operation::Operation;

pub(super) fn trimmed(base: &str) -> &str {
    base.trim_end_matches('/')
}

/// The path of an endpoint in its own dialect, behind a base that ends with the version.
pub(super) fn tail(operation: Operation) -> &'static str {
    match operation {
        Operation::ChatCompletions => "chat/completions",
        Operation::Responses => "responses",
        Operation::Messages => "messages",
        Operation::Completions => "completions",
        Operation::CountTokens => "messages/count_tokens",
        Operation::Embeddings => "embeddings",
        Operation::Transcription => "audio/transcriptions",
        Operation::Speech => "audio/speech",
        Operation::Images => "images/generations",
        Operation::Moderations => "moderations",
        Operation::Models => "models",
    }
}

/// Google's imitation of OpenAI lives below its own API: a base that was copied from there is cut back.
pub(super) fn google_base(base: &str) -> &str {
    let base = trimmed(base);
    base.strip_suffix("/openai").map_or(base, trimmed)
}

/// `{base}/models/{model}:{method}`; a model may be given with its collection (`models/x`, `tunedModels/x`).
pub(super) fn google(base: &str, model: &str, method: &str) -> String {
    let (collection, name) = match model.split_once('/') {
        Some((collection @ ("models" | "tunedModels"), name)) => (collection, name),
        Some(_) | None => ("models", model),
    };
    format!("{}/{collection}/{}:{method}", google_base(base), segment(name))
}

/// One segment of a path, percent-encoded (RFC 3986, sections 2.1 and 3.3): only unreserved characters stay.
pub(super) fn segment(text: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
    out
}
