//! A reply in the words of `/v1/responses`: the events of a stream, or the whole response object. What has been said is
//! `output`'s; here it gets its frames. The accumulators of OpenAI's SDKs refuse frames out of order.
use super::output::{Change, Item, ItemJson, Output, Part, PartJson, Said};
use crate::chat::Request;
use crate::dialect::{Head, Writer};
use crate::reply::Reply as WholeReply;
use magic_types::Usage;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Writes one response. Every frame has the number after the last one's, from 0.
pub(super) struct Reply {
    id: String,
    model: String,
    created: u64,
    echo: Map<String, Value>,
    output: Output,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    sequence_number: u64,
    is_open: bool,
}

#[derive(Clone, Copy)]
enum Status {
    InProgress,
    Completed,
    Incomplete { reason: &'static str },
}

#[derive(Serialize)]
struct Response<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    error: (),
    incomplete_details: Option<Value>,
    model: &'a str,
    output: Vec<ItemJson<'a>>,
    usage: Option<Value>,
    #[serde(flatten)]
    echo: &'a Map<String, Value>,
}

/// One event's data. Each sort of event has its own choice of the fields.
#[derive(Default, Serialize)]
struct Frame<'a> {
    r#type: &'static str,
    sequence_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<ItemJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[u8; 0]>,
}

/// Which family of events a part's growth is told by.
enum Voice {
    Text,
    Refusal,
    Reasoning,
    Arguments,
}

// === impl Reply ===
impl Reply {
    pub(super) fn new(head: Head, request: &Request) -> Self {
        Self {
            id: format!("resp_{}", head.id),
            model: head.model,
            created: head.created,
            echo: echo(request),
            output: Output::new(&head.id),
            finish: None,
            usage: None,
            sequence_number: 0,
            is_open: false,
        }
    }

    fn open(&mut self, out: &mut String) {
        if std::mem::replace(&mut self.is_open, true) {
            return;
        }
        self.lifecycle("response.created", Status::InProgress, out);
        self.lifecycle("response.in_progress", Status::InProgress, out);
    }

    fn status(&self) -> Status {
        match self.finish {
            Some(FinishReason::Length) => Status::Incomplete { reason: "max_output_tokens" },
            Some(FinishReason::ContentFilter) => Status::Incomplete { reason: "content_filter" },
            Some(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Cancelled | FinishReason::Other)
            | None => Status::Completed,
        }
    }

    fn lifecycle(&mut self, r#type: &'static str, status: Status, out: &mut String) {
        let response = Some(self.response(status));
        let frame = Frame { r#type, sequence_number: self.sequence_number, response, ..Frame::default() };
        frame.write(out);
        self.sequence_number += 1;
    }

    fn response(&self, status: Status) -> Response<'_> {
        let (word, incomplete_details) = match status {
            Status::InProgress => ("in_progress", None),
            Status::Completed => ("completed", None),
            Status::Incomplete { reason } => ("incomplete", Some(json!({ "reason": reason }))),
        };
        Response {
            id: &self.id,
            object: "response",
            created_at: self.created,
            status: word,
            error: (),
            incomplete_details,
            model: &self.model,
            output: self.output.items.iter().map(|item| item.json(false)).collect(),
            usage: self.usage.as_ref().map(usage_json),
            echo: &self.echo,
        }
    }

    fn tell_changes(&mut self, out: &mut String) {
        let changes = std::mem::take(&mut self.output.changes);
        for change in &changes {
            self.tell(*change, out);
        }
        // The allocation is kept for the next event.
        self.output.changes = changes;
        self.output.changes.clear();
    }

    fn tell(&mut self, change: Change, out: &mut String) {
        let (Change::ItemAdded(at)
        | Change::PartAdded(at, _)
        | Change::Grown(at, _, _)
        | Change::PartDone(at, _)
        | Change::ItemDone(at)) = change;
        let Some(item) = self.output.items.get(at) else { return };
        let mut frames = Frames { item, at, sequence_number: &mut self.sequence_number, out };
        match change {
            Change::ItemAdded(_) => frames.item("response.output_item.added", true),
            Change::ItemDone(_) => frames.item("response.output_item.done", false),
            Change::PartAdded(_, part) => frames.part_added(part),
            Change::Grown(_, part, from) => frames.grown(part, from),
            Change::PartDone(_, part) => frames.part_done(part),
        }
    }
}

impl Writer for Reply {
    fn event(&mut self, event: &ChatEvent, out: &mut String) {
        self.open(out);
        match event {
            ChatEvent::Finish(reason) => self.finish = Some(*reason),
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
            ChatEvent::Text(_)
            | ChatEvent::Reasoning(_)
            | ChatEvent::Signature(_)
            | ChatEvent::RedactedReasoning(_)
            | ChatEvent::Refusal(_)
            | ChatEvent::ToolCall { .. } => self.output.take_in(event),
        }
        self.tell_changes(out);
    }

    fn end(&mut self, out: &mut String) {
        self.open(out);
        let status = self.status();
        let (cut_short, r#type) = match status {
            Status::Incomplete { .. } => (true, "response.incomplete"),
            Status::Completed | Status::InProgress => (false, "response.completed"),
        };
        self.output.close(cut_short);
        self.tell_changes(out);
        self.lifecycle(r#type, status, out);
    }

    fn whole(&mut self, reply: &WholeReply) -> String {
        reply.blocks.iter().for_each(|block| self.output.take_block(block));
        self.finish = reply.finish;
        self.usage = reply.usage;
        let status = self.status();
        self.output.close(matches!(status, Status::Incomplete { .. }));
        self.output.changes.clear();
        // Strings, numbers and JSON always serialise.
        serde_json::to_string(&self.response(status)).unwrap_or_default()
    }
}

/// The frames about one item.
struct Frames<'a> {
    item: &'a Item,
    at: usize,
    sequence_number: &'a mut u64,
    out: &'a mut String,
}

// === impl Frames ===
impl<'a> Frames<'a> {
    fn item(&mut self, r#type: &'static str, announced_only: bool) {
        let item = Some(self.item.json(announced_only));
        self.write(Frame { r#type, item, ..Frame::default() });
    }

    fn part_added(&mut self, part: usize) {
        match self.voice(part) {
            Voice::Text => self.part("response.content_part.added", part, text_part("")),
            Voice::Refusal => self.part("response.content_part.added", part, PartJson::Refusal { refusal: "" }),
            Voice::Reasoning => self.summary_part("response.reasoning_summary_part.added", ""),
            Voice::Arguments => {}
        }
    }

    fn grown(&mut self, part: usize, from: usize) {
        let delta = self.item.text(part).get(from..);
        let frame = Frame { item_id: Some(&self.item.id), delta, ..Frame::default() };
        self.write(match self.voice(part) {
            Voice::Text => {
                Frame { r#type: "response.output_text.delta", content_index: Some(part), logprobs: Some([]), ..frame }
            }
            Voice::Refusal => Frame { r#type: "response.refusal.delta", content_index: Some(part), ..frame },
            Voice::Reasoning => {
                Frame { r#type: "response.reasoning_summary_text.delta", summary_index: Some(0), ..frame }
            }
            Voice::Arguments => Frame { r#type: "response.function_call_arguments.delta", ..frame },
        });
    }

    fn part_done(&mut self, part: usize) {
        let whole = self.item.text(part);
        let frame = Frame { item_id: Some(&self.item.id), ..Frame::default() };
        let (content_index, text) = (Some(part), Some(whole));
        match self.voice(part) {
            Voice::Text => {
                let r#type = "response.output_text.done";
                self.write(Frame { r#type, content_index, text, logprobs: Some([]), ..frame });
                self.part("response.content_part.done", part, text_part(whole));
            }
            Voice::Refusal => {
                self.write(Frame { r#type: "response.refusal.done", content_index, refusal: text, ..frame });
                self.part("response.content_part.done", part, PartJson::Refusal { refusal: whole });
            }
            Voice::Reasoning => {
                let r#type = "response.reasoning_summary_text.done";
                self.write(Frame { r#type, summary_index: Some(0), text, ..frame });
                self.summary_part("response.reasoning_summary_part.done", whole);
            }
            Voice::Arguments => {
                let r#type = "response.function_call_arguments.done";
                let name = if let Said::Call { name, .. } = &self.item.said { Some(name.as_str()) } else { None };
                self.write(Frame { r#type, name, arguments: text, ..frame });
            }
        }
    }

    fn part(&mut self, r#type: &'static str, at: usize, part: PartJson<'a>) {
        let (item_id, content_index) = (Some(self.item.id.as_str()), Some(at));
        self.write(Frame { r#type, item_id, content_index, part: Some(part), ..Frame::default() });
    }

    fn summary_part(&mut self, r#type: &'static str, text: &'a str) {
        let (item_id, part) = (Some(self.item.id.as_str()), Some(PartJson::SummaryText { text }));
        self.write(Frame { r#type, item_id, summary_index: Some(0), part, ..Frame::default() });
    }

    fn voice(&self, part: usize) -> Voice {
        match &self.item.said {
            Said::Message(parts) => match parts.get(part) {
                Some(Part::Refusal(_)) => Voice::Refusal,
                Some(Part::Text(_)) | None => Voice::Text,
            },
            Said::Reasoning { .. } => Voice::Reasoning,
            Said::Call { .. } => Voice::Arguments,
        }
    }

    fn write(&mut self, frame: Frame<'_>) {
        Frame { sequence_number: *self.sequence_number, output_index: Some(self.at), ..frame }.write(self.out);
        *self.sequence_number += 1;
    }
}

// === impl Frame ===
impl Frame<'_> {
    fn write(&self, out: &mut String) {
        out.push_str("event: ");
        out.push_str(self.r#type);
        out.push_str("\ndata: ");
        // Strings, numbers and JSON always serialise.
        out.push_str(&serde_json::to_string(self).unwrap_or_default());
        out.push_str("\n\n");
    }
}

fn text_part(text: &str) -> PartJson<'_> {
    PartJson::OutputText { text, annotations: [], logprobs: [] }
}

fn usage_json(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
        "total_tokens": usage.total_tokens(),
    })
}

/// What the response says again of its request: the client's own words, and OpenAI's defaults for what it left out.
fn echo(request: &Request) -> Map<String, Value> {
    let defaults = json!({
        "background": false,
        "instructions": null,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": null,
        "metadata": {},
        "parallel_tool_calls": request.parallel_tool_calls.unwrap_or(true),
        "previous_response_id": null,
        "reasoning": { "effort": null, "summary": null },
        "store": true,
        "temperature": request.temperature.unwrap_or(1.0),
        "text": { "format": { "type": "text" } },
        "tool_choice": "auto",
        "tools": [],
        "top_p": request.top_p.unwrap_or(1.0),
        "truncation": "disabled",
        "user": null,
    });
    let mut echo = if let Value::Object(defaults) = defaults { defaults } else { Map::new() };
    for (name, said) in &request.echo {
        match (echo.get_mut(name), said) {
            // `text` and `reasoning` are given in part.
            (Some(Value::Object(default)), Value::Object(said)) => {
                default.extend(said.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            _ => drop(echo.insert(name.clone(), said.clone())),
        }
    }
    echo
}

#[cfg(test)]
mod tests;
