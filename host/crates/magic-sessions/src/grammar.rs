//! GBNF (llama.cpp's grammar form) for one round of a reply: a short free thought, then exactly one action that fits its
//! tool's schema, or the answer. What a schema says that is not understood here becomes "any JSON value"; the check
//! before the call stays the tool's.
mod schema;

use crate::prompt::Rendering;
use magic_types::chat::ToolDefinition;
use schema::Rules;
use serde_json::Value;

/// What a reply may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A thought, then an action or the answer.
    Round,
    /// A thought, then an action; the answer where there is no tool.
    ActionOnly,
    /// The answer alone.
    AnswerOnly,
}

/// llama.cpp parses a grammar on every request: beyond this, arguments are left to any JSON object.
const GRAMMAR_BYTES_MAX: usize = 32 << 10;

const PRIMITIVES: &str = r#"
object ::= "{" (pair (", " pair){0,15})? "}"
pair ::= string ": " value
array ::= "[" (value (", " value){0,15})? "]"
value ::= string | number | boolean | null | array | object
string ::= "\"" char{0,400} "\""
char ::= [^"\\<\x00-\x1f] | "\\" (["\\/bfnrt] | "u" hex hex hex hex)
hex ::= [0-9a-fA-F]
number ::= integer ("." [0-9]{1,15})?
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
boolean ::= "true" | "false"
null ::= "null"
"#;

/// The value of `CompletionRequest.extra`'s `grammar`: the grammar as a JSON string.
pub(crate) fn extra(tools: &[ToolDefinition], scope: Scope, rendering: &Rendering) -> String {
    Value::from(gbnf(tools, scope, rendering)).to_string()
}

pub(crate) fn gbnf(tools: &[ToolDefinition], scope: Scope, rendering: &Rendering) -> String {
    let exact = grammar(tools, scope, rendering, true);
    if exact.len() <= GRAMMAR_BYTES_MAX { exact } else { grammar(tools, scope, rendering, false) }
}

fn grammar(tools: &[ToolDefinition], scope: Scope, rendering: &Rendering, exact: bool) -> String {
    let root = match (scope, tools.is_empty()) {
        (Scope::AnswerOnly, _) => "final",
        (Scope::Round | Scope::ActionOnly, true) => "thought final",
        (Scope::Round, false) => "thought (action | final)",
        (Scope::ActionOnly, false) => "thought action",
    };
    let mut out = format!("root ::= {root}\n");
    // `<` is left out, so that neither can run on into a tag of its own.
    out +=
        &format!("final ::= \"<FINAL_ANSWER>\" [^<]{{1,{}}} \"</FINAL_ANSWER>\"\n", rendering.answer_chars_max.max(1));
    if scope == Scope::AnswerOnly {
        return out;
    }
    out +=
        &format!("thought ::= \"<THOUGHT>\" [^<\\n]{{1,{}}} \"</THOUGHT>\\n\"\n", rendering.thought_chars_max.max(1));
    if !tools.is_empty() {
        out += &actions(tools, exact);
        out += PRIMITIVES.trim_start();
    }
    out
}

fn actions(tools: &[ToolDefinition], exact: bool) -> String {
    let mut rules = Rules::default();
    let mut calls = Vec::new();
    for tool in tools {
        let schema = if exact { serde_json::from_str(&tool.parameters_json_schema).ok() } else { None };
        let arguments = match schema {
            Some(schema) => rules.arguments(&schema),
            None => "object".to_owned(),
        };
        let head = ["{\"tool_name\": ", &Value::from(tool.name.as_str()).to_string(), ", \"arguments\": "].concat();
        calls.push([&literal(&head), " ", &arguments, " \"}\""].concat());
    }
    ["action ::= \"<ACTION>\" call \"</ACTION>\"\ncall ::= ", &calls.join(" | "), "\n", &rules.into_text()].concat()
}

/// A GBNF string literal that matches exactly this text.
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::Reader;
