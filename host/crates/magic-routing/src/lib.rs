//! Which model and which key a request tries next. Decides only: it sends nothing, reads no clock (`now` comes in) and
//! knows no HTTP. The host sends what [`Attempt::next`] says and reports back what came of it.
//!
//! Reading order: `plan` (an alias as legs, in lanes), `keys` (pools of keys, their states, and what is remembered of keys
//! that are away), `breaker` (whether a profile is asked at all), `hedge` (how many requests may be sent twice),
//! `measures` (how busy and how fast each profile is), `health` (these four together: what outlives a reload; and the ticket,
//! the right to send one try), `outcome` (THE TABLE: what a failure means for key and request), `strategy` (in which order a
//! request tries the chain), `attempt` (one pass over a plan: `legs` knows what is left of it, `end` what is said when
//! nothing is), `route` (what became of every leg), `explain` (what would), `key_file` (what `keys_pool/` holds).

mod attempt;
mod breaker;
mod explain;
mod health;
mod hedge;
mod key_file;
mod keys;
mod measures;
mod outcome;
mod plan;
mod route;
mod strategy;

pub use attempt::{Attempt, Outcome, Settings, Step, Try};
pub use breaker::{BreakerStanding, BreakerState, Breakers};
pub use explain::{Explained, Explanation, Question, explain};
pub use health::{Health, Ticket};
pub use hedge::HedgeBudget;
pub use key_file::{BadLine, read_key_file};
pub use keys::{
    Fate, KeptKey, KeyCounts, KeySource, KeyState, Lease, NoKey, PoolState, Pools, Secrets, Standing, key_id,
};
pub use measures::{Measured, Measures};
pub use outcome::{Rule, Verdict, rule};
pub use plan::{Lane, Leg, Plan, Plans, PoolName, own_keys};
pub use route::{Became, Considered, Skip, Trail, route_header};
pub use strategy::{Chosen, Facts, Needs, Sketch, Why};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod testing;
