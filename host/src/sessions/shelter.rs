//! Where sessions lie: their file in the data folder, and the lock that says whether another process works on it. Without
//! a usable file sessions live in memory, and the log says so.
use magic_config::ServerSettings;
use magic_sessions::{Backing, Memory, MemoryBounds, Sqlite, SqliteBounds};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Their names in the data folder.
const FILE: &str = "sessions.db";
const LOCK: &str = "sessions.lock";

/// 100 000 pieces and steps, and 8 MiB of text: hundreds of long steps.
const RECORDS_PER_SESSION_MAX: u64 = 100_000;
const BYTES_PER_SESSION_MAX: u64 = 8 << 20;
/// 1 GiB of ended sessions: beyond it the oldest go.
const TOTAL_BYTES_MAX: u64 = 1 << 30;

/// Opens the file. The lock is held while this process lives, and is `None` where another one has it.
pub(crate) async fn open(data: &Path, settings: &ServerSettings, now: SystemTime) -> (Arc<dyn Backing>, Option<File>) {
    let (data, bounds, memory) = (data.to_owned(), bounds(settings), memory(settings));
    let opened = tokio::task::spawn_blocking(move || (on_disk(&data, bounds, now), lock(&data))).await;
    let (backing, lock) = opened.unwrap_or((None, None));
    (backing.unwrap_or_else(|| Arc::new(Memory::new(memory))), lock)
}

fn on_disk(data: &Path, bounds: SqliteBounds, now: SystemTime) -> Option<Arc<dyn Backing>> {
    let file = data.join(FILE);
    match Sqlite::open(&file, bounds, now) {
        Ok(sessions) => Some(Arc::new(sessions)),
        Err(error) => {
            let name = file.display();
            tracing::warn!("{name} cannot be used, sessions are lost when the gateway ends: {error}");
            None
        }
    }
}

fn lock(data: &Path) -> Option<File> {
    let path: PathBuf = data.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let locked = file.and_then(|file| file.try_lock().map(|()| file).map_err(std::io::Error::from));
    locked
        .map_err(|error| {
            let name = path.display();
            tracing::warn!(
                "{name} is taken ({error}): sessions that are left behind are taken up when their leases end"
            );
        })
        .ok()
}

fn bounds(settings: &ServerSettings) -> SqliteBounds {
    SqliteBounds {
        open_max: settings.sessions_parallel_max + settings.sessions_queued_max,
        kept_max: settings.sessions_kept_max,
        retention: settings.session_retention,
        total_bytes_max: TOTAL_BYTES_MAX,
        records_per_session_max: RECORDS_PER_SESSION_MAX,
        bytes_per_session_max: BYTES_PER_SESSION_MAX,
    }
}

fn memory(settings: &ServerSettings) -> MemoryBounds {
    MemoryBounds {
        sessions_max: settings.sessions_kept_max,
        retention: settings.session_retention,
        ..MemoryBounds::default()
    }
}
