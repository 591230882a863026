//! The same words in the dialects of three vendors and of three clients: what a scripted vendor sends, and what a client reads
//! out of a stream. No model stands behind it: a test says what is said.
use magic_tests::{Script, chunk, completion};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a profile's vendor speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Openai,
    Anthropic,
    Google,
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Chat,
    Messages,
    Responses,
}

/// Of every stream and reply of this module.
pub(crate) const TOKENS: (u64, u64) = (10, 20);

// === impl Vendor ===

impl Vendor {
    pub(crate) const ALL: [Self; 3] = [Self::Openai, Self::Anthropic, Self::Google];

    /// An entry of `model_list` that needs no key; `more`: further lines of the entry.
    pub(crate) fn profile(self, name: &str, base: &str, more: &str) -> String {
        let dialect = self.as_str();
        format!(
            "  - model_name: {name}\n    provider: local\n    model_params: {{ model: {name}-model, api_base: \"{base}\", dialect: {dialect} }}\n{more}"
        )
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
        }
    }

    /// What comes before the first word. Says nothing yet.
    pub(crate) fn opening(self) -> String {
        match self {
            Self::Openai => ": ping\n\n".to_owned(),
            Self::Anthropic => {
                let message = json!({ "id": "msg_v", "type": "message", "role": "assistant", "model": "m", "content": [],
                    "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": TOKENS.0, "output_tokens": 1 } });
                named(&json!({ "type": "message_start", "message": message })) + &named(&json!({ "type": "ping" }))
            }
            Self::Google => ": ping\n\n".to_owned(),
        }
    }

    /// The beginning of a text. Only Anthropic has one.
    pub(crate) fn begins(self) -> String {
        match self {
            Self::Openai | Self::Google => String::new(),
            Self::Anthropic => named(&json!({ "type": "content_block_start", "index": 0,
                "content_block": { "type": "text", "text": "" } })),
        }
    }

    pub(crate) fn text(self, text: &str) -> String {
        match self {
            Self::Openai => chunk(text),
            Self::Anthropic => named(&json!({ "type": "content_block_delta", "index": 0,
                "delta": { "type": "text_delta", "text": text } })),
            Self::Google => unnamed(&json!({ "candidates": [{ "index": 0,
                "content": { "role": "model", "parts": [{ "text": text }] } }] })),
        }
    }

    /// A whole call of a tool, after a text.
    pub(crate) fn call(self, name: &str, arguments: &Value) -> String {
        match self {
            Self::Openai => {
                let call = json!({ "index": 0, "id": "call_1", "type": "function",
                    "function": { "name": name, "arguments": arguments.to_string() } });
                unnamed(&json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                    "choices": [{ "index": 0, "delta": { "tool_calls": [call] }, "finish_reason": null }] }))
            }
            Self::Anthropic => {
                let block = json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": {} });
                let delta = json!({ "type": "input_json_delta", "partial_json": arguments.to_string() });
                [
                    json!({ "type": "content_block_stop", "index": 0 }),
                    json!({ "type": "content_block_start", "index": 1, "content_block": block }),
                    json!({ "type": "content_block_delta", "index": 1, "delta": delta }),
                ]
                .iter()
                .map(named)
                .collect()
            }
            Self::Google => unnamed(&json!({ "candidates": [{ "index": 0, "content": { "role": "model",
                "parts": [{ "functionCall": { "name": name, "args": arguments } }] } }] })),
        }
    }

    /// The vendor's own last words. `calls`: a tool was called before.
    pub(crate) fn closing(self, calls: bool) -> String {
        let (input, output) = TOKENS;
        match self {
            Self::Openai => {
                let reason = if calls { "tool_calls" } else { "stop" };
                let frame = |choices: Value, usage: Value| {
                    unnamed(&json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                        "choices": choices, "usage": usage }))
                };
                let usage =
                    json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
                frame(json!([{ "index": 0, "delta": {}, "finish_reason": reason }]), Value::Null)
                    + &frame(json!([]), usage)
                    + "data: [DONE]\n\n"
            }
            Self::Anthropic => {
                let reason = if calls { "tool_use" } else { "end_turn" };
                [
                    json!({ "type": "content_block_stop", "index": u8::from(calls) }),
                    json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null },
                        "usage": { "output_tokens": output } }),
                    json!({ "type": "message_stop" }),
                ]
                .iter()
                .map(named)
                .collect()
            }
            Self::Google => {
                let usage = json!({ "promptTokenCount": input, "candidatesTokenCount": output,
                    "totalTokenCount": input + output });
                unnamed(
                    &json!({ "candidates": [{ "index": 0, "content": { "role": "model", "parts": [{ "text": "" }] },
                    "finishReason": "STOP" }], "usageMetadata": usage }),
                )
            }
        }
    }

    /// An error of the vendor inside its stream.
    pub(crate) fn gives_up(self) -> String {
        match self {
            Self::Openai => unnamed(&json!({ "error": { "message": "the vendor gave up", "code": 500 } })),
            Self::Anthropic => {
                named(&json!({ "type": "error", "error": { "type": "api_error", "message": "the vendor gave up" } }))
            }
            Self::Google => {
                unnamed(&json!({ "error": { "code": 500, "message": "the vendor gave up", "status": "INTERNAL" } }))
            }
        }
    }

    /// A stream up to these words; more may follow.
    pub(crate) fn begun(self, text: &str) -> Script {
        Script::stream().piece(self.opening()).piece(self.begins() + &self.text(text))
    }

    /// A whole stream, each text in an event of its own.
    pub(crate) fn streams(self, texts: &[&str]) -> Script {
        let said: String = texts.iter().map(|text| self.text(text)).collect();
        Script::sse([self.opening() + &self.begins() + &said + &self.closing(false)])
    }

    pub(crate) fn whole(self, text: &str) -> Script {
        let (input, output) = TOKENS;
        let body = match self {
            Self::Openai => completion(text),
            Self::Anthropic => json!({ "id": "msg_v", "type": "message", "role": "assistant", "model": "m",
                "content": [{ "type": "text", "text": text }], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": { "input_tokens": input, "output_tokens": output } }),
            Self::Google => json!({ "candidates": [{ "index": 0, "finishReason": "STOP",
                "content": { "role": "model", "parts": [{ "text": text }] } }],
                "usageMetadata": { "promptTokenCount": input, "candidatesTokenCount": output } }),
        };
        Script::json(200, &body)
    }

    pub(crate) fn answers(self, stream: bool, text: &str) -> Script {
        if stream { self.streams(&[text]) } else { self.whole(text) }
    }
}

// === impl Client ===

impl Client {
    pub(crate) const ALL: [Self; 3] = [Self::Chat, Self::Messages, Self::Responses];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    /// A request of one word.
    pub(crate) fn ask(self, alias: &str, stream: bool) -> Value {
        let messages = json!([{ "role": "user", "content": "hello" }]);
        match self {
            Self::Chat => json!({ "model": alias, "stream": stream, "messages": messages }),
            Self::Messages => json!({ "model": alias, "stream": stream, "max_tokens": 1000, "messages": messages }),
            Self::Responses => json!({ "model": alias, "stream": stream, "input": "hello" }),
        }
    }

    /// The pieces of text, in order, as the client is given them.
    pub(crate) fn pieces(self, stream: &str) -> Vec<String> {
        let texts = events(stream).into_iter().filter_map(|event| {
            let text = match self {
                Self::Chat => &event["choices"][0]["delta"]["content"],
                Self::Messages if event["type"] == "content_block_delta" => &event["delta"]["text"],
                Self::Responses if event["type"] == "response.output_text.delta" => &event["delta"],
                Self::Messages | Self::Responses => &Value::Null,
            };
            text.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        });
        texts.collect()
    }

    /// The pieces of a tool call's arguments.
    pub(crate) fn arguments(self, stream: &str) -> Vec<String> {
        let texts = events(stream).into_iter().filter_map(|event| {
            let text = match self {
                Self::Chat => &event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"],
                Self::Messages if event["type"] == "content_block_delta" => &event["delta"]["partial_json"],
                Self::Responses if event["type"] == "response.function_call_arguments.delta" => &event["delta"],
                Self::Messages | Self::Responses => &Value::Null,
            };
            text.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        });
        texts.collect()
    }

    /// Every tool call of a stream: its name and its arguments, put together.
    pub(crate) fn calls(self, stream: &str) -> Vec<(String, String)> {
        let mut calls: BTreeMap<u64, (String, String)> = BTreeMap::new();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for event in events(stream) {
            match self {
                Self::Chat => {
                    for piece in event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
                        let call = calls.entry(piece["index"].as_u64().expect("an index")).or_default();
                        call.0 += &text(&piece["function"]["name"]);
                        call.1 += &text(&piece["function"]["arguments"]);
                    }
                }
                Self::Messages => {
                    let index = event["index"].as_u64().unwrap_or_default();
                    if event["content_block"]["type"] == "tool_use" {
                        calls.insert(index, (text(&event["content_block"]["name"]), String::new()));
                    } else if let Some(call) = calls.get_mut(&index) {
                        call.1 += &text(&event["delta"]["partial_json"]);
                    }
                }
                Self::Responses => {
                    if event["type"] == "response.output_item.done" && event["item"]["type"] == "function_call" {
                        let index = event["output_index"].as_u64().expect("an index");
                        calls.insert(index, (text(&event["item"]["name"]), text(&event["item"]["arguments"])));
                    }
                }
            }
        }
        calls.into_values().collect()
    }

    pub(crate) fn text(self, stream: &str) -> String {
        self.pieces(stream).concat()
    }

    /// The text of a reply that is not streamed.
    pub(crate) fn text_of(self, reply: &Value) -> String {
        let text = match self {
            Self::Chat => &reply["choices"][0]["message"]["content"],
            Self::Messages => &reply["content"][0]["text"],
            Self::Responses => &reply["output"][0]["content"][0]["text"],
        };
        text.as_str().unwrap_or_else(|| panic!("no text in {reply}")).to_owned()
    }

    /// Whether the stream says that it is whole, in any word that a client could take for that.
    pub(crate) fn looks_complete(self, stream: &str) -> bool {
        let ends = |event: &Value| match self {
            Self::Chat => event["choices"][0]["finish_reason"].is_string(),
            Self::Messages => event["type"] == "message_stop" || event["delta"]["stop_reason"].is_string(),
            Self::Responses => ["response.completed", "response.incomplete"].iter().any(|word| event["type"] == *word),
        };
        stream.contains("[DONE]") || events(stream).iter().any(ends)
    }

    /// Whether its last event is the end that a whole stream has.
    pub(crate) fn is_whole(self, stream: &str) -> bool {
        let last = events(stream).pop().unwrap_or_default();
        self.looks_complete(stream)
            && match self {
                Self::Chat => stream.ends_with("data: [DONE]\n\n"),
                Self::Messages => last["type"] == "message_stop",
                Self::Responses => last["type"] == "response.completed",
            }
    }

    /// The error that the stream ends with, as its message.
    pub(crate) fn error(self, stream: &str) -> Option<String> {
        let last = events(stream).pop()?;
        let is_error = match self {
            Self::Chat => last["error"].is_object(),
            Self::Messages | Self::Responses => last["type"] == "error",
        };
        let message = last["error"]["message"].as_str().or_else(|| last["message"].as_str())?;
        is_error.then(|| message.to_owned())
    }

    /// Tokens in and out as the stream tells them, if it does.
    pub(crate) fn usage(self, stream: &str) -> Option<(u64, u64)> {
        let mut found = None;
        for event in events(stream) {
            let usage = match self {
                Self::Chat | Self::Messages => &event["usage"],
                Self::Responses => &event["response"]["usage"],
            };
            let (input, output) = match self {
                Self::Chat => (&usage["prompt_tokens"], &usage["completion_tokens"]),
                Self::Messages | Self::Responses => (&usage["input_tokens"], &usage["output_tokens"]),
            };
            found = input.as_u64().zip(output.as_u64()).or(found);
        }
        found
    }
}

/// The JSON of every event; comments and `[DONE]` are none.
///
/// # Panics
/// When a line of data is no JSON, as when something was written into the middle of an event.
pub(crate) fn events(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    lines.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}

fn named(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn unnamed(data: &Value) -> String {
    format!("data: {data}\n\n")
}
