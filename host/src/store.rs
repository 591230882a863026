//! What must outlive a restart, in one SQLite file: keys' states, stored responses, cached replies. Never on the way of a
//! request: writing queues and does not wait, reading has a deadline, and without a usable file the gateway serves on.
//! Holds no secret: keys are here by their id.
mod cached;
mod file;
mod keys;
mod responses;
mod writer;

pub(crate) use cached::CachedReply;
pub(crate) use keys::{Kept, peek_keys};
pub(crate) use responses::{Responses, Stored};

use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use writer::{Order, Writer};

/// Its name in the data folder.
pub(crate) const FILE: &str = "magic.db";

/// Reads at one time. A disk that hangs holds up as many threads of the blocking pool, and no more.
const READERS_MAX: usize = 8;

/// Puts into a table between two looks at what of it is too old or too much: a count of all rows costs more than a put.
const PRUNE_EVERY: u64 = 64;

/// Cheap to clone; all clones are one file.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    file: PathBuf,
    /// `None`: there is no usable file; what is written is forgotten and nothing is found.
    writer: Option<Writer>,
    /// Connections that wait for the next read.
    idle: Mutex<Vec<Connection>>,
    readers: Arc<Semaphore>,
    tail: Mutex<responses::Tail>,
    cached_puts: AtomicU64,
}

/// The write was not queued: the queue is full, or there is no usable file. It is counted and warned of already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keep it: the store is not available or too slow (see the log)")]
pub(crate) struct Refused;

// === impl Store ===
impl Store {
    /// Opens the file and brings it up to date; makes it where there is none. A file that is no database, or a broken one,
    /// is put aside under another name. Where no file is to be had, the store is one that keeps nothing, and the log says
    /// so. Blocks.
    pub(crate) fn open(file: &Path, now: SystemTime) -> Self {
        let opened = file::open(file, now).and_then(|connection| Writer::start(connection).map_err(file::Error::from));
        let writer = opened.map_err(|error| {
            let name = file.display();
            tracing::warn!(
                "{name} cannot be used, keys' states and stored responses are forgotten at the end: {error}"
            );
        });
        Self::with(file, writer.ok())
    }

    /// One that keeps nothing.
    pub(crate) fn disabled() -> Self {
        Self::with(Path::new(""), None)
    }

    fn with(file: &Path, writer: Option<Writer>) -> Self {
        Self(Arc::new(Inner {
            file: file.to_owned(),
            writer,
            idle: Mutex::default(),
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            tail: Mutex::default(),
            cached_puts: AtomicU64::default(),
        }))
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.0.writer.is_some()
    }

    /// Writes that were refused or failed since the start, for metrics.
    pub(crate) fn lost(&self) -> u64 {
        self.0.writer.as_ref().map_or(0, |writer| writer.lost())
    }

    #[cfg(test)]
    /// Waits until all that was queued before is in the file, `patience` at the longest. False when some of it may not be.
    pub(crate) async fn flush(&self, patience: Duration) -> bool {
        let Some(writer) = &self.0.writer else { return true };
        writer.flush(patience).await
    }

    /// Takes no more writes, and waits until the queued ones are in the file, `patience` at the longest.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        self.idle().clear();
        let Some(writer) = &self.0.writer else { return true };
        writer.close(patience).await
    }

    /// Queues a write; never blocks. `bytes`: what it holds in memory, for the queue's bound.
    fn write(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), Refused> {
        let writer = self.0.writer.as_ref().ok_or(Refused)?;
        writer.queue(Order::new(bytes, job))
    }

    /// Reads on the blocking pool. `None`: there is no usable file, or it did not answer in time, or it is broken; the
    /// latter two are warned of.
    async fn read<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Option<T> {
        let writer = self.0.writer.as_ref()?;
        let store = self.clone();
        let read = async move {
            let permit = Arc::clone(&store.0.readers).acquire_owned().await.ok()?;
            let work = move || {
                // Held by the thread, not by who waits for it: a hung disk must not take one thread after the other.
                let _permit = permit;
                store.read_here(work)
            };
            tokio::task::spawn_blocking(work).await.ok()
        };
        match tokio::time::timeout(patience, read).await {
            Ok(Some(Ok(found))) => Some(found),
            Ok(Some(Err(error))) => {
                writer.warn(&format!("a read of the store failed: {error}"));
                None
            }
            Ok(None) => None,
            Err(_) => {
                writer.warn(&format!("the store did not answer within {} ms", patience.as_millis()));
                None
            }
        }
    }

    fn read_here<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => file::reader(&self.0.file)?,
        };
        let found = work(&connection)?;
        self.idle().push(connection);
        Ok(found)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since 1970, as the tables have times.
fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn from_unix_ms(ms: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
