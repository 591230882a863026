//! What the gateway keeps of a response, so that `previous_response_id` and `GET /v1/responses/{id}` work over any
//! vendor. Pure: JSON texts in, JSON texts out; whoever calls keeps them, finds them and bounds them.
use crate::sse;
use bytes::Bytes;
use magic_types::{Failure, Kind};
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A list's length without `limit`, and its bound: <https://platform.openai.com/docs/api-reference/responses/input-items>.
const PAGE_ITEMS: usize = 20;
const PAGE_ITEMS_MAX: usize = 100;

/// The last event of a stream holds the whole response, with images that hosted tools made: it may be larger than any
/// event of another dialect.
pub(crate) const EVENT_BYTES_MAX: usize = 32 << 20;

/// One finished response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: String,
    /// The response that it went on from.
    pub previous: Option<String>,
    /// JSON of a list: the request's own input items, without those of earlier responses.
    pub input: String,
    /// JSON of a list: the reply's output items.
    pub output: String,
    /// JSON of the response object.
    pub reply: String,
}

/// What a request's top level says of keeping, read without the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Whether the response may be fetched and gone on from. OpenAI's default is true.
    pub store: bool,
    pub previous: Option<String>,
}

/// A part of a list: `?limit=&order=&after=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    limit: usize,
    is_ascending: bool,
    after: Option<String>,
}

/// Picks the final response object out of a stream that passes, be it a vendor's or written here.
pub struct Collector {
    sse: sse::Parser,
    reply: Option<String>,
    overflowed: bool,
}

/// Looks at a request body.
///
/// # Errors
/// A client's failure that names the field.
pub fn wishes(body: &[u8]) -> Result<Wishes, Failure> {
    #[derive(Deserialize)]
    struct Top<'a> {
        #[serde(default)]
        store: Option<bool>,
        #[serde(borrow, default)]
        previous_response_id: Option<Cow<'a, str>>,
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let top: Top<'_> = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Failure::new(Kind::InvalidRequest, format!("`{}`: {}", error.path(), error.inner())))?;
    let previous = top.previous_response_id.map(Cow::into_owned).filter(|id| !id.is_empty());
    Ok(Wishes { store: top.store.unwrap_or(true), previous })
}

/// The request that says by itself what `previous_response_id` refers to: `previous` oldest first, each one's input and
/// output, then the body's own input. All other fields are the client's own bytes; earlier `instructions` are not
/// carried over, as OpenAI documents.
///
/// # Errors
/// A client's failure for a body that is no object, or an `input` that is neither text nor list.
pub fn expand(body: &[u8], previous: &[Stored]) -> Result<Bytes, Failure> {
    let fields = fields(body)?;
    let own = items_of(fields.get("input").copied())?;
    let chain = previous.iter().flat_map(|stored| [stored.input.as_str(), stored.output.as_str()]);
    let lists: Vec<&str> = chain.chain([own.as_ref()]).filter_map(inside).collect();
    let bytes: usize = lists.iter().map(|list| list.len() + 1).sum();
    let mut out = String::with_capacity(body.len() + bytes + 16);
    out.push('{');
    for (name, value) in fields.iter().filter(|(name, _)| !matches!(name.as_ref(), "input" | "previous_response_id")) {
        out.push_str(&json_string(name));
        out.push(':');
        out.push_str(value.get());
        out.push(',');
    }
    out.push_str("\"input\":[");
    out.push_str(&lists.join(","));
    out.push_str("]}");
    Ok(out.into())
}

/// What to keep of a response to `body`, which is as the client sent it, not expanded.
///
/// # Errors
/// `BadReply` for a reply that is no response object; else those of [`expand`].
pub fn record(body: &[u8], reply: &str) -> Result<Stored, Failure> {
    #[derive(Deserialize)]
    struct Reply {
        id: String,
    }
    let read: Reply = serde_json::from_str(reply).map_err(|error| no_response(&error.to_string()))?;
    Ok(Stored {
        id: read.id,
        previous: wishes(body)?.previous,
        input: items_of(fields(body)?.get("input").copied())?.into_owned(),
        output: output_of(reply)?,
        reply: reply.to_owned(),
    })
}

/// The output items of a response object, as JSON of a list.
///
/// # Errors
/// `BadReply` for what is no response object.
pub fn output_of(reply: &str) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Reply<'a> {
        #[serde(borrow)]
        output: &'a RawValue,
    }
    let read: Reply<'_> = serde_json::from_str(reply).map_err(|error| no_response(&error.to_string()))?;
    let output = read.output.get();
    if is_list(output) { Ok(output.to_owned()) } else { Err(no_response("`output` is no list")) }
}

fn no_response(why: &str) -> Failure {
    Failure::new(Kind::BadReply, "the reply is no response object").private(why)
}

/// The vendor's bytes of a response, or whole events of its stream, with the id of the response before it, of which the
/// vendor was not told. In a text of the answer the name would stand between escaped quotes, so it is not mistaken.
pub fn name_previous(bytes: Bytes, id: &str) -> Bytes {
    static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"previous_response_id\":"));
    let (mut out, mut from) = (Vec::new(), 0);
    for at in NAME.find_iter(&bytes) {
        let end = at + NAME.needle().len();
        let blank = bytes.iter().skip(end).take_while(|byte| byte.is_ascii_whitespace()).count();
        let value = bytes.get(end + blank..).unwrap_or_default();
        if value.starts_with(b"null") {
            out.extend_from_slice(bytes.get(from..end).unwrap_or_default());
            out.extend_from_slice(json_string(id).as_bytes());
            from = end + blank + b"null".len();
        }
    }
    if from == 0 {
        return bytes;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    out.into()
}

/// `DELETE /v1/responses/{id}`.
pub fn deleted(id: &str) -> String {
    json!({ "id": id, "object": "response", "deleted": true }).to_string()
}

/// `GET /v1/responses/{id}/input_items`: the response's own input. An item without an id gets one that is always the same.
pub fn input_items(stored: &Stored, page: &Page) -> String {
    let items: Vec<Value> = serde_json::from_str(&stored.input).unwrap_or_default();
    let mut items: Vec<Value> = items.into_iter().enumerate().map(|(at, item)| listed(item, &stored.id, at)).collect();
    if !page.is_ascending {
        items.reverse();
    }
    if let Some(after) = &page.after {
        // An id that is not there is behind every item, as with OpenAI's other lists.
        let begin = items.iter().position(|item| id_of(item) == after).map_or(items.len(), |at| at + 1);
        items.drain(..begin);
    }
    let has_more = items.len() > page.limit;
    items.truncate(page.limit);
    let (first, last) = (items.first().map(id_of), items.last().map(id_of));
    json!({ "object": "list", "first_id": first, "last_id": last, "has_more": has_more, "data": &items }).to_string()
}

// === impl Page ===
impl Page {
    /// From the query's texts.
    ///
    /// # Errors
    /// A client's failure that names the parameter.
    pub fn new(limit: Option<&str>, order: Option<&str>, after: Option<&str>) -> Result<Self, Failure> {
        let limit = match limit.map(str::parse) {
            None => PAGE_ITEMS,
            Some(Ok(limit @ 1..=PAGE_ITEMS_MAX)) => limit,
            Some(_) => return Err(Failure::new(Kind::InvalidRequest, "`limit`: must be a number from 1 to 100")),
        };
        let is_ascending = match order {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(Failure::new(Kind::InvalidRequest, "`order`: must be `asc` or `desc`")),
        };
        Ok(Self { limit, is_ascending, after: after.map(str::to_owned) })
    }
}

// === impl Collector ===
impl Default for Collector {
    fn default() -> Self {
        Self { sse: sse::Parser::new(EVENT_BYTES_MAX), reply: None, overflowed: false }
    }
}

impl Collector {
    pub fn push(&mut self, chunk: &[u8]) {
        let Self { sse, reply, overflowed } = self;
        if *overflowed {
            return;
        }
        let result = sse.push(chunk, |event| {
            let is_last = match event.name {
                b"response.completed" | b"response.incomplete" => true,
                b"" => is_last_by_type(event.data),
                _ => false,
            };
            if is_last {
                *reply = response_in(event.data).or_else(|| reply.take());
            }
        });
        *overflowed = result.is_err();
    }

    /// The response object's JSON, if the stream came to its end. A last event without its blank line counts.
    pub fn finish(mut self) -> Option<String> {
        self.push(b"\n\n");
        self.reply
    }
}

fn is_last_by_type(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        r#type: Cow<'a, str>,
    }
    // Only few events hold a response: the others are not parsed.
    memchr::memmem::find(data, b"\"response\"").is_some()
        && serde_json::from_slice::<Event<'_>>(data)
            .is_ok_and(|event| matches!(event.r#type.as_ref(), "response.completed" | "response.incomplete"))
}

fn response_in(data: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        response: &'a RawValue,
    }
    serde_json::from_slice::<Event<'_>>(data).ok().map(|event| event.response.get().to_owned())
}

/// The top level with every value as its own bytes.
fn fields(body: &[u8]) -> Result<BTreeMap<Cow<'_, str>, &RawValue>, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::new(Kind::InvalidRequest, format!("the request body is not a JSON object of a response: {error}"))
    })
}

/// `input` as JSON of a list.
fn items_of(input: Option<&RawValue>) -> Result<Cow<'_, str>, Failure> {
    let Some(raw) = input.map(RawValue::get).filter(|raw| *raw != "null") else { return Ok(Cow::Borrowed("[]")) };
    if is_list(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    if !raw.starts_with('"') {
        return Err(Failure::new(Kind::InvalidRequest, "`input`: must be a string or a list of items"));
    }
    let part = format!("{{\"type\":\"input_text\",\"text\":{raw}}}");
    Ok(Cow::Owned(format!("[{{\"type\":\"message\",\"role\":\"user\",\"content\":[{part}]}}]")))
}

/// A raw value has no space around it.
fn is_list(raw: &str) -> bool {
    raw.starts_with('[')
}

/// What stands between a list's brackets; `None` for nothing.
fn inside(list: &str) -> Option<&str> {
    let inside = list.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    (!inside.is_empty()).then_some(inside)
}

fn json_string(text: &str) -> String {
    Value::from(text).to_string()
}

/// As the list shows it: with an id, a type, a status, and a message's text as parts.
fn listed(mut item: Value, response: &str, at: usize) -> Value {
    let Some(fields) = item.as_object_mut() else { return item };
    let kind = fields.entry("type").or_insert_with(|| json!("message")).as_str().unwrap_or_default().to_owned();
    let prefix = match kind.as_str() {
        "message" => "msg",
        "function_call" => "fc",
        "function_call_output" => "fco",
        "reasoning" => "rs",
        _ => "item",
    };
    let given = response.strip_prefix("resp_").unwrap_or(response);
    if fields.get("id").is_none_or(Value::is_null) {
        fields.insert("id".to_owned(), Value::from(format!("{prefix}_{given}_in{at}")));
    }
    if matches!(prefix, "msg" | "fc" | "fco") {
        fields.entry("status").or_insert_with(|| json!("completed"));
    }
    if let Some(Value::String(text)) = fields.get("content").filter(|_| prefix == "msg") {
        let is_models = fields.get("role").is_some_and(|role| role == "assistant");
        let parts = match is_models {
            true => json!([{ "type": "output_text", "text": text, "annotations": [] }]),
            false => json!([{ "type": "input_text", "text": text }]),
        };
        fields.insert("content".to_owned(), parts);
    }
    item
}

fn id_of(item: &Value) -> &str {
    item.get("id").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
