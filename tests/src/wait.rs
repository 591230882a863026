//! Waits for what is about to become true. The only place of the tests that lets time pass; no test knows how much.
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Far beyond anything that works on the slowest machine: who waits that long waits in vain.
pub const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(2);

/// Returns as soon as `condition` holds.
///
/// # Panics
/// When it does not within [`PATIENCE`].
pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        sleep(LOOK).await;
    }
}

/// The same for a condition that has to be asked for.
///
/// # Panics
/// As [`wait_until`].
pub async fn wait_until_async<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        sleep(LOOK).await;
    }
}

/// Awaits something that must come.
///
/// # Panics
/// When it does not within [`PATIENCE`].
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain: {what}"))
}
