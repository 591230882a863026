//! Which model and which key a request tries next. Decides only: it sends nothing, reads no clock (`now` comes in) and
//! knows no HTTP. The host sends what [`Attempt::next`] says and reports back what came of it.
//!
//! Reading order: `plan` (an alias as legs), `keys` (pools of keys and their states), `outcome` (THE TABLE: what a failure
//! means for key and request), `attempt` (one pass over a plan), `key_file` (what `keys_pool/` holds).

mod attempt;
mod key_file;
mod keys;
mod outcome;
mod plan;

pub use attempt::{Attempt, Outcome, Settings, Step, Try};
pub use key_file::{BadLine, read_key_file};
pub use keys::{Fate, KeySource, KeyState, Lease, NoKey, PoolState, Pools, Standing, key_id};
pub use outcome::{Rule, Verdict, rule};
pub use plan::{Leg, Plan, Plans, PoolName, own_keys};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod testing;
