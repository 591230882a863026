//! Says to other processes that this one works on `accounts.db`, so that nobody settles its holds for it.
use std::fs::File;
use std::path::{Path, PathBuf};

const LOCK: &str = "accounts.lock";

/// For as long as it is kept.
pub(super) struct Lock {
    file: Option<File>,
    path: PathBuf,
    /// Nobody else works on it: whatever is held is left behind.
    pub(super) is_alone: bool,
}

/// Whoever gets it alone keeps it alone until [`Lock::shared`]: who comes meanwhile waits there.
pub(super) fn lock(data: &Path) -> Lock {
    let path = data.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.inspect_err(|error| warn(&path, error)).ok();
    let is_alone = file.as_ref().is_some_and(|file| file.try_lock().is_ok());
    Lock { file, path, is_alone }
}

// === impl Lock ===
impl Lock {
    /// What was left behind is settled: others may come. Blocks while another process does what this one has just done.
    pub(super) fn shared(self) -> Self {
        let Some(file) = &self.file else { return self };
        let unlocked = if self.is_alone { file.unlock() } else { Ok(()) };
        if let Err(error) = unlocked.and_then(|()| file.lock_shared()) {
            warn(&self.path, &error);
        }
        self
    }
}

fn warn(path: &Path, error: &std::io::Error) {
    let name = path.display();
    tracing::warn!("{name} cannot be locked ({error}): holds that a crash left behind may stay held");
}
