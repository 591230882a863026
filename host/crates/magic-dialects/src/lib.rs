//! Wire forms of model vendors as pure codecs: bytes in, canonical values out, and back. Opens no socket, reads no clock.
//!
//! Reading order: `chat` (one conversation as any dialect can say it), `reply` (what a model said), `dialect` (the two
//! traits and the table of who implements them), `sse` (framing), then one folder a dialect: `openai`, `responses`,
//! `completions`, `anthropic`, `gemini`; `quirks` (OpenAI's imitators as data); `onlook` (replies whose bytes pass untouched).
//! `completions`, `anthropic`, `gemini`; `quirks` (OpenAI's imitators as data), `errors` and
//! `limits` (what vendors' refusals and rate headers mean).

pub mod anthropic;
mod base64;
pub mod chat;
mod completions;
#[cfg(test)]
mod conformance;
pub mod counting;
pub mod dialect;
pub mod embeddings;
pub mod errors;
mod fields;
pub mod gemini;
pub mod images;
pub mod limits;
pub mod multipart;
pub mod onlook;
pub mod openai;
pub mod operation;
pub mod quirks;
pub mod reply;
pub mod responses;
pub mod speech;
pub mod sse;
pub mod transcription;
pub mod vendor;
