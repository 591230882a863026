//! OUT/<alias>.jsonl: a head that says what was measured, then a line for each item as it ends. Written at once, so that a
//! killed run loses only what was under way; never mixed with a run of other data or settings.
use super::Settings;
use super::line::Line;
use anyhow::Context as _;
use magic_eval::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What all lines of a file have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) alias: String,
    /// SHA-256 of the data set.
    pub(super) data: String,
    /// `None`: a gateway of our own.
    pub(super) base: Option<String>,
    pub(super) settings: Settings,
    /// What the alias is made of; unknown for somebody else's server.
    pub(super) fingerprint: Option<String>,
}

pub(super) struct Transcript {
    head: Head,
    path: PathBuf,
    file: File,
    /// By item; a later line stands for an earlier one.
    lines: HashMap<String, Line>,
}

// === impl Transcript ===
impl Transcript {
    /// Begins a file, or goes on with one that fits.
    ///
    /// # Errors
    /// Why it does not fit, and what to do.
    pub(super) fn open(folder: &Path, head: Head) -> Result<Self, String> {
        let path = folder.join(format!("{}.jsonl", file_name(&head.alias)));
        let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let opened = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let mut file = opened.map_err(|error| problem(&error))?;
        let text = std::fs::read_to_string(&path).map_err(|error| problem(&error))?;
        // A killed run may leave half a line.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let kept = text.get(..whole).unwrap_or_default();
        file.set_len(whole as u64).map_err(|error| problem(&error))?;
        let lines = match kept.split_once('\n') {
            None => {
                append(&mut file, &head).map_err(|error| problem(&error))?;
                HashMap::new()
            }
            Some((first, rest)) => {
                let cure = "keep it and name another folder with --out, or delete it to measure anew";
                fits(first, &head).map_err(|why| problem(&format!("{why}; {cure}")))?;
                lines(rest).map_err(|why| problem(&format!("{why}; {cure}")))?
            }
        };
        Ok(Self { head, path, file, lines })
    }

    pub(super) fn alias(&self) -> &str {
        &self.head.alias
    }

    pub(super) fn is_answered(&self, item: &str) -> bool {
        self.lines.get(item).is_some_and(Line::is_answered)
    }

    pub(super) fn add(&mut self, line: Line) -> anyhow::Result<()> {
        append(&mut self.file, &line).with_context(|| format!("write to {}", self.path.display()))?;
        self.lines.insert(line.id.clone(), line);
        Ok(())
    }

    pub(super) fn outcome(&self, item: &str) -> Option<Outcome> {
        self.lines.get(item).map(Line::outcome)
    }

    /// How many answers no model gave.
    pub(super) fn cached(&self) -> usize {
        self.lines.values().filter(|line| line.cached).count()
    }

    /// The words of some error that was not made good.
    pub(super) fn last_error(&self) -> Option<&str> {
        self.lines.values().find_map(|line| line.error.as_deref())
    }
}

/// In one write, so that a reader and a kill see whole lines as far as the system can.
fn append(file: &mut File, line: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    file.write_all(text.as_bytes())?;
    Ok(())
}

fn fits(first: &str, head: &Head) -> Result<(), String> {
    let found: Head =
        serde_json::from_str(first).map_err(|_| "its first line is not that of a transcript".to_owned())?;
    let mut why = Vec::new();
    if found.data != head.data {
        why.push("for another data set, or another state of this one".to_owned());
    }
    if found.base != head.base {
        why.push(format!("by asking {}", found.base.as_deref().unwrap_or("a gateway of our own")));
    }
    why.extend(changed(&found.settings, &head.settings));
    if found.fingerprint != head.fingerprint && found.base == head.base {
        why.push(format!(
            "when the alias `{}` was configured otherwise (models, settings, pattern, tools or prompts)",
            head.alias
        ));
    }
    if why.is_empty() { Ok(()) } else { Err(format!("it was made {}", why.join(", and "))) }
}

fn changed(found: &Settings, now: &Settings) -> Vec<String> {
    let [found, now] = [found, now].map(|settings| serde_json::to_value(settings).unwrap_or_default());
    let names = now.as_object().into_iter().flat_map(|fields| fields.keys());
    let flag = |name: &str| name.replace('_', "-");
    let shown = |value: &Value| if value.is_null() { "not given".to_owned() } else { value.to_string() };
    let differing = names.filter(|name| found[name.as_str()] != now[name.as_str()]);
    differing.map(|name| format!("with --{} {}, now {}", flag(name), shown(&found[name]), shown(&now[name]))).collect()
}

fn lines(text: &str) -> Result<HashMap<String, Line>, String> {
    let mut lines = HashMap::new();
    for (text, number) in text.lines().zip(2..) {
        let line: Line = serde_json::from_str(text).map_err(|error| format!("line {number}: {error}"))?;
        lines.insert(line.id.clone(), line);
    }
    Ok(lines)
}

/// Aliases may hold what no file name can.
fn file_name(alias: &str) -> String {
    let mut name = String::new();
    for byte in alias.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(name, "%{byte:02x}");
        }
    }
    name
}

#[cfg(test)]
mod tests;
