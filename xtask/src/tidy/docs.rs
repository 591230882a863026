//! What prose promises: a link leads to a file, a public error code has its page and the page its code.
use std::collections::BTreeMap;

use super::Finding;

const PAGES: &str = "docs/errors/";
const SCHEMES: [&str; 4] = ["http://", "https://", "mailto:", "data:"];

/// Links of a Markdown file to files that do not exist. `exists` takes a path from the root.
pub(super) fn links(path: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    // What a pattern tells a model is no document of ours.
    if !path.ends_with(".md") || path.contains("/prompts/") {
        return Vec::new();
    }
    let mut fenced = false;
    let mut found = Vec::new();
    for (line, at) in text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let broken = targets(line).filter(|target| !exists(&resolved(path, target)));
            found.extend(broken.map(|target| Finding::new(path, at, format!("the link to `{target}` leads nowhere"))));
        }
    }
    found
}

/// The files that a line links to: what stands in `](..)`, without anchors and addresses. Code in backticks is no link.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let prose = line.split('`').step_by(2);
    prose
        .flat_map(|prose| prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '#']).next()))
        .filter(|target| !target.is_empty() && !SCHEMES.iter().any(|scheme| target.starts_with(scheme)))
}

/// A target from the root: it is written as seen from the file's folder.
fn resolved(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { path.split('/').collect() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            // Above the root there is nothing: the mark stays in the path, and that path does not exist.
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The public error codes, where they are first used and where they are explained.
#[derive(Default)]
pub(super) struct Codes {
    used: BTreeMap<String, String>,
    explained: BTreeMap<String, String>,
}

// === impl Codes ===
impl Codes {
    pub(super) fn read(&mut self, path: &str, text: &str) {
        if let Some(page) = path.strip_prefix(PAGES) {
            self.explained.extend(code(page).map(|code| (code, path.to_owned())));
        } else if path.starts_with("host/") && path.ends_with(".rs") && !path.ends_with("tests.rs") {
            let starts = text.match_indices("MP").filter_map(|(at, _)| text.get(at..));
            for found in starts.filter_map(code) {
                self.used.entry(found).or_insert_with(|| path.to_owned());
            }
        }
    }

    pub(super) fn unpaired(&self) -> Vec<Finding> {
        let mute = self.used.iter().filter(|(code, _)| !self.explained.contains_key(*code));
        let mute = mute.map(|(code, path)| Finding::new(path, 0, format!("{code} has no page {PAGES}{code}.md")));
        let dead = self.explained.iter().filter(|(code, _)| !self.used.contains_key(*code));
        mute.chain(dead.map(|(code, path)| Finding::new(path, 0, format!("nothing uses {code}")))).collect()
    }
}

/// The code at the start of the text: MP and exactly four digits.
fn code(text: &str) -> Option<String> {
    let digits = text.strip_prefix("MP")?.bytes().take_while(u8::is_ascii_digit).count();
    (digits == 4).then(|| text.chars().take(6).collect())
}
