//! A value as YAML text: on one line, or over lines of its own where that would be too long.
use crate::yaml::{self, Node};

/// The width up to which a value stays on one line.
const LINE_CHARS_MAX: usize = 100;
/// What one level is indented by.
pub(super) const INDENT: usize = 2;

/// On one line, whatever its length.
pub(super) fn inline(node: &Node) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => scalar(text),
        Node::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Node::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Node::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, node)| format!("{}: {}", scalar(key), inline(node))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// Whether it can and should be on one line, begun at that column.
pub(super) fn fits(node: &Node, column: usize) -> bool {
    !is_tall(node) || column + inline(node).chars().count() <= LINE_CHARS_MAX
}

/// A collection that could be written over several lines.
pub(super) fn is_tall(node: &Node) -> bool {
    match node {
        Node::List(items) => !items.is_empty(),
        Node::Map(entries) => !entries.is_empty(),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => false,
    }
}

/// Its lines, each indented but the first.
pub(super) fn block(node: &Node, column: usize, newline: &str) -> String {
    let next = format!("{newline}{:column$}", "");
    match node {
        Node::Map(entries) if is_tall(node) => {
            let entries: Vec<String> = entries.iter().map(|(key, node)| entry(key, node, column, newline)).collect();
            entries.join(&next)
        }
        Node::List(items) if is_tall(node) => {
            let items: Vec<String> = items.iter().map(|node| item(node, column, newline, false)).collect();
            items.join(&next)
        }
        _ => inline(node),
    }
}

/// `key: value`, where the key stands at that column.
pub(super) fn entry(key: &str, node: &Node, column: usize, newline: &str) -> String {
    let key = scalar(key);
    if fits(node, column + key.chars().count() + 2) {
        format!("{key}: {}", inline(node))
    } else {
        tall_entry(&key, node, column, newline)
    }
}

/// `key:` and the value on lines of its own.
pub(super) fn tall_entry(key: &str, node: &Node, column: usize, newline: &str) -> String {
    let inner = column + INDENT;
    format!("{key}:{newline}{:inner$}{}", "", block(node, inner, newline))
}

/// `- value`, where the dash stands at that column.
pub(super) fn item(node: &Node, column: usize, newline: &str, tall: bool) -> String {
    let inner = column + INDENT;
    if !(tall && is_tall(node)) && fits(node, inner) {
        format!("- {}", inline(node))
    } else {
        format!("- {}", block(node, inner, newline))
    }
}

/// Without quotes where YAML then reads the same text, on any side of a bracket.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/' | ' ');
    let edges = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_') && !text.ends_with(' ');
    let reads_as_itself = || yaml::read(text).is_ok_and(|node| node == Node::Text(text.to_owned()));
    if edges && text.chars().all(is_plain) && !text.contains("  ") && reads_as_itself() {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}
