//! Nodes with the path that leads to them, and the book in which problems are entered. Reading a value never stops the
//! walk: it yields nothing and leaves a problem behind. Knows no key of the config; `check` does.
//!
//! Problems repeat the text as it stands in the file, never what `${NAME}` put into it.
mod fields;
mod units;

use crate::env::{self, Env};
use crate::problem::{Problem, did_you_mean, quoted};
use crate::yaml::Node;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

pub(crate) use fields::{Fields, Given};
use units::{parse_bytes, parse_duration, parse_micros};

/// More problems than anybody reads at once; the rest is counted.
const PROBLEMS_MAX: usize = 100;
/// A path longer than this is not read but scrolled past.
const PATH_CHARS_MAX: usize = 200;

/// The problems found so far, the variables, and which keys were asked for.
pub(crate) struct Book<'e> {
    env: &'e dyn Env,
    problems: RefCell<Vec<Problem>>,
    known: RefCell<BTreeSet<&'static str>>,
}

/// A node and where it stands.
#[derive(Clone)]
pub(crate) struct Value<'a> {
    book: &'a Book<'a>,
    node: &'a Node,
    path: String,
}

// === impl Book ===
impl<'e> Book<'e> {
    pub(crate) fn new(env: &'e dyn Env) -> Self {
        Self { env, problems: RefCell::default(), known: RefCell::default() }
    }

    pub(crate) fn enter(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// A variable that has a meaning of its own, whatever the file says.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.env.var(name)
    }

    pub(crate) fn value<'a>(&'a self, node: &'a Node) -> Value<'a> {
        Value { book: self, node, path: String::new() }
    }

    /// Every key that was asked for, whether or not it was there.
    #[cfg(test)]
    pub(crate) fn known_keys(&self) -> Vec<&'static str> {
        self.known.borrow().iter().copied().collect()
    }

    pub(crate) fn close(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        let more = problems.len().saturating_sub(PROBLEMS_MAX);
        problems.truncate(PROBLEMS_MAX);
        if more > 0 {
            problems.push(Problem::new("", format!("and {more} more problems")));
        }
        problems
    }
}

// === impl Value ===
impl<'a> Value<'a> {
    pub(crate) fn problem(&self, message: impl Into<String>) {
        self.book.enter(Problem::new(&self.path, message));
    }

    pub(crate) fn problem_hint(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.book.enter(Problem::new(&self.path, message).hint(hint));
    }

    fn expected(&self, what: &str) {
        let found = match self.node {
            Node::Text(text) => quoted(text),
            Node::Number(number) => format!("the number {number}"),
            Node::Bool(value) => value.to_string(),
            Node::Null | Node::List(_) | Node::Map(_) => self.node.describe().to_owned(),
        };
        self.problem(format!("expected {what}, found {found}"));
    }

    /// The text as the file has it, for problems; variables are not put in.
    pub(crate) fn raw(&self) -> &'a str {
        match self.node {
            Node::Text(text) => text,
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Map(_) => "",
        }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self.node, Node::Text(_))
    }

    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.node, Node::Map(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node, Node::List(_))
    }

    /// A text, its variables put in, not blank.
    pub(crate) fn text(&self) -> Option<String> {
        match self.node {
            Node::Text(text) => {
                let text = self.resolved(text)?;
                if text.trim().is_empty() {
                    self.problem("must not be empty");
                    return None;
                }
                Some(text)
            }
            Node::Number(_) | Node::Bool(_) | Node::Null | Node::List(_) | Node::Map(_) => {
                self.expected("text");
                None
            }
        }
    }

    /// A text that may be blank once its variables are put in.
    pub(crate) fn text_or_blank(&self) -> Option<String> {
        match self.node {
            Node::Text(text) => self.resolved(text),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Map(_) => {
                // What was found is not repeated: this reads secrets.
                self.problem(format!("expected text, found {}", self.node.describe()));
                None
            }
        }
    }

    fn resolved(&self, text: &str) -> Option<String> {
        match env::resolve(text, self.book.env) {
            Ok(text) => Some(text),
            Err(faults) => {
                for fault in faults {
                    self.problem_hint(fault.to_string(), fault.hint());
                }
                None
            }
        }
    }

    /// The text, if it is a variable's place: `max_steps: ${STEPS:-4}` is text to YAML and a number to us.
    fn variable_text(&self) -> Option<Option<String>> {
        match self.node {
            Node::Text(text) if env::has_variable(text) => Some(self.resolved(text)),
            Node::Text(_) | Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Map(_) => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        let parsed = match (self.variable_text(), self.node) {
            (Some(text), _) => text?.trim().parse().ok(),
            (None, Node::Bool(value)) => Some(*value),
            (None, Node::Null | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Map(_)) => None,
        };
        if parsed.is_none() {
            self.expected("true or false");
        }
        parsed
    }

    /// A whole number within `range`.
    pub(crate) fn integer(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let parsed = match (self.variable_text(), self.node) {
            (Some(text), _) => text?.trim().parse().ok(),
            (None, Node::Number(number)) => number.as_u64(),
            (None, Node::Null | Node::Bool(_) | Node::Text(_) | Node::List(_) | Node::Map(_)) => None,
        };
        let parsed = parsed.filter(|number| range.contains(number));
        if parsed.is_none() {
            self.expected(&format!("a whole number from {} to {}", range.start(), range.end()));
        }
        parsed
    }

    /// As [`Value::integer`], where the range fits into 32 bits.
    pub(crate) fn integer_u32(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let (start, end) = range.into_inner();
        self.integer(u64::from(start)..=u64::from(end)).and_then(|number| u32::try_from(number).ok())
    }

    /// A number of bytes: `20971520`, `512KiB` or `20MiB`.
    pub(crate) fn bytes(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let parsed = match (self.variable_text(), self.node) {
            (Some(text), _) => parse_bytes(&text?),
            (None, Node::Text(text)) => parse_bytes(text),
            (None, Node::Number(number)) => number.as_u64(),
            (None, Node::Null | Node::Bool(_) | Node::List(_) | Node::Map(_)) => None,
        };
        let parsed = parsed.filter(|bytes| range.contains(bytes));
        if parsed.is_none() {
            self.expected(&format!("bytes from {} to {}, e.g. 20MiB", range.start(), range.end()));
        }
        parsed
    }

    /// A time: a number is seconds, a text carries its unit (`500ms`, `30s`, `2m`, `1h`).
    pub(crate) fn seconds(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let parsed = match (self.variable_text(), self.node) {
            (Some(text), _) => parse_duration(&text?),
            (None, Node::Text(text)) => parse_duration(text),
            (None, Node::Number(number)) => {
                number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            }
            (None, Node::Null | Node::Bool(_) | Node::List(_) | Node::Map(_)) => None,
        };
        let parsed = parsed.filter(|duration| range.contains(duration));
        if parsed.is_none() {
            self.expected(&format!("seconds from {} to {}", range.start().as_secs_f64(), range.end().as_secs_f64()));
        }
        parsed
    }

    /// An amount of money with at most six decimals, in millionths: exact, however it is written.
    pub(crate) fn micros(&self) -> Option<u64> {
        self.millionths("an amount of money with at most six decimals, e.g. 0.25")
    }

    /// A number that is not negative, with at most six decimals, in millionths. `what` is said where it is none.
    pub(crate) fn millionths(&self, what: &str) -> Option<u64> {
        let parsed = match (self.variable_text(), self.node) {
            (Some(text), _) => parse_micros(&text?),
            (None, Node::Text(text)) => parse_micros(text),
            (None, Node::Number(number)) => parse_micros(&number.to_string()),
            (None, Node::Null | Node::Bool(_) | Node::List(_) | Node::Map(_)) => None,
        };
        if parsed.is_none() {
            self.expected(what);
        }
        parsed
    }

    /// One of our own words.
    pub(crate) fn word<T: Copy>(&self, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*found);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.problem_hint(format!("unknown {what} {}", quoted(self.raw())), did_you_mean(self.raw(), &known));
        None
    }

    pub(crate) fn list(&self) -> Option<Vec<Value<'a>>> {
        match self.node {
            Node::List(list) => Some(list.iter().enumerate().map(|(index, node)| self.item(index, node)).collect()),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Map(_) => {
                self.expected("a list");
                None
            }
        }
    }

    /// A list of texts. A faulty entry is left out, its problem being entered.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        Some(self.list()?.iter().filter_map(Value::text).collect())
    }

    pub(crate) fn fields(&self) -> Option<Fields<'a>> {
        match self.node {
            Node::Map(entries) => Some(Fields::new(self.book, self.path.clone(), entries)),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                self.expected("a mapping");
                None
            }
        }
    }

    /// The entries of a mapping whose keys are names, not words of ours.
    pub(crate) fn entries(&self) -> Option<Vec<(&'a str, Value<'a>)>> {
        let fields = self.fields()?;
        Some(fields.rest())
    }

    /// Any JSON, variables put in. A text that is nothing but one variable becomes the number or truth value it reads
    /// as, because `temperature: ${TEMPERATURE}` means a number.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        Some(match self.node {
            Node::Null => serde_json::Value::Null,
            Node::Bool(value) => (*value).into(),
            Node::Number(number) => number.clone().into(),
            Node::Text(text) => {
                let resolved = self.resolved(text)?;
                let sole = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
                match serde_json::from_str(&resolved) {
                    Ok(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) if sole => value,
                    Ok(_) | Err(_) => resolved.into(),
                }
            }
            Node::List(list) => {
                let items = list.iter().enumerate().filter_map(|(index, node)| self.item(index, node).json());
                serde_json::Value::Array(items.collect())
            }
            Node::Map(entries) => {
                let items = entries.iter().filter_map(|(key, node)| Some((key.clone(), self.entry(key, node).json()?)));
                serde_json::Value::Object(items.collect())
            }
        })
    }

    fn item(&self, index: usize, node: &'a Node) -> Value<'a> {
        Value { book: self.book, node, path: format!("{}[{index}]", self.path) }
    }

    fn entry(&self, key: &str, node: &'a Node) -> Value<'a> {
        Value { book: self.book, node, path: joined(&self.path, key) }
    }
}

fn joined(path: &str, key: &str) -> String {
    let key: String = key.chars().take(PATH_CHARS_MAX).flat_map(char::escape_debug).collect();
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests;
