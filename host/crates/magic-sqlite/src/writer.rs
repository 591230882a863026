//! The one that writes: a thread with a bounded queue, which puts all that waits into one transaction. Knows no table.
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Writes that wait. At a few thousand a second that is a disk which stands still for a moment.
pub const QUEUED_MAX: usize = 4096;

/// What the waiting ones hold in memory, together.
pub const QUEUED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Writes in one transaction: one wait for the disk for all of them.
const BATCH_MAX: usize = 512;

/// A disk that is full would else fill the log.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The write was not queued: the queue is full, or it is closed. It is counted and warned of already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keep it: the store is not available or too slow (see the log)")]
pub struct Refused;

type Job = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// Told how a write ended, on the thread that writes.
pub(crate) type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

pub(crate) struct Writer {
    /// `None` once it is closed.
    queue: Mutex<Option<SyncSender<Order>>>,
    /// Closed when the thread has ended.
    ended: watch::Receiver<()>,
    state: Arc<State>,
}

/// One write.
pub(crate) struct Order {
    job: Job,
    bytes: usize,
    /// Told once it is in the file, or why it is not.
    done: Option<Done>,
}

#[derive(Default)]
struct State {
    queued_bytes: AtomicUsize,
    lost: AtomicU64,
    commits: AtomicU64,
    warned: Mutex<Option<Instant>>,
}

// === impl Writer ===
impl Writer {
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        let (queue, orders) = sync_channel(QUEUED_MAX);
        let (end, ended) = watch::channel(());
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            write_all(connection, &orders, &shared);
            drop(end);
        })?;
        Ok(Self { queue: Mutex::new(Some(queue)), ended, state })
    }

    /// Never blocks.
    pub(crate) fn queue(&self, order: Order) -> Result<(), Refused> {
        let bytes = order.bytes;
        let queued = self.state.queued_bytes.fetch_add(bytes, Relaxed);
        let fits = queued.saturating_add(bytes) <= QUEUED_BYTES_MAX;
        let sent = match (fits, self.sender()) {
            (false, _) => Err("its queue is full: the disk is too slow"),
            (true, None) => Err("it is closed"),
            (true, Some(queue)) => queue.try_send(order).map_err(|error| match error {
                TrySendError::Full(_) => "its queue is full: the disk is too slow",
                TrySendError::Disconnected(_) => "its thread ended",
            }),
        };
        sent.map_err(|why| {
            self.state.queued_bytes.fetch_sub(bytes, Relaxed);
            self.state.lose(1, why);
            Refused
        })
    }

    pub(crate) async fn close(&self, patience: Duration) -> bool {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut ended = self.ended.clone();
        // The thread's end is told by the channel's: there is never a value.
        tokio::time::timeout(patience, ended.changed()).await.is_ok()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.state.lost.load(Relaxed)
    }

    pub(crate) fn commits(&self) -> u64 {
        self.state.commits.load(Relaxed)
    }

    /// To the log, but not more than once a minute.
    pub(crate) fn warn(&self, text: &str) {
        self.state.warn(text);
    }

    fn sender(&self) -> Option<SyncSender<Order>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// === impl Order ===
impl Order {
    pub(crate) fn new(bytes: usize, job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static) -> Self {
        Self { job: Box::new(job), bytes, done: None }
    }

    pub(crate) fn and_tell(self, done: Done) -> Self {
        Self { done: Some(done), ..self }
    }
}

// === impl State ===
impl State {
    fn lose(&self, count: u64, why: &str) {
        let lost = self.lost.fetch_add(count, Relaxed).saturating_add(count);
        self.warn(&format!("the store could not keep something, {lost} times since the start: {why}"));
    }

    fn warn(&self, text: &str) {
        let now = Instant::now();
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|before| now.duration_since(before) >= WARN_EVERY) {
            *warned = Some(now);
            tracing::warn!("{text}");
        }
    }
}

/// The thread: until the queue is closed and empty.
fn write_all(mut connection: Connection, orders: &Receiver<Order>, state: &State) {
    while let Ok(first) = orders.recv() {
        let mut batch: Vec<Order> = std::iter::once(first).chain(orders.try_iter().take(BATCH_MAX - 1)).collect();
        let bytes = batch.iter().map(|order| order.bytes).sum();
        let waiting: Vec<Option<Done>> = batch.iter_mut().map(|order| order.done.take()).collect();
        let results = match write_batch(&mut connection, batch) {
            Ok(results) => {
                state.commits.fetch_add(1, Relaxed);
                results
            }
            Err(error) => vec![Err(error.to_string()); waiting.len()],
        };
        for (done, result) in waiting.into_iter().zip(results) {
            if let Err(error) = &result {
                state.lose(1, error);
            }
            if let Some(done) = done {
                done(result);
            }
        }
        state.queued_bytes.fetch_sub(bytes, Relaxed);
    }
}

/// A job that fails takes none of the others with it.
fn write_batch(connection: &mut Connection, batch: Vec<Order>) -> rusqlite::Result<Vec<Result<(), String>>> {
    let mut change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(batch.len());
    for order in batch {
        let part = change.savepoint()?;
        let result = (order.job)(&part).and_then(|()| part.commit());
        results.push(result.map_err(|error| error.to_string()));
    }
    change.commit()?;
    Ok(results)
}
