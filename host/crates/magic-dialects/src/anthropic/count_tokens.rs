//! What a client of `POST /v1/messages/count_tokens` asks. What it gets, and what is counted, is in `counting`.
use super::wire;
use crate::chat::Request;
use magic_types::Failure;

/// Reads a body: that of a message, but without `max_tokens`.
/// <https://platform.claude.com/docs/en/api/messages-count-tokens>
///
/// # Errors
/// A client's failure that names the field.
pub fn read(body: &[u8]) -> Result<Request, Failure> {
    wire::read(body, false)
}

#[cfg(test)]
mod tests;
