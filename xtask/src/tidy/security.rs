//! What docs/SECURITY.md promises: every row of its tables names a test, and each test is there.
use std::collections::BTreeMap;

use super::Finding;

pub(super) const PATH: &str = "docs/SECURITY.md";
const COLUMN: &str = "test";

/// Rows of the tables whose last column is `test`: without a test, or with one that does not exist.
pub(super) fn tests(texts: &BTreeMap<&str, String>) -> Vec<Finding> {
    let Some(page) = texts.get(PATH) else { return Vec::new() };
    let mut found = Vec::new();
    let mut in_table = false;
    for (line, at) in page.lines().zip(1..) {
        let Some(cells) = cells(line) else {
            in_table = false;
            continue;
        };
        let last = cells.last().copied().unwrap_or_default();
        if !in_table || last.starts_with("---") {
            in_table |= last == COLUMN;
            continue;
        }
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            found.push(Finding::new(PATH, at, "a threat without a test"));
        }
        let missing = named.iter().filter(|test| !exists(texts, test));
        found.extend(missing.map(|test| Finding::new(PATH, at, format!("there is no test `{test}`"))));
    }
    found
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// `path/to/file.rs::name`, a function right below what makes it a test.
fn exists(texts: &BTreeMap<&str, String>, test: &str) -> bool {
    let Some((text, name)) = test.rsplit_once("::").and_then(|(path, name)| Some((texts.get(path)?, name))) else {
        return false;
    };
    let head = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_head = |line: &str| line.starts_with(&head) || line.starts_with(&format!("async {head}"));
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines.get(..at).unwrap_or_default().iter().rev().take_while(|line| line.starts_with("#["));
        is_head(line) && above.into_iter().any(|line| line.contains("test"))
    })
}
