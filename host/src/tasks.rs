//! The only place that spawns: every task has a name, is told when the gateway stops, and is awaited. A task that panics
//! is told of in the log; one that the gateway cannot do without stops it.
use futures_util::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// What is left of the drain time for last words, once the answers in flight were given theirs.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Cheap to clone; all clones are one set of tasks.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    ending: CancellationToken,
}

impl Tasks {
    /// Runs `future` until it ends. It is expected to end soon after [`Tasks::stopping`] fires, or with its own work.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
    pub(crate) fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let watched = AssertUnwindSafe(future).catch_unwind().map(move |ended| {
            if ended.is_err() {
                tracing::error!(task = name, "the task `{name}` panicked");
            }
        });
        tokio::spawn(self.tracker.track_future(watched.instrument(tracing::debug_span!("task", name))));
    }

    /// Runs what must not end before the gateway does: if it does, the gateway stops.
    pub(crate) fn spawn_essential(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        let watched = AssertUnwindSafe(future).catch_unwind().map(move |_| {
            if !stopping.is_cancelled() {
                tracing::error!(task = name, "the task `{name}` ended: the gateway cannot go on without it");
                stopping.cancel();
            }
        });
        self.spawn(name, watched);
    }

    /// Fires once, when the gateway begins to stop: take nothing new.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Fires once, when the time for answers in flight is over.
    pub(crate) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Live tasks, for metrics and for tests that look for leftovers.
    pub(crate) fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Tells every task to stop and waits for them, `drain` at the longest. False when some were left.
    pub(crate) async fn shutdown(&self, drain: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(drain.saturating_sub(LAST_WORDS), self.tracker.wait()).await.is_ok() {
            return true;
        }
        self.ending.cancel();
        tokio::time::timeout(LAST_WORDS, self.tracker.wait()).await.is_ok()
    }
}
