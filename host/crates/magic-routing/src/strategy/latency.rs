//! Whoever answered soonest lately, by the power of two choices: the better of two that are drawn. Always taking the best
//! would send everybody to it at once, until it is the best no more.
use std::time::Duration;

use super::dice::Dice;
use super::{Known, Ranked, Why};
use crate::plan::Plan;

/// A leg of which nothing is known goes first when it is its turn to show; else after those that are known. Behind the first
/// two the others stand by what is expected of them.
pub(super) fn rank(plan: &Plan, legs: Vec<usize>, known: &Known<'_>, dice: &mut Dice) -> Ranked {
    let (mut timed, mut unknown): (Vec<(Duration, usize)>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut explored = None;
    for leg in legs {
        let Some(name) = plan.legs.get(leg).map(|leg| &leg.profile.name) else { continue };
        match known.measures.expected(name, known.sort, known.now) {
            Some(time) => timed.push((time, leg)),
            None if explored.is_none() && known.measures.wants_exploring(name, known.sort, known.now) => {
                explored = Some(leg);
            }
            None => unknown.push(leg),
        }
    }
    let mut drawn = two(&mut timed, dice);
    drawn.sort();
    timed.sort();
    let why = match (explored, drawn.first()) {
        (Some(_), _) => Why::Explored,
        (None, Some((time, _))) => Why::Expected(*time),
        (None, None) => Why::Unknown,
    };
    let timed = drawn.into_iter().chain(timed).map(|(_, leg)| leg);
    Ranked { legs: explored.into_iter().chain(timed).chain(unknown).collect(), why }
}

/// Takes two out, or as many as there are.
fn two(timed: &mut Vec<(Duration, usize)>, dice: &mut Dice) -> Vec<(Duration, usize)> {
    let mut drawn = Vec::with_capacity(2);
    while drawn.len() < 2 && !timed.is_empty() {
        drawn.push(timed.swap_remove(dice.place(timed.len())));
    }
    drawn
}
