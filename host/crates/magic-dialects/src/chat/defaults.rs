//! A profile's generation parameters put under a request: what the client set itself wins. Parameters have OpenAI's
//! names; one that is nobody's is the vendor's own and goes to it as it is.
use super::{Format, Request, Thinking};
use crate::dialect::Dialect;
use serde_json::{Map, Value};

impl Request {
    /// Fills what the request leaves open.
    pub fn fill(&mut self, params: &Map<String, Value>) {
        for (name, value) in params {
            match name.as_str() {
                "temperature" => self.temperature = self.temperature.or(value.as_f64()),
                "top_p" => self.top_p = self.top_p.or(value.as_f64()),
                "top_k" => self.top_k = self.top_k.or(value.as_u64()),
                "frequency_penalty" => self.frequency_penalty = self.frequency_penalty.or(value.as_f64()),
                "presence_penalty" => self.presence_penalty = self.presence_penalty.or(value.as_f64()),
                "seed" => self.seed = self.seed.or(value.as_i64()),
                "max_tokens" | "max_completion_tokens" => {
                    self.max_output_tokens = self.max_output_tokens.or(value.as_u64());
                }
                "stop" if self.stop.is_empty() => self.stop = texts(value),
                "parallel_tool_calls" => self.parallel_tool_calls = self.parallel_tool_calls.or(value.as_bool()),
                "user" => self.user = self.user.take().or_else(|| value.as_str().map(str::to_owned)),
                "reasoning_effort" if self.thinking.is_none() => {
                    let effort = value.as_str().map(str::to_owned);
                    self.thinking = Some(Thinking { effort, ..Thinking::default() });
                }
                "response_format" if self.format.is_none() => self.format = Format::from_openai(value),
                "stop" | "reasoning_effort" | "response_format" => {}
                _ => {
                    self.extra.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
    }
}

/// A profile's parameter as a body of `dialect` spells it that passes as it is: parameters have the names of OpenAI's chat,
/// which its other dialects and Anthropic refuse or call otherwise. `None`: there is no word for it. A name that is nobody's
/// is the vendor's own and stays. `json`: its value.
pub fn spelling<'p>(dialect: Dialect, name: &'p str, json: &str) -> Option<&'p str> {
    const OF_CHAT_ALONE: [&str; 13] = [
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "n",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "top_logprobs",
        "verbosity",
    ];
    match (dialect, name) {
        (Dialect::Messages, "max_tokens" | "max_completion_tokens") => Some("max_tokens"),
        (Dialect::Messages, "stop") if json.starts_with('[') => Some("stop_sequences"),
        (Dialect::Messages, "parallel_tool_calls" | "user") => None,
        (Dialect::Responses, "max_tokens" | "max_completion_tokens") => Some("max_output_tokens"),
        (Dialect::Completions, "max_tokens" | "max_completion_tokens") => Some("max_tokens"),
        (Dialect::Completions, "reasoning_effort" | "response_format" | "parallel_tool_calls" | "verbosity") => None,
        (Dialect::Messages | Dialect::Responses, name) if OF_CHAT_ALONE.contains(&name) => None,
        (Dialect::Chat | Dialect::Completions | Dialect::Messages | Dialect::Responses | Dialect::Gemini, name) => {
            Some(name)
        }
    }
}

impl Format {
    /// OpenAI's `response_format`; `None` for what is none.
    pub(crate) fn from_openai(value: &Value) -> Option<Self> {
        match value.get("type")?.as_str()? {
            "text" => Some(Self::Text),
            "json_object" => Some(Self::JsonObject),
            "json_schema" => {
                let given = value.get("json_schema")?;
                let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
                Some(Self::JsonSchema {
                    name: text("name").unwrap_or_else(|| "answer".to_owned()),
                    description: text("description"),
                    schema: given.get("schema").cloned().unwrap_or_else(|| Value::Object(Map::new())),
                    strict: given.get("strict").and_then(Value::as_bool),
                })
            }
            _ => None,
        }
    }
}

/// A text or a list of texts.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
