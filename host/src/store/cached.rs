//! Cached replies on disk: a table of the cache's keys. Decides nothing about what may be cached.
use super::{Database, PRUNE_EVERY, Store, from_unix_ms, unix_ms};
use bytes::Bytes;
use magic_sqlite::rusqlite::{self, Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

/// A reply from disk must come sooner than one from a vendor: else the request goes on without it. A machine that runs
/// tests may be slower than any disk.
const PATIENCE: Duration = if cfg!(test) { Duration::from_secs(30) } else { Duration::from_millis(100) };

/// One reply, as the cache has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CachedReply {
    pub(crate) profile: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) created: SystemTime,
    pub(crate) expires: SystemTime,
}

/// The column `headers`: all of a reply but its bytes.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    /// Lengths of the pieces that the body came in.
    pieces: Vec<usize>,
}

// === impl Store ===
impl Store {
    /// Queues it; where that is refused, the memory has it all the same.
    pub(crate) fn put_cached(&self, key: [u8; 32], reply: CachedReply, bytes_max: usize, now: SystemTime) {
        if !self.is_enabled() {
            return;
        }
        let prune_is_due = self.0.cached_puts.fetch_add(1, Relaxed).is_multiple_of(PRUNE_EVERY);
        let bytes = reply.pieces.iter().map(Bytes::len).sum();
        // Warned of and counted where it is refused.
        let _queued = self.write(bytes, move |connection| {
            put(connection, key, &reply)?;
            if prune_is_due { prune(connection, bytes_max, now) } else { Ok(()) }
        });
    }

    /// `None` also for one whose time is over, and where the disk has its hands full: nobody queues for it.
    pub(crate) async fn cached(&self, key: [u8; 32], now: SystemTime) -> Option<CachedReply> {
        if self.0.database.as_ref().is_none_or(Database::is_busy) {
            return None;
        }
        self.read(PATIENCE, move |connection| get(connection, key, now)).await.flatten()
    }
}

fn put(connection: &Connection, key: [u8; 32], reply: &CachedReply) -> rusqlite::Result<()> {
    let pieces = reply.pieces.iter().map(Bytes::len).collect();
    let head = Head { status: reply.status, headers: reply.headers.clone(), pieces };
    let head = serde_json::to_string(&head).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let text = "INSERT OR REPLACE INTO cache (key, profile, created_unix_ms, expires_unix_ms, headers, body)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (created, expires) = (unix_ms(reply.created), unix_ms(reply.expires));
    let row = params![key, reply.profile, created, expires, head, reply.pieces.concat()];
    connection.prepare(text)?.execute(row)?;
    Ok(())
}

fn get(connection: &Connection, key: [u8; 32], now: SystemTime) -> rusqlite::Result<Option<CachedReply>> {
    let text = "SELECT profile, created_unix_ms, expires_unix_ms, headers, body FROM cache
                WHERE key = ?1 AND expires_unix_ms > ?2";
    let mut query = connection.prepare(text)?;
    let found = query.query_row(params![key, unix_ms(now)], |row| {
        let head: String = row.get(3)?;
        let body: Vec<u8> = row.get(4)?;
        let times = (from_unix_ms(row.get(1)?), from_unix_ms(row.get(2)?));
        Ok(reply(row.get(0)?, times, &head, Bytes::from(body)))
    });
    Ok(found.optional()?.flatten())
}

/// `None` for a row that does not agree with itself.
fn reply(profile: String, times: (SystemTime, SystemTime), head: &str, mut body: Bytes) -> Option<CachedReply> {
    let Head { status, headers, pieces: lengths } = serde_json::from_str(head).ok()?;
    let mut pieces = Vec::with_capacity(lengths.len());
    for length in lengths {
        if length > body.len() {
            return None;
        }
        pieces.push(body.split_to(length));
    }
    let (created, expires) = times;
    body.is_empty().then_some(CachedReply { profile, status, headers, pieces, created, expires })
}

/// First what is too old, then the oldest of what is too much.
fn prune(connection: &Connection, bytes_max: usize, now: SystemTime) -> rusqlite::Result<()> {
    connection.prepare("DELETE FROM cache WHERE expires_unix_ms <= ?1")?.execute([unix_ms(now)])?;
    let text = "DELETE FROM cache WHERE key IN (SELECT key FROM (
                    SELECT key, sum(length(body)) OVER (ORDER BY created_unix_ms DESC, key) AS up_to FROM cache
                ) WHERE up_to > ?1)";
    connection.prepare(text)?.execute([i64::try_from(bytes_max).unwrap_or(i64::MAX)])?;
    Ok(())
}
