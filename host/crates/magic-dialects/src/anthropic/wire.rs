//! The JSON of a `/v1/messages` request as clients write it, and its reading into a [`Request`]. A field that is not
//! known is kept under its path in `rest`, so that whoever writes the request on can name it.
use crate::chat::{Format, Request, Source, Thinking, Tool, ToolChoice};
use magic_types::{Failure, Kind};
use serde_json::{Map, Value};

mod content;

/// A JSON object that is being read field by field, and where it stands in the body.
struct Object {
    path: String,
    fields: Map<String, Value>,
}

/// Reads a body. `max_tokens` is required but for `count_tokens`, which has none.
///
/// # Errors
/// A client's failure that names the field.
pub(super) fn read(body: &[u8], max_tokens_required: bool) -> Result<Request, Failure> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Failure::new(Kind::InvalidRequest, format!("the request body is not valid JSON: {error}")))?;
    let mut top = Object::of(value, String::new())?;
    let mut request = Request { include_usage: true, ..Request::default() };
    top.take("model");
    request.max_output_tokens = top.number("max_tokens")?;
    if max_tokens_required && request.max_output_tokens.is_none() {
        return Err(top.invalid("max_tokens", "Field required"));
    }
    if let Some(system) = top.take("system") {
        request.messages.push(content::system(system, "system")?);
    }
    for (path, message) in top.list("messages")?.ok_or_else(|| top.invalid("messages", "Field required"))? {
        content::message(message, path, &mut request.messages)?;
    }
    request.stop = top.texts("stop_sequences")?;
    request.temperature = top.decimal("temperature")?;
    request.top_p = top.decimal("top_p")?;
    request.top_k = top.number("top_k")?;
    request.stream = top.flag("stream")?.unwrap_or(false);
    let mut rest = Map::new();
    for (path, tool) in top.list("tools")?.unwrap_or_default() {
        request.tools.push(self::tool(tool, path, &mut rest)?);
    }
    tool_choice(&mut top, &mut request, &mut rest)?;
    thinking(&mut top, &mut request, &mut rest)?;
    output(&mut top, &mut request, &mut rest)?;
    if let Some(mut metadata) = top.object("metadata")? {
        request.user = metadata.text_or_none("user_id")?;
        metadata.leave(&mut rest);
    }
    top.leave(&mut rest);
    request.rest = rest;
    Ok(request)
}

fn tool(tool: Value, path: String, rest: &mut Map<String, Value>) -> Result<Tool, Failure> {
    let mut tool = Object::of(tool, path)?;
    // A tool of the vendor's own has a versioned type (`web_search_20250305`); `custom` or none is the client's.
    if tool.fields.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "custom") {
        let json = Value::Object(tool.fields.clone());
        return Ok(Tool {
            // Toolsets have a type alone.
            name: tool.text_or_none("name")?.unwrap_or_default(),
            description: tool.text_or_none("description")?.unwrap_or_default(),
            parameters: None,
            strict: None,
            cache_control: tool.take("cache_control"),
            foreign: Some(json),
        });
    }
    tool.take("type");
    let read = Tool {
        name: tool.text("name")?,
        description: tool.text_or_none("description")?.unwrap_or_default(),
        parameters: Some(tool.take("input_schema").ok_or_else(|| tool.invalid("input_schema", "Field required"))?),
        strict: tool.flag("strict")?,
        cache_control: tool.take("cache_control"),
        foreign: None,
    };
    tool.leave(rest);
    Ok(read)
}

fn tool_choice(top: &mut Object, request: &mut Request, rest: &mut Map<String, Value>) -> Result<(), Failure> {
    let Some(mut choice) = top.object("tool_choice")? else { return Ok(()) };
    request.tool_choice = Some(match choice.text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(choice.text("name")?),
        other => return Err(choice.invalid("type", &format!("`{other}` is none of auto, any, tool, none"))),
    });
    request.parallel_tool_calls = choice.flag("disable_parallel_tool_use")?.map(|disabled| !disabled);
    choice.leave(rest);
    Ok(())
}

/// `adaptive` is thinking without a number: how much is then `output_config.effort`, if anything.
fn thinking(top: &mut Object, request: &mut Request, rest: &mut Map<String, Value>) -> Result<(), Failure> {
    let Some(mut given) = top.object("thinking")? else { return Ok(()) };
    let mut thinking = Thinking::default();
    match given.text("type")?.as_str() {
        "enabled" => {
            let budget = given.number("budget_tokens")?;
            thinking.budget_tokens = Some(budget.ok_or_else(|| given.invalid("budget_tokens", "Field required"))?);
        }
        "disabled" => thinking.budget_tokens = Some(0),
        "adaptive" => {}
        // A mode that no other dialect has a word for.
        other => {
            rest.insert(format!("thinking.{other}"), Value::Bool(true));
            return Ok(());
        }
    }
    thinking.shown = given.text_or_none("display")?.map(|display| display != "omitted");
    given.leave(rest);
    request.thinking = Some(thinking);
    Ok(())
}

/// `output_config`, and `output_format` as its beta called it.
fn output(top: &mut Object, request: &mut Request, rest: &mut Map<String, Value>) -> Result<(), Failure> {
    if let Some(format) = top.object("output_format")? {
        request.format = Some(self::format(format, rest)?);
    }
    let Some(mut config) = top.object("output_config")? else { return Ok(()) };
    if let Some(format) = config.object("format")? {
        request.format = Some(self::format(format, rest)?);
    }
    let is_off = request.thinking.as_ref().is_some_and(|thinking| thinking.budget_tokens == Some(0));
    if !is_off && let Some(effort) = config.text_or_none("effort")? {
        // OpenAI's scale ends one below Anthropic's.
        let effort = if effort == "max" { "xhigh".to_owned() } else { effort };
        request.thinking.get_or_insert_default().effort = Some(effort);
    }
    config.leave(rest);
    Ok(())
}

fn format(mut format: Object, rest: &mut Map<String, Value>) -> Result<Format, Failure> {
    let kind = format.text("type")?;
    if kind != "json_schema" {
        return Err(format.invalid("type", &format!("`{kind}` is not json_schema")));
    }
    let schema = format.take("schema").ok_or_else(|| format.invalid("schema", "Field required"))?;
    format.leave(rest);
    // Anthropic's formats have no name, where OpenAI's must have one. Not `strict`: OpenAI's strict schemas refuse
    // optional properties, which Anthropic's allow.
    Ok(Format::JsonSchema { name: "answer".to_owned(), description: None, schema, strict: None })
}

fn source(source: &mut Object) -> Result<Source, Failure> {
    match source.text("type")?.as_str() {
        "base64" => Ok(Source::Inline { mime: source.text("media_type")?, base64: source.text("data")? }),
        "url" => Ok(Source::from_url(&source.text("url")?)),
        "file" => Ok(Source::Id(source.text("file_id")?)),
        other => Err(source.invalid("type", &format!("`{other}` is none of base64, url, file"))),
    }
}

fn invalid(path: &str, what: &str) -> Failure {
    Failure::new(Kind::InvalidRequest, format!("{path}: {what}"))
}

// === impl Object ===
impl Object {
    fn of(value: Value, path: String) -> Result<Self, Failure> {
        match value {
            Value::Object(fields) => Ok(Self { path, fields }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(invalid(if path.is_empty() { "the request body" } else { &path }, "Input should be an object"))
            }
        }
    }

    /// The path of a field.
    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// In Anthropic's words: `max_tokens: Field required`.
    fn invalid(&self, key: &str, what: &str) -> Failure {
        invalid(&self.at(key), what)
    }

    /// `null` is the same as nothing.
    fn take(&mut self, key: &str) -> Option<Value> {
        self.fields.remove(key).filter(|value| !value.is_null())
    }

    fn text_or_none(&mut self, key: &str) -> Result<Option<String>, Failure> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(key, "Input should be a valid string")),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, Failure> {
        self.text_or_none(key)?.ok_or_else(|| self.invalid(key, "Field required"))
    }

    fn number(&mut self, key: &str) -> Result<Option<u64>, Failure> {
        let value = self.take(key);
        let read = |value: Value| value.as_u64().ok_or_else(|| self.invalid(key, "Input should be a whole number"));
        value.map(read).transpose()
    }

    fn decimal(&mut self, key: &str) -> Result<Option<f64>, Failure> {
        let value = self.take(key);
        let read = |value: Value| value.as_f64().ok_or_else(|| self.invalid(key, "Input should be a number"));
        value.map(read).transpose()
    }

    fn flag(&mut self, key: &str) -> Result<Option<bool>, Failure> {
        let value = self.take(key);
        let read = |value: Value| value.as_bool().ok_or_else(|| self.invalid(key, "Input should be true or false"));
        value.map(read).transpose()
    }

    fn object(&mut self, key: &str) -> Result<Option<Self>, Failure> {
        let path = self.at(key);
        self.take(key).map(|value| Self::of(value, path)).transpose()
    }

    /// The items, each with its path.
    fn list(&mut self, key: &str) -> Result<Option<Vec<(String, Value)>>, Failure> {
        let path = self.at(key);
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(numbered(&path, items))),
            Some(_) => Err(invalid(&path, "Input should be a valid list")),
        }
    }

    fn texts(&mut self, key: &str) -> Result<Vec<String>, Failure> {
        let text = |(path, item): (String, Value)| match item {
            Value::String(text) => Ok(text),
            _ => Err(invalid(&path, "Input should be a valid string")),
        };
        self.list(key)?.unwrap_or_default().into_iter().map(text).collect()
    }

    /// What nobody took stays under its path.
    fn leave(self, rest: &mut Map<String, Value>) {
        let path = self.path;
        let named = |key: String| if path.is_empty() { key } else { format!("{path}.{key}") };
        rest.extend(self.fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, v)| (named(key), v)));
    }
}

fn numbered(path: &str, items: Vec<Value>) -> Vec<(String, Value)> {
    items.into_iter().enumerate().map(|(at, item)| (format!("{path}[{at}]"), item)).collect()
}
