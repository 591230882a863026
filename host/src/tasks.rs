//! The only place that spawns: every task has a name, is told when the gateway stops, and is awaited.
use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Cheap to clone; all clones are one set of tasks.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Tasks {
    /// Runs `future` until it ends. It is expected to end soon after [`Tasks::stopping`] fires.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
    pub(crate) fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.tracker.track_future(future.instrument(tracing::debug_span!("task", name))));
    }

    /// Fires once, when the gateway begins to stop.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Live tasks, for metrics and for tests that look for leftovers.
    pub(crate) fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Tells every task to stop and waits for them, `drain` at the longest. False when some were left.
    pub(crate) async fn shutdown(&self, drain: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        tokio::time::timeout(drain, self.tracker.wait()).await.is_ok()
    }
}
