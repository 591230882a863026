//! Everything that is known of keys, breakers, the hedges' budget and how profiles do: what outlives a reload. The host guards the one
//! there is with one lock.
use std::time::Instant;

use magic_config::Config;

use crate::breaker::{Admission, Breakers};
use crate::hedge::HedgeBudget;
use crate::keys::{Fate, KeySource, Lease, Pools};
use crate::measures::{Measures, Measuring};
use crate::plan::PoolName;

#[derive(Default)]
pub struct Health {
    pub pools: Pools,
    pub breakers: Breakers,
    pub hedges: HedgeBudget,
    pub measures: Measures,
}

/// The right to send one try of one request. Must come back: through `Attempt::report`, or, once the try has spoken or
/// nobody waits for it, through [`Health::settle`].
#[must_use = "a lost ticket counts as a request in flight for ever and may keep a breaker's probe place"]
pub struct Ticket {
    /// Where it goes: `plan.legs[leg]`.
    pub leg: usize,
    /// Which try of its request it is, from 0: its place in `Attempt::tries`.
    pub number: usize,
    /// `None`: the leg needs no key.
    pub lease: Option<Lease>,
    /// `None`: breakers are off, or it has had its say.
    pub(crate) admission: Option<Admission>,
    /// `None`: nobody wants to know how the profile does.
    pub(crate) measuring: Option<Measuring>,
}

// === impl Health ===
impl Health {
    /// Fits pools and breakers to a config. No state of a key is lost by it; what is known of profiles that are gone or moved is.
    pub fn reconcile(&mut self, config: &Config, keys: Vec<(PoolName, Vec<KeySource>)>) {
        self.pools.reconcile(keys);
        self.breakers.reconcile(&config.profiles);
        self.measures.reconcile(&config.profiles);
    }

    /// Ends a ticket without blame or praise: after it spoke, or when nobody waits for it any longer.
    pub fn settle(&mut self, ticket: Ticket, now: Instant) {
        if let Some(lease) = ticket.lease {
            self.pools.settle(lease, Fate::Untouched, now);
        }
        if let Some(admission) = ticket.admission {
            self.breakers.left(admission);
        }
        if let Some(measuring) = ticket.measuring {
            self.measures.ended(measuring);
        }
    }
}

#[cfg(test)]
mod tests;
