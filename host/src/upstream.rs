//! The only way to reach a model: a route and a payload in, a reply whose first event has been seen out.
mod attempt_loop;
mod client;
mod destination;
mod dice;
mod facts;
mod form;
mod fresh;
mod lease;
mod payload;
mod recheck;
mod reply;
mod send;
mod stream;
mod target;

pub(crate) use form::Form;
pub(crate) use payload::{Asked, Payload, Previous};
pub(crate) use reply::{Declined, Reply, ReplyBody};
pub(crate) use stream::{ByteStream, EventStream, RawStream};
pub(crate) use target::Route;

use crate::app::wall_clock;
use crate::store::{Kept, Store};
use crate::telemetry::{Telemetry, Trace};
use crate::upstream::client::Clients;
use crate::upstream::dice::Dice;
use crate::upstream::lease::{lock, now};
use magic_config::Config;
use magic_dialects::operation::Operation;
use magic_routing::{
    BreakerState, Explanation, Facts, Health, KeptKey, KeySource, PoolName, PoolState, Question, explain,
};
use magic_types::AliasName;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Holds what outlives a reload: the connections, and the state of keys and breakers.
pub(crate) struct Upstream {
    clients: Clients,
    health: Arc<Mutex<Health>>,
    dice: Dice,
    store: Store,
    telemetry: Telemetry,
}

impl Upstream {
    /// `kept`: the keys' states of earlier runs.
    pub(crate) fn new(store: Store, kept: Vec<Kept>) -> Self {
        let wall = wall_clock();
        let kept = kept.into_iter().map(|kept| KeptKey { standing: kept.standing(wall), id: kept.id, pool: kept.pool });
        let mut health = Health::default();
        health.pools.restore(kept.collect(), now());
        Self {
            clients: Clients::default(),
            health: Arc::new(Mutex::new(health)),
            dice: Dice::default(),
            store,
            telemetry: Telemetry::default(),
        }
    }

    /// Every alias of a checked config. `has_keys`: whether a pool holds any.
    ///
    /// # Errors
    /// A problem text for an `api_base` that is no URL.
    pub(crate) fn routes(
        &self,
        config: &Config,
        has_keys: impl Fn(&PoolName) -> bool,
    ) -> Result<HashMap<AliasName, Arc<Route>>, String> {
        target::routes(config, has_keys, &self.clients)
    }

    /// What is told of the calls that go through here.
    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Takes the keys of all pools out of a text.
    pub(crate) fn redactor(&self) -> impl Fn(&mut String) + Send + Sync + 'static {
        let health = Arc::clone(&self.health);
        move |text| {
            // Searched without the lock, which every request takes.
            let secrets = lock(&health).pools.secrets();
            secrets.redact(text);
        }
    }

    /// Carries a request along the route's plan. `trace`: what it is done for.
    ///
    /// # Errors
    /// The client's own failure, or the last real one when all legs are spent; and what became of the legs.
    pub(crate) async fn complete(
        &self,
        route: &Arc<Route>,
        payload: &Payload<'_>,
        trace: &Trace,
    ) -> Result<Reply, Declined> {
        attempt_loop::run(self, route, payload, trace).await
    }

    /// Whether the alias has a leg that could be served now or after a quarantine.
    pub(crate) fn is_runnable(&self, route: &Route) -> bool {
        route.plan.is_runnable(&lock(&self.health).pools)
    }

    /// What would become of a request that came now; of any, or of this one. Changes nothing.
    pub(crate) fn explain(&self, route: &Route, operation: Operation, payload: Option<&Payload<'_>>) -> Explanation {
        let facts = payload.map_or_else(Facts::default, facts::look);
        let streams = payload.is_none_or(Payload::may_hedge);
        let unfit = route.unfit(operation);
        let question = Question { facts: &facts, dice: self.dice.roll(), streams, unfit: &unfit };
        explain(&route.plan, &route.settings, &question, &lock(&self.health), now())
    }

    /// Takes over the keys of a reload; those that stay keep their state.
    pub(crate) fn reconcile(&self, config: &Config, keys: Vec<(PoolName, Vec<KeySource>)>) {
        lock(&self.health).reconcile(config, keys);
    }

    pub(crate) fn key_states(&self) -> Vec<PoolState> {
        lock(&self.health).pools.states(now())
    }

    pub(crate) fn breaker_states(&self) -> Vec<BreakerState> {
        lock(&self.health).breakers.states(now())
    }

    /// Writes down what changed, so that it outlives a restart. Does not wait.
    fn keep(&self, changes: Vec<KeptKey>) {
        if changes.is_empty() {
            return;
        }
        let wall = wall_clock();
        let kept = changes.into_iter().map(|KeptKey { id, pool, standing }| Kept::new(id, pool, standing, wall));
        // A store that is full or gone has said so itself; the keys' states hold in memory all the same.
        let _kept = self.store.save_keys(kept.collect(), wall);
    }
}
