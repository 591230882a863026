//! The exceptions of xtask/tidy.toml, each with its reason. An exception that nothing needs any more is itself a finding.
use std::collections::BTreeMap;

use super::{Finding, rust};

pub(super) const PATH: &str = "xtask/tidy.toml";

/// Path to reason, by rule.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    /// Files between the line at which to ask and the line at which to stop.
    pub(super) long: BTreeMap<String, String>,
    /// Test code that waits for real time.
    pub(super) sleep: BTreeMap<String, String>,
}

// === impl Allowed ===
impl Allowed {
    /// Reads the list: `[section]` lines and `"path" = "reason"` lines, the part of TOML that it needs.
    pub(super) fn read(text: &str) -> (Self, Vec<Finding>) {
        let mut allowed = Self::default();
        let mut found = Vec::new();
        let mut section = None;
        for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = line.split_once(" = ").and_then(|(path, reason)| Some((unquoted(path)?, unquoted(reason)?)));
            match (line, entry, section) {
                ("[long]" | "[sleep]", _, _) => section = Some(line),
                (_, Some((_, "")), _) => found.push(Finding::new(PATH, at, "an exception needs its reason")),
                (_, Some((path, reason)), Some("[long]")) => drop(allowed.long.insert(path.into(), reason.into())),
                (_, Some((path, reason)), Some(_)) => drop(allowed.sleep.insert(path.into(), reason.into())),
                _ => found.push(Finding::new(
                    PATH,
                    at,
                    "not a `[long]` or `[sleep]` section, nor a `\"path\" = \"reason\"`",
                )),
            }
        }
        (allowed, found)
    }

    /// Exceptions that nothing needs: `text_of` reads a file.
    pub(super) fn outdated<'a>(&self, text_of: impl Fn(&str) -> Option<&'a str>) -> Vec<Finding> {
        let is_long = |text: &str| rust::body_lines(text) > rust::BODY_LINES_ASK;
        let sleeps = |text: &str| text.lines().any(rust::sleeps);
        let long = self.long.keys().filter(|path| !text_of(path).is_some_and(is_long));
        let sleep = self.sleep.keys().filter(|path| !text_of(path).is_some_and(sleeps));
        long.chain(sleep).map(|path| Finding::new(PATH, 0, format!("`{path}` needs no exception any more"))).collect()
    }
}

fn unquoted(text: &str) -> Option<&str> {
    text.trim().strip_prefix('"')?.strip_suffix('"')
}
