//! Anthropic's messages, from both sides. `wire` reads a client's body, `reply` writes what it gets; `upstream` writes
//! what the vendor is sent, `stream` reads how it answers. Source: <https://platform.claude.com/docs/en/api/messages>.
use serde_json::{Map, Value, json};

pub(crate) mod client;
pub mod count_tokens;
mod model;
mod reply;
mod stream;
pub(crate) mod upstream;
mod wire;

/// A call's arguments as the object that `tool_use.input` must be. What is not the JSON of an object is wrapped as
/// Anthropic advises for invalid JSON (documentation of fine-grained tool streaming), so that nothing of it is lost.
fn tool_input(arguments: &str) -> Value {
    if arguments.trim().is_empty() {
        return Value::Object(Map::new());
    }
    match serde_json::from_str(arguments) {
        Ok(input @ Value::Object(_)) => input,
        Ok(_) | Err(_) => json!({ "INVALID_JSON": arguments }),
    }
}
