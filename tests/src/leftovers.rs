//! What a test may not leave behind: tasks, component instances, connections to vendors.
use crate::provider::Provider;
use crate::wait::wait_until;

/// Stops a gateway. Everything that ran for requests must be over before, or end within the drain time.
pub(crate) async fn none_in(gateway: magic_proxy::Gateway) {
    wait_until("every component instance is dropped", || {
        let (_, live) = gateway.alive();
        live.instances == 0 && live.waiting == 0
    })
    .await;
    let (tasks, _) = gateway.alive();
    assert!(gateway.stop().await, "some of {tasks} tasks did not end when the gateway stopped");
}

/// Every connection to a vendor is closed, and the vendor was asked for nothing that the test had not scripted.
pub(crate) async fn none_at(providers: &[&Provider]) {
    for provider in providers {
        wait_until("the gateway has closed its connections to the vendor", || provider.open_connections() == 0).await;
        let unscripted = provider.unscripted();
        assert!(unscripted.is_empty(), "the vendor got requests that the test has no script for: {unscripted:?}");
    }
}
