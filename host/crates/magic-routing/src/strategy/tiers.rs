//! The tier that a request's score picks, and the others as its fallbacks.
use magic_config::Tier;

use super::{Ranked, Why};

/// First the tier of the score, then the harder ones from the next on, then the easier ones from the next down: a model that
/// can do more can do this as well. Legs in no tier come last, as they stand in the chain.
pub(super) fn rank(legs: Vec<usize>, tiers: &[Tier], score: u32) -> Ranked {
    // The last tier takes every score.
    let own = tiers.iter().take_while(|tier| tier.up_to < score).count();
    let (easier, from_own) = tiers.split_at(own);
    let tiered = from_own.iter().chain(easier.iter().rev()).flat_map(|tier| tier.legs.iter().copied());
    let mut order: Vec<usize> = tiered.filter(|leg| legs.contains(leg)).collect();
    let untiered = legs.into_iter().filter(|leg| !order.contains(leg)).collect::<Vec<_>>();
    order.extend(untiered);
    let tier = order.first().and_then(|leg| tiers.iter().position(|tier| tier.legs.contains(leg)));
    Ranked { legs: order, why: Why::Tier { score, tier: tier.unwrap_or(own) + 1 } }
}
