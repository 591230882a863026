//! A pattern's few-shot, read as the engine would read it. Refuses to run a model.

use serde_json::Value;

/// One tool call of the example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub tool_name: String,
    /// JSON text.
    pub arguments: String,
    pub observation: String,
}

/// The tool calls in the blocks `EXAMPLE`; or the first thing in them that breaks the grammar: tags that the structure
/// does not know, nested or unclosed ones, an action that is no call or has no observation, an end without an answer.
pub fn calls(blocks: &[(&str, &str)]) -> Result<Vec<Call>, String> {
    let mut examples = blocks.iter().filter(|(tag, _)| *tag == "EXAMPLE").peekable();
    if examples.peek().is_none() {
        return Err("there is no block EXAMPLE".into());
    }
    let mut calls = Vec::new();
    for (_, example) in examples {
        calls.extend(calls_of(example, blocks)?);
    }
    Ok(calls)
}

fn calls_of(example: &str, blocks: &[(&str, &str)]) -> Result<Vec<Call>, String> {
    let mut calls = Vec::new();
    let mut waiting: Option<(String, String)> = None;
    let mut last = String::new();
    for (tag, content) in elements(example)? {
        let known = ["THOUGHT", "ACTION", "OBSERVATION", "FINAL_ANSWER"].contains(&tag)
            || blocks.iter().any(|(own, _)| *own == tag);
        if !known {
            return Err(format!("<{tag}> is neither the engine's nor one of the pattern's own"));
        }
        if content.trim().is_empty() && tag != "ACTION" {
            return Err(format!("<{tag}> is empty"));
        }
        match (tag, waiting.take()) {
            ("OBSERVATION", Some((tool_name, arguments))) => {
                calls.push(Call { tool_name, arguments, observation: content.into() })
            }
            ("OBSERVATION", None) => return Err(format!("an observation follows no action: {content}")),
            (_, Some((name, _))) => return Err(format!("the call of `{name}` has no observation")),
            ("ACTION", None) if !content.trim().is_empty() => waiting = Some(call(content)?),
            (_, None) => {}
        }
        last = tag.into();
    }
    if last == "FINAL_ANSWER" { Ok(calls) } else { Err(format!("the example ends with <{last}>, not with an answer")) }
}

fn call(content: &str) -> Result<(String, String), String> {
    let value: Value =
        serde_json::from_str(content).map_err(|error| format!("the action {content} is not JSON: {error}"))?;
    match (value["tool_name"].as_str(), &value["arguments"]) {
        (Some(name), arguments @ Value::Object(_)) => Ok((name.into(), arguments.to_string())),
        _ => Err(format!("the action {content} lacks `tool_name` or `arguments`")),
    }
}

/// The elements of the example in order: (tag, content).
fn elements(mut text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut elements = Vec::new();
    while let Some((_, rest)) = text.split_once('<') {
        let (tag, rest) = rest.split_once('>').ok_or("a tag is not closed by >")?;
        let close = format!("</{tag}>");
        let (content, rest) = rest.split_once(&close).ok_or_else(|| format!("<{tag}> is never closed"))?;
        if content.contains('<') {
            return Err(format!("<{tag}> has a tag inside"));
        }
        elements.push((tag, content));
        text = rest;
    }
    Ok(elements)
}

#[cfg(test)]
mod tests;
