//! One item of a transcript: what was asked, what came back, and what the checker made of it.
use super::client::Exchange;
use magic_eval::{Call, Item, Outcome, Reply};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) id: String,
    /// `None`: an error.
    correct: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checked: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    answer: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    finish_reason: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    usage: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model_calls: Option<u64>,
    #[serde(default)]
    pub(super) cached: bool,
    latency_ms: u64,
    status: Option<u16>,
}

// === impl Line ===
impl Line {
    /// `reasons`: how many calls to a model it took is not known unless the reply says so.
    pub(super) fn new(item: &Item, messages: Vec<Value>, exchange: Exchange, reasons: bool) -> Self {
        let Exchange { status, reply, cached, latency } = exchange;
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let mut line = Self::empty(item, messages, cached, latency_ms, status);
        match reply.and_then(|reply| choice(&reply).map(|(message, finish)| (reply, message, finish))) {
            Err(error) => line.error = Some(error),
            Ok((mut reply, mut message, finish)) => {
                line.answer = text(&message["content"]);
                let reasoning = ["reasoning_content", "reasoning"].map(|key| text(&message[key]));
                line.reasoning_content = reasoning.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
                line.finish_reason = finish;
                line.usage = reply["usage"].take();
                line.model_calls = line.usage["model_calls"].as_u64().or_else(|| (!reasons).then_some(1));
                line.tool_calls = message["tool_calls"].as_array_mut().map(std::mem::take).unwrap_or_default();
                line.check(item);
            }
        }
        line
    }

    fn empty(item: &Item, messages: Vec<Value>, cached: bool, latency_ms: u64, status: Option<u16>) -> Self {
        Self {
            id: item.id.clone(),
            correct: None,
            recovered: None,
            checked: None,
            error: None,
            messages,
            answer: String::new(),
            reasoning_content: String::new(),
            tool_calls: Vec::new(),
            finish_reason: Value::Null,
            usage: Value::Null,
            model_calls: None,
            cached,
            latency_ms,
            status,
        }
    }

    fn check(&mut self, item: &Item) {
        let calls: Vec<Call> = self.tool_calls.iter().map(|call| called(&call["function"])).collect();
        let verdict = item.checker.check(Reply { text: &self.answer, calls: &calls });
        (self.correct, self.recovered, self.checked) = (Some(verdict.correct), verdict.recovered, verdict.checked);
    }

    pub(super) fn outcome(&self) -> Outcome {
        let tokens = |key: &str| self.usage[key].as_u64();
        Outcome {
            item: self.id.clone(),
            correct: self.correct,
            recovered: self.recovered,
            calls: self.model_calls,
            input_tokens: tokens("prompt_tokens"),
            output_tokens: tokens("completion_tokens"),
            cost_micros: tokens("cost_micros"),
            latency_ms: self.latency_ms,
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        self.correct.is_some()
    }
}

fn choice(reply: &Value) -> Result<(Value, Value), String> {
    let choice = reply["choices"].get(0).filter(|choice| choice["message"].is_object());
    let choice = choice.ok_or("the reply has no choice with a message")?;
    Ok((choice["message"].clone(), choice["finish_reason"].clone()))
}

/// Text, or the texts of its parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// OpenAI's arguments are JSON in a string; what is none is judged as it is.
fn called(function: &Value) -> Call {
    let arguments = match &function["arguments"] {
        Value::String(text) if text.trim().is_empty() => Value::Object(serde_json::Map::new()),
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| function["arguments"].clone()),
        other => other.clone(),
    };
    Call { name: function["name"].as_str().unwrap_or_default().to_owned(), arguments }
}

#[cfg(test)]
mod tests;
