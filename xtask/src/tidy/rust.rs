//! Rules for Rust files: their first line, their size, what they import, what a test may not do. Reads lines, not
//! syntax: a rule that needs more belongs to clippy.
use std::collections::BTreeSet;

use super::{Allowed, Finding};

/// Above this a file needs a line in tidy.toml that says why.
pub(super) const BODY_LINES_ASK: usize = 400;
const BODY_LINES_MAX: usize = 600;

/// An import that belongs in a few places of the host.
struct Wall {
    what: &'static str,
    /// The text that gives the import away.
    signs: &'static [&'static str],
    /// Files or folders (with their `/`) where it belongs.
    inside: &'static [&'static str],
}

const WALLS: &[Wall] = &[
    Wall { what: "axum", signs: &["axum::"], inside: &["host/src/http.rs", "host/src/http/", "host/src/server.rs"] },
    Wall {
        what: "the HTTP client",
        signs: &["reqwest::"],
        // `eval` is a client of gateways and of whatever else speaks OpenAI's dialect, over TLS too.
        inside: &[
            "host/src/upstream.rs",
            "host/src/upstream/",
            "host/src/components/egress.rs",
            "host/src/cli/eval/client.rs",
            // Towards a collector: none of the vendors' pools, keys and retries.
            "host/src/telemetry/export/client.rs",
        ],
    },
    Wall { what: "wasmtime", signs: &["wasmtime::", "wasmtime_wasi::"], inside: &["host/crates/magic-plugins/"] },
    Wall { what: "tokio::spawn", signs: &["tokio::spawn", "tokio::task::spawn("], inside: &["host/src/tasks.rs"] },
    Wall { what: "unsafe code", signs: &["expect(unsafe_code"], inside: &["host/crates/magic-plugins/src/cache.rs"] },
];
/// The walls stand in the product. The tests' fake vendor is a server, the benches measure wasmtime itself.
const WALLED: &str = "host/";
/// Formats and logs: a secret must not get into either.
const FORMATTING: [&str; 9] =
    ["format!(", "write!(", "writeln!(", "trace!(", "debug!(", "info!(", "warn!(", "error!(", "bail!("];
/// Where a secret is written into the one header it exists for.
const HEADER_WRITERS: [&str; 2] = ["host/src/upstream/client.rs", "host/src/components/egress.rs"];

/// What a file's own text does not tell.
pub(super) struct Known {
    pub(super) allowed: Allowed,
    /// Files that their parents declare under `#[cfg(test)]`, whatever they are called.
    pub(super) test_files: BTreeSet<String>,
}

pub(super) fn check(path: &str, text: &str, known: &Known) -> Vec<Finding> {
    let is_test = is_test(path) || known.test_files.contains(path);
    let mut found = Vec::new();
    if path.ends_with("/mod.rs") {
        found.push(Finding::new(path, 0, "no mod.rs: the module's file stands beside its folder and has its name"));
    }
    if !is_test {
        if !text.starts_with("//! ") {
            found.push(Finding::new(
                path,
                1,
                "the first line is not `//! ` with what the file owns and what it refuses",
            ));
        }
        found.extend(size(path, text, &known.allowed));
    }
    found.extend(lines(path, text, is_test, &known.allowed));
    found
}

/// The files of the modules that this file declares for tests only.
pub(super) fn test_files(path: &str, text: &str) -> Vec<String> {
    let is_root = ["/lib.rs", "/main.rs"].iter().any(|name| path.ends_with(name));
    let folder = if is_root { path.rsplit_once('/').map(|(folder, _)| folder) } else { path.strip_suffix(".rs") };
    let declared = marked(text).filter(|(_, in_test)| *in_test).filter_map(|(line, _)| {
        let name = line.trim_start().strip_prefix("mod ")?.strip_suffix(';')?;
        Some(format!("{}/{name}.rs", folder?))
    });
    declared.collect()
}

/// Lines that are neither blank, nor comment, nor in a test module.
pub(super) fn body_lines(text: &str) -> usize {
    marked(text).filter(|(line, in_test)| !in_test && !line.trim().is_empty() && !is_comment(line)).count()
}

/// Whether a line waits for real time.
pub(super) fn sleeps(line: &str) -> bool {
    !is_comment(line) && (line.contains("sleep(") || line.contains("sleep_until("))
}

fn size(path: &str, text: &str, allowed: &Allowed) -> Option<Finding> {
    match body_lines(text) {
        lines if lines > BODY_LINES_MAX => {
            Some(Finding::new(path, 0, format!("{lines} body lines; the limit is {BODY_LINES_MAX}: split it by noun")))
        }
        lines if lines > BODY_LINES_ASK && !allowed.long.contains_key(path) => Some(Finding::new(
            path,
            0,
            format!("{lines} body lines; above {BODY_LINES_ASK} it needs a line in xtask/tidy.toml that says why"),
        )),
        _ => None,
    }
}

fn lines(path: &str, text: &str, is_test: bool, allowed: &Allowed) -> Vec<Finding> {
    let mut found = Vec::new();
    for ((line, in_test), at) in marked(text).zip(1..).filter(|((line, _), _)| !is_comment(line)) {
        let in_test = in_test || is_test;
        if ["#[ignore", "#[should_panic"].iter().any(|mark| line.trim_start().starts_with(mark)) {
            found.push(Finding::new(path, at, "assert what happens today instead, and say why it is wrong"));
        }
        if (in_test || path.starts_with("tests/")) && sleeps(line) && !allowed.sleep.contains_key(path) {
            found.push(Finding::new(path, at, "a test sleeps: pause tokio's time, or wait for what you wait for"));
        }
        if !in_test && path.starts_with(WALLED) {
            let broken = WALLS.iter().filter(|wall| names(line, wall.signs) && !stands(path, wall.inside));
            found.extend(broken.map(|wall| {
                Finding::new(path, at, format!("{} belongs in {} only", wall.what, wall.inside.join(", ")))
            }));
        }
        let exposes = line.contains(".expose()") && !HEADER_WRITERS.contains(&path);
        if exposes && FORMATTING.iter().any(|macro_| line.contains(macro_)) {
            found.push(Finding::new(path, at, "a secret in a text: name its KeyId"));
        }
    }
    found
}

/// Each line, and whether it is inside a `#[cfg(test)] mod .. { }`.
fn marked(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut announced = false;
    let mut end: Option<String> = None;
    text.lines().map(move |line| {
        if let Some(last) = &end {
            if line == last {
                end = None;
            }
            return (line, true);
        }
        let code = line.trim_start();
        if announced && code.starts_with("mod ") && code.ends_with('{') {
            // rustfmt puts the closing brace under the first letter of the module.
            end = Some(format!("{}}}", " ".repeat(line.len() - code.len())));
            return (line, true);
        }
        let declares = announced && code.starts_with("mod ");
        announced = code == "#[cfg(test)]" || (announced && code.starts_with("#["));
        (line, announced || declares)
    })
}

/// The tests' kit (tests/src) and their guests (tests/guests) are programs like any other.
fn is_test(path: &str) -> bool {
    let folders = path.split('/').collect::<Vec<_>>();
    path.starts_with("tests/it/")
        || folders.last() == Some(&"tests.rs")
        || folders.iter().skip(1).any(|part| *part == "tests")
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn stands(path: &str, inside: &[&str]) -> bool {
    inside.iter().any(|place| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

/// Whether one of the signs stands there as a word of its own: `my_axum::` is none.
fn names(line: &str, signs: &[&str]) -> bool {
    let part_of_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    signs.iter().any(|sign| {
        line.match_indices(sign).any(|(at, _)| at.checked_sub(1).is_none_or(|at| !part_of_word(line.as_bytes()[at])))
    })
}
