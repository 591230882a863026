//! The only way to reach a model: a route and a payload in, a reply whose first event has been seen out.
mod attempt_loop;
mod client;
mod lease;
mod stream;
mod target;

pub(crate) use attempt_loop::{Payload, Reply, ReplyBody};
pub(crate) use stream::ChatStream;
pub(crate) use target::{Route, routes};

use crate::upstream::client::Client;
use magic_routing::{KeySource, PoolName, PoolState, Pools};
use magic_types::Failure;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Holds what outlives a reload: the connections and the state of the keys.
pub(crate) struct Upstream {
    client: Client,
    pools: Arc<Mutex<Pools>>,
}

impl Upstream {
    /// # Errors
    /// When the TLS roots of the system cannot be read.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { client: Client::new()?, pools: Arc::new(Mutex::new(Pools::default())) })
    }

    /// Carries a request along the route's plan.
    ///
    /// # Errors
    /// The client's own failure, or the last real one when all legs are spent.
    pub(crate) async fn complete(&self, route: &Arc<Route>, payload: Payload<'_>) -> Result<Reply, Failure> {
        attempt_loop::run(self, route, payload).await
    }

    /// Whether the alias has a leg that could be served now or after a quarantine.
    pub(crate) fn is_runnable(&self, route: &Route) -> bool {
        let pools = self.pools();
        route.plan.legs.iter().any(|leg| leg.pool.as_ref().is_none_or(|pool| pools.runnable(pool)))
    }

    /// Takes over the keys of a reload; those that stay keep their state.
    pub(crate) fn reconcile(&self, keys: Vec<(PoolName, Vec<KeySource>)>) {
        self.pools().reconcile(keys);
    }

    pub(crate) fn key_states(&self) -> Vec<PoolState> {
        self.pools().states(lease::now())
    }

    /// Short sections only: never held across an await. A poisoned lock still holds good counts.
    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
