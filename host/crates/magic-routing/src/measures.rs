//! How busy and how fast each profile is, for the strategies that ask: requests under way, and how long the first event
//! takes. Measured only where some alias wants to know. Outlives reloads. Pure: time comes in as `now`.
mod pace;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use magic_config::Profile;
use magic_types::ProfileName;

use self::pace::Pace;

/// What a failure of the provider counts as, beside the time that it took: a profile that fails at once is not fast. Ten
/// seconds are more than any first event people wait for, and less than would keep a profile out after one bad minute.
const FAILURE: Duration = Duration::from_secs(10);
/// A profile of which nothing is known is sent a request no more often than this, so that one that only ever fails does
/// not cost every request a try.
const EXPLORE_EVERY: Duration = Duration::from_secs(10);

/// Every measured profile that was ever sent to.
#[derive(Default)]
pub struct Measures {
    measures: HashMap<ProfileName, Measure>,
    /// Counts measures: tells one from another of the same name.
    born: u64,
}

struct Measure {
    born: u64,
    profile: Arc<Profile>,
    in_flight: u32,
    sent_at: Instant,
    streams: Pace,
    wholes: Pace,
}

/// Which of a profile's two paces a request goes by: a whole reply takes as long as its last token, so they do not mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Stream,
    Whole,
}

/// A try that is measured. Must come back.
#[must_use = "a lost one counts as a request in flight for ever"]
pub(crate) struct Measuring {
    name: ProfileName,
    born: u64,
    sort: Sort,
    since: Instant,
    has_spoken: bool,
}

/// A profile for the admin's eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub in_flight: u32,
    /// Until the first event of a stream; `None`: nothing is known lately.
    pub first_event: Option<Duration>,
    /// Until the end of a reply that does not stream.
    pub whole: Option<Duration>,
}

// === impl Measures ===
impl Measures {
    /// Forgets the profiles that are gone or somewhere else now: what the old address did says nothing of the new one.
    pub(crate) fn reconcile(&mut self, profiles: &[Arc<Profile>]) {
        self.measures.retain(|name, measure| {
            profiles.iter().any(|profile| profile.name == *name && profile.is_same_place(&measure.profile))
        });
    }

    pub fn of(&self, profile: &ProfileName, now: Instant) -> Measured {
        self.measures.get(profile).map_or_else(Measured::default, |measure| Measured {
            in_flight: measure.in_flight,
            first_event: measure.streams.expected(now),
            whole: measure.wholes.expected(now),
        })
    }

    pub(crate) fn in_flight(&self, profile: &ProfileName) -> u32 {
        self.measures.get(profile).map_or(0, |measure| measure.in_flight)
    }

    /// How long an answer of it takes to begin, as far as is known lately.
    pub(crate) fn expected(&self, profile: &ProfileName, sort: Sort, now: Instant) -> Option<Duration> {
        let measure = self.measures.get(profile)?;
        measure.pace(sort).expected(now)
    }

    /// Whether it is time to find out about a profile of which nothing is known: nobody else is at it.
    pub(crate) fn wants_exploring(&self, profile: &ProfileName, sort: Sort, now: Instant) -> bool {
        self.measures.get(profile).is_none_or(|measure| {
            let is_left_alone = now.saturating_duration_since(measure.sent_at) >= EXPLORE_EVERY;
            measure.pace(sort).is_idle() && is_left_alone
        })
    }

    pub(crate) fn sent(&mut self, profile: &Arc<Profile>, sort: Sort, now: Instant) -> Measuring {
        let name = &profile.name;
        if !self.measures.contains_key(name) {
            self.born += 1;
            let (born, profile) = (self.born, Arc::clone(profile));
            let (streams, wholes) = (Pace::default(), Pace::default());
            self.measures.insert(name.clone(), Measure { born, profile, in_flight: 0, sent_at: now, streams, wholes });
        }
        let mut born = 0;
        if let Some(measure) = self.measures.get_mut(name) {
            born = measure.born;
            measure.in_flight = measure.in_flight.saturating_add(1);
            measure.sent_at = now;
            measure.pace_mut(sort).sent(now);
        }
        Measuring { name: name.clone(), born, sort, since: now, has_spoken: false }
    }

    /// Its first event has come, or its whole reply. It stays in flight.
    pub(crate) fn spoke(&mut self, measuring: &mut Measuring, now: Instant) {
        let took = now.saturating_duration_since(measuring.since);
        measuring.has_spoken = true;
        if let Some(measure) = self.get(measuring) {
            measure.pace_mut(measuring.sort).answered(took, now);
        }
    }

    /// The profile did not serve it.
    pub(crate) fn failed(&mut self, measuring: Measuring, now: Instant) {
        let took = now.saturating_duration_since(measuring.since);
        if let Some(measure) = self.get(&measuring) {
            measure.in_flight = measure.in_flight.saturating_sub(1);
            measure.pace_mut(measuring.sort).answered(took.saturating_add(FAILURE), now);
        }
    }

    /// Over without blame: after it spoke, or when nobody waits for it any longer.
    pub(crate) fn ended(&mut self, measuring: Measuring) {
        if let Some(measure) = self.get(&measuring) {
            measure.in_flight = measure.in_flight.saturating_sub(1);
            if !measuring.has_spoken {
                measure.pace_mut(measuring.sort).left();
            }
        }
    }

    /// Whether nothing is in flight and nobody waits.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        let is_idle = |one: &Measure| one.in_flight == 0 && one.streams.is_idle() && one.wholes.is_idle();
        self.measures.values().all(is_idle)
    }

    fn get(&mut self, measuring: &Measuring) -> Option<&mut Measure> {
        self.measures.get_mut(&measuring.name).filter(|measure| measure.born == measuring.born)
    }
}

// === impl Measure ===
impl Measure {
    fn pace(&self, sort: Sort) -> &Pace {
        match sort {
            Sort::Stream => &self.streams,
            Sort::Whole => &self.wholes,
        }
    }

    fn pace_mut(&mut self, sort: Sort) -> &mut Pace {
        match sort {
            Sort::Stream => &mut self.streams,
            Sort::Whole => &mut self.wholes,
        }
    }
}

#[cfg(test)]
mod tests;
