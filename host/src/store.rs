//! What must outlive a restart, in one SQLite file: keys' states, stored responses, cached replies. Never on the way of a
//! request: writing queues and does not wait, reading has a deadline, and without a usable file the gateway serves on.
//! Holds no secret: keys are here by their id.
mod cached;
mod keys;
mod responses;

pub(crate) use cached::CachedReply;
pub(crate) use keys::{Kept, peek_keys};
pub(crate) use responses::{Responses, Stored};

use magic_sqlite::rusqlite::{self, Connection};
use magic_sqlite::{Database, Migrations, Refused, from_unix_ms, unix_ms};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Its name in the data folder.
pub(crate) const FILE: &str = "magic.db";

/// Puts into a table between two looks at what of it is too old or too much: a count of all rows costs more than a put.
const PRUNE_EVERY: u64 = 64;

/// Each brings the file from its place's number to the next. Written once: a change is a new one at the end.
const MIGRATIONS: Migrations = &[
    "
    CREATE TABLE keys (
        id TEXT PRIMARY KEY, pool TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,
        until_unix_ms INTEGER, changed_unix_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE responses (
        id TEXT PRIMARY KEY, previous_id TEXT, created_unix_ms INTEGER NOT NULL, expires_unix_ms INTEGER NOT NULL,
        request_items TEXT NOT NULL, response TEXT NOT NULL
    ) STRICT;
    CREATE INDEX responses_by_age ON responses (created_unix_ms);
    CREATE INDEX responses_by_end ON responses (expires_unix_ms);
    CREATE TABLE cache (
        key BLOB PRIMARY KEY, profile TEXT NOT NULL, created_unix_ms INTEGER NOT NULL, expires_unix_ms INTEGER NOT NULL,
        headers TEXT NOT NULL, body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX cache_by_age ON cache (created_unix_ms);
    CREATE INDEX cache_by_end ON cache (expires_unix_ms);
",
    "
    ALTER TABLE responses ADD COLUMN owner TEXT;
",
];

/// Cheap to clone; all clones are one file.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    /// `None`: there is no usable file; what is written is forgotten and nothing is found.
    database: Option<Database>,
    tail: Mutex<responses::Tail>,
    cached_puts: AtomicU64,
}

// === impl Store ===
impl Store {
    /// Opens the file, as [`Database::open`] does. Where no file is to be had, the store is one that keeps nothing, and the
    /// log says so. Blocks.
    pub(crate) fn open(file: &Path, now: SystemTime) -> Self {
        let opened = Database::open(file, MIGRATIONS, now).map_err(|error| {
            let name = file.display();
            tracing::warn!(
                "{name} cannot be used, keys' states and stored responses are forgotten at the end: {error}"
            );
        });
        Self::with(opened.ok())
    }

    /// One that keeps nothing.
    pub(crate) fn disabled() -> Self {
        Self::with(None)
    }

    fn with(database: Option<Database>) -> Self {
        Self(Arc::new(Inner { database, tail: Mutex::default(), cached_puts: AtomicU64::default() }))
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.0.database.is_some()
    }

    /// Writes that were refused or failed since the start, for metrics.
    pub(crate) fn lost(&self) -> u64 {
        self.0.database.as_ref().map_or(0, Database::lost)
    }

    #[cfg(test)]
    pub(crate) async fn flush(&self, patience: Duration) -> bool {
        let Some(database) = &self.0.database else { return true };
        database.flush(patience).await
    }

    /// Takes no more writes, and waits until the queued ones are in the file, `patience` at the longest.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let Some(database) = &self.0.database else { return true };
        database.close(patience).await
    }

    /// Queues a write; never blocks. `bytes`: what it holds in memory, for the queue's bound.
    fn write(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), Refused> {
        self.0.database.as_ref().ok_or(Refused)?.queue(bytes, job)
    }

    /// `None`: there is no usable file, or it did not answer in time, or it is broken; the latter two are warned of.
    async fn read<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Option<T> {
        self.0.database.as_ref()?.read(patience, work).await
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
