//! Reasoning sessions as a service: submit, follow, cancel. The machine itself is magic-sessions; this starts a worker
//! for each, bounded, and lets readers tail the log. Nobody hears from a worker directly.
mod ask;
mod program;
mod tools;
mod worker;

pub(crate) use program::Order;

use crate::app::wall_clock;
use crate::snapshot::Snapshot;
use crate::tasks::Tasks;
use crate::upstream::{Route, Upstream};
use magic_plugins::Component;
use magic_sessions::{EventLog, LogError, Memory, MemoryBounds, NewSession, Summary, Tail};
use magic_types::{Failure, Kind, SessionId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// A client that comes back in that time will mostly find a place: a step takes seconds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A worker hears of a cancel at once; only a log that is slow to write takes time.
const CANCEL_MAX: Duration = Duration::from_secs(2);

/// Cheap to clone through its `Arc`; lives as long as the gateway.
pub(crate) struct Sessions {
    log: Arc<dyn EventLog>,
    upstream: Arc<Upstream>,
    tasks: Tasks,
    /// Sessions at work; the others wait in the queue.
    places: Arc<Semaphore>,
    waiting_max: usize,
    /// Queued and running ones.
    open: Mutex<HashMap<SessionId, CancellationToken>>,
}

/// What a new session runs on: one snapshot, to its end.
pub(crate) struct Job {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) route: Arc<Route>,
    pub(crate) pattern: Arc<Component>,
    pub(crate) order: Order,
}

/// A session's place among the open ones, given back when it is dropped, however that comes about.
struct Place {
    sessions: Arc<Sessions>,
    id: SessionId,
    cancel: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sessions.open().remove(&self.id);
    }
}

/// A session that has begun. Its record 0 is on the log.
pub(crate) struct Begun {
    pub(crate) id: SessionId,
    cancel: CancellationToken,
}

impl Begun {
    /// For a session that exists for one request: it ends when the request does.
    pub(crate) fn cancel_on_drop(&self) -> tokio_util::sync::DropGuard {
        self.cancel.clone().drop_guard()
    }
}

impl Sessions {
    pub(crate) fn new(upstream: Arc<Upstream>, tasks: Tasks, settings: &magic_config::ServerSettings) -> Self {
        let bounds = MemoryBounds {
            sessions_max: settings.sessions_kept_max,
            retention: settings.session_retention,
            ..MemoryBounds::default()
        };
        Self {
            log: Arc::new(Memory::new(bounds)),
            upstream,
            tasks,
            places: Arc::new(Semaphore::new(settings.sessions_parallel_max)),
            waiting_max: settings.sessions_parallel_max + settings.sessions_queued_max,
            open: Mutex::default(),
        }
    }

    /// Writes the session's first record and hands it to a worker.
    ///
    /// # Errors
    /// `Overloaded` when the queue is full, and then nothing is written; `InvalidRequest` for a session id that is taken.
    pub(crate) async fn submit(self: &Arc<Self>, id: SessionId, job: Job) -> Result<Begun, Failure> {
        let place = self.reserve(&id)?;
        let new = NewSession {
            id: id.clone(),
            alias: job.route.plan.alias.clone(),
            pattern: job.pattern.name.clone(),
            digest: Some(job.pattern.digest),
        };
        self.log.create(new, wall_clock()).await.map_err(|error| refusal(&error))?;
        let cancel = place.cancel.clone();
        self.tasks.spawn("session", async move { worker::run(place, job).await });
        Ok(Begun { id, cancel })
    }

    /// Follows a session's log from a record on.
    pub(crate) async fn tail(&self, id: &SessionId, from: u64) -> Result<Tail, Failure> {
        Tail::open(Arc::clone(&self.log), id.clone(), from).await.map_err(|error| refusal(&error))
    }

    /// Ends a running session and waits for its last word; one that has ended already stays as it is.
    pub(crate) async fn cancel(&self, id: &SessionId) -> Result<Summary, Failure> {
        let token = self.open().get(id).cloned();
        if let Some(token) = token {
            let mut head = self.log.watch(id).await.map_err(|error| refusal(&error))?;
            token.cancel();
            // Whoever asks is told how it stands, ended or not.
            let _in_time = tokio::time::timeout(CANCEL_MAX, head.wait_for(|head| head.ended)).await;
        }
        self.summary(id).await
    }

    pub(crate) async fn summary(&self, id: &SessionId) -> Result<Summary, Failure> {
        self.log.summary(id).await.map_err(|error| refusal(&error))
    }

    pub(crate) async fn list(&self, max: usize) -> Result<Vec<Summary>, Failure> {
        self.log.list(max).await.map_err(|error| refusal(&error))
    }

    fn reserve(self: &Arc<Self>, id: &SessionId) -> Result<Place, Failure> {
        if self.tasks.stopping().is_cancelled() {
            return Err(Failure::new(Kind::Overloaded, "the gateway is stopping").retry_after(Some(RETRY_AFTER)));
        }
        let mut open = self.open();
        if open.contains_key(id) {
            return Err(refusal(&LogError::Exists(id.clone())));
        }
        if open.len() >= self.waiting_max {
            let text = "too many sessions are queued (`server_settings.sessions_queued_max`): try again later";
            return Err(Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER)));
        }
        // A child of the gateway's own token: what is not over when the drain time is, is cancelled.
        let cancel = self.tasks.ending().child_token();
        open.insert(id.clone(), cancel.clone());
        Ok(Place { sessions: Arc::clone(self), id: id.clone(), cancel })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, CancellationToken>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(error: &LogError) -> Failure {
    match error {
        LogError::UnknownSession(_) => Failure::new(Kind::NotFound, error.to_string()),
        LogError::Exists(_) | LogError::Ended(_) => Failure::new(Kind::InvalidRequest, error.to_string()),
        LogError::Full(_) => Failure::new(Kind::Overloaded, error.to_string()).retry_after(Some(RETRY_AFTER)),
        LogError::Conflict { .. } | LogError::SessionFull(_) | LogError::Unavailable(_) => {
            Failure::new(Kind::Internal, error.to_string())
        }
    }
}
