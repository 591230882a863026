//! Wire forms of model vendors as pure codecs: bytes in, canonical values out, and back. Opens no socket, reads no clock.
//!
//! Reading order: `chat` (one conversation as any dialect can say it), `reply` (what a model said), `dialect` (the traits of
//! both sides and the table of who implements them); then one folder a dialect: `openai`, `completions`, `responses`,
//! `anthropic`, `gemini`. What they share: `sse` (framing), `errors` and `limits` (what refusals and rate headers mean),
//! `usage`, `seals` (whose signature goes back to whom), `lost` (names of what cannot be carried over), `fields`, `base64`;
//! `quirks` is OpenAI's imitators as data. Bytes that pass untouched: `openai::request` and `onlook`. Other endpoints:
//! `embeddings`, `images`, `speech`, `transcription` (with `multipart`), `counting`; `operation` names them all and `vendor`
//! says where each lies with whom. `conformance` holds every dialect to one suite.

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
mod gemini;
pub mod images;
pub mod limits;
mod lost;
pub mod multipart;
pub mod onlook;
pub mod openai;
pub mod operation;
pub mod quirks;
pub mod reply;
pub mod responses;
mod seals;
pub mod speech;
mod sse;
pub mod transcription;
mod usage;
pub mod vendor;
