//! The tables and every statement on them. Each function is one transaction's work; times are milliseconds since 1970.
use super::SqliteBounds;
use crate::log::{LogError, NewSession, Status, Summary};
use crate::queue::{Claim, Lease, Wanted};
use crate::record::FORMAT;
use magic_sqlite::rusqlite::{self, Connection, OptionalExtension as _, params};
use magic_sqlite::{Migrations, from_unix_ms, unix_ms};
use magic_types::{AliasName, Digest, SessionId};
use std::time::{Duration, SystemTime};

/// Each brings the file from its place's number to the next. Written once: a change is a new one at the end.
pub(super) const MIGRATIONS: Migrations = &[
    "
    CREATE TABLE sessions (
        sid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, alias TEXT NOT NULL, pattern TEXT NOT NULL, digest BLOB,
        parent TEXT, bound INTEGER NOT NULL, status TEXT NOT NULL, created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL, next_seq INTEGER NOT NULL, next_entry INTEGER NOT NULL, bytes INTEGER NOT NULL,
        format INTEGER NOT NULL, spec TEXT NOT NULL
    ) STRICT;
    CREATE INDEX sessions_by_age ON sessions (created_ms);
    CREATE INDEX sessions_by_end ON sessions (status, updated_ms);
    CREATE TABLE jobs (
        sid INTEGER PRIMARY KEY, token INTEGER NOT NULL, owner TEXT NOT NULL, leased_until_ms INTEGER NOT NULL,
        delegated INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE records (
        sid INTEGER NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (sid, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE entries (
        sid INTEGER NOT NULL, number INTEGER NOT NULL, at_us INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (sid, number)
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE sessions ADD COLUMN owner TEXT;
    CREATE INDEX sessions_by_owner ON sessions (owner, created_ms);
",
];

/// What a write came to. A refusal is no failure of the database: what was written before it in the same transaction stays.
pub(super) enum Told<T> {
    Done(T),
    Refused(LogError),
}

/// A text with its number and its time.
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) at: SystemTime,
    pub(super) text: String,
}

pub(super) struct EntryRow {
    /// Since the session began.
    pub(super) at: Duration,
    pub(super) text: String,
}

/// What is appended.
pub(super) struct Change {
    pub(super) expected_seq: u64,
    pub(super) texts: Vec<String>,
    pub(super) entries: Vec<(Duration, String)>,
    pub(super) at: i64,
    /// The session's status behind it.
    pub(super) last: Status,
    pub(super) only_an_end: bool,
}

#[expect(clippy::too_many_arguments, reason = "one row of three tables")]
pub(super) fn create(
    connection: &Connection,
    new: &NewSession,
    spec: &str,
    records: &[String],
    entries: &[(Duration, String)],
    at: i64,
    lease: Option<&Lease>,
    bounds: &SqliteBounds,
) -> rusqlite::Result<Told<()>> {
    if sid_of(connection, &new.id)?.is_some() {
        return Ok(Told::Refused(LogError::Exists(new.id.clone())));
    }
    let open: i64 = connection.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))?;
    // What another session waits for is never turned away: that one has been let in.
    if new.parent.is_none() && open >= whole(bounds.open_max as u64) {
        return Ok(Told::Refused(LogError::Full(bounds.open_max)));
    }
    prune(connection, at, bounds)?;
    let bytes = spec.len() + records.iter().map(String::len).sum::<usize>();
    let digest = new.digest.map(|digest| digest.0.to_vec());
    let parent = new.parent.as_ref().map(SessionId::as_str);
    connection
        .prepare(
            "INSERT INTO sessions (id, alias, pattern, digest, parent, bound, status, created_ms, updated_ms, next_seq,
             next_entry, bytes, format, spec, owner)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?7, 0, 0, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            new.id.as_str(),
            new.alias.as_str(),
            new.pattern,
            digest,
            parent,
            new.bound,
            at,
            whole(bytes as u64),
            FORMAT,
            spec,
            new.owner
        ])?;
    let sid = connection.last_insert_rowid();
    let (owner, until) = lease.map_or(("", 0), |lease| (lease.owner.as_str(), until(lease)));
    connection
        .prepare("INSERT INTO jobs (sid, token, owner, leased_until_ms, delegated) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![sid, i64::from(lease.is_some()), owner, until, new.parent.is_some()])?;
    put(connection, sid, 0, records, at, 0, entries)?;
    let (next_seq, next_entry) = (whole(records.len() as u64), whole(entries.len() as u64));
    connection
        .prepare("UPDATE sessions SET next_seq = ?2, next_entry = ?3 WHERE sid = ?1")?
        .execute(params![sid, next_seq, next_entry])?;
    Ok(Told::Done(()))
}

pub(super) fn append(
    connection: &Connection,
    claim: &Claim,
    change: &Change,
    bounds: &SqliteBounds,
) -> rusqlite::Result<Told<()>> {
    let id = || claim.session.clone();
    let found = connection
        .prepare(
            "SELECT s.sid, s.next_seq, s.next_entry, s.bytes, s.status, j.token, length(s.spec) FROM sessions s
             LEFT JOIN jobs j ON j.sid = s.sid WHERE s.id = ?1",
        )?
        .query_row([claim.session.as_str()], |row| {
            let status: String = row.get(4)?;
            let token: Option<i64> = row.get(5)?;
            let numbers: (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let spec_bytes: i64 = row.get(6)?;
            Ok((numbers, spec_bytes, status, token))
        })
        .optional()?;
    let Some(((sid, next_seq, next_entry, bytes), spec_bytes, status, token)) = found else {
        return Ok(Told::Refused(LogError::UnknownSession(id())));
    };
    if status != Status::Running.as_str() {
        return Ok(Told::Refused(LogError::Ended(id())));
    }
    if token != Some(whole(claim.token)) {
        return Ok(Told::Refused(LogError::Fenced(id())));
    }
    let expected = whole(change.expected_seq);
    if expected != next_seq {
        let head = number(next_seq);
        return Ok(Told::Refused(LogError::Conflict { session: id(), expected: change.expected_seq, head }));
    }
    let added = change.texts.iter().map(String::len).sum::<usize>()
        + change.entries.iter().map(|(_, text)| text.len()).sum::<usize>();
    let next = next_seq + whole(change.texts.len() as u64);
    let is_full = next > whole(bounds.records_per_session_max)
        // What the client sent is bounded where it is read.
        || bytes - spec_bytes + whole(added as u64) > whole(bounds.bytes_per_session_max);
    // A full session must still be able to end, or its readers would wait for ever.
    if is_full && !change.only_an_end {
        return Ok(Told::Refused(LogError::SessionFull(id())));
    }
    put(connection, sid, next_seq, &change.texts, change.at, next_entry, &change.entries)?;
    connection
        .prepare(
            "UPDATE sessions SET next_seq = ?2, next_entry = ?3, bytes = ?4, updated_ms = ?5, status = ?6 WHERE sid = ?1",
        )?
        .execute(params![
            sid,
            next,
            next_entry + whole(change.entries.len() as u64),
            bytes + whole(added as u64),
            change.at,
            change.last.as_str()
        ])?;
    if change.last != Status::Running {
        connection.prepare("DELETE FROM jobs WHERE sid = ?1")?.execute([sid])?;
    }
    Ok(Told::Done(()))
}

fn put(
    connection: &Connection,
    sid: i64,
    first_seq: i64,
    texts: &[String],
    at: i64,
    first_entry: i64,
    entries: &[(Duration, String)],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare("INSERT INTO records (sid, seq, at_ms, body) VALUES (?1, ?2, ?3, ?4)")?;
    for (seq, text) in (first_seq..).zip(texts) {
        insert.execute(params![sid, seq, at, text])?;
    }
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare("INSERT INTO entries (sid, number, at_us, body) VALUES (?1, ?2, ?3, ?4)")?;
    for (number, (at, text)) in (first_entry..).zip(entries) {
        let at = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        insert.execute(params![sid, number, at, text])?;
    }
    Ok(())
}

/// `None`: no such session.
pub(super) fn read(
    connection: &Connection,
    id: &SessionId,
    from: u64,
    max: usize,
) -> rusqlite::Result<Option<(u32, Vec<Row>)>> {
    let Some((sid, format)) = sid_of(connection, id)? else { return Ok(None) };
    let mut query = connection
        .prepare("SELECT seq, at_ms, body FROM records WHERE sid = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3")?;
    let rows = query.query_map(params![sid, whole(from), whole(max as u64)], |row| {
        Ok(Row { number: number(row.get(0)?), at: from_unix_ms(row.get(1)?), text: row.get(2)? })
    })?;
    Ok(Some((format, rows.collect::<rusqlite::Result<_>>()?)))
}

pub(super) fn journal(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<(u32, Vec<EntryRow>)>> {
    let Some((sid, format)) = sid_of(connection, id)? else { return Ok(None) };
    let mut query = connection.prepare("SELECT at_us, body FROM entries WHERE sid = ?1 ORDER BY number")?;
    let rows = query
        .query_map([sid], |row| Ok(EntryRow { at: Duration::from_micros(number(row.get(0)?)), text: row.get(1)? }))?;
    Ok(Some((format, rows.collect::<rusqlite::Result<_>>()?)))
}

pub(super) fn spec(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<(u32, String)>> {
    let mut query = connection.prepare("SELECT format, spec FROM sessions WHERE id = ?1")?;
    query.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

const SUMMARY: &str =
    "SELECT id, alias, pattern, digest, parent, bound, status, created_ms, updated_ms, next_seq, owner FROM sessions";

pub(super) fn summary(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<Summary>> {
    connection.prepare(&format!("{SUMMARY} WHERE id = ?1"))?.query_row([id.as_str()], to_summary).optional()
}

pub(super) fn list(connection: &Connection, owner: Option<&str>, max: usize) -> rusqlite::Result<Vec<Summary>> {
    let of = if owner.is_some() { "owner = ?2" } else { "?2 IS NULL" };
    let mut query = connection.prepare(&format!("{SUMMARY} WHERE {of} ORDER BY created_ms DESC, id DESC LIMIT ?1"))?;
    query.query_map(params![whole(max as u64), owner], to_summary)?.collect()
}

fn to_summary(row: &rusqlite::Row<'_>) -> rusqlite::Result<Summary> {
    let (id, alias, status): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(6)?);
    let digest: Option<[u8; 32]> = row.get(3)?;
    let parent: Option<String> = row.get(4)?;
    Ok(Summary {
        session: NewSession {
            id: SessionId::new(id),
            alias: AliasName::new(alias),
            pattern: row.get(2)?,
            digest: digest.map(Digest),
            parent: parent.map(SessionId::new),
            bound: row.get(5)?,
            owner: row.get(10)?,
        },
        status: Status::from_word(&status),
        created_at: from_unix_ms(row.get(7)?),
        updated_at: from_unix_ms(row.get(8)?),
        next_seq: number(row.get(9)?),
    })
}

pub(super) fn claim(
    connection: &Connection,
    lease: &Lease,
    wanted: Wanted,
    max: usize,
) -> rusqlite::Result<Vec<Claim>> {
    let mut query = connection.prepare(
        "SELECT j.sid, s.id, j.token FROM jobs j JOIN sessions s ON s.sid = j.sid
         WHERE j.leased_until_ms <= ?1 AND (?2 OR j.delegated) ORDER BY s.created_ms, s.sid LIMIT ?3",
    )?;
    let free = query.query_map(params![unix_ms(lease.now), wanted == Wanted::Any, whole(max as u64)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let free: Vec<(i64, String, i64)> = free.collect::<rusqlite::Result<_>>()?;
    free.into_iter().map(|(sid, id, token)| take(connection, sid, SessionId::new(id), token, lease)).collect()
}

pub(super) fn claim_one(connection: &Connection, id: &SessionId, lease: &Lease) -> rusqlite::Result<Option<Claim>> {
    let free = connection
        .prepare(
            "SELECT j.sid, j.token FROM jobs j JOIN sessions s ON s.sid = j.sid WHERE s.id = ?1 AND j.leased_until_ms <= ?2",
        )?
        .query_row(params![id.as_str(), unix_ms(lease.now)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    free.map(|(sid, token)| take(connection, sid, id.clone(), token, lease)).transpose()
}

fn take(connection: &Connection, sid: i64, session: SessionId, token: i64, lease: &Lease) -> rusqlite::Result<Claim> {
    let token = token + 1;
    connection
        .prepare("UPDATE jobs SET token = ?2, owner = ?3, leased_until_ms = ?4 WHERE sid = ?1")?
        .execute(params![sid, token, lease.owner, until(lease)])?;
    Ok(Claim { session, token: number(token) })
}

/// Those that were lost.
pub(super) fn renew(connection: &Connection, claims: Vec<Claim>, lease: &Lease) -> rusqlite::Result<Vec<Claim>> {
    let mut update = connection.prepare(
        "UPDATE jobs SET leased_until_ms = ?3 WHERE token = ?2 AND sid = (SELECT sid FROM sessions WHERE id = ?1)",
    )?;
    let mut lost = Vec::new();
    for claim in claims {
        if update.execute(params![claim.session.as_str(), whole(claim.token), until(lease)])? == 0 {
            lost.push(claim);
        }
    }
    Ok(lost)
}

pub(super) fn release(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    connection
        .prepare(
            "UPDATE jobs SET leased_until_ms = 0 WHERE token = ?2 AND sid = (SELECT sid FROM sessions WHERE id = ?1)",
        )?
        .execute(params![claim.session.as_str(), whole(claim.token)])?;
    Ok(())
}

pub(super) fn expire_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE jobs SET leased_until_ms = 0", []).map(drop)
}

/// What is too old goes, then what is too many, then what takes too much room: always the oldest of the ended.
fn prune(connection: &Connection, now: i64, bounds: &SqliteBounds) -> rusqlite::Result<()> {
    let old = now - i64::try_from(bounds.retention.as_millis()).unwrap_or(i64::MAX);
    forget(connection, "SELECT sid FROM sessions WHERE status <> 'running' AND updated_ms < ?1", old)?;
    let many = "SELECT sid FROM sessions WHERE status <> 'running' ORDER BY updated_ms DESC LIMIT -1 OFFSET ?1";
    forget(connection, many, whole(bounds.kept_max as u64))?;
    // A running total from the newest on, so that what is beyond the bound is known in one pass.
    let large = "SELECT sid FROM (SELECT sid, sum(bytes) OVER (ORDER BY updated_ms DESC, sid DESC) AS total
                 FROM sessions WHERE status <> 'running') WHERE total > ?1";
    forget(connection, large, whole(bounds.total_bytes_max))
}

fn forget(connection: &Connection, which: &str, bound: i64) -> rusqlite::Result<()> {
    let sids: Vec<i64> =
        connection.prepare(which)?.query_map([bound], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for sid in sids {
        for table in ["records", "entries", "sessions"] {
            connection.prepare(&format!("DELETE FROM {table} WHERE sid = ?1"))?.execute([sid])?;
        }
    }
    Ok(())
}

fn sid_of(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<(i64, u32)>> {
    let mut query = connection.prepare("SELECT sid, format FROM sessions WHERE id = ?1")?;
    query.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn until(lease: &Lease) -> i64 {
    lease.until().map_or(i64::MAX, unix_ms)
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(whole: i64) -> u64 {
    u64::try_from(whole).unwrap_or(0)
}
