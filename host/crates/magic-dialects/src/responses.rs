//! OpenAI's responses: as clients speak it (`client` reads, `reply` writes), and what the gateway itself keeps of them
//! (`stored`). Where it is kept is the host's affair.
pub(crate) mod client;
mod output;
mod reply;
pub mod stored;
