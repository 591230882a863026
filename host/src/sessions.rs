//! Reasoning sessions as a service: submit, follow, speak into, cancel. The machine itself is magic-sessions; a dispatcher claims
//! sessions from the queue, a worker runs each, and readers tail the log. Nobody hears from a worker directly.
mod ask;
mod delegate;
mod dispatch;
mod fork;
mod inspect;
mod program;
mod resume;
mod shelter;
mod tools;
mod worker;

pub(crate) use fork::Fork;
pub(crate) use inspect::Differs;
pub(crate) use program::{Order, Ties};
pub(crate) use shelter::open;

use crate::app::wall_clock;
use crate::snapshot::{Live, Snapshot};
use crate::tasks::Tasks;
use crate::upstream::{Route, Upstream};
use magic_plugins::Component;
use magic_sessions::{
    Backing, Beginning, Claim, EventLog, Input, Lease, LogError, NewSession, SessionEvent, Spec, Summary, Tail,
};
use magic_types::{Failure, Kind, SessionId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// A client that comes back in that time will mostly find a place: a step takes seconds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A worker hears of a cancel at once; only a log that is slow to write takes time.
const CANCEL_MAX: Duration = Duration::from_secs(2);

/// How long a claim holds without being renewed: what a second gateway on the same files would wait for after a crash.
const LEASE: Duration = Duration::from_secs(15);

/// What may be said into one session before it was heard.
const WORDS_MAX: usize = 16;

/// Cheap to clone through its `Arc`; lives as long as the gateway.
pub(crate) struct Sessions {
    backing: Arc<dyn Backing>,
    upstream: Arc<Upstream>,
    tasks: Tasks,
    /// Names this process in leases.
    owner: String,
    parallel_max: usize,
    open_max: usize,
    open: Mutex<Open>,
    /// Something may be claimed: a place is free, or a session came into the queue.
    wake: Notify,
}

#[derive(Default)]
struct Open {
    /// Sessions at work in this process.
    running: HashMap<SessionId, Running>,
    /// Sessions in the queue that were submitted to this process, with what they began on.
    waiting: HashMap<SessionId, Waiting>,
}

struct Running {
    claim: Claim,
    cancel: CancellationToken,
    /// Its claim is lost: it must write nothing more.
    fenced: CancellationToken,
    words: mpsc::Sender<Word>,
    /// It takes none of the places: another session waits for it.
    is_delegated: bool,
}

struct Waiting {
    job: Job,
    cancel: CancellationToken,
}

/// What a new session runs on: one snapshot, to its end.
pub(crate) struct Job {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) route: Arc<Route>,
    pub(crate) pattern: Arc<Component>,
    pub(crate) order: Order,
    pub(crate) ties: Ties,
}

/// Something said into a running session.
pub(crate) struct Word {
    /// Boxed: each session's channel has room for 32 of these from its start, and most never take one.
    input: Box<Input>,
    /// Told once it is on the log.
    heard: oneshot::Sender<()>,
}

/// A session that has begun. Its record 0 is on the log.
pub(crate) struct Begun {
    pub(crate) id: SessionId,
    cancel: CancellationToken,
    ending: CancellationToken,
}

/// Ends a session that exists for one request when the request does - but not when it is the gateway that ends.
pub(crate) struct CancelGuard {
    cancel: CancellationToken,
    ending: CancellationToken,
    even_then: bool,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if self.even_then || !self.ending.is_cancelled() {
            self.cancel.cancel();
        }
    }
}

impl Begun {
    /// For a session that exists for one request.
    pub(crate) fn cancel_on_drop(&self) -> CancelGuard {
        self.guard(true)
    }

    /// For one that another session waits for: it outlives the gateway as that does.
    fn cancel_with_parent(&self) -> CancelGuard {
        self.guard(false)
    }

    fn guard(&self, even_then: bool) -> CancelGuard {
        CancelGuard { cancel: self.cancel.clone(), ending: self.ending.clone(), even_then }
    }
}

impl Sessions {
    pub(crate) fn new(
        backing: Arc<dyn Backing>,
        upstream: Arc<Upstream>,
        tasks: Tasks,
        settings: &magic_config::ServerSettings,
    ) -> Self {
        Self {
            backing,
            upstream,
            tasks,
            owner: uuid::Uuid::now_v7().to_string(),
            parallel_max: settings.sessions_parallel_max,
            open_max: settings.sessions_parallel_max + settings.sessions_queued_max,
            open: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Takes up what an earlier process left, and what comes into the queue from now on. `is_alone`: no other process works
    /// on the same files, so that whatever is leased is leased by nobody any more.
    pub(crate) async fn start(self: &Arc<Self>, live: Arc<Live>, is_alone: bool) {
        if is_alone && let Err(error) = self.backing.expire_all().await {
            tracing::warn!("the sessions of the last run cannot be taken up yet: {error}");
        }
        let (sessions, stopping) = (Arc::clone(self), self.tasks.stopping());
        self.tasks.spawn_essential("sessions", async move { dispatch::run(sessions, live, stopping).await });
    }

    /// Writes the session's first record, and what happened to it before where it is forked off another one; then it is
    /// worked on as soon as there is a place.
    ///
    /// # Errors
    /// `Overloaded` when the queue is full, and then nothing is written; `InvalidRequest` for a session id that is taken.
    pub(crate) async fn submit(self: &Arc<Self>, id: SessionId, job: Job) -> Result<Begun, Failure> {
        let spec = Arc::new(program::spec(&id, &job)?);
        self.submit_with(id, job, spec, Vec::new(), Vec::new()).await
    }

    async fn submit_with(
        self: &Arc<Self>,
        id: SessionId,
        job: Job,
        spec: Arc<Spec>,
        events: Vec<SessionEvent>,
        entries: Vec<magic_sessions::Entry>,
    ) -> Result<Begun, Failure> {
        let is_delegated = job.ties.parent.is_some();
        self.check_room()?;
        let session = NewSession {
            id: id.clone(),
            alias: job.route.plan.alias.clone(),
            pattern: job.pattern.name.clone(),
            digest: Some(job.pattern.digest),
            parent: job.ties.parent.clone(),
            bound: job.ties.bound,
        };
        let lease = (is_delegated || self.has_place()).then(|| self.lease());
        let cancel = CancellationToken::new();
        let beginning = Beginning { session, spec: Arc::clone(&spec), events, entries };
        let is_fresh = beginning.entries.is_empty();
        let claim = self.backing.create(beginning, wall_clock(), lease).await.map_err(|error| refusal(&error))?;
        match claim {
            Some(claim) => {
                let known = is_fresh.then_some(spec);
                dispatch::begin(self, claim, job, known, cancel.clone());
            }
            None => {
                self.open().waiting.insert(id.clone(), Waiting { job, cancel: cancel.clone() });
                self.wake.notify_one();
            }
        }
        Ok(Begun { id, cancel, ending: self.tasks.ending() })
    }

    /// Follows a session's log from a record on.
    pub(crate) async fn tail(&self, id: &SessionId, from: u64) -> Result<Tail, Failure> {
        let log: Arc<dyn EventLog> = Arc::clone(&self.backing) as _;
        Tail::open(log, id.clone(), from).await.map_err(|error| refusal(&error))
    }

    /// Ends a session, running or waiting, and waits for its last word; one that has ended already stays as it is.
    pub(crate) async fn cancel(&self, id: &SessionId) -> Result<Summary, Failure> {
        let token = self.open().running.get(id).map(|running| running.cancel.clone());
        let Some(token) = token else { return self.cancel_waiting(id).await };
        let mut head = self.backing.watch(id).await.map_err(|error| refusal(&error))?;
        token.cancel();
        // Whoever asks is told how it stands, ended or not.
        let _in_time = tokio::time::timeout(CANCEL_MAX, head.wait_for(|head| head.ended)).await.is_ok();
        self.summary(id).await
    }

    /// One that nobody works on is claimed for its last word.
    async fn cancel_waiting(&self, id: &SessionId) -> Result<Summary, Failure> {
        let claimed = self.backing.claim_one(id, self.lease()).await.map_err(|error| refusal(&error))?;
        self.open().waiting.remove(id);
        if let Some(claim) = claimed {
            worker::end(self, &claim, SessionEvent::SessionCancelled).await;
        }
        self.summary(id).await
    }

    /// Says something into a running session; returns once it is on the log.
    ///
    /// # Errors
    /// `InvalidRequest` for a session that does not run here and now, `Overloaded` when too much was said at once.
    pub(crate) async fn say(&self, id: &SessionId, input: Input) -> Result<(), Failure> {
        let words = self.open().running.get(id).map(|running| running.words.clone());
        let Some(words) = words else { return Err(self.not_running(id).await) };
        let (heard, told) = oneshot::channel();
        words.try_send(Word { input: Box::new(input), heard }).map_err(|_| {
            let text = format!("session `{id}` has not heard yet what was said before: try again");
            Failure::new(Kind::Overloaded, text).retry_after(Some(Duration::from_secs(1)))
        })?;
        match told.await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.not_running(id).await),
        }
    }

    async fn not_running(&self, id: &SessionId) -> Failure {
        match self.summary(id).await {
            Err(failure) => failure,
            Ok(summary) if summary.status == magic_sessions::Status::Running => {
                let text = format!("session `{id}` waits for its turn: try again once it has begun");
                Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER))
            }
            Ok(_) => Failure::new(Kind::InvalidRequest, format!("session `{id}` has ended: nothing can follow")),
        }
    }

    pub(crate) async fn summary(&self, id: &SessionId) -> Result<Summary, Failure> {
        self.backing.summary(id).await.map_err(|error| refusal(&error))
    }

    pub(crate) async fn list(&self, max: usize) -> Result<Vec<Summary>, Failure> {
        self.backing.list(max).await.map_err(|error| refusal(&error))
    }

    /// After everything else has ended: waits until the log is on disk.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        self.backing.close(patience).await.unwrap_or(false)
    }

    fn check_room(&self) -> Result<(), Failure> {
        if self.tasks.stopping().is_cancelled() {
            return Err(Failure::new(Kind::Overloaded, "the gateway is stopping").retry_after(Some(RETRY_AFTER)));
        }
        let open = self.open();
        if open.running.len() + open.waiting.len() < self.open_max {
            return Ok(());
        }
        let text = "too many sessions are queued (`server_settings.sessions_queued_max`): try again later";
        Err(Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER)))
    }

    fn has_place(&self) -> bool {
        self.places() > 0
    }

    /// Free ones.
    fn places(&self) -> usize {
        let open = self.open();
        let taken = open.running.values().filter(|running| !running.is_delegated).count();
        self.parallel_max.saturating_sub(taken)
    }

    fn lease(&self) -> Lease {
        Lease { owner: self.owner.clone(), now: wall_clock(), length: LEASE }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(error: &LogError) -> Failure {
    match error {
        LogError::UnknownSession(_) => Failure::new(Kind::NotFound, error.to_string()),
        LogError::Exists(_) | LogError::Ended(_) => Failure::new(Kind::InvalidRequest, error.to_string()),
        LogError::Full(_) => Failure::new(Kind::Overloaded, error.to_string()).retry_after(Some(RETRY_AFTER)),
        LogError::Conflict { .. } | LogError::Fenced(_) | LogError::SessionFull(_) | LogError::Unavailable(_) => {
            Failure::new(Kind::Internal, error.to_string())
        }
    }
}
