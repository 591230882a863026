//! The text of a `keys_pool/keys_pool_<provider>.env`. Reads no file: the host hands in the text.
use magic_types::Secret;

use crate::keys::KeySource;
use crate::plan::PoolName;

/// Vendors' keys are under 300 bytes; service-account tokens reach 2 KiB.
const KEY_BYTES_MAX: usize = 4096;

/// A line that holds no usable key. Says where, never what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadLine {
    /// From 1.
    pub line: usize,
    pub what: &'static str,
}

/// One key a line; blank lines and `#` comments are skipped, and `NAME=` before a key, as in any `.env`, is dropped.
/// Usable keys come back even where other lines are bad.
pub fn read_key_file(pool: &PoolName, text: &str) -> (Vec<KeySource>, Vec<BadLine>) {
    let mut keys: Vec<KeySource> = Vec::new();
    let mut bad = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match key_of(line) {
            Ok(None) => {}
            Ok(Some(key)) => {
                let source = KeySource::new(pool, Secret::new(key.to_owned()));
                if keys.iter().all(|known| known.id != source.id) {
                    keys.push(source);
                }
            }
            Err(what) => bad.push(BadLine { line: index + 1, what }),
        }
    }
    (keys, bad)
}

fn key_of(line: &str) -> Result<Option<&str>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.split_once(" #").map_or(line, |(key, _)| key.trim_end());
    let line = line.strip_prefix("export ").unwrap_or(line);
    let key = match line.split_once('=') {
        Some((name, value)) if is_variable(name) => value.trim().trim_matches(['"', '\'']),
        Some(_) | None => line,
    };
    if key.is_empty() {
        return Err("a name without a key");
    }
    if key.len() > KEY_BYTES_MAX {
        return Err("longer than any key");
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a space or another character that no key has");
    }
    Ok(Some(key))
}

/// `OPENAI_API_KEY`: capitals and an underscore, so that a key that happens to hold `=` is not taken apart.
fn is_variable(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests;
