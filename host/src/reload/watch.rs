//! Wakes the reload loop when something in the watched folders moves. Folders, not files: editors save by renaming.
use super::files::is_hidden;
use crate::app::Paths;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// One copy makes many moves; they are one change.
const GATHER: Duration = Duration::from_millis(50);

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
            if event.as_ref().map_or(true, concerns) {
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
        tokio::time::sleep(GATHER).await;
    }
}

/// Whether it is about a file that is ever read. Reading is no change, and the loop itself reads. An event without
/// paths says that some were lost.
fn concerns(event: &Event) -> bool {
    let is_read = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("wasm" | "yaml" | "env")) && !is_hidden(path)
    };
    !matches!(event.kind, EventKind::Access(_))
        && (event.paths.is_empty() || event.paths.iter().any(|path| is_read(path)))
}

fn follow(watcher: &mut RecommendedWatcher, folder: &Path) {
    if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
        tracing::debug!(folder = %folder.display(), %error, "folder {} is not watched: {error}", folder.display());
    }
}

#[cfg(test)]
mod tests;
