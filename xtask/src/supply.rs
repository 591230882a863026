//! What others' code may come in: sources by a look at the lock, licences and bans by cargo-deny, advisories by a database that
//! lies here already. Fetches nothing: what is missing is said, with the cure.
use std::{fs, path::Path, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::shell;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
const LOCKS: [&str; 2] = ["Cargo.lock", "sdk/Cargo.lock"];
/// Where cargo-deny and cargo-audit keep the database, in cargo's home.
const DATABASES: [&str; 2] = ["advisory-dbs", "advisory-db"];

/// Every breach that can be seen without a tool, as a line each; then the tools that are here.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for lock in LOCKS {
        let text = fs::read_to_string(root.join(lock)).with_context(|| format!("read `{lock}`"))?;
        found.extend(strangers(lock, &text));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    if shell::works(shell::cargo(root).args(["deny", "--version"])) {
        shell::run(shell::cargo(root).args(["deny", "--offline", "check", "licenses", "bans", "sources"]))?;
    } else {
        shell::say("licences and bans SKIPPED: no cargo-deny here (cargo install --locked cargo-deny)");
    }
    advisories(root)?;
    Ok(found)
}

fn advisories(root: &Path) -> Result<()> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let has_database = DATABASES.iter().any(|name| home.join(name).is_dir());
    let has = |verb| shell::works(shell::cargo(root).args([verb, "--version"]));
    if has_database && has("deny") {
        shell::run(shell::cargo(root).args(["deny", "--offline", "check", "advisories"]))
    } else if has_database && has("audit") {
        shell::run(shell::cargo(root).args(["audit", "--no-fetch", "--stale", "--deny", "warnings"]))
    } else {
        shell::say("advisories SKIPPED: no database here (cargo deny fetch, or cargo audit, where there is a network)");
        Ok(())
    }
}

/// Packages that are neither ours nor crates.io's, or that nobody can check.
fn strangers(lock: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for package in text.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let start = format!("{name} = \"");
            package.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'))
        };
        let name = field("name").unwrap_or_default();
        match (field("source"), field("checksum")) {
            (None, _) | (Some(REGISTRY), Some(_)) => {}
            (Some(REGISTRY), None) => found.push(format!("{lock}: {name} has no checksum")),
            (Some(source), _) => found.push(format!("{lock}: {name} comes from {source}, and only crates.io may be")),
        }
    }
    found
}

#[cfg(test)]
mod tests;
