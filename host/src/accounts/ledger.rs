//! The file `accounts.db`: its tables, who may change it at one time, and how long it is waited for. What stands in the
//! tables is the business of the files beside this one. Works whether or not a gateway runs on the same file.
use super::shelter::{self, Lock};
use magic_access::Scope;
use magic_sqlite::rusqlite::{self, Connection};
use magic_sqlite::{Database, Migrations, Refused};
use magic_types::{Failure, Kind};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Its name in the data folder.
pub(crate) const FILE: &str = "accounts.db";
/// For people and tasks that wait for it; requests wait for [`super::admission`]'s.
const PATIENCE: Duration = Duration::from_secs(10);
/// What one row of a change is counted as in the queue.
const CHANGE_BYTES: usize = 4096;

/// Each brings the file from its place's number to the next. Written once: a change is a new one at the end. `budgets` has
/// sums by turn of a window; `holds` has what each request under way holds of them, so that a crash can be made good.
/// `usage` is summed up by day and not a row a request: that answers every question it is kept for, and a busy year fits.
const MIGRATIONS: Migrations = &["
    CREATE TABLE directory (version INTEGER NOT NULL) STRICT;
    INSERT INTO directory VALUES (0);
    CREATE TABLE teams (name TEXT PRIMARY KEY, grants TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE virtual_keys (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, team TEXT, scope TEXT NOT NULL, grants TEXT NOT NULL,
        created_ms INTEGER NOT NULL, expires_ms INTEGER, revoked_ms INTEGER,
        hash BLOB NOT NULL, previous_hash BLOB, previous_until_ms INTEGER
    ) STRICT;
    CREATE TABLE budgets (
        account TEXT NOT NULL, unit TEXT NOT NULL, period TEXT NOT NULL, turn INTEGER NOT NULL,
        spent INTEGER NOT NULL, held INTEGER NOT NULL, ends_ms INTEGER,
        PRIMARY KEY (account, unit, period, turn)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE holds (
        id BLOB PRIMARY KEY, created_ms INTEGER NOT NULL, key TEXT NOT NULL, team TEXT NOT NULL, alias TEXT NOT NULL,
        pattern TEXT NOT NULL, operation TEXT NOT NULL, parts TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE usage (
        day INTEGER NOT NULL, key TEXT NOT NULL, team TEXT NOT NULL, alias TEXT NOT NULL, profile TEXT NOT NULL,
        pattern TEXT NOT NULL, operation TEXT NOT NULL, outcome TEXT NOT NULL,
        requests INTEGER NOT NULL, estimated INTEGER NOT NULL, tokens_in INTEGER NOT NULL,
        tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost_micros INTEGER NOT NULL,
        PRIMARY KEY (day, key, team, alias, profile, pattern, operation, outcome)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,
        subject TEXT NOT NULL, before TEXT, after TEXT
    ) STRICT;
"];

/// Cheap to clone; all clones are one file.
#[derive(Clone)]
pub(crate) struct Ledger {
    database: Database,
}

/// Who changes something: it is written down, and nobody hands out more than they have.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// A virtual key's id, or `cli`.
    pub(crate) who: String,
    pub(crate) scope: Scope,
}

// === impl Ledger ===
impl Ledger {
    /// For a gateway. `first` runs before anybody else gets at it, and is told whether this process is alone on the file.
    /// Blocks.
    pub(super) fn open(
        data: &Path,
        first: impl FnOnce(&Connection, bool) -> rusqlite::Result<()>,
    ) -> Result<(Self, Lock), magic_sqlite::Error> {
        let ledger = Self::open_beside(data)?;
        let lock = shelter::lock(data);
        let mut connection = Connection::open(data.join(FILE))?;
        connection.busy_timeout(PATIENCE)?;
        let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        first(&change, lock.is_alone)?;
        change.commit()?;
        Ok((ledger, lock.shared()))
    }

    /// For the command line, beside a gateway or without one. Blocks.
    pub(crate) fn open_beside(data: &Path) -> Result<Self, magic_sqlite::Error> {
        Ok(Self { database: Database::open_as_it_is(&data.join(FILE), MIGRATIONS)? })
    }

    pub(crate) fn exists(data: &Path) -> bool {
        data.join(FILE).is_file()
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Reads, on the blocking pool.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.database.read(PATIENCE, work).await.ok_or_else(|| silent("it did not answer, see the log"))
    }

    /// Writes, and returns once it is committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(PATIENCE, self.database.write(bytes, job)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(silent(&error.to_string())),
            Err(_) => Err(silent("it did not answer in time")),
        }
    }

    /// A change of keys or teams: all of it or, where `job` says no, nothing. Other processes see it within a second.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.write(CHANGE_BYTES, move |connection| {
            let done = job(connection)?;
            if done.is_ok() {
                connection.execute("UPDATE directory SET version = version + 1", [])?;
            }
            Ok(done)
        })
        .await?
    }

    /// Never waits.
    pub(super) fn queue(
        &self,
        bytes: usize,
        job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), Refused> {
        self.database.queue(bytes, job)
    }

    pub(super) fn prune(&self, now: SystemTime) {
        let now_ms = ms(now);
        let queued = self.queue(0, move |connection| {
            super::holds::prune(connection, now_ms)?;
            super::usage::prune(connection, now_ms)?;
            super::audit::prune(connection)
        });
        // Refused: the next hour will do.
        queued.unwrap_or_default();
    }

    pub(crate) async fn close(&self, patience: Duration) -> bool {
        self.database.close(patience).await
    }
}

/// Counts the changes of keys and teams.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT version FROM directory", [], |row| row.get(0))
}

/// As `magic-access` has times.
pub(crate) fn ms(time: SystemTime) -> u64 {
    number(magic_sqlite::unix_ms(time))
}

/// Numbers in the file are signed; none of ours is.
pub(super) fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn silent(why: &str) -> Failure {
    Failure::new(Kind::Overloaded, format!("the file of accounts ({FILE}) could not be used: {why}"))
        .retry_after(Some(Duration::from_secs(1)))
}
