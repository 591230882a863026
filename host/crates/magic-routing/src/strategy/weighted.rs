//! A draw by weight without replacement: the first leg takes its share of the requests, and what cannot be sent to it is
//! spread over the others by their shares.
use super::dice::Dice;
use super::{Ranked, Why};

/// Legs that weigh nothing come last, as they stand in the chain.
pub(super) fn rank(legs: Vec<usize>, weights: &[u64], dice: &mut Dice) -> Ranked {
    let weight = |leg: usize| weights.get(leg).copied().unwrap_or(0);
    let total = |legs: &[usize]| legs.iter().fold(0_u64, |sum, leg| sum.saturating_add(weight(*leg)));
    let (mut left, last): (Vec<usize>, Vec<usize>) = legs.into_iter().partition(|leg| weight(*leg) > 0);
    let of = total(&left);
    let mut drawn = Vec::with_capacity(left.len() + last.len());
    while !left.is_empty() {
        let mut point = dice.below(total(&left));
        let place = left.iter().position(|leg| match point.checked_sub(weight(*leg)) {
            Some(rest) => {
                point = rest;
                false
            }
            None => true,
        });
        drawn.push(left.remove(place.unwrap_or(0)));
    }
    drawn.extend(last);
    let weight = drawn.first().map_or(0, |leg| weight(*leg));
    Ranked { legs: drawn, why: Why::Weight { weight, of } }
}
