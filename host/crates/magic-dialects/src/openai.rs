//! OpenAI's chat completions, from both sides. Vendors that speak it differ by data only.

pub mod errors;
pub mod reply;
pub mod request;
pub mod stream;
pub mod upstream;
mod wire;
