//! What keys and breakers must be, kept by other means than the crate keeps it.
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use magic_config::BreakerSettings;
use magic_types::{Fault, KeyId, Kind, ProfileName};

use crate::testing::Bench;
use crate::{BreakerStanding, Standing};

#[derive(Default)]
pub(super) struct Model {
    retired: HashSet<KeyId>,
    rests_until: HashMap<KeyId, Instant>,
    in_flight: HashMap<KeyId, u32>,
    breakers: HashMap<ProfileName, Breaker>,
    /// Number of a try, and how often its profile's breaker had opened or closed when it was sent.
    sent: HashMap<u64, (ProfileName, u32)>,
}

#[derive(Default)]
struct Breaker {
    failures: u32,
    open: Option<(Instant, Duration)>,
    probe: Option<u64>,
    turns: u32,
}

/// What came of a try.
#[derive(Clone, Copy)]
pub(super) enum End {
    Spoke { exhausted: Option<Duration> },
    Failed { kind: Kind, rest: Option<Duration> },
    Left,
}

// === impl Model ===
impl Model {
    pub(super) fn sent(&mut self, number: u64, profile: &ProfileName, key: Option<&KeyId>, now: Instant) {
        if let Some(key) = key {
            assert!(!self.retired.contains(key), "a retired key was leased");
            assert!(self.rests_until.get(key).is_none_or(|until| *until <= now), "a resting key was leased");
            *self.in_flight.entry(key.clone()).or_default() += 1;
        }
        let breaker = self.breakers.entry(profile.clone()).or_default();
        if let Some((until, _)) = breaker.open {
            assert!(until <= now, "an open breaker was sent to");
            assert_eq!(breaker.probe, None, "two probes were admitted");
            breaker.probe = Some(number);
        }
        self.sent.insert(number, (profile.clone(), breaker.turns));
    }

    /// The try is over: its key's fate, and its breaker's.
    pub(super) fn ended(&mut self, number: u64, end: End, settings: &BreakerSettings, now: Instant) {
        let (profile, turns) = self.sent.remove(&number).expect("it was sent and has not ended");
        let breaker = self.breakers.get_mut(&profile).expect("it was sent to");
        let was_probe = breaker.probe == Some(number);
        let counts = was_probe || (breaker.open.is_none() && breaker.turns == turns);
        breaker.probe = breaker.probe.filter(|_| !was_probe);
        match end {
            End::Left => {}
            End::Spoke { .. } if counts => {
                breaker.turns += u32::from(was_probe);
                (breaker.open, breaker.failures) = (None, 0);
            }
            End::Failed { kind, .. } if counts && kind.fault() == Fault::Provider => {
                breaker.failures += 1;
                let time = breaker.open.map_or(settings.open, |(_, time)| (time * 2).min(settings.open_max));
                if was_probe || breaker.failures >= settings.failures {
                    breaker.turns += 1;
                    breaker.open = Some((now + time, time));
                }
            }
            End::Spoke { .. } | End::Failed { .. } => {}
        }
    }

    pub(super) fn settled(&mut self, key: &KeyId) {
        *self.in_flight.get_mut(key).expect("it was leased") -= 1;
    }

    pub(super) fn suffered(&mut self, key: &KeyId, end: End, now: Instant) {
        let rest = match end {
            _ if self.retired.contains(key) => return,
            End::Failed { kind: Kind::KeyRejected, .. } => {
                self.retired.insert(key.clone());
                self.rests_until.remove(key);
                return;
            }
            End::Failed { kind: Kind::RateLimited, rest } => rest.unwrap_or(Duration::from_secs(300)),
            End::Failed { kind: Kind::QuotaExhausted, rest } => rest.unwrap_or_default().max(Duration::from_secs(3600)),
            End::Spoke { exhausted: Some(time) } => time,
            End::Spoke { exhausted: None } | End::Failed { .. } | End::Left => return,
        };
        let until = self.rests_until.entry(key.clone()).or_insert(now);
        *until = (*until).max(now + rest);
    }

    pub(super) fn revived(&mut self, key: &KeyId) {
        assert!(self.retired.remove(key), "a key that was not retired was revived");
    }

    pub(super) fn agrees(&self, bench: &Bench) {
        for key in bench.health.pools.states(bench.now).into_iter().flat_map(|pool| pool.keys) {
            self.agrees_on(&key.id, key.standing, bench.now);
            assert_eq!(key.in_flight, self.in_flight.get(&key.id).copied().unwrap_or(0));
        }
        for (profile, breaker) in &self.breakers {
            let expected = match (breaker.open, breaker.probe) {
                (None, _) => BreakerStanding::Closed { failures: breaker.failures },
                (Some((until, _)), None) if until > bench.now => BreakerStanding::Open { remaining: until - bench.now },
                (Some(_), probe) => BreakerStanding::HalfOpen { probing: probe.is_some() },
            };
            assert_eq!(bench.health.breakers.standing(profile, bench.now), expected, "{profile}");
        }
    }

    pub(super) fn agrees_on(&self, key: &KeyId, standing: Standing, now: Instant) {
        let rests = self.rests_until.get(key).is_some_and(|until| *until > now);
        match standing {
            Standing::Retired { .. } => assert!(self.retired.contains(key)),
            Standing::Quarantined { remaining, .. } => {
                assert!(rests && !self.retired.contains(key));
                assert_eq!(now + remaining, self.rests_until[key]);
            }
            Standing::Available => assert!(!rests && !self.retired.contains(key), "a key's state was lost"),
        }
    }

    pub(super) fn nothing_is_under_way(&self) {
        assert!(self.sent.is_empty() && self.in_flight.values().all(|count| *count == 0));
        assert!(self.breakers.values().all(|breaker| breaker.probe.is_none()));
    }
}
