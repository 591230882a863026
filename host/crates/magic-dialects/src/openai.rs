//! OpenAI's chat completions, from both sides. Vendors that speak it differ by data only.

pub(crate) mod client;
mod reading;
pub mod reply;
pub mod request;
pub mod stream;
pub mod upstream;
mod wire;
