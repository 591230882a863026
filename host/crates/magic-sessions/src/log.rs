//! The contract of a session log: what is appended is numbered, kept and told to whoever waits. Refuses to know where
//! it is kept, and promises nothing that only one process could keep.
use crate::event::{Record, SessionEvent};
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
    #[error("session `{0}` has ended: nothing can follow")]
    Ended(SessionId),
    /// The session reached its bound of records or bytes. Only an end may still be appended.
    #[error("the log of session `{0}` is full")]
    SessionFull(SessionId),
    /// Every kept session is running: try again later.
    #[error("{0} sessions are running, which is the most that are kept: try again later")]
    Full(usize),
    #[error("session log unavailable: {0}")]
    Unavailable(String),
}

/// Where session events stand before anyone sees them. Times are the caller's.
pub trait EventLog: Send + Sync {
    /// Writes record 0. Returns the next number, 1.
    fn create(&self, new: NewSession, at: SystemTime) -> LogFuture<'_, u64>;

    /// Appends all of `events` or none. Returns the next number. An empty list changes nothing.
    fn append<'a>(
        &'a self,
        session: &'a SessionId,
        expected_seq: u64,
        events: Vec<SessionEvent>,
        at: SystemTime,
    ) -> LogFuture<'a, u64>;

    /// At most `max` records from number `from` on; empty where there are none yet.
    fn read<'a>(&'a self, session: &'a SessionId, from: u64, max: usize) -> LogFuture<'a, Vec<Record>>;

    /// Told of every new head; may skip some in between. Closes when the session is dropped from the log.
    fn watch<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, watch::Receiver<Head>>;

    fn summary<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Summary>;

    /// Newest first, at most `max`.
    fn list(&self, max: usize) -> LogFuture<'_, Vec<Summary>>;
}

/// Reads one session's log from any point and waits at its head. Subscribing late and reconnecting are the same path.
pub struct Tail {
    log: Arc<dyn EventLog>,
    session: SessionId,
    next: u64,
    head: watch::Receiver<Head>,
}

/// How many records one read of a tail brings: enough to catch up fast, few enough to write out at once.
const TAIL_READ_MAX: usize = 256;

// === impl Tail ===

impl Tail {
    /// `from` is the first number to be seen: 0, or `Last-Event-ID` + 1.
    pub async fn open(log: Arc<dyn EventLog>, session: SessionId, from: u64) -> Result<Self, LogError> {
        let head = log.watch(&session).await?;
        Ok(Self { log, session, next: from, head })
    }

    /// The session has ended and all of it has been read.
    pub fn is_over(&self) -> bool {
        let head = *self.head.borrow();
        head.ended && self.next >= head.next_seq
    }

    /// The next records, as soon as there are any; `None` after the end. Safe to drop while it waits.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, LogError> {
        loop {
            // The head is marked as seen before the log is read, so that an append in between wakes the wait below.
            let head = *self.head.borrow_and_update();
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
        Self::SessionCreated { session_id: new.id, alias: new.alias, pattern: new.pattern, digest: new.digest }
    }
}
