//! OpenAI's chat completions, from both sides. Vendors that speak it differ by data only.
//!
//! Reading order: `wire` (a client's request), `client`, `reply` (what it gets), `upstream` (what a vendor is sent), `stream`
//! (how it answers); `request` and `reading` serve bodies that pass untouched and reasoning sessions.

pub(crate) mod client;
mod reading;
pub(crate) mod reply;
pub mod request;
mod stream;
pub(crate) mod upstream;
mod wire;
