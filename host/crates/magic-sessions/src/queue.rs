//! The contract of the queue: which session is whose to work on. A claim is a lease with a number that only grows; whoever
//! holds an older number writes nothing any more. Knows no task and no clock.
use crate::log::{EventLog, LogFuture};
use magic_types::SessionId;
use std::time::{Duration, SystemTime};

/// Who claims, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names a process.
    pub owner: String,
    pub now: SystemTime,
    pub length: Duration,
}

/// The right to work on a session and to write its log, until the lease is over or somebody has a higher token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub session: SessionId,
    /// The fencing token.
    pub token: u64,
}

/// Which of the waiting sessions are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Any, the oldest first.
    Any,
    /// Only such as another session waits for.
    Delegated,
}

// === impl Lease ===

impl Lease {
    pub(crate) fn until(&self) -> Option<SystemTime> {
        self.now.checked_add(self.length)
    }
}

pub trait Queue: Send + Sync {
    /// Claims up to `max` sessions that nobody holds a valid lease of, the oldest first.
    fn claim(&self, lease: Lease, wanted: Wanted, max: usize) -> LogFuture<'_, Vec<Claim>>;

    /// Claims this one, if nobody holds it.
    fn claim_one<'a>(&'a self, session: &'a SessionId, lease: Lease) -> LogFuture<'a, Option<Claim>>;

    /// Holds all of these on; returns those that were lost meanwhile.
    fn renew(&self, claims: Vec<Claim>, lease: Lease) -> LogFuture<'_, Vec<Claim>>;

    /// Gives a session back unfinished, to be claimed by the next.
    fn release(&self, claim: Claim) -> LogFuture<'_, ()>;

    /// Ends every lease: for a process that knows it is alone, at its start.
    fn expire_all(&self) -> LogFuture<'_, ()>;
}

/// Where sessions are: a log and its queue, written together.
pub trait Backing: EventLog + Queue {
    /// Waits until all is written, `patience` at the longest; takes nothing more after that.
    fn close(&self, patience: Duration) -> LogFuture<'_, bool>;
}
