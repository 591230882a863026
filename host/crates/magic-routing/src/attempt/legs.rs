//! The legs of one attempt: which lane it is in, which legs are left, and why. Sends nothing and settles nothing.
use std::time::Instant;

use super::Settings;
use crate::breaker::BreakerStanding;
use crate::health::Health;
use crate::plan::{Lane, Leg, Plan};
use crate::route::{Became, Skip};

pub(super) struct Legs {
    /// By the plan's index.
    states: Vec<LegState>,
    /// The chain's in the order in which they are tried; empty where that is the plan's.
    order: Vec<usize>,
    lane: Lane,
    /// The lanes that were entered, the chain among them.
    entered: Vec<Lane>,
    /// Set once a model was too small: which windows are too small as well.
    window_above: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LegState {
    Fresh,
    /// Something was sent to it, and with another key more may be.
    Entered,
    /// Something was sent to it, and nothing more will be.
    Left,
    /// Nothing was sent to it, and nothing will be.
    Skipped(Skip),
}

// === impl Legs ===
impl Legs {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            states: vec![LegState::Fresh; plan.legs.len()],
            order: Vec::new(),
            lane: Lane::Chain,
            entered: vec![Lane::Chain],
            window_above: None,
        }
    }

    pub(super) fn unfit(&mut self, leg: usize, why: &'static str) {
        self.skip(leg, Some(Skip::Unfit(why)));
    }

    /// The first leg of the lane that is left.
    pub(super) fn next(&self, plan: &Plan) -> Option<usize> {
        self.of_lane(plan)
            .find(|(_, _, state)| matches!(state, LegState::Fresh | LegState::Entered))
            .map(|(leg, ..)| leg)
    }

    /// The first leg of the lane that nothing was sent to and that could be sent to now without a probe.
    pub(super) fn hedge(&self, plan: &Plan, settings: &Settings, health: &Health, now: Instant) -> Option<usize> {
        let is_well = |leg: &Leg| {
            let standing = health.breakers.standing(&leg.profile.name, now);
            !settings.breaker.enabled || matches!(standing, BreakerStanding::Closed { .. })
        };
        let mut fresh = self.of_lane(plan).filter(|(_, _, state)| *state == LegState::Fresh);
        let found = fresh.find(|(index, leg, _)| {
            let has_key = leg.pool.as_ref().is_none_or(|pool| health.pools.would_lease(pool, &[], now).is_ok());
            has_key && is_well(leg) && self.is_ready(*index, leg, settings, health, now).is_ok()
        });
        found.map(|(leg, ..)| leg)
    }

    fn of_lane<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (usize, &'a Leg, LegState)> {
        let legs =
            self.in_order(plan).filter_map(|index| Some((index, plan.legs.get(index)?, *self.states.get(index)?)));
        legs.filter(|(_, leg, _)| leg.lane == self.lane)
    }

    /// Every leg as it is to be tried within its lane.
    pub(super) fn in_order(&self, plan: &Plan) -> impl Iterator<Item = usize> {
        (0..plan.legs.len()).map(|place| self.order.get(place).copied().unwrap_or(place))
    }

    /// `first` is tried first, in this order, then the others of the first `spread`: none is left out.
    pub(super) fn put(&mut self, first: Vec<usize>, spread: usize) {
        self.order = first;
        let others: Vec<usize> = (0..spread).filter(|leg| !self.order.contains(leg)).collect();
        self.order.extend(others);
    }

    /// Whether it may be sent to as far as the leg itself is asked; its keys are another question.
    pub(super) fn is_ready(
        &self,
        index: usize,
        leg: &Leg,
        settings: &Settings,
        health: &Health,
        now: Instant,
    ) -> Result<(), Skip> {
        if let Some(LegState::Skipped(why)) = self.states.get(index) {
            return Err(*why);
        }
        if !self.fits(leg) {
            return Err(Skip::SmallerWindow);
        }
        match health.breakers.shut_until(&leg.profile.name, &settings.breaker, now) {
            Some(_) => Err(Skip::BreakerOpen),
            None => Ok(()),
        }
    }

    /// In the chain a model must be known to be larger; in a lane that somebody wrote for the purpose it is taken unless
    /// it is known not to be.
    fn fits(&self, leg: &Leg) -> bool {
        match (self.window_above, leg.profile.context_window) {
            (None, _) => true,
            (Some(above), Some(window)) => window > above,
            (Some(_), None) => leg.lane != Lane::Chain,
        }
    }

    /// Whether what was sent to it is enough, since each leg of the lane that has had nothing is due one of the tries that
    /// are left.
    pub(super) fn has_had_its_share(&self, index: usize, tries_left: usize, plan: &Plan) -> bool {
        let fresh = self.of_lane(plan).filter(|(_, _, state)| *state == LegState::Fresh).count();
        self.states.get(index) == Some(&LegState::Entered) && fresh >= tries_left
    }

    /// Something is sent to it. Without keys there is one try.
    pub(super) fn sent(&mut self, index: usize, leg: &Leg) {
        let state = if leg.pool.is_some() { LegState::Entered } else { LegState::Left };
        self.set(index, state);
    }

    /// It is not sent to again.
    pub(super) fn leave(&mut self, index: usize) {
        self.set(index, LegState::Left);
    }

    /// It is passed over. A leg that was used is not "skipped" when its keys run out: its tries tell the story.
    pub(super) fn skip(&mut self, index: usize, why: Option<Skip>) {
        match (self.states.get(index), why) {
            (Some(LegState::Fresh), Some(why)) => self.set(index, LegState::Skipped(why)),
            (Some(LegState::Fresh | LegState::Entered), _) => self.set(index, LegState::Left),
            (Some(LegState::Left | LegState::Skipped(_)) | None, _) => {}
        }
    }

    fn set(&mut self, index: usize, state: LegState) {
        if let Some(place) = self.states.get_mut(index) {
            *place = state;
        }
    }

    /// The request does not fit this leg's model.
    pub(super) fn too_long(&mut self, index: usize, plan: &Plan) {
        self.leave(index);
        let leg = plan.legs.get(index);
        let changes = self.change_to(Lane::ContextWindow, plan);
        // An unknown window cannot be compared with: in the chain nobody is known to be larger then, and in a lane of
        // its own nobody is known to be smaller.
        let unknown = if changes { None } else { Some(u32::MAX) };
        let above = leg.and_then(|leg| leg.profile.context_window).or(unknown);
        self.window_above = self.window_above.max(above);
    }

    /// Goes on in another lane, if it is there and serves this operation; whether the attempt is in it now.
    pub(super) fn change_to(&mut self, lane: Lane, plan: &Plan) -> bool {
        if self.lane == lane {
            return true;
        }
        let mut legs = plan.legs.iter().zip(&self.states);
        let is_there = legs.any(|(leg, state)| leg.lane == lane && *state == LegState::Fresh);
        if !is_there || self.entered.contains(&lane) {
            return false;
        }
        self.lane = lane;
        self.entered.push(lane);
        true
    }

    pub(super) fn was_entered(&self, lane: Lane) -> bool {
        self.entered.contains(&lane)
    }

    pub(super) fn why_skipped(&self, index: usize) -> Option<Skip> {
        match self.states.get(index)? {
            LegState::Skipped(why) => Some(*why),
            LegState::Fresh | LegState::Entered | LegState::Left => None,
        }
    }

    /// Of a leg without tries.
    pub(super) fn became_unsent(&self, index: usize, lane: Lane) -> Became {
        match self.why_skipped(index) {
            Some(why) => Became::Skipped(why),
            None if lane != self.lane => Became::Skipped(Skip::OtherLane),
            None => Became::NotReached,
        }
    }
}

#[cfg(test)]
mod tests;
