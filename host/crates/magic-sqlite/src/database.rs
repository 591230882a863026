//! The way to the file: writes that are queued or waited for, reads on the blocking pool. Blocks no caller.
use crate::file::{self, Error, Migrations};
use crate::writer::{Order, Refused, Writer};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, oneshot};

/// Reads at one time. A disk that hangs holds up as many threads of the blocking pool, and no more.
pub const READERS_MAX: usize = 8;

/// Cheap to clone; all clones are one file.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    file: PathBuf,
    writer: Writer,
    /// Connections that wait for the next read.
    idle: Mutex<Vec<Connection>>,
    readers: Arc<Semaphore>,
}

/// A write that was waited for is not in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("the database takes no writes now: its disk is too slow, or it is closed")]
    Refused,
    #[error("the database could not be written: {0}")]
    Failed(String),
}

// === impl Database ===
impl Database {
    /// Opens the file and brings it up to date; makes it where there is none. A file that is no database, or a broken one,
    /// is put aside under another name, with a warning. Blocks.
    pub fn open(file: &Path, migrations: Migrations, now: SystemTime) -> Result<Self, Error> {
        Self::with(file, file::open(file, migrations, now)?)
    }

    /// As [`Database::open`], but a broken file is an error and stays where it is. Blocks.
    pub fn open_as_it_is(file: &Path, migrations: Migrations) -> Result<Self, Error> {
        Self::with(file, file::open_as_it_is(file, migrations)?)
    }

    fn with(file: &Path, connection: Connection) -> Result<Self, Error> {
        let writer = Writer::start(connection)?;
        let readers = Arc::new(Semaphore::new(READERS_MAX));
        Ok(Self(Arc::new(Inner { file: file.to_owned(), writer, idle: Mutex::default(), readers })))
    }

    /// Queues a write and does not wait for it; never blocks. `bytes`: what it holds in memory, for the queue's bound.
    pub fn queue(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), Refused> {
        self.0.writer.queue(Order::new(bytes, job))
    }

    /// The same, and `done` is told whether it is in the file: after the commit, or why it is not. Told of every write that
    /// was queued, on the thread that writes: it must be quick.
    pub fn queue_then(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
        done: impl FnOnce(Result<(), String>) + Send + 'static,
    ) -> Result<(), Refused> {
        self.0.writer.queue(Order::new(bytes, job).and_tell(Box::new(done)))
    }

    /// Writes, and returns once it is committed. Dropping the future does not take the write back.
    pub async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (result, told) = oneshot::channel();
        let (done, committed) = oneshot::channel();
        let job = move |connection: &Connection| {
            // Whoever asked may have left.
            let _unread = result.send(job(connection)?);
            Ok(())
        };
        let tell = |result| {
            // Whoever asked may have left.
            let _unread = done.send(result);
        };
        self.queue_then(bytes, job, tell).map_err(|Refused| WriteError::Refused)?;
        match committed.await {
            Ok(Ok(())) => told.await.map_err(|_| WriteError::Refused),
            Ok(Err(error)) => Err(WriteError::Failed(error)),
            Err(_) => Err(WriteError::Refused),
        }
    }

    /// Reads on the blocking pool. `None`: it did not answer in time, or it is broken, which is warned of.
    pub async fn read<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Option<T> {
        let database = self.clone();
        let read = async move {
            let permit = Arc::clone(&database.0.readers).acquire_owned().await.ok()?;
            let work = move || {
                // Held by the thread, not by who waits for it: a hung disk must not take one thread after the other.
                let _permit = permit;
                database.read_here(work)
            };
            tokio::task::spawn_blocking(work).await.ok()
        };
        match tokio::time::timeout(patience, read).await {
            Ok(Some(Ok(found))) => Some(found),
            Ok(Some(Err(error))) => {
                self.0.writer.warn(&format!("a read of the store failed: {error}"));
                None
            }
            Ok(None) => None,
            Err(_) => {
                self.0.writer.warn(&format!("the store did not answer within {} ms", patience.as_millis()));
                None
            }
        }
    }

    /// Whether the next read would queue behind others.
    pub fn is_busy(&self) -> bool {
        self.0.readers.available_permits() == 0
    }

    /// For tests that play a disk which hangs.
    pub fn readers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.readers)
    }

    /// Writes that were refused or failed since the start, for metrics.
    pub fn lost(&self) -> u64 {
        self.0.writer.lost()
    }

    /// Transactions since the start.
    pub fn commits(&self) -> u64 {
        self.0.writer.commits()
    }

    /// Waits until all that was queued before is in the file, `patience` at the longest. False when some of it may not be.
    pub async fn flush(&self, patience: Duration) -> bool {
        matches!(tokio::time::timeout(patience, self.write(0, |_| Ok(()))).await, Ok(Ok(())))
    }

    /// Takes no more writes, and waits until the queued ones are in the file, `patience` at the longest.
    pub async fn close(&self, patience: Duration) -> bool {
        self.idle().clear();
        self.0.writer.close(patience).await
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

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
