//! Who changed what, and what it was before: written in the transaction of the change where the change is in this file,
//! and before it is answered where it is not. Never a secret.
use super::ledger::{Ledger, ms, number, stored};
use magic_sqlite::rusqlite::{self, Connection, params};
use magic_types::Failure;
use serde_json::Value;
use std::time::SystemTime;

/// The newest that are kept: years of hand-made changes.
const KEPT_MAX: i64 = 100_000;
/// One side of an entry; a config may be larger, and its beginning then has to do.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// A virtual key's id, `-` for anonymous, or `cli`.
    pub(crate) who: String,
    /// A word like `virtual_key.create` or `config.write`.
    pub(crate) action: &'static str,
    /// What was changed, e.g. the key's id or the file's name.
    pub(crate) subject: String,
    /// `None`: it was not there. `after`: it is gone.
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// An entry as it is found.
#[derive(Clone, Debug)]
pub(crate) struct Audited {
    pub(crate) id: u64,
    pub(crate) at_ms: u64,
    pub(crate) who: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

// === impl Ledger ===
impl Ledger {
    /// Returns once it is in the file.
    pub(crate) async fn audit(&self, entry: Entry, now: SystemTime) -> Result<(), Failure> {
        self.write(TEXT_BYTES_MAX, move |connection| put(connection, &entry, ms(now))).await
    }

    /// The newest first; `before`: only older ones than that id, for the next page.
    pub(crate) async fn audits(&self, limit: usize, before: Option<u64>) -> Result<Vec<Audited>, Failure> {
        let (before, limit) = (before.map_or(i64::MAX, stored), i64::try_from(limit).unwrap_or(i64::MAX));
        self.read(move |connection| {
            let text = "SELECT id, at_ms, who, action, subject, before, after FROM audit WHERE id < ?1
                        ORDER BY id DESC LIMIT ?2";
            let mut query = connection.prepare(text)?;
            query.query_map([before, limit], found)?.collect()
        })
        .await
    }
}

/// A part of somebody's transaction.
pub(super) fn put(connection: &Connection, entry: &Entry, now_ms: u64) -> rusqlite::Result<()> {
    let text = "INSERT INTO audit (at_ms, who, action, subject, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let side = |value: &Option<Value>| value.as_ref().map(written);
    let (before, after) = (side(&entry.before), side(&entry.after));
    connection.execute(text, params![stored(now_ms), entry.who, entry.action, entry.subject, before, after])?;
    Ok(())
}

pub(super) fn prune(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1", [KEPT_MAX])?;
    Ok(())
}

/// JSON, also where it had to be cut.
fn written(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let beginning: String = text.chars().take(TEXT_BYTES_MAX / 4).collect();
    Value::String(format!("{beginning}... ({} bytes)", text.len())).to_string()
}

fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<Audited> {
    let side = |text: Option<String>| text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
    Ok(Audited {
        id: number(row.get(0)?),
        at_ms: number(row.get(1)?),
        who: row.get(2)?,
        action: row.get(3)?,
        subject: row.get(4)?,
        before: side(row.get(5)?),
        after: side(row.get(6)?),
    })
}
