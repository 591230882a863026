//! A mapping of the file, its keys asked for one by one. Knows no key; `check` does.
use super::{Book, Value, joined};
use crate::problem::{Problem, did_you_mean};
use crate::yaml::Node;

/// A mapping whose keys are asked for one by one; what nobody asked for is a problem.
pub(crate) struct Fields<'a> {
    book: &'a Book<'a>,
    path: String,
    entries: &'a [(String, Node)],
    asked: Vec<&'static str>,
}

/// What a nullable key says: `null` is an answer of its own, e.g. "no reasoning mode here".
pub(crate) enum Given<T> {
    Absent,
    Null,
    Value(T),
}

// === impl Fields ===
impl<'a> Fields<'a> {
    pub(super) fn new(book: &'a Book<'a>, path: String, entries: &'a [(String, Node)]) -> Self {
        Self { book, path, entries, asked: Vec::new() }
    }

    pub(crate) fn problem_hint(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.book.enter(Problem::new(&self.path, message).hint(hint));
    }

    /// The value of `key`; nothing where it is absent or null.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        match self.take_nullable(key) {
            Given::Value(value) => Some(value),
            Given::Absent | Given::Null => None,
        }
    }

    pub(crate) fn take_nullable(&mut self, key: &'static str) -> Given<Value<'a>> {
        self.asked.push(key);
        self.book.known.borrow_mut().insert(key);
        match self.entries.iter().find(|(name, _)| name == key) {
            None => Given::Absent,
            Some((_, Node::Null)) => Given::Null,
            Some((_, node)) => Given::Value(self.entry(key, node)),
        }
    }

    /// As [`Fields::take`], the key being one that must be there.
    pub(crate) fn need(&mut self, key: &'static str, hint: &str) -> Option<Value<'a>> {
        let value = self.take(key);
        if value.is_none() {
            self.book.enter(Problem::new(joined(&self.path, key), "is missing").hint(hint));
        }
        value
    }

    /// The mapping under `key`; an empty one where it is absent, null or no mapping, so that defaults are read alike.
    pub(crate) fn section(&mut self, key: &'static str) -> Fields<'a> {
        let path = joined(&self.path, key);
        let given = self.take(key).and_then(|value| value.fields());
        given.unwrap_or(Fields { book: self.book, path, entries: &[], asked: Vec::new() })
    }

    /// The keys that were asked for so far.
    pub(crate) fn asked(&self) -> &[&'static str] {
        &self.asked
    }

    /// Whatever has not been asked for, for mappings that take more than our own words.
    pub(crate) fn rest(self) -> Vec<(&'a str, Value<'a>)> {
        let unasked = self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.as_str()));
        unasked.map(|(key, node)| (key.as_str(), self.entry(key, node))).collect()
    }

    /// Ends the reading: every key that was never asked for is a problem.
    pub(crate) fn finish(self) {
        let mut known = self.asked.clone();
        known.sort_unstable();
        let unasked = self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.as_str()));
        for (key, _) in unasked {
            let problem = Problem::new(joined(&self.path, key), "unknown key").hint(did_you_mean(key, &known));
            self.book.enter(problem);
        }
    }

    fn entry(&self, key: &str, node: &'a Node) -> Value<'a> {
        Value { book: self.book, node, path: joined(&self.path, key) }
    }
}
