//! The JSON of a chat completion request as clients write it, and its reading into the hub. Lenient where OpenAI is,
//! strict where leniency would drop something; what has no place goes into `rest`.
use crate::chat::{self, Content, Format, Part, Thinking, Tool, ToolChoice};
use magic_types::chat::Role;
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

mod message;
mod part;

/// Reads a whole body.
///
/// # Errors
/// A client's failure that names the field by its path.
pub(super) fn read(body: &[u8]) -> Result<chat::Request, Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let request: Request = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Failure::new(Kind::InvalidRequest, format!("`{}`: {}", error.path(), error.inner())))?;
    json.end().map_err(|error| Failure::new(Kind::InvalidRequest, format!("the request body goes on: {error}")))?;
    Ok(request.into_hub())
}

#[derive(Deserialize)]
struct Request {
    messages: Vec<message::Message>,
    tools: Option<Vec<WireTool>>,
    functions: Option<Vec<Map<String, Value>>>,
    tool_choice: Option<Value>,
    function_call: Option<Value>,
    parallel_tool_calls: Option<bool>,
    max_completion_tokens: Option<u64>,
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    seed: Option<i64>,
    stop: Option<Stop>,
    response_format: Option<Value>,
    reasoning_effort: Option<String>,
    reasoning: Option<Reasoning>,
    thinking: Option<Switch>,
    user: Option<String>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Stop(Vec<String>);

impl TryFrom<Value> for Stop {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let all_texts = value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        if value.is_string() || all_texts {
            Ok(Self(chat::texts(&value)))
        } else {
            Err("must be a string or a list of strings")
        }
    }
}

/// OpenRouter's: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
#[derive(Deserialize)]
struct Reasoning {
    effort: Option<String>,
    max_tokens: Option<u64>,
    exclude: Option<bool>,
    enabled: Option<bool>,
}

/// DeepSeek's, and Anthropic's as clients of other gateways write it.
#[derive(Deserialize)]
struct Switch {
    r#type: String,
    budget_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
struct WireTool {
    tool: Tool,
    /// Fields that have no place in the hub, by their path within the tool.
    rest: Map<String, Value>,
}

impl TryFrom<Map<String, Value>> for WireTool {
    type Error = &'static str;

    fn try_from(mut map: Map<String, Value>) -> Result<Self, Self::Error> {
        let is_function = map.get("type").is_none_or(|kind| kind == "function");
        if !is_function {
            let name = map.get("custom").and_then(|custom| custom.get("name")).or_else(|| map.get("name"));
            let name = name.and_then(Value::as_str).unwrap_or_default().to_owned();
            let tool = Tool { foreign: Some(Value::Object(map)), ..tool(&mut Map::new(), name) };
            return Ok(Self { tool, rest: Map::new() });
        }
        let cache_control = map.remove("cache_control");
        let Some(Value::Object(mut function)) = map.remove("function") else {
            return Err("`function` must be an object");
        };
        let name = part::text(&mut function, "name").ok_or("`function.name` must be a string")?;
        let within = function.remove("cache_control");
        let tool = Tool { cache_control: cache_control.or(within), ..tool(&mut function, name) };
        map.remove("type");
        map.extend(function.into_iter().map(|(key, value)| (format!("function.{key}"), value)));
        Ok(Self { tool, rest: map })
    }
}

fn tool(function: &mut Map<String, Value>, name: String) -> Tool {
    Tool {
        name,
        description: part::text(function, "description").unwrap_or_default(),
        parameters: function.remove("parameters").filter(|value| !value.is_null()),
        strict: function.remove("strict").and_then(|strict| strict.as_bool()),
        cache_control: None,
        foreign: None,
    }
}

impl Request {
    fn into_hub(mut self) -> chat::Request {
        // Null is OpenAI's word for "not set".
        self.rest.retain(|_, value| !value.is_null());
        self.rest.remove("model");
        let thinking = self.thinking();
        let format = self.response_format.take().filter(|value| !value.is_null()).and_then(|value| {
            let format = Format::from_openai(&value);
            if format.is_none() {
                self.rest.insert("response_format".to_owned(), value);
            }
            format
        });
        let tool_choice = self.tool_choice.take().or_else(|| self.function_call.take().map(modern_choice));
        let tool_choice = tool_choice.filter(|value| !value.is_null()).and_then(|value| {
            let choice = choice(&value);
            if choice.is_none() {
                self.rest.insert("tool_choice".to_owned(), value);
            }
            choice
        });
        let mut tools = Vec::new();
        for (at, WireTool { tool, rest }) in self.tools.take().unwrap_or_default().into_iter().enumerate() {
            tools.push(tool);
            let named = rest.into_iter().filter(|(_, value)| !value.is_null());
            self.rest.extend(named.map(|(key, value)| (format!("tools[{at}].{key}"), value)));
        }
        let old = self.functions.unwrap_or_default().into_iter().filter_map(|mut function| {
            let name = part::text(&mut function, "name")?;
            Some(tool(&mut function, name))
        });
        chat::Request {
            messages: self.messages.into_iter().map(message::Message::into_hub).collect(),
            tools: tools.into_iter().chain(old).collect(),
            tool_choice,
            parallel_tool_calls: self.parallel_tool_calls,
            max_output_tokens: self.max_completion_tokens.or(self.max_tokens),
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            frequency_penalty: self.frequency_penalty,
            presence_penalty: self.presence_penalty,
            seed: self.seed,
            stop: self.stop.map(|stop| stop.0).unwrap_or_default(),
            format,
            thinking,
            user: self.user,
            stream: self.stream.unwrap_or(false),
            include_usage: self.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            rest: self.rest,
            extra: Map::new(),
            echo: Map::new(),
        }
    }

    fn thinking(&mut self) -> Option<Thinking> {
        let effort = self.reasoning_effort.take();
        match (self.reasoning.take(), self.thinking.take()) {
            (Some(asked), _) => {
                let effort = effort.or(asked.effort);
                let plainly_on = asked.enabled == Some(true) && effort.is_none() && asked.max_tokens.is_none();
                Some(Thinking {
                    effort: if plainly_on { Some("medium".to_owned()) } else { effort },
                    budget_tokens: if asked.enabled == Some(false) { Some(0) } else { asked.max_tokens },
                    shown: asked.exclude.map(|hidden| !hidden),
                })
            }
            (None, Some(switch)) => {
                let off = switch.r#type == "disabled";
                let on = (effort.is_none() && switch.budget_tokens.is_none()).then(|| "medium".to_owned());
                let effort = if off { None } else { effort.or(on) };
                Some(Thinking { effort, budget_tokens: if off { Some(0) } else { switch.budget_tokens }, shown: None })
            }
            (None, None) => effort.map(|effort| Thinking { effort: Some(effort), ..Thinking::default() }),
        }
    }
}

fn modern_choice(value: Value) -> Value {
    match value.get("name") {
        Some(name) => json!({ "type": "function", "function": { "name": name } }),
        None => value,
    }
}

fn choice(value: &Value) -> Option<ToolChoice> {
    match value.as_str() {
        Some("auto") => Some(ToolChoice::Auto),
        Some("none") => Some(ToolChoice::None),
        Some("required" | "any") => Some(ToolChoice::Required),
        Some(_) => None,
        None => Some(ToolChoice::Named(value.pointer("/function/name")?.as_str()?.to_owned())),
    }
}

/// A mark on a whole message (OpenRouter, LiteLLM) is a mark on its last part.
fn mark(parts: &mut [Part], cache_control: Option<Value>) {
    if let (Some(last), Some(mark)) = (parts.last_mut(), cache_control) {
        last.cache_control.get_or_insert(mark);
    }
}

fn result(call_id: String, parts: Vec<Part>) -> Part {
    Part::new(Content::ToolResult { call_id, parts, is_error: false })
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireRole {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
}

impl WireRole {
    fn into_hub(self) -> Role {
        match self {
            Self::System | Self::Developer => Role::System,
            Self::User => Role::User,
            Self::Assistant => Role::Assistant,
            Self::Tool | Self::Function => Role::Tool,
        }
    }
}
