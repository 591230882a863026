//! Variables: `os.environ/NAME` as `${NAME}`, and a variable for each key that stands in the file. A key itself goes nowhere.
use crate::yaml::{Kind, Node};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a variable stands for, so that a check can put something in its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// A parameter's text.
    Word,
    Key,
    Version,
    Address,
}

#[derive(Default)]
pub(crate) struct Variables {
    used: BTreeMap<String, Use>,
    /// Keys that stood in the file, and what each is called now.
    literal: Vec<(String, String)>,
}

/// The name in `os.environ/NAME`.
pub(crate) fn reference(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/").map(str::trim)
}

/// `A_NAME` of any text.
fn name_of(text: &str) -> String {
    let fits = |char: char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' };
    let name: String = text.chars().map(fits).take(64).collect();
    let name = name.trim_matches('_');
    if name.starts_with(|char: char| char.is_ascii_digit()) || name.is_empty() {
        format!("KEY_{name}")
    } else {
        name.to_owned()
    }
}

// === impl Variables ===
impl Variables {
    /// `${NAME}` for a variable's name, made one where it is none.
    pub(crate) fn named(&mut self, name: &str, for_what: Use) -> String {
        let is_name = !name.is_empty()
            && !name.starts_with(|char: char| char.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let name = if is_name { name.to_owned() } else { name_of(name) };
        let known = self.used.entry(name.clone()).or_insert(for_what);
        *known = (*known).max(for_what);
        format!("${{{name}}}")
    }

    /// A text of the file as ours: a reference is a variable, and a dollar sign stays one.
    pub(crate) fn text(&mut self, text: &str, for_what: Use) -> String {
        match reference(text) {
            Some(name) => self.named(name, for_what),
            None => text.replace('$', "$$"),
        }
    }

    /// The variable for a key that stands in the file of `owner`; the same key is the same variable.
    pub(crate) fn literal(&mut self, key: &str, owner: &str) -> String {
        if let Some((_, name)) = self.literal.iter().find(|(known, _)| known == key) {
            return name.clone();
        }
        let wanted = format!("{}_API_KEY", name_of(owner).trim_end_matches("_API_KEY"));
        let taken = |name: &str| self.used.contains_key(name);
        let mut name = wanted.clone();
        let mut number = 2;
        while taken(&name) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        self.used.insert(name.clone(), Use::Key);
        self.literal.push((key.to_owned(), name.clone()));
        name
    }

    /// A value of the file as ours, with all texts in it.
    pub(crate) fn value(&mut self, node: &Node) -> Value {
        match &node.kind {
            Kind::Text(text) => Value::String(self.text(text, Use::Word)),
            Kind::List(items) => items.iter().map(|item| self.value(item)).collect(),
            Kind::Map(entries) => {
                entries.iter().map(|(key, node)| (key.replace('$', "$$"), self.value(node))).collect()
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => node.json(),
        }
    }

    /// Those that `config` names; all where there is none.
    pub(crate) fn close(self, config: Option<&str>) -> Vec<(String, &'static str)> {
        let placeholder = |for_what| match for_what {
            Use::Word | Use::Key => "placeholder",
            Use::Version => "2024-10-21",
            Use::Address => "https://placeholder.invalid",
        };
        let is_needed = |name: &str| config.is_none_or(|config| config.contains(&format!("${{{name}}}")));
        self.used
            .into_iter()
            .filter(|(name, _)| is_needed(name))
            .map(|(name, for_what)| (name, placeholder(for_what)))
            .collect()
    }
}
