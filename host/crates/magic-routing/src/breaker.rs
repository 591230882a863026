//! One breaker a profile: whether its vendor is asked at all. Counts only what is the vendor's fault, before the first
//! event. Pure: time comes in as `now`. Knows no keys and no legs.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use magic_config::{BreakerSettings, Profile};
use magic_types::ProfileName;

/// While a probe is under way nobody knows when the profile may be asked again: soon.
const PROBE_TIME: Duration = Duration::from_secs(1);

/// Every breaker, by profile. Outlives reloads. A profile that never failed has none, which is as good as closed.
#[derive(Default)]
pub struct Breakers {
    breakers: HashMap<ProfileName, Breaker>,
    /// As they were when last reconciled.
    profiles: HashMap<ProfileName, Arc<Profile>>,
    /// Counts changes of state.
    epochs: u64,
}

struct Breaker {
    state: State,
    /// Of the last change of state. An admission of an earlier one says nothing of this one: 25 requests that were sent
    /// before it opened neither close it nor keep it open.
    epoch: u64,
}

enum State {
    Closed {
        /// In a row.
        failures: u32,
    },
    /// From `until` on it is half-open: it admits one probe.
    Open { until: Instant, time: Duration },
    /// Half-open, its one place taken.
    Probing { until: Instant, time: Duration },
}

/// The right to send one request to a profile; a half-open breaker gives one at a time. Must come back.
#[must_use = "a probe's place that is not given back keeps the profile out for ever"]
pub(crate) struct Admission {
    profile: ProfileName,
    epoch: u64,
}

/// A breaker for the admin's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerState {
    pub profile: ProfileName,
    pub standing: BreakerStanding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerStanding {
    Closed {
        /// In a row.
        failures: u32,
    },
    /// Nothing is sent.
    Open { remaining: Duration },
    /// One request at a time may find out whether the vendor is well again.
    HalfOpen { probing: bool },
}

// === impl Breakers ===
impl Breakers {
    /// Forgets the profiles that are gone, and begins anew with those that are somewhere else now: what the old address
    /// did, or still does to requests under way, says nothing of the new one.
    pub fn reconcile(&mut self, profiles: &[Arc<Profile>]) {
        let profiles: HashMap<_, _> =
            profiles.iter().map(|profile| (profile.name.clone(), Arc::clone(profile))).collect();
        let before = std::mem::replace(&mut self.profiles, profiles);
        self.breakers.retain(|name, _| self.profiles.contains_key(name));
        for (name, profile) in &self.profiles {
            if before.get(name).is_some_and(|before| !before.is_same_place(profile)) {
                self.epochs += 1;
                let anew = Breaker { state: State::Closed { failures: 0 }, epoch: self.epochs };
                self.breakers.insert(name.clone(), anew);
            }
        }
    }

    /// Every profile that ever failed or moved, by name.
    pub fn states(&self, now: Instant) -> Vec<BreakerState> {
        let states = self.breakers.keys().map(|profile| {
            let standing = self.standing(profile, now);
            BreakerState { profile: profile.clone(), standing }
        });
        let mut states: Vec<BreakerState> = states.collect();
        states.sort_by(|one, other| one.profile.cmp(&other.profile));
        states
    }

    pub fn standing(&self, profile: &ProfileName, now: Instant) -> BreakerStanding {
        match self.breakers.get(profile).map(|breaker| &breaker.state) {
            None => BreakerStanding::Closed { failures: 0 },
            Some(State::Closed { failures }) => BreakerStanding::Closed { failures: *failures },
            Some(State::Open { until, .. }) if *until > now => {
                BreakerStanding::Open { remaining: until.duration_since(now) }
            }
            Some(State::Open { .. }) => BreakerStanding::HalfOpen { probing: false },
            Some(State::Probing { .. }) => BreakerStanding::HalfOpen { probing: true },
        }
    }

    /// `None` if it may be asked now; else when it may be asked again, as far as that is known.
    pub(crate) fn shut_until(
        &self,
        profile: &ProfileName,
        settings: &BreakerSettings,
        now: Instant,
    ) -> Option<Instant> {
        match self.standing(profile, now) {
            _ if !settings.enabled => None,
            BreakerStanding::Closed { .. } | BreakerStanding::HalfOpen { probing: false } => None,
            BreakerStanding::Open { remaining } => Some(now + remaining),
            BreakerStanding::HalfOpen { probing: true } => Some(now + PROBE_TIME),
        }
    }

    /// To be called where [`Breakers::shut_until`] says `None`; takes the probe's place if there is one.
    pub(crate) fn admit(&mut self, profile: &ProfileName, settings: &BreakerSettings) -> Option<Admission> {
        if !settings.enabled {
            return None;
        }
        let Some(breaker) = self.breakers.get_mut(profile) else {
            return Some(Admission { profile: profile.clone(), epoch: 0 });
        };
        if let State::Open { until, time } = breaker.state {
            self.epochs += 1;
            *breaker = Breaker { state: State::Probing { until, time }, epoch: self.epochs };
        }
        Some(Admission { profile: profile.clone(), epoch: breaker.epoch })
    }

    pub(crate) fn succeeded(&mut self, admission: Admission) {
        let Some(breaker) = self.breakers.get_mut(&admission.profile) else { return };
        if breaker.epoch != admission.epoch {
            return;
        }
        if matches!(breaker.state, State::Probing { .. }) {
            self.epochs += 1;
            breaker.epoch = self.epochs;
        }
        breaker.state = State::Closed { failures: 0 };
    }

    /// Its vendor's fault.
    pub(crate) fn failed(&mut self, admission: Admission, settings: &BreakerSettings, now: Instant) {
        let closed = || Breaker { state: State::Closed { failures: 0 }, epoch: 0 };
        let breaker = self.breakers.entry(admission.profile).or_insert_with(closed);
        if breaker.epoch != admission.epoch {
            return;
        }
        let time = match &mut breaker.state {
            State::Closed { failures } => {
                *failures = failures.saturating_add(1);
                if *failures < settings.failures {
                    return;
                }
                settings.open
            }
            State::Probing { time, .. } => time.saturating_mul(2).min(settings.open_max),
            State::Open { .. } => return,
        };
        // A time that overflows the clock is no time anybody waits for: then the next request is the probe.
        let until = now.checked_add(time).unwrap_or(now);
        self.epochs += 1;
        *breaker = Breaker { state: State::Open { until, time }, epoch: self.epochs };
    }

    /// Nobody's fault, or not its vendor's: says nothing of the profile, and frees the probe's place.
    pub(crate) fn left(&mut self, admission: Admission) {
        let Some(breaker) = self.breakers.get_mut(&admission.profile) else { return };
        if let State::Probing { until, time } = breaker.state
            && breaker.epoch == admission.epoch
        {
            breaker.state = State::Open { until, time };
        }
    }
}

// === impl BreakerStanding ===
impl BreakerStanding {
    /// The word for logs, metrics and admin answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }
}

#[cfg(test)]
mod tests;
