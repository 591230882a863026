//! A reply in the tag grammar: what is thought, what is called, what is answered. Refuses what follows a call: the model
//! did not wait for the result.

use magic_tags::{ACTION, FINAL_ANSWER, OBSERVATION, Parser, Piece, Tags};
use serde_json::{Map, Value};

use crate::driver::Call;

/// One reply, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// Text outside actions and answer.
    pub thought: String,
    /// The calls, or a sentence that says to the model what to mend.
    pub calls: Result<Vec<Call>, String>,
    pub answer: Option<String>,
    /// As it goes back into the conversation: closed tags, and nothing that the model invented behind its calls.
    pub said: String,
}

/// Reads a reply that may hold `<ACTION>` and `<FINAL_ANSWER>`.
#[must_use]
pub fn acting(text: &str) -> Acting {
    let (mut thought, mut answer, mut actions) = (String::new(), None::<String>, Vec::<String>::new());
    let mut over = false;
    let mut read = |piece: Piece<'_>| match piece {
        Piece::Open(OBSERVATION) => over = true,
        _ if over => {}
        Piece::Open(ACTION) => actions.push(String::new()),
        Piece::Open(FINAL_ANSWER) => over = !actions.is_empty(),
        Piece::Text { tag: Some(ACTION), text } => actions.last_mut().into_iter().for_each(|last| last.push_str(text)),
        Piece::Text { tag: Some(FINAL_ANSWER), text } => answer.get_or_insert_default().push_str(text),
        Piece::Text { text, .. } if actions.is_empty() => thought.push_str(text),
        Piece::Text { .. } | Piece::Open(_) | Piece::Close(_) => {}
    };
    let mut parser = Parser::new(Tags::default());
    parser.push(text, &mut read);
    parser.finish(&mut read);
    let thought = thought.trim().to_owned();
    let acts = actions.iter().map(|action| ["<ACTION>", action.trim(), "</ACTION>"].concat());
    let said = [thought.clone()].into_iter().chain(acts).collect::<Vec<_>>().join("\n").trim().to_owned();
    let calls = actions.iter().map(|action| calls(action)).collect::<Result<Vec<_>, _>>();
    let answer = answer.map(|answer| answer.trim().to_owned()).filter(|answer| !answer.is_empty());
    Acting { thought, calls: calls.map(|calls| calls.concat()), answer, said }
}

const SHAPE: &str = r#"Write one object, {"tool_name": "...", "arguments": {...}}, and nothing else."#;

fn calls(action: &str) -> Result<Vec<Call>, String> {
    let text = action.trim().trim_start_matches("```json").trim_matches(['`', '\n', ' ']);
    let mut calls = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value.map_err(|error| format!("Your action is not valid JSON: {error}. {SHAPE}"))? {
            Value::Array(items) => calls.extend(items.into_iter().map(call).collect::<Result<Vec<_>, _>>()?),
            value => calls.push(call(value)?),
        }
    }
    Ok(calls)
}

fn call(value: Value) -> Result<Call, String> {
    let Value::Object(mut fields) = value else { return Err(format!("Your action is not an object. {SHAPE}")) };
    let name = ["tool_name", "name", "tool"].iter().find_map(|key| fields.remove(*key));
    let Some(Value::String(name)) = name else {
        return Err(format!("Your action does not say which tool to call. {SHAPE}"));
    };
    let arguments = ["arguments", "args", "parameters", "input"].iter().find_map(|key| fields.remove(*key));
    let arguments = match arguments {
        Some(Value::Object(arguments)) => arguments,
        Some(Value::Null) => Map::new(),
        Some(_) => return Err(format!("The arguments in your action are not an object. {SHAPE}")),
        // Arguments beside the name: nothing else can be meant.
        None => fields,
    };
    Ok(Call::new(name.trim(), &Value::Object(arguments)))
}
