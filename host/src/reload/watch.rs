//! Wakes the reload loop when something in the watched folders moves. Folders, not files: editors save by renaming.
use crate::app::Paths;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// Dropping it ends the watching.
pub(crate) struct Watch {
    moved: Arc<Notify>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// A folder that cannot be watched is a warning: the loop looks by itself now and then.
    pub(crate) fn start(paths: &Paths) -> Self {
        let moved = Arc::new(Notify::new());
        let wake = Arc::clone(&moved);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Reading is no change, and the loop itself reads.
            if !matches!(event, Ok(Event { kind: EventKind::Access(_), .. })) {
                wake.notify_one();
            }
        });
        let watcher = watcher
            .map(|mut watcher| {
                paths.watched().iter().for_each(|folder| follow(&mut watcher, folder));
                watcher
            })
            .inspect_err(|error| tracing::warn!(%error, "files are looked at now and then only: {error}"));
        Self { moved, _watcher: watcher.ok() }
    }

    /// Resolves once after any number of moves.
    pub(crate) async fn changed(&mut self) {
        self.moved.notified().await;
    }
}

fn follow(watcher: &mut RecommendedWatcher, folder: &Path) {
    if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
        tracing::debug!(folder = %folder.display(), %error, "folder {} is not watched: {error}", folder.display());
    }
}
