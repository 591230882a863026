//! Reasoning sessions as a service: submit, follow, speak into, cancel. The machine itself is magic-sessions; a dispatcher claims
//! sessions from the queue, a worker runs each, and readers tail the log. Nobody hears from a worker directly.
mod archive;
mod ask;
mod delegate;
mod dispatch;
mod fork;
mod inspect;
mod program;
mod resume;
mod shelter;
mod tally;
mod tools;
mod worker;

pub(crate) use archive::Archive;
pub(crate) use fork::Fork;
pub(crate) use inspect::{Checked, Differs};
pub(crate) use program::{Order, Ties};
pub(crate) use shelter::{Lock, exist, open};
use tally::Tally;

use crate::accounts::Accounts;
use crate::app::wall_clock;
use crate::snapshot::{Live, Snapshot};
use crate::tasks::Tasks;
use crate::telemetry::{Role, Span};
use crate::upstream::{Route, Upstream};
use magic_plugins::Component;
use magic_sessions::{
    Backing, Beginning, Claim, EventLog, Input, Lease, LogError, NewSession, Record, SessionEvent, Spec, Status,
    Summary, Tail,
};
use magic_types::{Failure, Kind, SessionId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
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
    archive: Arc<Archive>,
    upstream: Arc<Upstream>,
    /// `None`: sessions are looked at, and none is run.
    accounts: Option<Accounts>,
    tasks: Tasks,
    /// Names this process in leases.
    owner: String,
    parallel_max: usize,
    open_max: usize,
    open: Mutex<Open>,
    pub(crate) tally: Tally,
    /// Something may be claimed: a place is free, or a session came into the queue.
    wake: Notify,
}

#[derive(Default)]
struct Open {
    /// Sessions at work in this process.
    running: HashMap<SessionId, Running>,
    /// Sessions in the queue that were submitted to this process, with what they began on.
    waiting: HashMap<SessionId, Waiting>,
    /// Places promised to sessions that are being written.
    promised: usize,
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
    /// Ends with the wait.
    waited: Span,
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
}

/// Ends a session when what it exists for does.
pub(crate) struct CancelGuard {
    cancel: CancellationToken,
    /// Fires where what it exists for goes on elsewhere.
    spared: Option<CancellationToken>,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if self.spared.as_ref().is_none_or(|spared| !spared.is_cancelled()) {
            self.cancel.cancel();
        }
    }
}

/// Places that are kept free; given back when it is dropped, by then taken by the session itself or not needed.
struct Promise {
    sessions: Arc<Sessions>,
    places: usize,
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.sessions.open().promised -= self.places;
    }
}

/// A session that waits, until it is in the queue: taken back if that does not come about.
struct WaitingEntry<'a> {
    sessions: &'a Sessions,
    id: &'a SessionId,
    is_kept: bool,
}

impl<'a> WaitingEntry<'a> {
    /// # Errors
    /// A session of that id waits already: its entry stays as it is.
    fn put(sessions: &'a Sessions, id: &'a SessionId, waiting: Waiting) -> Result<Self, LogError> {
        match sessions.open().waiting.entry(id.clone()) {
            Entry::Occupied(_) => return Err(LogError::Exists(id.clone())),
            Entry::Vacant(place) => place.insert(waiting),
        };
        Ok(Self { sessions, id, is_kept: false })
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for WaitingEntry<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.sessions.open().waiting.remove(self.id);
        }
    }
}

impl Begun {
    /// For a session that exists for one request.
    pub(crate) fn cancel_on_drop(&self) -> CancelGuard {
        CancelGuard { cancel: self.cancel.clone(), spared: None }
    }

    /// For one that another session waits for: ended with that, unless it is spared.
    fn cancel_with_parent(&self, spared: &CancellationToken) -> CancelGuard {
        CancelGuard { cancel: self.cancel.clone(), spared: Some(spared.clone()) }
    }
}

impl Sessions {
    pub(crate) fn new(
        backing: Arc<dyn Backing>,
        archive: Arc<Archive>,
        upstream: Arc<Upstream>,
        accounts: Option<Accounts>,
        tasks: Tasks,
        settings: &magic_config::ServerSettings,
    ) -> Self {
        Self {
            backing,
            archive,
            upstream,
            accounts,
            tasks,
            owner: uuid::Uuid::now_v7().to_string(),
            parallel_max: settings.sessions_parallel_max,
            open_max: settings.sessions_parallel_max + settings.sessions_queued_max,
            open: Mutex::default(),
            tally: Tally::default(),
            wake: Notify::new(),
        }
    }

    /// Takes up what an earlier process left, and what comes into the queue from now on. `is_alone`: no other process works
    /// on the same files, so that whatever is leased is leased by nobody any more.
    pub(crate) async fn start(self: &Arc<Self>, live: Arc<Live>, is_alone: bool) {
        if is_alone && let Err(error) = self.backing.expire_all().await {
            tracing::warn!("the sessions of the last run cannot be taken up yet: {error}");
        }
        self.prune_archive().await;
        let (sessions, stopping) = (Arc::clone(self), self.tasks.stopping());
        self.tasks.spawn_essential("sessions", async move { dispatch::run(sessions, live, stopping).await });
    }

    /// What ended sessions began on is not needed any more.
    async fn prune_archive(&self) {
        // With the limit of everything that is kept and open: each session is there.
        let Ok(all) = self.backing.list(None, usize::MAX).await else { return };
        let open = all.iter().filter(|summary| summary.status == Status::Running);
        let wanted = open.filter_map(|summary| summary.session.digest).collect();
        Arc::clone(&self.archive).prune(wanted).await;
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
        let place = self.promise(is_delegated)?;
        let session = NewSession {
            id: id.clone(),
            alias: job.route.plan.alias.clone(),
            pattern: job.pattern.name.clone(),
            digest: Some(job.pattern.digest),
            parent: job.ties.parent.clone(),
            bound: job.ties.bound,
            owner: job.ties.owner.clone(),
        };
        let cancel = CancellationToken::new();
        let beginning = Beginning { session, spec: Arc::clone(&spec), events, entries };
        Arc::clone(&self.archive).keep(Arc::clone(&job.pattern)).await;
        let is_fresh = beginning.entries.is_empty();
        let begun = Begun { id: id.clone(), cancel: cancel.clone() };
        let Some(place) = place else {
            // Before it is in the queue: whoever claims it must find what it began on.
            let waited = job.ties.trace.child(Role::Internal, || "queue".into());
            let entry =
                WaitingEntry::put(self, &id, Waiting { job, cancel, waited }).map_err(|error| refusal(&error))?;
            self.backing.create(beginning, wall_clock(), None).await.map_err(|error| refusal(&error))?;
            entry.keep();
            self.wake.notify_one();
            return Ok(begun);
        };
        let lease = Some(self.lease());
        let claim = self.backing.create(beginning, wall_clock(), lease).await.map_err(|error| refusal(&error))?;
        if let Some(claim) = claim {
            dispatch::begin(self, claim, job, is_fresh.then_some(spec), cancel);
        }
        drop(place);
        Ok(begun)
    }

    /// Follows a session's log from a record on.
    pub(crate) async fn tail(&self, id: &SessionId, from: u64) -> Result<Tail, Failure> {
        let log: Arc<dyn EventLog> = Arc::clone(&self.backing) as _;
        Tail::open(log, id.clone(), from).await.map_err(|error| refusal(&error))
    }

    pub(crate) async fn record(&self, id: &SessionId, seq: u64) -> Result<Option<Record>, Failure> {
        Ok(self.backing.read(id, seq, 1).await.map_err(|error| refusal(&error))?.pop())
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
        match claimed {
            Some(claim) => {
                self.open().waiting.remove(id);
                worker::end(self, &claim, SessionEvent::SessionCancelled).await;
            }
            None => {
                // On its way from the queue to a worker, which looks at this first.
                let open = self.open();
                let waiting = open.waiting.get(id).map(|waiting| &waiting.cancel);
                let running = open.running.get(id).map(|running| &running.cancel);
                waiting.into_iter().chain(running).for_each(CancellationToken::cancel);
            }
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
            Ok(summary) if summary.status == Status::Running => {
                let text = format!("session `{id}` waits for its turn: try again once it has begun");
                Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER))
            }
            Ok(_) => Failure::new(Kind::InvalidRequest, format!("session `{id}` has ended: nothing can follow")),
        }
    }

    pub(crate) async fn summary(&self, id: &SessionId) -> Result<Summary, Failure> {
        self.backing.summary(id).await.map_err(|error| refusal(&error))
    }

    /// Newest first, at most `max`; of one owner, or of all.
    pub(crate) async fn list(&self, owner: Option<&str>, max: usize) -> Result<Vec<Summary>, Failure> {
        self.backing.list(owner, max).await.map_err(|error| refusal(&error))
    }

    /// After everything else has ended: waits until the log is on disk.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        self.backing.close(patience).await.unwrap_or(false)
    }

    /// For a session at work here that another one waits for.
    fn guard_of(&self, id: &SessionId, spared: &CancellationToken) -> Option<CancelGuard> {
        let cancel = self.open().running.get(id).map(|running| running.cancel.clone())?;
        Some(CancelGuard { cancel, spared: Some(spared.clone()) })
    }

    /// A place for a session that is to be written, or `None`: it goes into the queue. What another session waits for takes
    /// no place and is never refused.
    fn promise(self: &Arc<Self>, is_delegated: bool) -> Result<Option<Promise>, Failure> {
        if self.tasks.stopping().is_cancelled() {
            return Err(Failure::new(Kind::Overloaded, "the gateway is stopping").retry_after(Some(RETRY_AFTER)));
        }
        let mut open = self.open();
        let has_place = self.free(&open) > 0 && open.waiting.is_empty();
        if is_delegated || has_place {
            let places = usize::from(!is_delegated);
            open.promised += places;
            return Ok(Some(Promise { sessions: Arc::clone(self), places }));
        }
        if open.running.len() + open.waiting.len() < self.open_max {
            return Ok(None);
        }
        let text = "too many sessions are queued (`server_settings.sessions_queued_max`): try again later";
        Err(Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER)))
    }

    /// At work, waiting for a place, and how many places there are.
    pub(crate) fn standing(&self) -> (usize, usize, usize) {
        let open = self.open();
        (open.running.len(), open.waiting.len(), self.parallel_max)
    }

    /// Free places.
    fn places(&self) -> usize {
        self.free(&self.open())
    }

    fn free(&self, open: &Open) -> usize {
        let taken = open.running.values().filter(|running| !running.is_delegated).count();
        self.parallel_max.saturating_sub(taken + open.promised)
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
        LogError::Unavailable(why) => {
            let text = "the sessions' log is not available now: try again later";
            Failure::new(Kind::Overloaded, text).retry_after(Some(RETRY_AFTER)).private(why.clone())
        }
        LogError::Conflict { .. } | LogError::Fenced(_) | LogError::SessionFull(_) | LogError::Unreadable(_) => {
            Failure::new(Kind::Internal, error.to_string())
        }
    }
}
