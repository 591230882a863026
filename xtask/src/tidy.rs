//! The house rules that neither the compiler nor clippy knows. Reads the tree and says what it found; changes nothing.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};

use anyhow::{Context as _, Result};

mod allowed;
mod docs;
mod rust;
mod security;
mod text;

use allowed::Allowed;
use rust::Known;

/// One breach: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 is the file as a whole.
    line: usize,
    text: String,
}

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 6] = ["target", "node_modules", ".git", ".venv", "__pycache__", ".pytest_cache"];
/// Made by a run of the gateway or of the tests, and ignored by git.
const SKIPPED_AT_ROOT: [&str; 3] = ["data", "env", "keys_pool"];

/// It shows what the rules refuse.
const SAMPLES: &str = "xtask/src/tidy/tests.rs";

/// Every breach in the tree, as a line each.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut paths = BTreeSet::new();
    collect(root, "", &mut paths)?;
    let mut texts = BTreeMap::new();
    for path in paths.iter().filter(|path| text::is_ours(path) && *path != SAMPLES) {
        let bytes = fs::read(root.join(path)).with_context(|| format!("read `{path}`"))?;
        texts.insert(path.as_str(), String::from_utf8_lossy(&bytes).into_owned());
    }
    let (allowed, mut found) = Allowed::read(texts.get(allowed::PATH).map_or("", String::as_str));
    let rust_files = texts.iter().filter(|(path, _)| path.ends_with(".rs"));
    let test_files = rust_files.flat_map(|(path, text)| rust::test_files(path, text)).collect();
    let known = Known { allowed, test_files };
    let mut codes = docs::Codes::default();
    for (path, text) in &texts {
        found.extend(one_file(path, text, &known));
        found.extend(docs::links(path, text, &|target| exists(&paths, target)));
        codes.read(path, text);
    }
    found.extend(security::tests(&texts));
    found.extend(codes.unpaired());
    found.extend(known.allowed.outdated(|path| texts.get(path).map(String::as_str)));
    Ok(found.iter().map(Finding::to_string).collect())
}

/// What one file's own text gives away.
fn one_file(path: &str, text: &str, known: &Known) -> Vec<Finding> {
    let mut found = text::check(path, text);
    if path.ends_with(".rs") {
        found.extend(rust::check(path, text, known));
    }
    found
}

/// Paths from the root, with `/`; of a folder too, so that a link to it can be checked.
fn collect(root: &Path, folder: &str, paths: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder)).with_context(|| format!("list `{folder}`"))? {
        let entry = entry.with_context(|| format!("list `{folder}`"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        // Not followed: a link could lead anywhere, and back.
        let kind = entry.file_type().with_context(|| format!("look at `{path}`"))?;
        let skipped = SKIPPED.contains(&name.as_str()) || SKIPPED_AT_ROOT.contains(&path.as_str());
        if kind.is_dir() && !skipped {
            collect(root, &path, paths)?;
        } else if kind.is_file() {
            paths.insert(path);
        }
    }
    Ok(())
}

fn exists(paths: &BTreeSet<String>, target: &str) -> bool {
    let folder = format!("{}/", target.trim_end_matches('/'));
    paths.contains(target)
        || target.is_empty()
        || paths.range(folder.clone()..).next().is_some_and(|p| p.starts_with(&folder))
}

// === impl Finding ===
impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.text),
            line => write!(out, "{}:{line}: {}", self.path, self.text),
        }
    }
}

#[cfg(test)]
mod tests;
