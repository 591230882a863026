//! What would become of a request for an alias if it came now, for `POST /admin/explain`. Changes nothing: no key is
//! leased and no probe's place taken.
use std::sync::Arc;
use std::time::Instant;

use crate::attempt::{Attempt, Settings};
use crate::breaker::BreakerStanding;
use crate::health::Health;
use crate::keys::KeyCounts;
use crate::plan::{Plan, PoolName};
use crate::route::Considered;

/// One leg, as a request that came now would find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// `Skipped` with the reason, or `NotReached`: it could be sent to.
    pub considered: Considered,
    /// It would be tried first.
    pub is_first: bool,
    /// `None`: it needs no key.
    pub pool: Option<PoolName>,
    pub keys: Option<KeyCounts>,
    pub breaker: BreakerStanding,
}

/// Every leg in the order of the plan. `unfit` are legs that cannot serve the operation, and why.
pub fn explain(
    plan: &Arc<Plan>,
    settings: &Settings,
    unfit: &[(usize, &'static str)],
    health: &Health,
    now: Instant,
) -> Vec<Explained> {
    let mut attempt = Attempt::new(Arc::clone(plan), *settings);
    for (leg, why) in unfit {
        attempt.unfit(*leg, why);
    }
    let first = attempt.foresee(health, now);
    let legs = attempt.route().into_iter().zip(&plan.legs);
    let explained = legs.map(|(considered, leg)| Explained {
        is_first: first == Some(considered.leg),
        pool: leg.pool.clone(),
        keys: leg.pool.as_ref().map(|pool| health.pools.counts(pool, now)),
        breaker: health.breakers.standing(&leg.profile.name, now),
        considered,
    });
    explained.collect()
}

#[cfg(test)]
mod tests;
