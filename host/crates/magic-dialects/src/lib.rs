//! Wire forms of model vendors as pure codecs: bytes in, canonical values out, and back. Opens no socket, reads no clock.
//!
//! Today there is one dialect, OpenAI's chat completions, which every shipped provider speaks. Reading order: `sse`
//! (framing), `openai::request` (what a client sent), `openai::upstream` (what a vendor is sent), `openai::stream`
//! (what it streams back), `openai::reply` (what a client gets from a reasoning session), `openai::errors`.

pub mod openai;
pub mod sse;
