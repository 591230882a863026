//! One request's pass over a plan: what to send next, and what an outcome means for it. Pure; the one retry loop of the
//! host drives it. A leg that was left is not entered again, each key is tried once a leg, and the tries are bounded, so
//! it ends.
mod end;
mod legs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use magic_config::{BreakerSettings, Config, HedgingSettings, KeyManagementSettings};
use magic_types::{Failure, KeyId, Kind, ProfileName};

use self::legs::Legs;
use crate::health::{Health, Ticket};
use crate::keys::Fate;
use crate::measures::Sort;
use crate::outcome::{self, Verdict};
use crate::plan::{Lane, Plan};
use crate::route::{Became, Considered, Skip, Trail};
use crate::strategy::{self, Chosen, Facts, Known};

/// Tries of one request. More would keep a client waiting past its own timeout.
const TRIES_MAX: usize = 16;

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub tries_max: usize,
    pub keys: KeyManagementSettings,
    pub breaker: BreakerSettings,
    pub hedging: HedgingSettings,
}

/// What the host shall do.
pub enum Step {
    /// Send it, then [`Attempt::report`] or [`Attempt::spoke`].
    Send(Ticket),
    /// The answer to the client.
    GiveUp(Failure),
}

/// What came of a ticket that did not speak.
pub enum Outcome {
    Failed(Failure),
    /// The client is gone, or the host stopped waiting: nobody's fault and nobody's success.
    Abandoned,
}

/// For the request's log line and the session's `LlmCall` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Its place in `plan.legs`.
    pub leg: usize,
    pub profile: ProfileName,
    /// `None`: the leg needs no key.
    pub key_id: Option<KeyId>,
    /// `None`: it succeeded, was abandoned or is under way.
    pub kind: Option<Kind>,
    /// It was sent beside another one.
    pub is_hedge: bool,
}

pub struct Attempt {
    plan: Arc<Plan>,
    settings: Settings,
    /// The plan's, unless this request is not to be raced.
    hedge_after: Option<Duration>,
    sort: Sort,
    state: State,
    /// What the plan's strategy said; `None`: the chain as it stands.
    chosen: Option<Chosen>,
    legs: Legs,
    tries: Vec<Try>,
    /// Numbers of the tries without an outcome: two at most.
    under_way: Vec<usize>,
    /// Number of the try that spoke.
    served: Option<usize>,
    /// The last failure that came from a vendor.
    last: Option<Failure>,
}

enum State {
    Open,
    /// The request has its answer, or nobody waits for one.
    Over,
    GivenUp(Failure),
}

// === impl Settings ===
impl Settings {
    pub fn of(config: &Config) -> Self {
        Self {
            tries_max: TRIES_MAX,
            keys: config.key_management_settings,
            breaker: config.breaker_settings,
            hedging: config.hedging_settings,
        }
    }
}

// === impl Attempt ===
impl Attempt {
    pub fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        let legs = Legs::of(&plan);
        Self {
            hedge_after: plan.hedge_after,
            plan,
            settings,
            sort: Sort::Stream,
            state: State::Open,
            chosen: None,
            legs,
            tries: Vec::new(),
            under_way: Vec::new(),
            served: None,
            last: None,
        }
    }

    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Marks a leg that cannot serve this operation. Before the first [`Attempt::next`].
    pub fn unfit(&mut self, leg: usize, why: &'static str) {
        self.legs.unfit(leg, why);
    }

    /// This request has no first event that could be slow: it is not raced, does not count for the budget, and its time is
    /// that of its whole reply. Before the first [`Attempt::next`].
    pub fn never_hedge(&mut self) {
        self.hedge_after = None;
        self.sort = Sort::Whole;
    }

    /// Puts the chain in the order of the plan's strategy and passes over the legs that are known to lack what is needed.
    /// `dice` is a number that nobody could foresee. Before the first [`Attempt::next`], after what else is said of this
    /// request; not at all where [`Plan::has_choice`] says no.
    pub fn choose(&mut self, facts: &Facts, dice: u64, health: &Health, now: Instant) {
        for (index, leg) in self.plan.legs.iter().enumerate() {
            if let Some(why) = strategy::lack(&leg.profile.capabilities, &facts.needs) {
                self.legs.unfit(index, why);
            }
        }
        let spread = self.plan.spread;
        let candidates: Vec<usize> = (0..spread).filter(|leg| self.legs.why_skipped(*leg).is_none()).collect();
        if candidates.is_empty() {
            return;
        }
        let known = Known { facts, sort: self.sort, dice, measures: &health.measures, now };
        let is_ready = |leg| self.could_send(leg, health, now).is_ok();
        let order = strategy::order(&self.plan, &candidates, is_ready, &known);
        self.legs.put(order.legs, spread);
        self.chosen = Some(order.chosen);
    }

    /// How long a try may be silent before [`Attempt::hedge`] is to be asked. `None`: it never is.
    pub fn hedge_after(&self) -> Option<Duration> {
        self.hedge_after
    }

    /// What was sent so far, in order.
    pub fn tries(&self) -> &[Try] {
        &self.tries
    }

    /// Whether nothing will be sent any more: what is under way may be dropped, and [`Attempt::next`] has the answer
    /// unless one spoke.
    pub fn is_over(&self) -> bool {
        !matches!(self.state, State::Open)
    }

    /// What to do next; to be asked when nothing is under way. Once it gives up it says the same for ever.
    pub fn next(&mut self, health: &mut Health, now: Instant) -> Step {
        match &self.state {
            State::Open => {}
            State::Over => return Step::GiveUp(Failure::new(Kind::Internal, "the attempt is over")),
            State::GivenUp(failure) => return Step::GiveUp(failure.clone()),
        }
        if self.tries.is_empty() && self.hedge_after.is_some() {
            health.hedges.request(now);
        }
        // What was not reported is lost.
        self.under_way.clear();
        while self.tries.len() < self.settings.tries_max
            && let Some(leg) = self.legs.next(&self.plan)
        {
            // A pool of many bad keys must not use up the tries of the legs behind it.
            let tries_left = self.settings.tries_max - self.tries.len();
            if self.legs.has_had_its_share(leg, tries_left, &self.plan) {
                self.legs.leave(leg);
                continue;
            }
            if let Some(ticket) = self.enter(leg, health, now) {
                return Step::Send(ticket);
            }
        }
        let failure = self.nothing_left(health, now);
        self.state = State::GivenUp(failure.clone());
        Step::GiveUp(failure)
    }

    /// A second try on another leg while one is under way, if the budget and the plan allow. A leg on probation is not
    /// asked: whoever is in a hurry wants one that is known to be well.
    pub fn hedge(&mut self, health: &mut Health, now: Instant) -> Option<Ticket> {
        let one_is_under_way = self.under_way.len() == 1 && self.tries.len() < self.settings.tries_max;
        let percent = self.settings.hedging.budget_percent;
        if self.is_over() || !one_is_under_way || self.hedge_after.is_none() || !health.hedges.allows(percent, now) {
            return None;
        }
        let leg = self.legs.hedge(&self.plan, &self.settings, health, now)?;
        let ticket = self.enter(leg, health, now)?;
        health.hedges.spend(now);
        if let Some(entry) = self.tries.last_mut() {
            entry.is_hedge = true;
        }
        Some(ticket)
    }

    /// Ends a try that did not speak: settles its ticket and decides what comes next. With another one under way a
    /// failure ends the attempt only if it is the client's own; see [`Attempt::is_over`].
    pub fn report(&mut self, health: &mut Health, ticket: Ticket, outcome: Outcome, now: Instant) {
        let Ticket { leg, number, lease, admission, measuring } = ticket;
        self.under_way.retain(|other| *other != number);
        let fate = match &outcome {
            Outcome::Abandoned => Fate::Untouched,
            Outcome::Failed(failure) => outcome::fate(failure, &self.settings.keys),
        };
        // Without a key that could rest, a profile that is full is only to be seen by its failures.
        let is_full = |failure: &Failure| lease.is_none() && failure.kind == Kind::RateLimited;
        if let Some(measuring) = measuring {
            match &outcome {
                Outcome::Failed(failure) if outcome::is_providers(failure) || is_full(failure) => {
                    health.measures.failed(measuring, now);
                }
                Outcome::Failed(_) | Outcome::Abandoned => health.measures.ended(measuring),
            }
        }
        if let Some(lease) = lease {
            health.pools.settle(lease, fate, now);
        }
        if let Some(admission) = admission {
            match &outcome {
                Outcome::Failed(failure) if outcome::is_providers(failure) => {
                    health.breakers.failed(admission, &self.settings.breaker, now);
                }
                Outcome::Failed(_) | Outcome::Abandoned => health.breakers.left(admission),
            }
        }
        match outcome {
            Outcome::Failed(failure) => self.failed(leg, number, failure),
            Outcome::Abandoned if self.under_way.is_empty() && !self.is_over() => self.state = State::Over,
            Outcome::Abandoned => self.legs.leave(leg),
        }
    }

    /// Its first event has come, or its whole reply: the attempt is over, and what else is under way has lost. With
    /// `exhausted` the vendor said that the key is spent for so long. The ticket goes on holding its lease until
    /// [`Health::settle`].
    pub fn spoke(&mut self, health: &mut Health, ticket: &mut Ticket, exhausted: Option<Duration>, now: Instant) {
        self.under_way.retain(|other| *other != ticket.number);
        if let Some(admission) = ticket.admission.take() {
            health.breakers.succeeded(admission);
        }
        if let Some(measuring) = &mut ticket.measuring {
            health.measures.spoke(measuring, now);
        }
        if let Some((lease, time)) = ticket.lease.as_ref().zip(exhausted) {
            health.pools.suffer(lease, outcome::exhausted(time, &self.settings.keys), now);
        }
        if !self.is_over() {
            self.served = Some(ticket.number);
            self.state = State::Over;
        }
    }

    /// What became of every leg, in the order in which the lanes try them; a leg's tries in the order in which they were
    /// sent.
    pub fn route(&self) -> Trail {
        let mut route = Vec::with_capacity(self.plan.legs.len());
        for index in self.legs.in_order(&self.plan) {
            let Some(leg) = self.plan.legs.get(index) else { continue };
            let considered =
                |became| Considered { leg: index, profile: leg.profile.name.clone(), lane: leg.lane, became };
            let tries = self.tries.iter().enumerate().filter(|(_, entry)| entry.leg == index);
            let before = route.len();
            route.extend(tries.map(|(number, entry)| considered(self.became(number, entry))));
            if route.len() == before {
                route.push(considered(self.legs.became_unsent(index, leg.lane)));
            }
        }
        Trail { chosen: self.chosen.map(Box::new), legs: route }
    }

    /// Passes over every leg that could not be sent to now, and says which would be first.
    pub(crate) fn foresee(&mut self, health: &Health, now: Instant) -> Option<usize> {
        let mut first = None;
        for index in self.legs.in_order(&self.plan).collect::<Vec<_>>() {
            let is_chains = self.plan.legs.get(index).is_some_and(|leg| leg.lane == Lane::Chain);
            match self.could_send(index, health, now) {
                Ok(()) if is_chains => first = first.or(Some(index)),
                Ok(()) => {}
                Err(why) => self.legs.skip(index, why),
            }
        }
        first
    }

    /// Whether a leg could be sent to now, with a key that was not tried.
    fn could_send(&self, index: usize, health: &Health, now: Instant) -> Result<(), Option<Skip>> {
        let Some(leg) = self.plan.legs.get(index) else { return Err(None) };
        self.legs.is_ready(index, leg, &self.settings, health, now).map_err(Some)?;
        let lease = leg.pool.as_ref().map_or(Ok(()), |pool| health.pools.would_lease(pool, &[], now));
        lease.map_err(Skip::of)
    }

    fn became(&self, number: usize, entry: &Try) -> Became {
        let key_id = entry.key_id.clone();
        match entry.kind {
            Some(kind) => Became::Failed { kind, key_id },
            None if self.served == Some(number) => Became::Served { key_id },
            None if self.served.is_some() => Became::Hedged { key_id },
            None if self.under_way.contains(&number) => Became::UnderWay { key_id },
            None => Became::Abandoned { key_id },
        }
    }

    /// Sends to a leg, or leaves it.
    fn enter(&mut self, leg: usize, health: &mut Health, now: Instant) -> Option<Ticket> {
        let place = self.plan.legs.get(leg)?;
        let tried: Vec<KeyId> =
            self.tries.iter().filter(|entry| entry.leg == leg).filter_map(|entry| entry.key_id.clone()).collect();
        if let Err(why) = self.legs.is_ready(leg, place, &self.settings, health, now) {
            self.legs.skip(leg, Some(why));
            return None;
        }
        let lease = match &place.pool {
            None => None,
            Some(pool) => match health.pools.lease(pool, &tried, now) {
                Ok(lease) => Some(lease),
                Err(none) => {
                    self.legs.skip(leg, Skip::of(none));
                    return None;
                }
            },
        };
        let admission = health.breakers.admit(&place.profile.name, &self.settings.breaker);
        // Counted before it is made, so that one whose report never comes counts as well.
        let number = self.tries.len();
        let key_id = lease.as_ref().map(|lease| lease.key_id.clone());
        self.tries.push(Try { leg, profile: place.profile.name.clone(), key_id, kind: None, is_hedge: false });
        self.under_way.push(number);
        self.legs.sent(leg, place);
        let measuring = place.is_measured.then(|| health.measures.sent(&place.profile, self.sort, now));
        Some(Ticket { leg, number, lease, admission, measuring })
    }

    fn failed(&mut self, leg: usize, number: usize, failure: Failure) {
        if let Some(entry) = self.tries.get_mut(number) {
            entry.kind = Some(failure.kind);
        }
        if self.is_over() {
            return;
        }
        match outcome::rule(failure.kind).0 {
            Verdict::Fail => {
                self.state = State::GivenUp(failure);
                return;
            }
            // Where there is no key to blame there is no next one either: a leg without keys is tried once.
            Verdict::NextKey => {}
            Verdict::NextLeg => self.legs.leave(leg),
            Verdict::ContextWindowLane => self.legs.too_long(leg, &self.plan),
            Verdict::ContentPolicyLane => {
                self.legs.leave(leg);
                if !self.legs.change_to(Lane::ContentPolicy, &self.plan) {
                    self.state = State::GivenUp(failure);
                    return;
                }
            }
        }
        self.last = Some(failure);
    }
}

#[cfg(test)]
mod tests;
