//! Tells whether a request opened its connection or was put on one that was kept. A kept one may be dead already: the
//! server closed it while the request was on its way.
use std::cell::Cell;
use tokio::task_local;

task_local! {
    static OPENED: Cell<bool>;
}

/// Called when a connection has been made, inside the task of the request that it is for. Where a kept one was given back
/// meanwhile and taken instead, the new one is finished elsewhere, and this finds nobody who asked.
pub(super) fn opened() {
    // Outside `watch` nobody asks.
    let _nobody_asked = OPENED.try_with(|opened| opened.set(true));
}

/// The future's output, and whether a connection was opened on the way.
pub(super) async fn watch<T>(request: impl Future<Output = T>) -> (T, bool) {
    OPENED.scope(Cell::new(false), async { (request.await, OPENED.with(Cell::get)) }).await
}
