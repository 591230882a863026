//! OpenAI's old text completion, for clients of any vendor: a prompt is a user's one message, the answer is its text.
use crate::chat::{Message, Part, Request, texts};
use crate::dialect::{self, Client, Error, Head};
use crate::fields::invalid;
use crate::openai::client::Chat;
use crate::openai::reply::delta::append;
use crate::openai::reply::{DONE_FRAME, finish_word, usage_json};
use crate::reply::Reply;
use magic_types::chat::{FinishReason, Role};
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Usage};
use serde_json::{Map, Value, json};

pub(crate) struct Completions;

impl Client for Completions {
    fn read(&self, body: &[u8]) -> Result<Request, Failure> {
        let body: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("the request body is not a JSON object of a completion: {error}")))?;
        read(body)
    }

    fn writer(&self, head: Head, request: &Request) -> Box<dyn dialect::Writer> {
        Box::new(Writer { head, include_usage: request.include_usage, usage: None })
    }

    fn error(&self, error: &Error<'_>) -> Value {
        Chat.error(error)
    }

    fn error_frame(&self, error: &Error<'_>) -> String {
        Chat.error_frame(error)
    }
}

fn read(mut body: Map<String, Value>) -> Result<Request, Failure> {
    body.retain(|_, value| !value.is_null());
    body.remove("model");
    let prompt = prompt(body.remove("prompt"))?;
    let mut request = Request {
        messages: vec![Message::new(Role::User, vec![Part::text(prompt)])],
        stream: flag(body.remove("stream"), "stream")?,
        ..Request::default()
    };
    if let Some(options) = body.remove("stream_options") {
        request.include_usage = flag(options.get("include_usage").cloned(), "stream_options.include_usage")?;
    }
    // One choice, no echo and no suffix are what there is anyway.
    let is_default = |key: &str, value: &Value| match key {
        "n" | "best_of" => value == 1,
        "echo" => value == false,
        "suffix" => value == "",
        _ => false,
    };
    body.retain(|key, value| !is_default(key, value));
    let known = ["temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "max_tokens"];
    let known = known.into_iter().chain(["stop", "user"]);
    let params = known.filter_map(|key| Some((key.to_owned(), body.remove(key)?))).collect::<Map<_, _>>();
    if let Some((key, value)) = params.iter().find(|(key, value)| !has_its_type(key, value)) {
        return Err(invalid(format!("`{key}`: {value} is not of its type")));
    }
    request.fill(&params);
    request.rest = body;
    Ok(request)
}

fn prompt(value: Option<Value>) -> Result<String, Failure> {
    match value {
        Some(Value::String(text)) => Ok(text),
        Some(list @ Value::Array(_)) => match texts(&list).as_slice() {
            [one] if list.as_array().is_some_and(|list| list.len() == 1) => Ok(one.clone()),
            _ => Err(invalid("`prompt`: one text a request, as a string or as a list of one; tokens are not taken")),
        },
        Some(_) => Err(invalid("`prompt` must be a string or a list of one string")),
        None => Err(invalid("you must provide a `prompt`")),
    }
}

fn has_its_type(key: &str, value: &Value) -> bool {
    match key {
        "stop" => value.is_string() || value.is_array(),
        "user" => value.is_string(),
        "seed" => value.is_i64(),
        "max_tokens" | "top_k" => value.is_u64(),
        _ => value.is_number(),
    }
}

fn flag(value: Option<Value>, name: &str) -> Result<bool, Failure> {
    match value {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(invalid(format!("`{name}` must be a boolean"))),
    }
}

struct Writer {
    head: Head,
    include_usage: bool,
    usage: Option<Usage>,
}

impl Writer {
    fn chunk(&self, text: &str, finish: Option<FinishReason>, out: &mut String) {
        self.open(out);
        out.push_str("{\"index\":0,\"text\":");
        append(out, &text);
        out.push_str(",\"logprobs\":null,\"finish_reason\":");
        append(out, &finish.map(word));
        out.push_str("}]}\n\n");
    }

    fn open(&self, out: &mut String) {
        out.push_str("data: {\"id\":");
        append(out, &format_args!("cmpl-{}", self.head.id));
        out.push_str(",\"object\":\"text_completion\",\"created\":");
        append(out, &self.head.created);
        out.push_str(",\"model\":");
        append(out, &self.head.model);
        out.push_str(",\"choices\":[");
    }
}

/// This dialect knows no tools, so that nobody asked for a call.
fn word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::ToolCalls => "stop",
        FinishReason::Stop
        | FinishReason::Length
        | FinishReason::ContentFilter
        | FinishReason::Cancelled
        | FinishReason::Other => finish_word(reason),
    }
}

impl dialect::Writer for Writer {
    fn event(&mut self, event: &ChatEvent, out: &mut String) {
        match event {
            ChatEvent::Text(text) | ChatEvent::Refusal(text) => self.chunk(text, None, out),
            ChatEvent::Finish(reason) => self.chunk("", Some(*reason), out),
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
            // A text completion has no place for thoughts and calls.
            ChatEvent::Reasoning(_)
            | ChatEvent::Signature(_)
            | ChatEvent::RedactedReasoning(_)
            | ChatEvent::ToolCall { .. } => {}
        }
    }

    fn end(&mut self, out: &mut String) {
        if let Some(usage) = self.usage.filter(|_| self.include_usage) {
            self.open(out);
            out.push_str("],\"usage\":");
            append(out, &usage_json(&usage));
            out.push_str("}\n\n");
        }
        out.push_str(DONE_FRAME);
    }

    fn whole(&mut self, reply: &Reply) -> String {
        let text = reply.answer() + &reply.refusals();
        let mut body = json!({ "id": format!("cmpl-{}", self.head.id), "object": "text_completion",
            "created": self.head.created, "model": self.head.model,
            "choices": [{ "index": 0, "text": text, "logprobs": null, "finish_reason": reply.finish.map(word) }] });
        if let (Some(object), Some(usage)) = (body.as_object_mut(), &reply.usage) {
            object.insert("usage".to_owned(), usage_json(usage));
        }
        body.to_string()
    }
}

#[cfg(test)]
mod tests;
