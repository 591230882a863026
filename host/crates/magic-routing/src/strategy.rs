//! In which order a request tries the chain: one strategy a file, each a function of what is known now. Draws with what the
//! caller hands in and changes nothing; keys, breakers, lanes and hedges go on as for any chain.
mod chosen;
mod dice;
mod facts;
mod latency;
mod score;
mod tiers;
mod weighted;

use std::time::Instant;

use magic_config::{Capabilities, Strategy};

pub use self::chosen::{Chosen, Why};
pub use self::facts::{Facts, Needs};
pub use self::score::Sketch;

use self::dice::Dice;
use crate::measures::{Measures, Sort};
use crate::plan::{Leg, Plan};

/// What a strategy looks at beside the plan.
pub(crate) struct Known<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) sort: Sort,
    /// A number that nobody could foresee, or a test's own.
    pub(crate) dice: u64,
    pub(crate) measures: &'a Measures,
    pub(crate) now: Instant,
}

/// The chain's legs in the order in which they are to be tried, and why the first is first.
pub(crate) struct Order {
    pub(crate) legs: Vec<usize>,
    pub(crate) chosen: Chosen,
}

/// Some of the legs in order, and why.
struct Ranked {
    legs: Vec<usize>,
    why: Why,
}

/// Why a leg cannot serve a request, if it is known that it cannot.
pub(crate) fn lack(capabilities: &Capabilities, needs: &Needs) -> Option<&'static str> {
    let lacks = |has: Option<bool>, needed: bool| needed && has == Some(false);
    if lacks(capabilities.tools, needs.tools) {
        Some("no tools")
    } else if lacks(capabilities.vision, needs.vision) {
        Some("no vision")
    } else if lacks(capabilities.json_schema, needs.json_schema) {
        Some("no json schema")
    } else {
        None
    }
}

/// `candidates` are the legs that are fit; the strategy's choice is among those that `is_ready` now and whose window is not
/// known to be too small, if there are any. The others follow as they stand in the chain, the small ones last: the size of
/// a request is an estimate, and no reason to refuse it.
pub(crate) fn order(plan: &Plan, candidates: &[usize], is_ready: impl Fn(usize) -> bool, known: &Known<'_>) -> Order {
    let fits = |leg: &usize| plan.legs.get(*leg).is_some_and(|leg| fits(leg, known.facts));
    let (large, small): (Vec<usize>, Vec<usize>) = candidates.iter().copied().partition(fits);
    let (prime, rest): (Vec<usize>, Vec<usize>) = large.into_iter().partition(|leg| is_ready(*leg));
    let (prime, rest) =
        if prime.is_empty() { ([rest, small].concat(), Vec::new()) } else { (prime, [rest, small].concat()) };
    let Ranked { mut legs, why } = ranked(plan, prime, known);
    legs.extend(rest);
    Order { legs, chosen: Chosen { strategy: plan.strategy.as_str(), why } }
}

fn ranked(plan: &Plan, legs: Vec<usize>, known: &Known<'_>) -> Ranked {
    let mut dice = Dice::new(known.dice);
    match &plan.strategy {
        Strategy::Ordered => Ranked { legs, why: Why::AsItStands },
        Strategy::Weighted(weights) => weighted::rank(legs, weights, &mut dice),
        Strategy::LeastBusy => least_busy(plan, legs, known),
        Strategy::LowestLatency => latency::rank(plan, legs, known, &mut dice),
        Strategy::LowestCost => lowest_cost(plan, legs, known),
        Strategy::Capability => Ranked { legs, why: Why::Needs(known.facts.needs) },
        Strategy::Complexity(tiers) => tiers::rank(legs, tiers, known.facts.score),
    }
}

fn fits(leg: &Leg, facts: &Facts) -> bool {
    leg.profile.context_window.is_none_or(|window| facts.tokens() <= u64::from(window))
}

/// Fewest under way first; of equals the first in the chain.
fn least_busy(plan: &Plan, mut legs: Vec<usize>, known: &Known<'_>) -> Ranked {
    let in_flight = |leg: usize| plan.legs.get(leg).map_or(0, |leg| known.measures.in_flight(&leg.profile.name));
    legs.sort_by_cached_key(|leg| in_flight(*leg));
    let why = Why::InFlight(legs.first().map_or(0, |leg| in_flight(*leg)));
    Ranked { legs, why }
}

/// Cheapest first, by the estimated tokens; what nobody counts comes last. Of equals the first in the chain.
fn lowest_cost(plan: &Plan, mut legs: Vec<usize>, known: &Known<'_>) -> Ranked {
    let usage = known.facts.usage();
    let cost = |leg: usize| plan.legs.get(leg).and_then(|leg| leg.profile.cost_micros(&usage));
    legs.sort_by_cached_key(|leg| cost(*leg).unwrap_or(u64::MAX));
    let why = legs.first().and_then(|leg| cost(*leg)).map_or(Why::Unpriced, Why::Micros);
    Ranked { legs, why }
}

#[cfg(test)]
mod tests;
