//! What would become of a request for an alias if it came now, for `POST /admin/explain`. Changes nothing: no key is
//! leased and no probe's place taken.
use std::sync::Arc;
use std::time::Instant;

use crate::attempt::{Attempt, Settings};
use crate::breaker::BreakerStanding;
use crate::health::Health;
use crate::keys::KeyCounts;
use crate::measures::Measured;
use crate::plan::{Plan, PoolName};
use crate::route::Considered;
use crate::strategy::{Chosen, Facts};

/// A request that might come.
pub struct Question<'a> {
    pub facts: &'a Facts,
    /// What a strategy draws with.
    pub dice: u64,
    pub streams: bool,
    /// Legs that cannot serve the operation, and why.
    pub unfit: &'a [(usize, &'static str)],
}

/// Every leg in the order in which it would be tried, and why.
pub struct Explanation {
    /// `None`: the chain as it stands.
    pub chosen: Option<Chosen>,
    pub legs: Vec<Explained>,
}

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
    /// `None`: no strategy wants to know.
    pub measured: Option<Measured>,
    /// What it would ask, in millionths, as far as can be told before.
    pub cost_micros: Option<u64>,
}

/// Changes nothing.
pub fn explain(
    plan: &Arc<Plan>,
    settings: &Settings,
    question: &Question<'_>,
    health: &Health,
    now: Instant,
) -> Explanation {
    let mut attempt = Attempt::new(Arc::clone(plan), *settings);
    for (leg, why) in question.unfit {
        attempt.unfit(*leg, why);
    }
    if !question.streams {
        attempt.never_hedge();
    }
    if plan.has_choice() {
        attempt.choose(question.facts, question.dice, health, now);
    }
    let first = attempt.foresee(health, now);
    let trail = attempt.route();
    let legs = trail.legs.into_iter().filter_map(|considered| Some((plan.legs.get(considered.leg)?, considered)));
    let usage = question.facts.usage();
    let explained = legs.map(|(leg, considered)| Explained {
        is_first: first == Some(considered.leg),
        pool: leg.pool.clone(),
        keys: leg.pool.as_ref().map(|pool| health.pools.counts(pool, now)),
        breaker: health.breakers.standing(&leg.profile.name, now),
        measured: leg.is_measured.then(|| health.measures.of(&leg.profile.name, now)),
        cost_micros: leg.profile.cost_micros(&usage),
        considered,
    });
    Explanation { chosen: trail.chosen.map(|chosen| *chosen), legs: explained.collect() }
}

#[cfg(test)]
mod tests;
