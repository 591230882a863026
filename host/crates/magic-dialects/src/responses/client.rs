//! What a client of `/v1/responses` sends and gets: its request as a conversation, and its errors. Reads no stored
//! response: `previous_response_id` has been resolved before (see `stored`), and is only said again.
use super::reply::Reply;
use crate::chat::{Message, Part, Request, Thinking};
use crate::dialect::{Client, Error, Head, Writer};
use crate::fields::{At, Fields};
use magic_types::chat::Role;
use magic_types::{Failure, Kind};
use serde_json::{Value, json};

mod items;
mod tools;

pub(crate) struct Responses;

/// Fields that OpenAI says again in the reply, as they were given.
const ECHOED: [&str; 16] = [
    "instructions",
    "max_tool_calls",
    "metadata",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "store",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "truncation",
    "user",
    "prompt_cache_retention",
];

/// What the gateway does itself for every vendor: it keeps the response, and says its metadata again.
const HONOURED: [&str; 3] = ["metadata", "previous_response_id", "store"];

impl Client for Responses {
    fn read(&self, body: &[u8]) -> Result<Request, Failure> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            Failure::new(Kind::InvalidRequest, format!("the request body is not a JSON object of a response: {error}"))
        })?;
        request(Fields::of(value, &At::Root)?)
    }

    fn writer(&self, head: Head, request: &Request) -> Box<dyn Writer> {
        Box::new(Reply::new(head, request))
    }

    fn error(&self, error: &Error<'_>) -> Value {
        json!({ "error": { "message": error.message, "type": error.class, "param": null, "code": error.kind } })
    }

    /// Flat as the reference has it, and with the object that OpenAI's servers send and its SDKs raise an exception for.
    /// The stream's count is not known here; 0 is what OpenAI sends for a failure before the first event.
    fn error_frame(&self, error: &Error<'_>) -> String {
        let mut frame = json!({ "type": "error", "sequence_number": 0, "code": error.kind, "message": error.message, "param": null });
        if let (Some(frame), Some(object)) = (frame.as_object_mut(), self.error(error).as_object_mut()) {
            frame.append(object);
        }
        format!("event: error\ndata: {frame}\n\n")
    }
}

fn request(mut fields: Fields<'_>) -> Result<Request, Failure> {
    let mut request = Request { include_usage: true, ..Request::default() };
    for name in ECHOED {
        request.echo.extend(fields.peek(name).map(|value| (name.to_owned(), value.clone())));
    }
    HONOURED.iter().for_each(|name| drop(fields.take(name)));
    drop(fields.take("model"));
    request.stream = fields.flag("stream")?.unwrap_or(false);
    if let Some(instructions) = fields.text("instructions")? {
        request.messages.push(Message::new(Role::System, vec![Part::text(instructions)]));
    }
    read_input(&mut fields, &mut request)?;
    tools::read(&mut fields, &mut request)?;
    request.parallel_tool_calls = fields.flag("parallel_tool_calls")?;
    request.max_output_tokens = fields.count("max_output_tokens")?;
    request.temperature = fields.number("temperature")?;
    request.top_p = fields.number("top_p")?;
    read_text(&mut fields, &mut request)?;
    read_reasoning(&mut fields, &mut request)?;
    read_user(&mut fields, &mut request)?;
    drop_what_changes_nothing(&mut fields, &mut request);
    request.rest.append(&mut fields.left_over());
    Ok(request)
}

fn read_input(fields: &mut Fields<'_>, request: &mut Request) -> Result<(), Failure> {
    match fields.take("input") {
        Some(Value::String(text)) => request.messages.push(Message::new(Role::User, vec![Part::text(text)])),
        Some(Value::Array(list)) => {
            let at = At::Field(&At::Root, "input");
            for (index, item) in list.into_iter().enumerate() {
                items::read(item, &At::Index(&at, index), &mut request.messages)?;
            }
        }
        Some(_) => return Err(fields.wrong("input", "must be a string or a list of items")),
        // The vendor's own template or conversation may stand in for it.
        None if fields.peek("prompt").is_some() || fields.peek("conversation").is_some() => {}
        None => return Err(fields.wrong("input", "is missing: give a string or a list of items")),
    }
    Ok(())
}

fn read_text(fields: &mut Fields<'_>, request: &mut Request) -> Result<(), Failure> {
    let Some(text) = fields.take("text") else { return Ok(()) };
    let at = At::Field(&At::Root, "text");
    let mut text = Fields::of(text, &at)?;
    request.format = text.take("format").map(|format| tools::format(format, &At::Field(&at, "format"))).transpose()?;
    // The one other field has the same name in chat completions, at the top.
    request.rest.append(&mut text.left_over());
    Ok(())
}

fn read_reasoning(fields: &mut Fields<'_>, request: &mut Request) -> Result<(), Failure> {
    let Some(reasoning) = fields.take("reasoning") else { return Ok(()) };
    let at = At::Field(&At::Root, "reasoning");
    let mut reasoning = Fields::of(reasoning, &at)?;
    let effort = reasoning.text("effort")?;
    // `generate_summary` is the older name of `summary`.
    let older = reasoning.text("generate_summary")?;
    let shown = reasoning.text("summary")?.or(older).map(|_| true);
    if effort.is_some() || shown.is_some() {
        request.thinking = Some(Thinking { effort, budget_tokens: None, shown });
    }
    request.rest.extend(reasoning.left_over().into_iter().map(|(name, value)| (format!("reasoning.{name}"), value)));
    Ok(())
}

/// `safety_identifier` is the newer name of one of the two uses of `user`.
fn read_user(fields: &mut Fields<'_>, request: &mut Request) -> Result<(), Failure> {
    request.user = fields.text("user")?;
    if request.user.is_none() {
        request.user = fields.text("safety_identifier")?;
    }
    Ok(())
}

/// Values that ask for what is done anyway are not lost when no vendor reads them.
fn drop_what_changes_nothing(fields: &mut Fields<'_>, request: &mut Request) {
    let truncates = fields.take("truncation").filter(|how| how != "disabled");
    let background = fields.take("background").filter(|wanted| wanted != false);
    let include = fields.take("include").map(|include| match include {
        // Sealed reasoning is always in the reply.
        Value::Array(list) => list.into_iter().filter(|what| what != "reasoning.encrypted_content").collect(),
        other => other,
    });
    let include = include.filter(|include| include != &json!([]));
    let kept = [("truncation", truncates), ("background", background), ("include", include)];
    request.rest.extend(kept.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    // No obfuscation is ever added; a usage chunk is asked for elsewhere, so a vendor must not see this object.
    let mut options = fields.take("stream_options");
    let wanted = options.as_mut().and_then(|options| options.get_mut("include_obfuscation")).map(Value::take);
    let wanted = wanted.filter(|wanted| wanted == true);
    request.rest.extend(wanted.map(|wanted| ("stream_options.include_obfuscation".to_owned(), wanted)));
}

#[cfg(test)]
mod tests;
