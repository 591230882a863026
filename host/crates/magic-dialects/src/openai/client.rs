//! What a client of `/v1/chat/completions` sends and gets.
use crate::chat::Request;
use crate::dialect::{self, Client, Error, Head};
use magic_types::Failure;
use serde_json::{Value, json};

use super::{reply, wire};

pub(crate) struct Chat;

impl Client for Chat {
    fn read(&self, body: &[u8]) -> Result<Request, Failure> {
        wire::read(body)
    }

    fn writer(&self, head: Head, request: &Request) -> Box<dyn dialect::Writer> {
        let writer = reply::Writer::new(format!("chatcmpl-{}", head.id), head.model, head.created);
        Box::new(writer.with_usage(request.include_usage))
    }

    fn error(&self, error: &Error<'_>) -> Value {
        json!({ "error": { "message": error.message, "type": error.class, "param": null, "code": error.kind } })
    }

    fn error_frame(&self, error: &Error<'_>) -> String {
        reply::data_frame(&self.error(error).to_string())
    }
}

#[cfg(test)]
mod tests;
