//! One SQLite file: opened or put aside, brought up to date, written by one thread in groups, read beside it with
//! deadlines. Knows no table: what a row means is the business of who owns the file.
mod database;
mod file;
mod writer;

pub use database::{Database, READERS_MAX, WriteError};
pub use file::{Error, Migrations, reader, version};
pub use rusqlite;
pub use writer::{QUEUED_BYTES_MAX, QUEUED_MAX, Refused};

use std::time::{Duration, SystemTime};

/// Milliseconds since 1970, as tables have times.
pub fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub fn from_unix_ms(ms: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}
