//! Rules for every text file: how lines end, and what may stay undone.
use super::Finding;

const KINDS: [&str; 17] = [
    ".rs", ".toml", ".md", ".yaml", ".yml", ".json", ".wit", ".sh", ".py", ".js", ".mjs", ".html", ".css", ".script",
    ".svg", ".txt", ".gbnf",
];
const NAMED: [&str; 4] = ["LICENSE", ".ci/run", ".gitignore", "Dockerfile"];
/// Bytes as some vendor sent them: what looks untidy there is the point.
const RECORDED: [&str; 4] = ["data", "golden", "goldens", "fixtures"];
/// Files in which unfinished work is noted in comments.
const CODE: [&str; 10] = [".rs", ".toml", ".yaml", ".yml", ".wit", ".sh", ".py", ".js", ".mjs", ".css"];
// In pieces, or this file would break its own rule.
const UNDONE: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Whether these rules apply to the file.
pub(super) fn is_ours(path: &str) -> bool {
    let known = KINDS.iter().any(|kind| path.ends_with(kind)) || NAMED.contains(&path);
    known && !path.split('/').any(|part| RECORDED.contains(&part))
}

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if !text.is_empty() && !text.ends_with('\n') {
        found.push(Finding::new(path, text.lines().count(), "the last line has no end"));
    }
    for (line, at) in text.lines().zip(1..) {
        if line.ends_with([' ', '\t', '\r']) {
            found.push(Finding::new(path, at, "space at the end of the line"));
        }
        if path.ends_with(".rs") && line.contains('\t') {
            found.push(Finding::new(path, at, "a tab; indent by spaces, write \\t in a string"));
        }
        if CODE.iter().any(|kind| path.ends_with(kind)) && UNDONE.iter().any(|word| unnumbered(line, word)) {
            found.push(Finding::new(path, at, "something left to do without its issue: write `(#12)` behind the word"));
        }
    }
    found
}

/// Whether the word stands there without an issue's number behind it.
fn unnumbered(line: &str, word: &str) -> bool {
    line.split(word).skip(1).any(|rest| {
        let number = rest.strip_prefix("(#").and_then(|rest| rest.split_once(')'));
        !number.is_some_and(|(digits, _)| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    })
}
