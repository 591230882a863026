//! Whether an answer is right. One word in the data set, one variant here; refuses to guess what a question meant.
mod choice;
mod number;
mod recover;
mod said;
mod tool_call;

use crate::schema::Tool;
use number::Number;
use serde_json::Value;
use tool_call::Accepted;

/// How an item's answer is judged, with what is right.
#[derive(Clone, Debug)]
pub enum Checker {
    Number(Number),
    /// One of these, but for case, spaces and a full stop at the end.
    Exact(Vec<String>),
    /// One of these is somewhere in it.
    Contains(Vec<String>),
    /// A letter from A to E.
    Choice(char),
    ToolCall {
        tools: Vec<Tool>,
        accepted: Vec<Accepted>,
    },
}

/// What a line of the data set says of its answer.
pub(crate) struct Wanted<'a> {
    pub(crate) checker: &'a str,
    pub(crate) answer: Option<&'a Value>,
    pub(crate) accepted_calls: Option<Vec<Value>>,
    pub(crate) tools: &'a [Value],
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    pub text: &'a str,
    /// Those that came as tool calls, not as text.
    pub calls: &'a [Call],
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: String,
    /// An object, unless the model wrote something else.
    pub arguments: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub correct: bool,
    /// What of the reply was compared; `None` when there was nothing to compare.
    pub checked: Option<String>,
    /// Items with tools: whether it is right when calls that stand in the text count as well.
    pub recovered: Option<bool>,
}

const WORDS: [&str; 5] = ["number", "exact", "contains", "choice", "tool_call"];

// === impl Checker ===
impl Checker {
    pub(crate) fn new(wanted: Wanted<'_>) -> Result<Self, String> {
        let Wanted { checker, answer, accepted_calls, tools } = wanted;
        if checker == "tool_call" {
            let calls = accepted_calls.ok_or("the checker `tool_call` needs `accepted_calls`")?;
            let tools = tools.iter().map(Tool::read).collect::<Result<Vec<_>, _>>()?;
            let accepted = calls.iter().map(|call| Accepted::read(call, &tools)).collect::<Result<_, _>>()?;
            return Ok(Self::ToolCall { tools, accepted });
        }
        if accepted_calls.is_some() {
            return Err(format!("`accepted_calls` goes with the checker `tool_call`, not with `{checker}`"));
        }
        let answers = || answer.ok_or_else(|| format!("the checker `{checker}` needs an `answer`")).and_then(texts);
        match checker {
            "number" => Ok(Self::Number(number::wanted(&one(answers()?)?)?)),
            "exact" => Ok(Self::Exact(answers()?)),
            "contains" => Ok(Self::Contains(answers()?)),
            "choice" => Ok(Self::Choice(choice::wanted(&one(answers()?)?)?)),
            other => Err(format!("unknown checker `{other}` (known: {})", WORDS.join(", "))),
        }
    }

    pub fn check(&self, reply: Reply<'_>) -> Verdict {
        let text = said::without_thinking(reply.text);
        let verdict = |correct, checked| Verdict { correct, checked, recovered: None };
        match self {
            Self::Number(wanted) => {
                let found = number::answer(text);
                verdict(found.as_ref().is_some_and(|found| found.number == *wanted), found.map(|found| found.text))
            }
            Self::Exact(wanted) => {
                let found = said::normalised(text);
                verdict(wanted.iter().any(|one| said::normalised(one) == found), Some(found))
            }
            Self::Contains(wanted) => {
                let found = said::normalised(text);
                let hit = wanted.iter().find(|one| found.contains(&said::normalised(one)));
                verdict(hit.is_some(), hit.cloned())
            }
            Self::Choice(wanted) => {
                let found = choice::answer(text);
                verdict(found == Some(*wanted), found.map(String::from))
            }
            Self::ToolCall { tools, accepted } => {
                let is_right = |calls: &[Call]| tool_call::is_right(calls, accepted, tools);
                let correct = is_right(reply.calls);
                // A model that calls in earnest is judged by that: what else it writes is talk.
                let from_text = if reply.calls.is_empty() { recover::calls(text, tools) } else { Vec::new() };
                let compared = if reply.calls.is_empty() { &from_text } else { reply.calls };
                let recovered = Some(correct || (!from_text.is_empty() && is_right(&from_text)));
                Verdict { correct, checked: shown(compared), recovered }
            }
        }
    }
}

fn shown(calls: &[Call]) -> Option<String> {
    let calls: Vec<String> = calls.iter().map(|call| format!("{}({})", call.name, call.arguments)).collect();
    (!calls.is_empty()).then(|| calls.join(" "))
}

fn one(mut texts: Vec<String>) -> Result<String, String> {
    match (texts.pop(), texts.is_empty()) {
        (Some(text), true) => Ok(text),
        _ => Err("`answer` must be one value here".to_owned()),
    }
}

/// A text, a number, or a list of these of which any is right.
fn texts(answer: &Value) -> Result<Vec<String>, String> {
    match answer {
        Value::String(text) if !text.trim().is_empty() => Ok(vec![text.clone()]),
        Value::Number(number) => Ok(vec![number.to_string()]),
        Value::Array(list) if !list.is_empty() => {
            let nested: Vec<Vec<String>> = list.iter().map(texts).collect::<Result<_, _>>()?;
            Ok(nested.into_iter().flatten().collect())
        }
        other => Err(format!("`answer` is {other}: write a text, a number, or a list of them")),
    }
}

#[cfg(test)]
mod tests;
