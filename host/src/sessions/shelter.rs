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

/// Says to other processes that this one works on the files, for as long as it is kept.
#[derive(Default)]
pub(crate) struct Lock {
    #[expect(dead_code, reason = "held, not read: the system gives the lock back when the file is closed")]
    file: Option<File>,
    /// Nobody else worked on them when this one began: whatever is leased is left behind.
    pub(crate) is_alone: bool,
}

/// Opens the file.
pub(crate) async fn open(data: &Path, settings: &ServerSettings, now: SystemTime) -> (Arc<dyn Backing>, Lock) {
    let (data, bounds, memory) = (data.to_owned(), bounds(settings), memory(settings));
    let opened = tokio::task::spawn_blocking(move || (on_disk(&data, bounds, now), lock(&data))).await;
    let (backing, lock) = opened.unwrap_or_default();
    (backing.unwrap_or_else(|| Arc::new(Memory::new(memory))), lock)
}

/// Whether there is a file of sessions at all.
pub(crate) fn exist(data: &Path) -> bool {
    data.join(FILE).is_file()
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

/// Whoever works on the files shares the lock for as long as it lives; whoever gets it alone at its start is alone.
fn lock(data: &Path) -> Lock {
    let path: PathBuf = data.join(LOCK);
    let locked = File::options().create(true).truncate(false).write(true).open(&path).and_then(|file| {
        let is_alone = file.try_lock().is_ok();
        if is_alone {
            file.unlock()?;
        }
        file.try_lock_shared()?;
        Ok(Lock { file: Some(file), is_alone })
    });
    locked.unwrap_or_else(|error| {
        let name = path.display();
        tracing::warn!("{name} cannot be locked ({error}): what is left behind is taken up when its leases end");
        Lock { file: None, is_alone: false }
    })
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
