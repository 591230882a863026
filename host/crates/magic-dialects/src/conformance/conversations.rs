//! What holds for every request that is written for a vendor: seeded random conversations of every client, to every vendor.
use super::properties::Random;
use super::{CLIENTS, Spoken, VENDORS};
use crate::chat::Request;
use crate::dialect::{Dialect, Written};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

const SEED: u64 = 0x2545_f491_4f6c_dd1d;
const ROUNDS: u64 = 150;

/// Those of the suite, and imitators of OpenAI with rules of their own.
const IMITATORS: [Spoken; 4] = [
    Spoken { dialect: Dialect::Chat, provider: "openrouter", model: "m" },
    Spoken { dialect: Dialect::Chat, provider: "deepseek", model: "m" },
    Spoken { dialect: Dialect::Chat, provider: "mistral", model: "m" },
    Spoken { dialect: Dialect::Gemini, provider: "google", model: "gemini-3-pro-preview" },
];

/// What somebody says, before it is put into a client's words.
enum Said {
    System(String),
    User(Vec<Value>),
    Assistant { thought: Option<String>, text: Option<String>, calls: Vec<(String, String)> },
    Results(Vec<(String, String)>),
}

// === impl Random ===
impl Random {
    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn words(&mut self) -> String {
        self.one_of(&["hi", "", " ", "Grüße \u{2028}", "{\"a\":1}", "\\\"\u{0}", "data: x\n\n", "👩\u{200d}👧"])
            .to_owned()
    }

    fn conversation(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        for turn in 0..1 + self.below(5) {
            if self.below(3) == 0 {
                said.push(Said::System(self.words()));
            }
            said.push(Said::User((0..1 + self.below(3)).map(|_| self.part()).collect()));
            let calls: Vec<(String, String)> = (0..self.below(3)).map(|at| self.call(turn, at)).collect();
            let thought = (self.below(2) == 0).then(|| self.words());
            let text = (calls.is_empty() || self.below(2) == 0).then(|| self.words());
            let results = calls.iter().map(|(id, _)| (id.clone(), self.words())).collect::<Vec<_>>();
            said.push(Said::Assistant { thought, text, calls });
            if !results.is_empty() {
                said.push(Said::Results(results));
            }
        }
        said
    }

    fn call(&mut self, turn: usize, at: usize) -> (String, String) {
        let odd = self.one_of(&["call_", "toolu-", "call.ü:", "functions.f:"]);
        (format!("{odd}{turn}_{at}"), self.one_of(&["{}", "", "{\"x\":[1]}", "[1]", "{\"cut", "null"]).to_owned())
    }

    /// In OpenAI's words.
    fn part(&mut self) -> Value {
        let mark = json!({ "type": "ephemeral" });
        match self.below(5) {
            0 => json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==", "detail": "low" } }),
            1 => json!({ "type": "text", "text": self.words(), "cache_control": mark }),
            2 => json!({ "type": "novelty", "novelty": self.words() }),
            _ => json!({ "type": "text", "text": self.words() }),
        }
    }

    /// More unknown fields than anybody wants to hear of.
    fn fields(&mut self, body: &mut Value) {
        let fields = body.as_object_mut().expect("an object");
        for at in 0..self.below(120) {
            fields.insert(format!("made_up_{at}"), json!(true));
        }
        for (name, value) in [("temperature", json!(1.5)), ("top_p", json!(0.5)), ("stream", json!(true))] {
            if self.below(2) == 0 {
                fields.insert(name.to_owned(), value);
            }
        }
    }
}

fn body(client: Dialect, said: &[Said]) -> Value {
    match client {
        Dialect::Chat => json!({ "messages": said.iter().flat_map(chat).collect::<Vec<_>>(),
            "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }] }),
        Dialect::Messages => json!({ "max_tokens": 100, "messages": said.iter().map(messages).collect::<Vec<_>>(),
            "tools": [{ "name": "f", "input_schema": { "type": "object" } }] }),
        Dialect::Responses => json!({ "input": said.iter().flat_map(responses).collect::<Vec<_>>(),
            "tools": [{ "type": "function", "name": "f", "parameters": { "type": "object" } }] }),
        Dialect::Completions => json!({ "prompt": said.len().to_string() }),
        Dialect::Gemini => unreachable!("nobody speaks it to us"),
    }
}

fn chat(said: &Said) -> Vec<Value> {
    match said {
        Said::System(text) => vec![json!({ "role": "developer", "content": text })],
        Said::User(parts) => vec![json!({ "role": "user", "name": "ann", "content": parts })],
        Said::Assistant { thought, text, calls } => {
            let calls = calls.iter().map(|(id, arguments)| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": arguments } }));
            vec![
                json!({ "role": "assistant", "content": text, "reasoning_content": thought, "tool_calls": calls.collect::<Vec<_>>() }),
            ]
        }
        Said::Results(results) => {
            results.iter().map(|(id, text)| json!({ "role": "tool", "tool_call_id": id, "content": text })).collect()
        }
    }
}

fn messages(said: &Said) -> Value {
    let text = |text: &String| json!({ "type": "text", "text": text });
    match said {
        Said::System(said) => json!({ "role": "system", "content": [text(said)] }),
        Said::User(parts) => {
            let parts = parts.iter().map(|part| match part.get("image_url") {
                Some(_) => json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } }),
                None => part.clone(),
            });
            json!({ "role": "user", "content": parts.collect::<Vec<_>>() })
        }
        Said::Assistant { thought, text: words, calls } => {
            let thought =
                thought.iter().map(|thought| json!({ "type": "thinking", "thinking": thought, "signature": "EqQB" }));
            let calls = calls.iter().map(|(id, arguments)| {
                let input = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
                json!({ "type": "tool_use", "id": id, "name": "f", "input": input })
            });
            json!({ "role": "assistant", "content": thought.chain(words.iter().map(text)).chain(calls).collect::<Vec<_>>() })
        }
        Said::Results(results) => {
            let result = |(id, words): &(String, String)| json!({ "type": "tool_result", "tool_use_id": id, "content": words, "cache_control": { "type": "ephemeral" } });
            json!({ "role": "user", "content": results.iter().map(result).collect::<Vec<_>>() })
        }
    }
}

fn responses(said: &Said) -> Vec<Value> {
    match said {
        Said::System(text) => vec![json!({ "role": "developer", "content": text })],
        Said::User(parts) => {
            let parts = parts.iter().map(|part| match (part.get("text"), part.get("image_url")) {
                (Some(text), _) => json!({ "type": "input_text", "text": text }),
                (_, Some(image)) => json!({ "type": "input_image", "image_url": image["url"] }),
                _ => part.clone(),
            });
            vec![json!({ "role": "user", "content": parts.collect::<Vec<_>>() })]
        }
        Said::Assistant { thought, text, calls } => {
            let thought = thought.iter().map(|thought| json!({ "type": "reasoning", "encrypted_content": "gAAAAB", "summary": [{ "type": "summary_text", "text": thought }] }));
            let text = text.iter().map(|text| json!({ "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": text }] }));
            let calls = calls.iter().map(|(id, arguments)| json!({ "type": "function_call", "call_id": id, "name": "f", "arguments": arguments }));
            thought.chain(text).chain(calls).collect()
        }
        Said::Results(results) => results
            .iter()
            .map(|(id, text)| json!({ "type": "function_call_output", "call_id": id, "output": text }))
            .collect(),
    }
}

#[test]
fn any_conversation_of_any_client_is_one_that_every_vendor_takes() {
    for round in 0..ROUNDS {
        let seed = SEED.wrapping_add(round);
        let mut random = Random(seed);
        let said = random.conversation();
        for client in CLIENTS {
            let mut body = body(*client, &said);
            random.fields(&mut body);
            let request = client.client().expect("a client's dialect").read(body.to_string().as_bytes());
            let request = request.unwrap_or_else(|failure| panic!("seed {seed:#x}: {failure}: {body}"));
            for spoken in VENDORS.iter().chain(&IMITATORS) {
                let name = format!("seed {seed:#x}: {} to {}", client.as_str(), spoken.provider);
                check(spoken, &request, &name);
            }
        }
    }
}

fn check(spoken: &Spoken, request: &Request, name: &str) {
    let Written { body, lost } = spoken.write(request);
    let unique: HashSet<&String> = lost.iter().collect();
    assert_eq!(unique.len(), lost.len(), "{name}: {lost:?}");
    assert!(lost.len() <= 65 && lost.iter().take(64).all(|lost| lost != "…"), "{name}: {lost:?}");
    assert_eq!(lost.len() == 65, lost.last().is_some_and(|lost| lost == "…"), "{name}: {lost:?}");
    let body: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
    match spoken.dialect {
        Dialect::Chat => chat_is_legal(list(&body["messages"]), name),
        Dialect::Messages => turns_are_legal(list(&body["messages"]), name),
        Dialect::Gemini => contents_are_legal(list(&body["contents"]), name),
        Dialect::Responses | Dialect::Completions => unreachable!("no vendor's dialect of the suite"),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Results stand behind the message with their calls, and before anything else.
fn chat_is_legal(messages: &[Value], name: &str) {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().expect("a role");
        match role {
            "tool" => {
                let id = message["tool_call_id"].as_str().expect("an id");
                let at = open.iter().position(|open| *open == id).unwrap_or_else(|| panic!("{name}: no call {id}"));
                open.remove(at);
            }
            "system" | "user" | "assistant" => {
                assert!(open.is_empty(), "{name}: {role} before the results of {open:?}");
                let calls = message.get("tool_calls").map(list).unwrap_or_default();
                open = calls.iter().map(|call| call["id"].as_str().expect("an id")).collect();
            }
            other => panic!("{name}: role {other}"),
        }
    }
}

/// The two take turns, and a turn with calls is answered at the head of the next.
fn turns_are_legal(messages: &[Value], name: &str) {
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        assert_eq!(message["role"], if at % 2 == 0 { "user" } else { "assistant" }, "{name}: {messages:?}");
        let blocks = list(&message["content"]);
        assert!(!blocks.is_empty(), "{name}: an empty turn");
        let results = blocks.iter().take_while(|block| block["type"] == "tool_result");
        let answered: Vec<&str> = results.map(|result| result["tool_use_id"].as_str().expect("an id")).collect();
        assert_eq!(answered, open, "{name}");
        assert!(blocks[answered.len()..].iter().all(|block| block["type"] != "tool_result"), "{name}");
        let calls = blocks.iter().filter(|block| block["type"] == "tool_use");
        open = calls.map(|call| call["id"].as_str().expect("an id")).collect();
    }
}

fn contents_are_legal(contents: &[Value], name: &str) {
    let mut open: Vec<&Value> = Vec::new();
    for (at, content) in contents.iter().enumerate() {
        assert_eq!(content["role"], if at % 2 == 0 { "user" } else { "model" }, "{name}: {contents:?}");
        let parts = list(&content["parts"]);
        assert!(!parts.is_empty(), "{name}: an empty turn");
        let answered: Vec<&Value> = parts.iter().filter_map(|part| part.pointer("/functionResponse/id")).collect();
        assert_eq!(answered, open, "{name}");
        open = parts.iter().filter_map(|part| part.pointer("/functionCall/id")).collect();
    }
}
