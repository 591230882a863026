//! The only way to reach a model: a route and a payload in, a reply whose first event has been seen out.
mod attempt_loop;
mod client;
mod fresh;
mod lease;
mod stream;
mod target;

pub(crate) use attempt_loop::{Payload, Reply, ReplyBody, after};
pub(crate) use stream::ChatStream;
pub(crate) use target::Route;

use crate::upstream::client::Clients;
use magic_config::Config;
use magic_routing::{KeySource, PoolName, PoolState, Pools};
use magic_types::{AliasName, Failure};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Holds what outlives a reload: the connections and the state of the keys.
#[derive(Default)]
pub(crate) struct Upstream {
    clients: Clients,
    pools: Arc<Mutex<Pools>>,
}

impl Upstream {
    /// Every alias of a checked config.
    ///
    /// # Errors
    /// A problem text for an `api_base` that is no URL.
    pub(crate) fn routes(&self, config: &Config) -> Result<HashMap<AliasName, Arc<Route>>, String> {
        target::routes(config, &self.clients)
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
