//! Stored responses (`POST /v1/responses` with `store`), as texts: how they hang together by `previous_response_id`, and
//! how long they stay. Knows nothing of what stands in them.
use super::{PRUNE_EVERY, Refused, Store, from_unix_ms, unix_ms};
use magic_sqlite::rusqlite::{self, Connection, OptionalExtension as _, params};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A client waits for it, and without it there is no answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Turns of one conversation.
const CHAIN_MAX: usize = 1000;

/// What a conversation's texts may be together; a model's window is less.
const CHAIN_BYTES_MAX: usize = 20 * 1024 * 1024;

/// What is kept at hand of the newest ones. As much as the queue may hold: what is not in the file yet is found here.
const TAIL_BYTES_MAX: usize = magic_sqlite::QUEUED_BYTES_MAX;

/// Rows, deleted ones among them. More than the queue may hold, for the same reason.
const TAIL_MAX: usize = magic_sqlite::QUEUED_MAX + 1024;

/// One stored response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: String,
    /// The virtual key that it was made for.
    pub(crate) owner: Option<String>,
    pub(crate) previous: Option<String>,
    /// The request's own input items, a JSON list.
    pub(crate) request_items: String,
    /// As it was given to the client, JSON.
    pub(crate) response: String,
    pub(crate) created: SystemTime,
    /// Not found any more from then on.
    pub(crate) expires: SystemTime,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChainError {
    /// It, or one before it, never was, or is gone.
    #[error("find the response `{0}`: it is not stored (or no longer)")]
    Missing(String),
    #[error("follow `previous_response_id`: the conversation has more than {CHAIN_MAX} turns")]
    TooLong,
    #[error("follow `previous_response_id`: the conversation is larger than {CHAIN_BYTES_MAX} bytes")]
    TooLarge,
}

/// The newest rows, whether they are in the file or not. Without a file they are all there is.
#[derive(Default)]
pub(super) struct Tail {
    rows: HashMap<String, Held>,
    /// In the order they came; an id stands here once for each time it came.
    order: VecDeque<(u64, String)>,
    came: u64,
    bytes: usize,
}

struct Held {
    /// Its place in the order.
    came: u64,
    /// `None`: deleted, and the file may not know yet.
    row: Option<Arc<Stored>>,
}

/// The stored responses of a store. Cheap to make.
#[derive(Clone)]
pub(crate) struct Responses {
    store: Store,
}

// === impl Responses ===
impl Responses {
    pub(crate) fn of(store: &Store) -> Self {
        Self { store: store.clone() }
    }

    /// Keeps it; it is found at once. `kept_max`: the oldest beyond that number go. Refused: it is found for a while, but
    /// will not outlive a restart.
    pub(crate) fn put(&self, stored: Stored, kept_max: usize, now: SystemTime) -> Result<(), Refused> {
        let stored = Arc::new(stored);
        let came = self.tail().put(&stored.id, Some(Arc::clone(&stored)), kept_max);
        let prune_is_due = came % PRUNE_EVERY == 1;
        self.store.write(stored.bytes(), move |connection| {
            put(connection, &stored)?;
            if prune_is_due { prune(connection, kept_max, now) } else { Ok(()) }
        })
    }

    /// `None` also for one whose time is over.
    pub(crate) async fn get(&self, id: &str, now: SystemTime) -> Option<Arc<Stored>> {
        let held = self.tail().rows.get(id).map(|held| held.row.clone());
        let found = match held {
            Some(held) => held,
            None => {
                let id = id.to_owned();
                self.store.read(PATIENCE, move |connection| get(connection, &id)).await.flatten().map(Arc::new)
            }
        };
        found.filter(|stored| stored.expires > now)
    }

    /// Not found from now on. False: it was not there. Refused: it may be found again after a restart.
    pub(crate) async fn delete(&self, id: &str, now: SystemTime) -> Result<bool, Refused> {
        if self.get(id, now).await.is_none() {
            return Ok(false);
        }
        self.tail().put(id, None, TAIL_MAX);
        if !self.store.is_enabled() {
            return Ok(true);
        }
        let id = id.to_owned();
        self.store.write(id.len(), move |connection| {
            connection.prepare("DELETE FROM responses WHERE id = ?1")?.execute([&id])?;
            Ok(())
        })?;
        Ok(true)
    }

    /// That response and all before it, the oldest first.
    ///
    /// # Errors
    /// When one of them is missing, or they are too many or too large for one conversation.
    pub(crate) async fn chain(&self, id: &str, now: SystemTime) -> Result<Vec<Arc<Stored>>, ChainError> {
        let (mut chain, mut bytes, mut next) = (Vec::new(), 0_usize, Some(id.to_owned()));
        while let Some(id) = next {
            if chain.len() == CHAIN_MAX {
                return Err(ChainError::TooLong);
            }
            let stored = self.get(&id, now).await.ok_or(ChainError::Missing(id))?;
            bytes = bytes.saturating_add(stored.bytes());
            if bytes > CHAIN_BYTES_MAX {
                return Err(ChainError::TooLarge);
            }
            next = stored.previous.clone();
            chain.push(stored);
        }
        chain.reverse();
        Ok(chain)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.store.0.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Stored ===
impl Stored {
    fn bytes(&self) -> usize {
        let previous = self.previous.as_ref().map_or(0, String::len);
        self.id.len() + previous + self.request_items.len() + self.response.len()
    }
}

// === impl Tail ===
impl Tail {
    /// How many came up to now.
    fn put(&mut self, id: &str, row: Option<Arc<Stored>>, rows_max: usize) -> u64 {
        self.came += 1;
        let held = Held { came: self.came, row };
        self.bytes += held.bytes();
        let before = self.rows.insert(id.to_owned(), held);
        self.bytes -= before.map_or(0, |held| held.bytes());
        self.order.push_back((self.came, id.to_owned()));
        while self.bytes > TAIL_BYTES_MAX || self.order.len() > rows_max.min(TAIL_MAX) {
            let Some((came, oldest)) = self.order.pop_front() else { break };
            // One that came again since has a later place.
            if self.rows.get(&oldest).is_some_and(|held| held.came == came) {
                let gone = self.rows.remove(&oldest);
                self.bytes -= gone.map_or(0, |held| held.bytes());
            }
        }
        self.came
    }
}

// === impl Held ===
impl Held {
    fn bytes(&self) -> usize {
        self.row.as_ref().map_or(0, |row| row.bytes())
    }
}

fn put(connection: &Connection, stored: &Stored) -> rusqlite::Result<()> {
    let text = "INSERT OR REPLACE INTO responses
                (id, previous_id, created_unix_ms, expires_unix_ms, request_items, response, owner)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (created, expires) = (unix_ms(stored.created), unix_ms(stored.expires));
    let (items, response) = (&stored.request_items, &stored.response);
    let row = params![stored.id, stored.previous, created, expires, items, response, stored.owner];
    connection.prepare(text)?.execute(row)?;
    Ok(())
}

fn get(connection: &Connection, id: &str) -> rusqlite::Result<Option<Stored>> {
    let text = "SELECT id, previous_id, request_items, response, created_unix_ms, expires_unix_ms, owner
                FROM responses WHERE id = ?1";
    let mut query = connection.prepare(text)?;
    let found = query.query_row([id], |row| {
        Ok(Stored {
            id: row.get(0)?,
            previous: row.get(1)?,
            request_items: row.get(2)?,
            response: row.get(3)?,
            created: from_unix_ms(row.get(4)?),
            expires: from_unix_ms(row.get(5)?),
            owner: row.get(6)?,
        })
    });
    found.optional()
}

/// First what is too old, then the oldest of what is too much.
fn prune(connection: &Connection, kept_max: usize, now: SystemTime) -> rusqlite::Result<()> {
    connection.prepare("DELETE FROM responses WHERE expires_unix_ms <= ?1")?.execute([unix_ms(now)])?;
    let text = "DELETE FROM responses WHERE id IN
                (SELECT id FROM responses ORDER BY created_unix_ms DESC, id LIMIT -1 OFFSET ?1)";
    connection.prepare(text)?.execute([i64::try_from(kept_max).unwrap_or(i64::MAX)])?;
    Ok(())
}
