//! What a client of `/v1/messages` sends and gets.
use super::{reply, wire};
use crate::chat::Request;
use crate::dialect::{Client, Error, Head, Writer};
use magic_types::Failure;
use serde_json::{Value, json};

pub(crate) struct Messages;

// === impl Client for Messages ===
impl Client for Messages {
    fn read(&self, body: &[u8]) -> Result<Request, Failure> {
        wire::read(body, true)
    }

    fn writer(&self, head: Head, _request: &Request) -> Box<dyn Writer> {
        Box::new(reply::Messages::new(&head))
    }

    fn error(&self, error: &Error<'_>) -> Value {
        json!({ "type": "error", "error": { "type": error_type(error.status), "message": error.message } })
    }

    fn error_frame(&self, error: &Error<'_>) -> String {
        format!("event: error\ndata: {}\n\n", self.error(error))
    }
}

/// <https://platform.claude.com/docs/en/api/errors>
fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests;
