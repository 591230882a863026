//! Reasoning sessions as a service: submit, follow, cancel. The machine itself is magic-sessions; this starts a worker
//! for each, bounded, and lets readers tail the log. Nobody hears from a worker directly.
mod ask;
mod program;
mod tools;
mod worker;

pub(crate) use program::Order;

use crate::snapshot::Snapshot;
use crate::tasks::Tasks;
use crate::upstream::{Route, Upstream};
use magic_plugins::Component;
use magic_sessions::{EventLog, LogError, Memory, MemoryBounds, NewSession, Summary, Tail};
use magic_types::{Failure, Kind, SessionId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// A client that comes back in that time will mostly find a place: a step takes seconds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

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
        let cancel = self.reserve(&id)?;
        let new = NewSession {
            id: id.clone(),
            alias: job.route.plan.alias.clone(),
            pattern: job.pattern.name.clone(),
            digest: Some(job.pattern.digest),
        };
        if let Err(error) = self.log.create(new, now()).await {
            self.release(&id);
            return Err(refusal(&error));
        }
        let (sessions, token, session) = (Arc::clone(self), cancel.clone(), id.clone());
        self.tasks.spawn("session", async move {
            worker::run(&sessions, &session, job, token).await;
            sessions.release(&session);
        });
        Ok(Begun { id, cancel })
    }

    /// Follows a session's log from a record on.
    pub(crate) async fn tail(&self, id: &SessionId, from: u64) -> Result<Tail, Failure> {
        Tail::open(Arc::clone(&self.log), id.clone(), from).await.map_err(|error| refusal(&error))
    }

    /// Ends a running session; one that has ended already stays as it is.
    pub(crate) async fn cancel(&self, id: &SessionId) -> Result<Summary, Failure> {
        let token = self.open().get(id).cloned();
        if let Some(token) = token {
            token.cancel();
        }
        self.summary(id).await
    }

    pub(crate) async fn summary(&self, id: &SessionId) -> Result<Summary, Failure> {
        self.log.summary(id).await.map_err(|error| refusal(&error))
    }

    pub(crate) async fn list(&self, max: usize) -> Result<Vec<Summary>, Failure> {
        self.log.list(max).await.map_err(|error| refusal(&error))
    }

    fn reserve(&self, id: &SessionId) -> Result<CancellationToken, Failure> {
        let mut open = self.open();
        if open.contains_key(id) {
            return Err(refusal(&LogError::Exists(id.clone())));
        }
        if open.len() >= self.waiting_max {
            let text = "too many sessions are queued (`server_settings.sessions_queued_max`): try again later";
            return Err(Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER)));
        }
        // A child of the gateway's own token: stopping the gateway cancels its sessions.
        let token = self.tasks.stopping().child_token();
        open.insert(id.clone(), token.clone());
        Ok(token)
    }

    fn release(&self, id: &SessionId) {
        self.open().remove(id);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, CancellationToken>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "records carry the wall clock; the log itself takes it as an argument")]
fn now() -> SystemTime {
    SystemTime::now()
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
