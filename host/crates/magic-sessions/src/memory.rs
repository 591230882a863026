//! The session log and queue in this process's memory, bounded in sessions, records and bytes. Gone with the process.
use crate::event::{Record, SessionEvent};
use crate::journal::Entry as Happened;
use crate::log::{Beginning, EventLog, Head, LogError, LogFuture, NewSession, Status, Summary, Write};
use crate::queue::{Backing, Claim, Lease, Queue, Wanted};
use crate::record;
use crate::spec::Spec;
use magic_types::SessionId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// What a memory log keeps at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBounds {
    /// Sessions, running and ended; the one that ended first makes room. A running one is never dropped.
    pub sessions_max: usize,
    /// How long an ended session can still be read. Looked at when the next one begins.
    pub retention: Duration,
    /// All kept sessions together; ended ones make room.
    pub total_bytes_max: usize,
    pub records_per_session_max: usize,
    pub bytes_per_session_max: usize,
}

/// Invariant: `ended` holds exactly the ended sessions, in the order in which they ended, and `bytes` is the sum over
/// `sessions`.
pub struct Memory {
    bounds: MemoryBounds,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<SessionId, Entry>,
    ended: VecDeque<SessionId>,
    bytes: usize,
}

struct Entry {
    session: NewSession,
    spec: Arc<Spec>,
    created_at: SystemTime,
    status: Status,
    records: Vec<Record>,
    journal: Vec<Happened>,
    token: u64,
    /// `None`: nobody works on it.
    leased_until: Option<SystemTime>,
    bytes: usize,
    /// Of those, what the client sent: that is bounded where it is read.
    spec_bytes: usize,
    head: watch::Sender<Head>,
}

// === impl MemoryBounds ===

impl Default for MemoryBounds {
    fn default() -> Self {
        // 64 MiB in all keeps a small gateway small. One session may take an eighth of it, which is hundreds of long
        // steps; a thousand ended sessions are more than a person scrolls through.
        Self {
            sessions_max: 1_000,
            // An hour: long enough to come back to a page that was left open.
            retention: Duration::from_secs(3_600),
            total_bytes_max: 64 << 20,
            records_per_session_max: 100_000,
            bytes_per_session_max: 8 << 20,
        }
    }
}

// === impl Memory ===

impl Memory {
    pub fn new(bounds: MemoryBounds) -> Self {
        Self { bounds, state: Mutex::default() }
    }

    /// A panic elsewhere while the lock was held cannot leave the state half changed: every change is made after every
    /// check.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create_now(&self, new: Beginning, at: SystemTime, lease: Option<&Lease>) -> Result<Option<Claim>, LogError> {
        let Beginning { session, spec, events, entries } = new;
        let mut state = self.state();
        state.forget(at, self.bounds.retention);
        if state.sessions.contains_key(&session.id) {
            return Err(LogError::Exists(session.id));
        }
        while state.sessions.len() >= self.bounds.sessions_max {
            if !state.drop_oldest_ended() {
                return Err(LogError::Full(state.sessions.len()));
            }
        }
        let id = session.id.clone();
        let events = std::iter::once(session.clone().into()).chain(events);
        let records: Vec<Record> = (0..).zip(events).map(|(seq, event)| Record { seq, at, event }).collect();
        let spec_bytes = record::write_spec(&spec).len();
        let bytes =
            spec_bytes + size_of(&entries) + records.iter().map(|record| record.event.size_bytes()).sum::<usize>();
        let mut entry = Entry {
            session,
            spec,
            created_at: at,
            status: Status::Running,
            bytes,
            spec_bytes,
            head: watch::Sender::new(Head { next_seq: records.len() as u64, ended: false }),
            records,
            journal: entries,
            token: 0,
            leased_until: None,
        };
        let claim = lease.and_then(|lease| entry.claim(lease));
        state.sessions.insert(id, entry);
        state.bytes += bytes;
        state.make_room(self.bounds.total_bytes_max);
        Ok(claim)
    }

    fn append_now(&self, claim: &Claim, write: Write) -> Result<u64, LogError> {
        let id = &claim.session;
        let mut state = self.state();
        let entry = state.sessions.get_mut(id).ok_or_else(|| LogError::UnknownSession(id.clone()))?;
        if entry.token != claim.token {
            return Err(LogError::Fenced(id.clone()));
        }
        let Write { expected_seq, events, entries, at } = write;
        let added = entry.check(expected_seq, &events, &self.bounds)? + size_of(&entries);
        let next = entry.extend(events, at);
        entry.journal.extend(entries);
        let ended = entry.status != Status::Running;
        entry.bytes += added;
        state.bytes += added;
        if ended && next > expected_seq {
            state.ended.push_back(id.clone());
        }
        state.make_room(self.bounds.total_bytes_max);
        Ok(next)
    }

    fn claim_now(&self, lease: &Lease, wanted: Wanted, max: usize) -> Vec<Claim> {
        let mut state = self.state();
        let mut free: Vec<&mut Entry> = state.sessions.values_mut().filter(|entry| entry.is_free(lease.now)).collect();
        free.retain(|entry| wanted == Wanted::Any || entry.session.parent.is_some());
        free.sort_by(|a, b| (a.created_at, &a.session.id).cmp(&(b.created_at, &b.session.id)));
        free.into_iter().take(max).filter_map(|entry| entry.claim(lease)).collect()
    }

    fn renew_now(&self, claims: Vec<Claim>, lease: &Lease) -> Vec<Claim> {
        let mut state = self.state();
        let mut lost = Vec::new();
        for claim in claims {
            match state.sessions.get_mut(&claim.session) {
                Some(entry) if entry.token == claim.token && entry.status == Status::Running => {
                    entry.leased_until = lease.until();
                }
                Some(_) | None => lost.push(claim),
            }
        }
        lost
    }

    fn with_entry<T>(&self, id: &SessionId, read: impl FnOnce(&Entry) -> T) -> Result<T, LogError> {
        let state = self.state();
        state.sessions.get(id).map(read).ok_or_else(|| LogError::UnknownSession(id.clone()))
    }

    fn list_now(&self, owner: Option<&str>, max: usize) -> Vec<Summary> {
        let mut all: Vec<Summary> = self.state().sessions.values().map(Entry::summary).collect();
        all.retain(|summary| owner.is_none() || summary.session.owner.as_deref() == owner);
        all.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| b.session.id.cmp(&a.session.id)));
        all.truncate(max);
        all
    }
}

impl EventLog for Memory {
    fn create(&self, new: Beginning, at: SystemTime, lease: Option<Lease>) -> LogFuture<'_, Option<Claim>> {
        Box::pin(async move { self.create_now(new, at, lease.as_ref()) })
    }

    fn append<'a>(&'a self, claim: &'a Claim, write: Write) -> LogFuture<'a, u64> {
        Box::pin(async move { self.append_now(claim, write) })
    }

    fn read<'a>(&'a self, session: &'a SessionId, from: u64, max: usize) -> LogFuture<'a, Vec<Record>> {
        Box::pin(async move { self.with_entry(session, |entry| entry.read(from, max)) })
    }

    fn watch<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, watch::Receiver<Head>> {
        Box::pin(async move { self.with_entry(session, |entry| entry.head.subscribe()) })
    }

    fn summary<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Summary> {
        Box::pin(async move { self.with_entry(session, Entry::summary) })
    }

    fn spec<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Arc<Spec>> {
        Box::pin(async move { self.with_entry(session, |entry| Arc::clone(&entry.spec)) })
    }

    fn journal<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Vec<Happened>> {
        Box::pin(async move { self.with_entry(session, |entry| entry.journal.clone()) })
    }

    fn list<'a>(&'a self, owner: Option<&'a str>, max: usize) -> LogFuture<'a, Vec<Summary>> {
        Box::pin(async move { Ok(self.list_now(owner, max)) })
    }
}

impl Queue for Memory {
    fn claim(&self, lease: Lease, wanted: Wanted, max: usize) -> LogFuture<'_, Vec<Claim>> {
        Box::pin(async move { Ok(self.claim_now(&lease, wanted, max)) })
    }

    fn claim_one<'a>(&'a self, session: &'a SessionId, lease: Lease) -> LogFuture<'a, Option<Claim>> {
        Box::pin(async move {
            let mut state = self.state();
            let entry = state.sessions.get_mut(session).ok_or_else(|| LogError::UnknownSession(session.clone()))?;
            Ok(if entry.is_free(lease.now) { entry.claim(&lease) } else { None })
        })
    }

    fn renew(&self, claims: Vec<Claim>, lease: Lease) -> LogFuture<'_, Vec<Claim>> {
        Box::pin(async move { Ok(self.renew_now(claims, &lease)) })
    }

    fn release(&self, claim: Claim) -> LogFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            let entry = state.sessions.get_mut(&claim.session).filter(|entry| entry.token == claim.token);
            if let Some(entry) = entry {
                entry.leased_until = None;
            }
            Ok(())
        })
    }

    fn expire_all(&self) -> LogFuture<'_, ()> {
        Box::pin(async move {
            self.state().sessions.values_mut().for_each(|entry| entry.leased_until = None);
            Ok(())
        })
    }
}

impl Backing for Memory {
    fn close(&self, _patience: Duration) -> LogFuture<'_, bool> {
        Box::pin(async { Ok(true) })
    }
}

// === impl State ===

impl State {
    /// False when no ended session is left to drop.
    fn drop_oldest_ended(&mut self) -> bool {
        let Some(id) = self.ended.pop_front() else { return false };
        if let Some(entry) = self.sessions.remove(&id) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
        true
    }

    /// Drops what ended more than `retention` ago.
    fn forget(&mut self, now: SystemTime, retention: Duration) {
        let is_old = |entry: &Entry| now.duration_since(entry.updated_at()).is_ok_and(|age| age > retention);
        while self.ended.front().and_then(|id| self.sessions.get(id)).is_some_and(is_old) {
            self.drop_oldest_ended();
        }
    }

    /// Running sessions stay whatever they take: each is bounded, and so is their number.
    fn make_room(&mut self, total_bytes_max: usize) {
        // The session that ended last is kept even when it alone is over the bound: its reader may not have come yet.
        while self.bytes > total_bytes_max && self.ended.len() > 1 {
            self.drop_oldest_ended();
        }
    }
}

// === impl Entry ===

impl Entry {
    fn is_free(&self, now: SystemTime) -> bool {
        self.status == Status::Running && self.leased_until.is_none_or(|until| until <= now)
    }

    /// `None` for a lease without an end.
    fn claim(&mut self, lease: &Lease) -> Option<Claim> {
        self.leased_until = Some(lease.until()?);
        self.token += 1;
        Some(Claim { session: self.session.id.clone(), token: self.token })
    }

    fn next_seq(&self) -> u64 {
        self.records.len() as u64
    }

    /// The bytes that `events` add, if they may be appended.
    fn check(&self, expected: u64, events: &[SessionEvent], bounds: &MemoryBounds) -> Result<usize, LogError> {
        let id = || self.session.id.clone();
        if expected != self.next_seq() {
            return Err(LogError::Conflict { session: id(), expected, head: self.next_seq() });
        }
        let added = events.iter().map(SessionEvent::size_bytes).sum::<usize>();
        if events.is_empty() {
            return Ok(0);
        }
        let follows_an_end = events.iter().rev().skip(1).any(SessionEvent::is_end);
        if self.status != Status::Running || follows_an_end {
            return Err(LogError::Ended(id()));
        }
        let full = self.records.len() + events.len() > bounds.records_per_session_max
            || self.bytes - self.spec_bytes + added > bounds.bytes_per_session_max;
        // A full session must still be able to end, or its readers would wait for ever.
        let only_an_end = matches!(events, [event] if event.is_end());
        if full && !only_an_end { Err(LogError::SessionFull(id())) } else { Ok(added) }
    }

    fn extend(&mut self, events: Vec<SessionEvent>, at: SystemTime) -> u64 {
        for event in events {
            self.status = Status::after(&event);
            self.records.push(Record { seq: self.next_seq(), at, event });
        }
        let head = Head { next_seq: self.next_seq(), ended: self.status != Status::Running };
        self.head.send_if_modified(|old| std::mem::replace(old, head) != head);
        head.next_seq
    }

    fn read(&self, from: u64, max: usize) -> Vec<Record> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        self.records.iter().skip(from).take(max).cloned().collect()
    }

    fn updated_at(&self) -> SystemTime {
        self.records.last().map_or(self.created_at, |record| record.at)
    }

    fn summary(&self) -> Summary {
        Summary {
            session: self.session.clone(),
            status: self.status,
            created_at: self.created_at,
            updated_at: self.updated_at(),
            next_seq: self.next_seq(),
        }
    }
}

fn size_of(entries: &[Happened]) -> usize {
    entries.iter().map(|entry| record::write_input(&entry.input, entry.decided).len()).sum()
}

#[cfg(test)]
mod tests;
