//! A data set: one JSON object a line, checked as a whole. Refuses to read files: text comes in, items or every bad line
//! come out.
use crate::checkers::{Checker, Wanted};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// One question and how its answer is judged.
#[derive(Clone, Debug)]
pub struct Item {
    /// As the line says, or `line-N`. None twice.
    pub id: String,
    /// OpenAI's, at least one.
    pub messages: Vec<Value>,
    /// OpenAI's; none for most items.
    pub tools: Vec<Value>,
    pub checker: Checker,
}

/// A line that is no item, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {why}")]
pub struct BadLine {
    /// From 1.
    pub number: usize,
    pub why: String,
}

/// As it stands in the file. A misspelt key would silently change what is measured, so unknown ones are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<String>,
    question: Option<String>,
    messages: Option<Vec<Value>>,
    #[serde(default)]
    tools: Vec<Value>,
    answer: Option<Value>,
    accepted_calls: Option<Vec<Value>>,
    checker: String,
}

/// All items in the order of the file. Blank lines are skipped.
///
/// # Errors
/// Every bad line at once.
pub fn read(text: &str) -> Result<Vec<Item>, Vec<BadLine>> {
    let (mut items, mut bad) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let item = item(line, number).and_then(|item| match seen.insert(item.id.clone(), number) {
            None => Ok(item),
            Some(first) => Err(format!("the id `{}` stands in line {first} already", item.id)),
        });
        match item {
            Ok(item) => items.push(item),
            Err(why) => bad.push(BadLine { number, why }),
        }
    }
    if items.is_empty() && bad.is_empty() {
        bad.push(BadLine { number: 1, why: "the data set is empty: write one JSON object a line".to_owned() });
    }
    if bad.is_empty() { Ok(items) } else { Err(bad) }
}

fn item(line: &str, number: usize) -> Result<Item, String> {
    let Line { id, question, messages, tools, answer, accepted_calls, checker } =
        serde_json::from_str(line).map_err(|error| without_place(&error))?;
    let messages = match (question, messages) {
        (Some(question), None) => vec![json!({ "role": "user", "content": question })],
        (None, Some(messages)) if !messages.is_empty() => messages,
        (None, _) => return Err("neither `question` nor `messages`: say what is asked".to_owned()),
        (Some(_), Some(_)) => return Err("both `question` and `messages`: keep one".to_owned()),
    };
    let wanted = Wanted { checker: &checker, answer: answer.as_ref(), accepted_calls, tools: &tools };
    let checker = Checker::new(wanted)?;
    let tools = tools.iter().map(crate::schema::openai).collect::<Result<_, _>>()?;
    Ok(Item { id: id.unwrap_or_else(|| format!("line-{number}")), messages, tools, checker })
}

/// Each line is parsed by itself, so the parser's own `line 1` would only mislead.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(place.as_str()).map_or_else(|| text.clone(), |text| format!("{text} (column {})", error.column()))
}

#[cfg(test)]
mod tests;
