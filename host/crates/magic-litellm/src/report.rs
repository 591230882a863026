//! What is said of each field: one grade and one sentence. A field that nobody spoke of is unsupported, never silent.
use crate::yaml::Node;
use std::fmt::Write as _;

/// How well a field was carried over, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It means here what it meant there.
    Exact,
    /// It is carried, and differs in what the sentence says.
    Approximate,
    /// A person has to do what the sentence says.
    Manual,
    /// There is nothing like it here.
    Unsupported,
}

/// One field of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub path: String,
    pub grade: Grade,
    pub text: String,
}

/// Every field of the input once, in the order of the file.
#[derive(Debug)]
pub struct Report {
    pub lines: Vec<Line>,
}

/// The report while it is written. Whoever speaks of a field first has said it: what is special comes before what is general.
pub(crate) struct Book {
    paths: Vec<String>,
    said: Vec<Option<(Grade, String)>>,
}

const UNREAD: &str = "nothing here reads it";

// === impl Grade ===
impl Grade {
    pub const ALL: [Self; 4] = [Self::Exact, Self::Approximate, Self::Manual, Self::Unsupported];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximate => "approximate",
            Self::Manual => "manual",
            Self::Unsupported => "unsupported",
        }
    }
}

// === impl Book ===
impl Book {
    pub(crate) fn new(paths: Vec<String>) -> Self {
        let said = paths.iter().map(|_| None).collect();
        Self { paths, said }
    }

    /// Of every field in `node` of which nothing is said yet.
    pub(crate) fn grade(&mut self, node: &Node, grade: Grade, text: impl Into<String>) {
        let text = text.into();
        for slot in self.said.get_mut(node.fields.clone()).unwrap_or_default().iter_mut().filter(|slot| slot.is_none())
        {
            *slot = Some((grade, text.clone()));
        }
    }

    /// Of every field in `node`, whatever was said of it: it turned out to be dropped.
    pub(crate) fn overrule(&mut self, node: &Node, grade: Grade, text: &str) {
        for slot in self.said.get_mut(node.fields.clone()).unwrap_or_default() {
            *slot = Some((grade, text.to_owned()));
        }
    }

    pub(crate) fn exact(&mut self, node: &Node, text: impl Into<String>) {
        self.grade(node, Grade::Exact, text);
    }

    pub(crate) fn approximate(&mut self, node: &Node, text: impl Into<String>) {
        self.grade(node, Grade::Approximate, text);
    }

    pub(crate) fn manual(&mut self, node: &Node, text: impl Into<String>) {
        self.grade(node, Grade::Manual, text);
    }

    pub(crate) fn unsupported(&mut self, node: &Node, text: impl Into<String>) {
        self.grade(node, Grade::Unsupported, text);
    }

    pub(crate) fn close(self) -> Report {
        let lines = self.paths.into_iter().zip(self.said).map(|(path, said)| {
            let (grade, text) = said.unwrap_or_else(|| (Grade::Unsupported, UNREAD.to_owned()));
            Line { path, grade, text }
        });
        Report { lines: lines.collect() }
    }
}

// === impl Report ===
impl Report {
    pub fn count(&self, grade: Grade) -> usize {
        self.lines.iter().filter(|line| line.grade == grade).count()
    }

    /// For people: what wants a person first.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for grade in Grade::ALL.into_iter().rev() {
            let lines: Vec<&Line> = self.lines.iter().filter(|line| line.grade == grade).collect();
            if lines.is_empty() {
                continue;
            }
            let width = lines.iter().map(|line| line.path.chars().count()).max().unwrap_or(0).min(WIDTH_MAX);
            let _infallible = writeln!(out, "{} ({})", grade.as_str(), lines.len());
            let mut before = "";
            for line in lines {
                let text = if line.text == before { "(the same)" } else { &line.text };
                let _infallible = writeln!(out, "  {:width$}  {text}", line.path);
                before = &line.text;
            }
            out.push('\n');
        }
        let counts = Grade::ALL.map(|grade| format!("{} {}", self.count(grade), grade.as_str()));
        let _infallible = writeln!(out, "{} fields: {}", self.lines.len(), counts.join(", "));
        out
    }
}

/// A path longer than this makes its own line ragged, and not all others wide.
const WIDTH_MAX: usize = 60;
