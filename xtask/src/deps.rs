//! Which crate may use which: the table of docs/ARCHITECTURE.md as data, held against what cargo resolves. What a
//! single file may import is `tidy`'s.
use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::shell;

/// wasmtime with WASI alone locks 272 packages. Every one is read by somebody, compiled by everybody.
const LOCKED_MAX: usize = 420;

/// What a pure crate may name in its manifest, and what may not come in by any way.
struct Rule {
    name: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
    /// The features of tokio it may ask for.
    tokio: &'static [&'static str],
}

const TYPES: &str = "magic-types";
const RULES: &[Rule] = &[
    Rule {
        name: TYPES,
        may: &["bytes", "serde_json", "thiserror", "zeroize"],
        never: &["tokio", "axum", "hyper", "reqwest", "wasmtime", "serde_derive"],
        tokio: &[],
    },
    Rule { name: "magic-tags", may: &[], never: &[], tokio: &[] },
    Rule {
        name: "magic-config",
        may: &[
            TYPES,
            "granit-parser",
            "serde",
            "serde_json",
            "serde-saphyr",
            "serde_path_to_error",
            "strsim",
            "thiserror",
        ],
        never: &["tokio", "axum", "hyper", "reqwest", "wasmtime"],
        tokio: &[],
    },
    Rule {
        name: "magic-routing",
        may: &[TYPES, "magic-config", "sha2", "thiserror"],
        never: &["tokio", "axum", "hyper", "reqwest", "wasmtime", "rand", "fastrand"],
        tokio: &[],
    },
    Rule {
        name: "magic-dialects",
        may: &[TYPES, "bytes", "jiff", "memchr", "serde", "serde_json", "serde_path_to_error", "thiserror"],
        never: &["tokio", "axum", "hyper", "reqwest", "wasmtime"],
        tokio: &[],
    },
    Rule {
        name: "magic-sqlite",
        may: &["rusqlite", "thiserror", "tokio", "tracing"],
        never: &["axum", "hyper", "reqwest", "wasmtime"],
        tokio: &["rt", "sync", "time"],
    },
    Rule {
        name: "magic-sessions",
        may: &[TYPES, "magic-tags", "magic-sqlite", "serde", "serde_json", "thiserror", "tokio", "jsonschema"],
        never: &["axum", "hyper", "reqwest", "wasmtime"],
        tokio: &["sync"],
    },
    Rule {
        name: "magic-access",
        may: &[TYPES, "sha2", "subtle", "thiserror"],
        never: &["tokio", "axum", "hyper", "reqwest", "wasmtime", "rusqlite", "rand", "fastrand"],
        tokio: &[],
    },
    Rule {
        name: "magic-eval",
        may: &[TYPES, "serde", "serde_json", "thiserror"],
        never: &["tokio", "axum", "hyper", "reqwest", "wasmtime", "rand", "fastrand"],
        tokio: &[],
    },
    Rule {
        name: "magic-litellm",
        may: &["serde", "serde-saphyr", "serde_json", "thiserror"],
        never: &["tokio", "axum", "hyper", "reqwest", "wasmtime"],
        tokio: &[],
    },
    Rule {
        name: "magic-plugins",
        may: &[
            TYPES,
            "bytes",
            "futures-util",
            "jsonschema",
            "serde",
            "serde-saphyr",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "tracing",
            "url",
            "wasmparser",
            "wasmtime",
            "wasmtime-wasi",
            "wit-component",
        ],
        never: &["axum", "hyper", "reqwest", "magic-config", "magic-sessions"],
        tokio: &["rt", "sync", "time"],
    },
];
/// The host is the top: only these may import it.
const ABOVE_HOST: &[&str] = &["magic-tests", "magic-benches"];
const HOST: &str = "magic-proxy";
/// Crates that never import each other, whatever the kind of dependency; the host converts between them.
const SIBLINGS: &[&str] = &[
    "magic-access",
    "magic-config",
    "magic-routing",
    "magic-dialects",
    "magic-sessions",
    "magic-plugins",
    "magic-eval",
];
const EXCEPTION: (&str, &str) = ("magic-routing", "magic-config");

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// None is a normal dependency; else `dev` or `build`.
    kind: Option<String>,
    features: Vec<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Every breach of the rules, as a line each.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let packages = packages(root, None)?;
    let mut found = manifests(&packages);
    for rule in RULES {
        found.extend(comes_in(rule, &tree(root, rule.name)?));
    }
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("read `Cargo.lock`")?;
    found.extend(over_budget(&lock));
    Ok(found)
}

/// The crates that must compile by themselves.
pub(crate) fn pure_crates() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// The packages of the host's workspace, or of the one with the given manifest.
pub(crate) fn members(root: &Path, manifest: Option<&str>) -> Result<Vec<String>> {
    Ok(packages(root, manifest)?.into_iter().map(|package| package.name).collect())
}

/// The test binaries of the host's workspace (`tests/*.rs` of any crate, or named in a manifest).
pub(crate) fn test_targets(root: &Path) -> Result<Vec<String>> {
    let targets = packages(root, None)?.into_iter().flat_map(|package| package.targets);
    Ok(targets.filter(|target| target.kind.iter().any(|kind| kind == "test")).map(|target| target.name).collect())
}

// === the rules ===

fn manifests(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let from = package.name.as_str();
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            if to == HOST && !ABOVE_HOST.contains(&from) {
                found.push(format!("{from}: names {to}, which only {} may import", ABOVE_HOST.join(" and ")));
            }
            if SIBLINGS.contains(&from) && SIBLINGS.contains(&to) && (from, to) != EXCEPTION {
                found.push(format!("{from}: names its sibling {to}; the host converts between them"));
            }
        }
        if let Some(rule) = RULES.iter().find(|rule| rule.name == from) {
            found.extend(names_only_allowed(rule, package));
        }
    }
    let known: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let missing = RULES.iter().filter(|rule| !known.contains(rule.name));
    found.extend(missing.map(|rule| format!("{}: has a rule in xtask/src/deps.rs and does not exist", rule.name)));
    found
}

fn names_only_allowed(rule: &Rule, package: &Package) -> Vec<String> {
    let mut found = Vec::new();
    for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
        if !rule.may.contains(&dependency.name.as_str()) {
            found.push(format!(
                "{}: names {} in its manifest and may name only: {} (a new one is a decision: xtask/src/deps.rs)",
                rule.name,
                dependency.name,
                rule.may.join(", ")
            ));
        }
        if dependency.name == "tokio" {
            let asked = dependency.features.iter().filter(|feature| !rule.tokio.contains(&feature.as_str()));
            found.extend(asked.map(|feature| format!("{}: asks for tokio's feature `{feature}`", rule.name)));
        }
    }
    found
}

fn comes_in(rule: &Rule, tree: &BTreeSet<String>) -> Vec<String> {
    let banned = rule.never.iter().filter(|name| tree.contains(**name));
    banned.map(|name| format!("{0}: {name} comes in (see: cargo tree -p {0} -e normal -i {name})", rule.name)).collect()
}

fn over_budget(lock: &str) -> Option<String> {
    let locked = lock.lines().filter(|line| *line == "[[package]]").count();
    (locked > LOCKED_MAX).then(|| format!("Cargo.lock: {locked} packages, and the budget is {LOCKED_MAX}"))
}

// === asking cargo ===

fn packages(root: &Path, manifest: Option<&str>) -> Result<Vec<Package>> {
    let mut cargo = shell::cargo(root);
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    if let Some(manifest) = manifest {
        cargo.args(["--manifest-path", manifest]);
    }
    let text = answer(&mut cargo)?;
    let metadata: Metadata = serde_json::from_str(&text).context("read the answer of `cargo metadata`")?;
    Ok(metadata.packages)
}

/// Everything that a crate alone brings with it, itself left out. Not from `cargo metadata`: that unites the features
/// of the whole workspace, so a crate would answer for what only its neighbour turned on.
fn tree(root: &Path, name: &str) -> Result<BTreeSet<String>> {
    let mut cargo = shell::cargo(root);
    let text = answer(cargo.args(["tree", "-p", name, "-e", "normal", "--prefix", "none", "--format", "{p}"]))?;
    Ok(text.lines().skip(1).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn answer(cargo: &mut std::process::Command) -> Result<String> {
    let output = cargo.output().with_context(|| format!("start `{}`", shell::typed(cargo)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", shell::typed(cargo), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests;
