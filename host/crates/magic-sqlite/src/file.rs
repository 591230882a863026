//! The database file: how it is opened, brought up to date, and put aside when it is broken. Knows no table's rows.
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long another process may hold the file: a backup, a second gateway, a person with a shell.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Up to that size the whole file is checked at the start: some tens of milliseconds. A larger one shows its faults as it
/// is used.
const CHECKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the log may grow to between two checkpoints before it is cut.
const WAL_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// What every file of SQLite begins with.
const HEAD: &[u8] = b"SQLite format 3\0";

/// Each brings the file from its place's number to the next. Written once: a change is a new one at the end.
pub type Migrations = &'static [&'static str];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the database is broken: {0}")]
    Broken(String),
    #[error(
        "a newer magic-proxy wrote it (version {found}, this one knows {known}): use that one, or another --data folder"
    )]
    Newer { found: usize, known: usize },
}

/// For the one writer.
pub(crate) fn open(file: &Path, migrations: Migrations, now: SystemTime) -> Result<Connection, Error> {
    match open_as_it_is(file, migrations) {
        Err(error) if error.is_broken() => {
            let aside = put_aside(file, now)?;
            tracing::warn!(
                "{} is broken ({error}): it is now {}, and a new one begins",
                file.display(),
                aside.display()
            );
            open_as_it_is(file, migrations)
        }
        result => result,
    }
}

/// For the one writer of a file whose loss would change what may be done: a broken one is an error, and stays where it is.
pub(crate) fn open_as_it_is(file: &Path, migrations: Migrations) -> Result<Connection, Error> {
    check_head(make_private(file)?)?;
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_MAX)?;
    let _mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.execute_batch(&format!("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = {WAL_BYTES_MAX}"))?;
    check(&connection, file)?;
    migrate(&mut connection, migrations)?;
    Ok(connection)
}

/// For reads: it can change nothing, and it makes no file.
pub fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_MAX)?;
    Ok(connection)
}

/// 0 for an empty file.
pub fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn check(connection: &Connection, file: &Path) -> Result<(), Error> {
    if std::fs::metadata(file)?.len() > CHECKED_BYTES_MAX {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Error::Broken(found)) }
}

fn migrate(connection: &mut Connection, migrations: Migrations) -> Result<(), Error> {
    // Taken for writing at once: of two gateways that start together, the second sees what the first has done.
    let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&change)?;
    let missing = migrations.get(found..).ok_or(Error::Newer { found, known: migrations.len() })?;
    for step in missing {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", i64::try_from(migrations.len()).unwrap_or(i64::MAX))?;
    change.commit()?;
    Ok(())
}

/// Makes the file before SQLite does, readable by its owner only; the files beside it inherit that.
fn make_private(file: &Path) -> std::io::Result<File> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(file)?;
    #[cfg(unix)]
    opened.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(opened)
}

/// Before SQLite sees it: of a file that is no database it would still take the log for done with, and remove it.
fn check_head(file: File) -> Result<(), Error> {
    let mut head = Vec::new();
    file.take(HEAD.len() as u64).read_to_end(&mut head)?;
    if head.is_empty() || head == HEAD { Ok(()) } else { Err(Error::Broken("it is no SQLite file".to_owned())) }
}

/// The log belongs to the file: left behind, it would be read into the new one.
fn put_aside(file: &Path, now: SystemTime) -> std::io::Result<PathBuf> {
    let stamp = crate::unix_ms(now) / 1000;
    let aside = beside(file, &format!(".broken-{stamp}"));
    for part in ["-wal", "-shm"] {
        let from = beside(file, part);
        if from.exists() {
            std::fs::rename(from, beside(&aside, part))?;
        }
    }
    std::fs::rename(file, &aside)?;
    Ok(aside)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

// === impl Error ===
impl Error {
    fn is_broken(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Sqlite(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            Self::Io(_) | Self::Newer { .. } => false,
        }
    }
}
