//! What a vendor of OpenAI's dialect is sent, written from the hub with the vendor's quirks applied.
use crate::chat::{Format, Request, Thinking, Tool, ToolChoice, forces_a_tool};
use crate::dialect::{self, Call, Vendor, Written};
use crate::lost::Lost;
use crate::quirks::{Quirks, ThinkingWord};
use magic_types::Failure;
use magic_types::stream::ChatEvent;
use serde_json::{Map, Value, json};

use super::stream;

mod messages;

/// Fields without a place in the hub that OpenAI documents and that change nothing that the hub could not carry back.
/// `n`, `logprobs`, `audio` and kin are not among them: their replies have more than the hub's events can say.
const KNOWN: [&str; 11] = [
    "logit_bias",
    "metadata",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "verbosity",
    "web_search_options",
    "min_p",
];

pub(crate) struct Chat;

impl Vendor for Chat {
    fn write(&self, request: &Request, call: &Call<'_>) -> Written {
        let mut body = Body { quirks: call.quirks, thinks: thinks(call), fields: Map::new(), lost: Lost::default() };
        body.set("model", Some(json!(call.model)));
        body.fields.insert("messages".to_owned(), messages::write(&request.messages, call.quirks, &mut body.lost));
        body.tools(request);
        body.sampling(request);
        body.thinking(request.thinking.as_ref());
        body.format(request.format.as_ref());
        body.rest(&request.rest);
        if call.stream {
            body.fields.insert("stream".to_owned(), json!(true));
            // Whatever the client asked: the gateway counts. Whoever strips it counts unasked.
            if let Some(name) = call.quirks.name("stream_options") {
                body.fields.insert(name.to_owned(), json!({ "include_usage": true }));
            }
        }
        for (key, value) in &request.extra {
            body.fields.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Written { body: Value::Object(body.fields).to_string().into(), lost: body.lost.into_names() }
    }

    fn decoder(&self) -> Box<dyn dialect::Decoder> {
        Box::new(stream::Decoder::default())
    }

    fn decode_whole(&self, json: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
        stream::decode_whole(json)
    }
}

struct Body<'q> {
    quirks: &'q Quirks,
    /// Whether the model may be told how much to think.
    thinks: bool,
    fields: Map<String, Value>,
    lost: Lost,
}

// === impl Body ===
impl Body<'_> {
    /// Writes a parameter under the vendor's name for it.
    fn set(&mut self, key: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        match self.quirks.name(key) {
            Some(name) => {
                self.fields.insert(name.to_owned(), value);
            }
            None => self.lost.name(key),
        }
    }

    fn sampling(&mut self, request: &Request) {
        let max = if self.quirks.new_max { "max_completion_tokens" } else { "max_tokens" };
        self.set(max, request.max_output_tokens.map(|max| json!(max)));
        self.set("temperature", request.temperature.map(|number| json!(number)));
        self.set("top_p", request.top_p.map(|number| json!(number)));
        match request.top_k {
            Some(_) if !self.quirks.top_k => self.lost.name("top_k"),
            number => self.set("top_k", number.map(|number| json!(number))),
        }
        self.set("frequency_penalty", request.frequency_penalty.map(|number| json!(number)));
        self.set("presence_penalty", request.presence_penalty.map(|number| json!(number)));
        self.set("seed", request.seed.map(|number| json!(number)));
        self.set("stop", (!request.stop.is_empty()).then(|| json!(request.stop)));
        self.set("user", request.user.as_ref().map(|user| json!(user)));
    }

    fn tools(&mut self, request: &Request) {
        let mut tools = Vec::new();
        for (at, tool) in request.tools.iter().enumerate() {
            match &tool.foreign {
                None => tools.push(self.tool(tool)),
                // OpenAI's own tool of free text.
                Some(json) if json.get("custom").is_some() => tools.push(json.clone()),
                Some(json) => {
                    let kind = json.get("type").and_then(Value::as_str).unwrap_or("foreign");
                    self.lost.name(format!("tools[{at}].{kind}"));
                }
            }
        }
        if tools.is_empty() {
            // A choice without tools is refused.
            return self.lost.when(forces_a_tool(request), "tool_choice");
        }
        self.set("tools", Some(Value::Array(tools)));
        self.set("tool_choice", request.tool_choice.as_ref().map(tool_choice));
        self.set("parallel_tool_calls", request.parallel_tool_calls.map(|flag| json!(flag)));
    }

    fn tool(&mut self, tool: &Tool) -> Value {
        let mut function = Map::new();
        function.insert("name".to_owned(), json!(tool.name));
        if !tool.description.is_empty() {
            function.insert("description".to_owned(), json!(tool.description));
        }
        let nothing = || json!({ "type": "object", "properties": {} });
        function.insert("parameters".to_owned(), tool.parameters.clone().unwrap_or_else(nothing));
        if let Some(strict) = tool.strict {
            function.insert("strict".to_owned(), json!(strict));
        }
        let mut json = json!({ "type": "function", "function": function });
        match (&tool.cache_control, json.as_object_mut()) {
            (Some(mark), Some(object)) if self.quirks.cache_control => {
                object.insert("cache_control".to_owned(), mark.clone());
            }
            (Some(_), _) => self.lost.name("cache_control"),
            (None, _) => {}
        }
        json
    }

    fn thinking(&mut self, thinking: Option<&Thinking>) {
        let Some(Thinking { effort, budget_tokens, shown }) = thinking else { return };
        let is_off = *budget_tokens == Some(0) || effort.as_deref() == Some("none");
        match self.quirks.thinking {
            ThinkingWord::Effort => {
                // "Do not think" is what a model without the word does anyway, and what most with it refuse to be told.
                let budget = budget_tokens.filter(|budget| *budget > 0).map(effort_of);
                let effort = effort.as_deref().or(budget);
                if self.thinks {
                    self.set("reasoning_effort", effort.map(|effort| json!(effort)));
                } else {
                    self.lost.when(effort.is_some_and(|effort| effort != "none"), "reasoning_effort");
                }
                // Whoever takes this word alone shows what it shows.
                self.lost.when(*shown == Some(true) && !is_off, "thinking.display");
            }
            ThinkingWord::Switch if effort.is_none() && budget_tokens.is_none() => {}
            ThinkingWord::Switch => {
                // How much is the vendor's own choice.
                let says_how_much =
                    budget_tokens.is_some_and(|budget| budget > 0) || effort.as_deref() != Some("medium");
                self.lost.when(!is_off && says_how_much, "reasoning_effort");
                self.lost.when(*shown == Some(false) && !is_off, "thinking.display");
                let word = if is_off { "disabled" } else { "enabled" };
                self.set("thinking", Some(json!({ "type": word })));
            }
            ThinkingWord::Object => {
                let mut asked = Map::new();
                if let Some(effort) = effort {
                    asked.insert("effort".to_owned(), json!(effort));
                } else if is_off {
                    asked.insert("enabled".to_owned(), json!(false));
                } else if let Some(budget) = budget_tokens {
                    asked.insert("max_tokens".to_owned(), json!(budget));
                }
                if let Some(shown) = shown {
                    asked.insert("exclude".to_owned(), json!(!shown));
                }
                self.set("reasoning", (!asked.is_empty()).then_some(Value::Object(asked)));
            }
        }
    }

    fn format(&mut self, format: Option<&Format>) {
        let json = format.map(|format| match format {
            Format::Text => json!({ "type": "text" }),
            Format::JsonObject => json!({ "type": "json_object" }),
            Format::JsonSchema { name, description, schema, strict } => {
                let mut json = json!({ "name": name, "schema": schema });
                if let (Some(text), Some(object)) = (description, json.as_object_mut()) {
                    object.insert("description".to_owned(), json!(text));
                }
                if let (Some(strict), Some(object)) = (strict, json.as_object_mut()) {
                    object.insert("strict".to_owned(), json!(strict));
                }
                json!({ "type": "json_schema", "json_schema": json })
            }
        });
        self.set("response_format", json);
    }

    fn rest(&mut self, rest: &Map<String, Value>) {
        for (key, value) in rest {
            if KNOWN.contains(&key.as_str()) && is_openais(key, value) {
                self.set(key, Some(value.clone()));
            } else {
                self.lost.field(key, value);
            }
        }
    }
}

/// Other dialects have fields of the same name and another meaning.
fn is_openais(key: &str, value: &Value) -> bool {
    match key {
        "service_tier" => ["auto", "default", "flex", "priority"].iter().any(|tier| value == tier),
        "metadata" => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
        _ => true,
    }
}

/// OpenAI's older models refuse `reasoning_effort`; of others' models the name tells nothing.
fn thinks(call: &Call<'_>) -> bool {
    let old = ["gpt-3", "gpt-4", "chatgpt-"].iter().any(|name| call.model.starts_with(name));
    call.quirks.provider != "openai" || !old
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

/// A budget in OpenAI's words. The steps are those that other gateways settled on for Anthropic's budgets.
fn effort_of(budget_tokens: u64) -> &'static str {
    match budget_tokens {
        0..=1024 => "low",
        1025..=8192 => "medium",
        _ => "high",
    }
}

#[cfg(test)]
mod tests;
