//! The session log and queue in one SQLite file: outlives the process, however it ends. Every write is committed before
//! it is told of; many of them are committed together. What sessions at work said last is read from memory.
mod heads;
mod tables;

use crate::event::Record;
use crate::journal::Entry;
use crate::log::{Beginning, EventLog, Head, LogError, LogFuture, Status, Summary, Write};
use crate::queue::{Backing, Claim, Lease, Queue, Wanted};
use crate::record::{self, Unreadable};
use crate::spec::Spec;
use heads::Heads;
use magic_sqlite::rusqlite::{self, Connection};
use magic_sqlite::{Database, Error, WriteError, from_unix_ms, unix_ms};
use magic_types::SessionId;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tables::{Row, Told};
use tokio::sync::watch;

/// What the file keeps at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteBounds {
    /// Sessions at work or waiting.
    pub open_max: usize,
    /// Ended sessions; the oldest go first.
    pub kept_max: usize,
    /// How long an ended session can still be read.
    pub retention: Duration,
    /// What all sessions together may take; ended ones make room, the oldest first.
    pub total_bytes_max: u64,
    pub records_per_session_max: u64,
    pub bytes_per_session_max: u64,
}

pub struct Sqlite {
    database: Database,
    bounds: SqliteBounds,
    heads: Heads,
}

/// A reader of a log waits for it; a disk that takes longer is broken.
const PATIENCE: Duration = Duration::from_secs(10);

// === impl Sqlite ===

impl Sqlite {
    /// Opens the file, as [`Database::open`] does. Blocks.
    ///
    /// # Errors
    /// Why the file is not to be had.
    pub fn open(file: &Path, bounds: SqliteBounds, now: SystemTime) -> Result<Self, Error> {
        Ok(Self { database: Database::open(file, tables::MIGRATIONS, now)?, bounds, heads: Heads::default() })
    }

    async fn read_all<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LogError> {
        let read = self.database.read(PATIENCE, work).await;
        read.ok_or_else(|| LogError::Unavailable("the sessions' file does not answer (see the log)".to_owned()))
    }

    async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LogError> {
        self.database.write(bytes, job).await.map_err(|error: WriteError| LogError::Unavailable(error.to_string()))
    }

    async fn create_now(
        &self,
        beginning: Beginning,
        at: SystemTime,
        lease: Option<Lease>,
    ) -> Result<Option<Claim>, LogError> {
        let id = beginning.session.id.clone();
        let spec = record::write_spec(&beginning.spec);
        let mut records = vec![record::write_event(&beginning.session.clone().into())];
        records.extend(beginning.events.iter().map(record::write_event));
        let entries = written(&beginning.entries);
        let next_seq = records.len() as u64;
        let (bounds, session, is_leased) = (self.bounds, beginning.session, lease.is_some());
        let bytes = spec.len() + size(&records) + size_of_entries(&entries);
        let created = self.write(bytes, move |connection| {
            tables::create(connection, &session, &spec, &records, &entries, unix_ms(at), lease.as_ref(), &bounds)
        });
        match created.await? {
            Told::Done(()) => {}
            Told::Refused(error) => return Err(error),
        }
        self.heads.begin(&id, Head { next_seq, ended: false });
        Ok(is_leased.then_some(Claim { session: id, token: 1 }))
    }

    async fn append_now(&self, claim: &Claim, write: Write) -> Result<u64, LogError> {
        let Write { expected_seq, events, entries, at } = write;
        // As the file has it: a reader must not see another time now than later.
        let at = from_unix_ms(unix_ms(at));
        if events.is_empty() && entries.is_empty() {
            return Ok(expected_seq);
        }
        let texts: Vec<String> = events.iter().map(record::write_event).collect();
        let entries = written(&entries);
        let last = events.last().map(Status::after).unwrap_or(Status::Running);
        let follows_an_end = events.iter().rev().skip(1).any(crate::event::SessionEvent::is_end);
        if follows_an_end {
            return Err(LogError::Ended(claim.session.clone()));
        }
        let only_an_end = events.len() == 1 && last != Status::Running;
        let (bounds, owned) = (self.bounds, claim.clone());
        let bytes = size(&texts) + size_of_entries(&entries);
        let appended = self.write(bytes, move |connection| {
            let change = tables::Change { expected_seq, texts, entries, at: unix_ms(at), last, only_an_end };
            tables::append(connection, &owned, &change, &bounds)
        });
        match appended.await? {
            Told::Refused(error) => return Err(error),
            Told::Done(()) => {}
        }
        let next_seq = expected_seq + events.len() as u64;
        let records = (expected_seq..).zip(events).map(|(seq, event)| Record { seq, at, event });
        self.heads.advance(&claim.session, records.collect(), Head { next_seq, ended: last != Status::Running });
        Ok(next_seq)
    }

    async fn read_now(&self, session: &SessionId, from: u64, max: usize) -> Result<Vec<Record>, LogError> {
        if let Some(records) = self.heads.read(session, from, max) {
            return Ok(records);
        }
        let id = session.clone();
        let found = self.read_all(move |connection| tables::read(connection, &id, from, max)).await?;
        let (format, rows) = found.ok_or_else(|| LogError::UnknownSession(session.clone()))?;
        let record =
            |row: Row| Ok(Record { seq: row.number, at: row.at, event: record::read_event(format, &row.text)? });
        rows.into_iter().map(record).collect::<Result<_, Unreadable>>().map_err(unreadable)
    }

    async fn journal_now(&self, session: &SessionId) -> Result<Vec<Entry>, LogError> {
        let id = session.clone();
        let found = self.read_all(move |connection| tables::journal(connection, &id)).await?;
        let (format, rows) = found.ok_or_else(|| LogError::UnknownSession(session.clone()))?;
        let entry = |row: tables::EntryRow| {
            let (input, decided) = record::read_input(format, &row.text)?;
            Ok(Entry { at: row.at, input, decided })
        };
        rows.into_iter().map(entry).collect::<Result<_, Unreadable>>().map_err(unreadable)
    }
}

impl EventLog for Sqlite {
    fn create(&self, new: Beginning, at: SystemTime, lease: Option<Lease>) -> LogFuture<'_, Option<Claim>> {
        Box::pin(self.create_now(new, at, lease))
    }

    fn append<'a>(&'a self, claim: &'a Claim, write: Write) -> LogFuture<'a, u64> {
        Box::pin(self.append_now(claim, write))
    }

    fn read<'a>(&'a self, session: &'a SessionId, from: u64, max: usize) -> LogFuture<'a, Vec<Record>> {
        Box::pin(self.read_now(session, from, max))
    }

    fn watch<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, watch::Receiver<Head>> {
        Box::pin(async move {
            // Registered before the file is read: an append in between must not be missed.
            let watched = self.heads.watch(session);
            match self.summary(session).await {
                Ok(summary) => {
                    let head = Head { next_seq: summary.next_seq, ended: summary.status != Status::Running };
                    self.heads.catch_up(session, head);
                    Ok(watched)
                }
                Err(error) => {
                    drop(watched);
                    self.heads.forget_unwatched(session);
                    Err(error)
                }
            }
        })
    }

    fn summary<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Summary> {
        Box::pin(async move {
            let id = session.clone();
            let found = self.read_all(move |connection| tables::summary(connection, &id)).await?;
            found.ok_or_else(|| LogError::UnknownSession(session.clone()))
        })
    }

    fn spec<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Arc<Spec>> {
        Box::pin(async move {
            let id = session.clone();
            let found = self.read_all(move |connection| tables::spec(connection, &id)).await?;
            let (format, text) = found.ok_or_else(|| LogError::UnknownSession(session.clone()))?;
            record::read_spec(format, &text).map(Arc::new).map_err(unreadable)
        })
    }

    fn journal<'a>(&'a self, session: &'a SessionId) -> LogFuture<'a, Vec<Entry>> {
        Box::pin(self.journal_now(session))
    }

    fn list<'a>(&'a self, owner: Option<&'a str>, max: usize) -> LogFuture<'a, Vec<Summary>> {
        let owner = owner.map(str::to_owned);
        Box::pin(self.read_all(move |connection| tables::list(connection, owner.as_deref(), max)))
    }
}

impl Queue for Sqlite {
    fn claim(&self, lease: Lease, wanted: Wanted, max: usize) -> LogFuture<'_, Vec<Claim>> {
        Box::pin(self.write(0, move |connection| tables::claim(connection, &lease, wanted, max)))
    }

    fn claim_one<'a>(&'a self, session: &'a SessionId, lease: Lease) -> LogFuture<'a, Option<Claim>> {
        let id = session.clone();
        Box::pin(self.write(0, move |connection| tables::claim_one(connection, &id, &lease)))
    }

    fn renew(&self, claims: Vec<Claim>, lease: Lease) -> LogFuture<'_, Vec<Claim>> {
        Box::pin(self.write(0, move |connection| tables::renew(connection, claims, &lease)))
    }

    fn release(&self, claim: Claim) -> LogFuture<'_, ()> {
        Box::pin(self.write(0, move |connection| tables::release(connection, &claim)))
    }

    fn expire_all(&self) -> LogFuture<'_, ()> {
        Box::pin(self.write(0, tables::expire_all))
    }
}

impl Backing for Sqlite {
    fn close(&self, patience: Duration) -> LogFuture<'_, bool> {
        Box::pin(async move { Ok(self.database.close(patience).await) })
    }
}

fn unreadable(error: Unreadable) -> LogError {
    LogError::Unreadable(error.to_string())
}

fn written(entries: &[Entry]) -> Vec<(Duration, String)> {
    entries.iter().map(|entry| (entry.at, record::write_input(&entry.input, entry.decided))).collect()
}

fn size(texts: &[String]) -> usize {
    texts.iter().map(String::len).sum()
}

fn size_of_entries(entries: &[(Duration, String)]) -> usize {
    entries.iter().map(|(_, text)| text.len()).sum()
}

#[cfg(test)]
mod tests;
