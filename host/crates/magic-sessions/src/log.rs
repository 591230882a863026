//! The contract of a session log: what is appended is numbered, kept and told to whoever waits. Refuses to know where
//! it is kept, and promises nothing that only one process could keep.
use crate::event::{Record, SessionEvent};
use crate::journal::Entry;
use crate::queue::{Claim, Lease};
use crate::spec::Spec;
use magic_types::{AliasName, Digest, SessionId};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::watch;

pub type LogFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, LogError>> + Send + 'a>>;

/// What a session is created with; becomes its record 0, [`SessionEvent::SessionCreated`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    pub id: SessionId,
    pub alias: AliasName,
    pub pattern: String,
    pub digest: Option<Digest>,
    /// The session that delegated to this one.
    pub parent: Option<SessionId>,
    /// It lives for one request: nobody will come back for it when that is gone.
    pub bound: bool,
    /// The virtual key that it was begun with, and that its calls are accounted to.
    pub owner: Option<String>,
}

/// A session to begin: what it is, what it is run with, and what has happened already where it is forked off another one.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub session: NewSession,
    pub spec: Arc<Spec>,
    /// Behind record 0.
    pub events: Vec<SessionEvent>,
    pub entries: Vec<Entry>,
}

/// What is put on the log at once: all of it or nothing.
#[derive(Clone, Debug)]
pub struct Write {
    /// The number that the first of `events` gets.
    pub expected_seq: u64,
    pub events: Vec<SessionEvent>,
    pub entries: Vec<Entry>,
    pub at: SystemTime,
}

/// How far a session's log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number that the next record will get.
    pub next_seq: u64,
    /// The last record is an end: nothing will follow.
    pub ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Running,
    Answered,
    Failed,
    Cancelled,
}

/// One line of the list of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub session: NewSession,
    pub status: Status,
    pub created_at: SystemTime,
    pub updated_at: SystemTime,
    pub next_seq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("no session `{0}`")]
    UnknownSession(SessionId),
    #[error("session `{0}` exists already: choose another `session_id`")]
    Exists(SessionId),
    /// Somebody else appended: the writer's view is stale and must be thrown away.
    #[error("append to session `{session}` expected record {expected}, but the log stands at {head}")]
    Conflict { session: SessionId, expected: u64, head: u64 },
    /// Somebody else has the session now: the writer must stop and leave it alone.
    #[error("session `{0}` is another worker's now")]
    Fenced(SessionId),
    #[error("session `{0}` has ended: nothing can follow")]
    Ended(SessionId),
    /// The session reached its bound of records or bytes. Only an end may still be appended.
    #[error("the log of session `{0}` is full")]
    SessionFull(SessionId),
    /// As many sessions are open, at work or waiting, as may be: try again later.
    #[error("{0} sessions are open, which is the most there may be: try again later")]
    Full(usize),
    #[error("session log unavailable: {0}")]
    Unavailable(String),
    /// Another version wrote it: it is left alone.
    #[error("{0}")]
    Unreadable(String),
}

/// Where session events stand before anyone sees them. Times are the caller's.
pub trait EventLog: Send + Sync {
    /// Writes record 0 and what the beginning holds beside it, and puts the session into the queue: all in one step. With
    /// a lease it is claimed by the same step.
    fn create(&self, beginning: Beginning, at: SystemTime, lease: Option<Lease>) -> LogFuture<'_, Option<Claim>>;

    /// Writes all of it or nothing, if the claim still holds. Returns the next number. An end takes the session out of the
    /// queue in the same step.
    fn append<'a>(&'a self, claim: &'a Claim, write: Write) -> LogFuture<'a, u64>;

    /// At most `max` records from number `from` on; empty where there are none yet.
    fn read<'a>(&'a self, session: &'a SessionId, from: u64, max: usize) -> LogFuture<'a, Vec<Record>>;

    /// Told of every new head; may skip some in between. Closes when the session is dropped from the log.
    fn watch<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, watch::Receiver<Head>>;

    fn summary<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Summary>;

    fn spec<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Arc<Spec>>;

    /// What happened to it, from its beginning.
    fn journal<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Vec<Entry>>;

    /// Newest first, at most `max`; of one owner, or of all.
    fn list<'a>(&'a self, owner: Option<&'a str>, max: usize) -> LogFuture<'a, Vec<Summary>>;
}

/// Reads one session's log from any point and waits at its head. Subscribing late and reconnecting are the same path.
pub struct Tail {
    log: Arc<dyn EventLog>,
    session: SessionId,
    next: u64,
    head: watch::Receiver<Head>,
    /// As far as the log itself was last asked; see [`Tail::look`].
    seen: Head,
}

/// How many records one read of a tail brings: enough to catch up fast, few enough to write out at once.
const TAIL_READ_MAX: usize = 256;

// === impl Tail ===

impl Tail {
    /// `from` is the first number to be seen: 0, or `Last-Event-ID` + 1.
    pub async fn open(log: Arc<dyn EventLog>, session: SessionId, from: u64) -> Result<Self, LogError> {
        let head = log.watch(&session).await?;
        let seen = *head.borrow();
        Ok(Self { log, session, next: from, head, seen })
    }

    /// The session has ended and all of it has been read.
    pub fn is_over(&mut self) -> bool {
        let head = self.newest();
        head.ended && self.next >= head.next_seq
    }

    /// Asks the log itself how far it has come. For whoever has waited for a while: another process may write it, of
    /// which nobody here is told.
    pub async fn look(&mut self) -> Result<(), LogError> {
        let summary = self.log.summary(&self.session).await?;
        self.seen = Head { next_seq: summary.next_seq, ended: summary.status != Status::Running };
        Ok(())
    }

    fn newest(&mut self) -> Head {
        // Marked as seen before the log is read, so that an append in between wakes whoever waits.
        let told = *self.head.borrow_and_update();
        if told.next_seq >= self.seen.next_seq { told } else { self.seen }
    }

    /// The next records, as soon as there are any; `None` after the end. Safe to drop while it waits.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, LogError> {
        loop {
            let head = self.newest();
            if self.next < head.next_seq {
                let records = self.log.read(&self.session, self.next, TAIL_READ_MAX).await?;
                if let Some(last) = records.last() {
                    self.next = last.seq.saturating_add(1);
                    return Ok(Some(records));
                }
            }
            if head.ended {
                return Ok(None);
            }
            if self.head.changed().await.is_err() {
                return Err(LogError::UnknownSession(self.session.clone()));
            }
        }
    }
}

// === impl Status ===

impl Status {
    /// What an event makes of a running session.
    pub fn after(event: &SessionEvent) -> Self {
        match event {
            SessionEvent::FinalAnswerStreamEnd { .. } => Self::Answered,
            SessionEvent::SessionFailed { .. } => Self::Failed,
            SessionEvent::SessionCancelled => Self::Cancelled,
            SessionEvent::SessionCreated { .. }
            | SessionEvent::StepStarted { .. }
            | SessionEvent::AgentThoughtStream { .. }
            | SessionEvent::AgentToolCallStart { .. }
            | SessionEvent::AgentToolCallEnd { .. }
            | SessionEvent::Observation { .. }
            | SessionEvent::LlmCall { .. }
            | SessionEvent::Progress { .. }
            | SessionEvent::FinalAnswerStream { .. } => Self::Running,
        }
    }

    /// A word that this version does not know is an end of some kind.
    pub(crate) fn from_word(word: &str) -> Self {
        let all = [Self::Running, Self::Answered, Self::Failed, Self::Cancelled];
        all.into_iter().find(|status| status.as_str() == word).unwrap_or(Self::Failed)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

// === impl NewSession ===

impl From<NewSession> for SessionEvent {
    fn from(new: NewSession) -> Self {
        let NewSession { id, alias, pattern, digest, parent: _, bound: _, owner: _ } = new;
        Self::SessionCreated { session_id: id, alias, pattern, digest }
    }
}
