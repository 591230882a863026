//! What is known of one key: its state, what is under way with it, and whether the store has heard of it. No secret, so
//! that it may be kept when the key itself is gone.
use std::time::Instant;

use magic_types::Kind;

use super::{Fate, Standing};

pub(super) struct Record {
    pub(super) state: State,
    /// Beside the state, not in it: a key that is put to rest may have other requests under way.
    pub(super) in_flight: u32,
    /// Number of its last lease; 0: never leased.
    pub(super) last_used: u64,
    /// Tells it from an earlier record of the same key that was forgotten, so that a lease of that one does not count here.
    pub(super) born: u64,
    /// Its state is another than the one that was last told to the store.
    pub(super) changed: bool,
}

pub(super) enum State {
    Available,
    /// Ends by itself.
    Quarantined {
        until: Instant,
        why: Kind,
    },
    Retired {
        why: Kind,
    },
}

// === impl Record ===
impl Record {
    pub(super) fn new(born: u64) -> Self {
        Self { state: State::Available, in_flight: 0, last_used: 0, born, changed: false }
    }

    /// As the store remembers it. A time that overflows the clock is no time anybody waits for.
    pub(super) fn restored(standing: Standing, born: u64, now: Instant) -> Self {
        let state = match standing {
            Standing::Available => State::Available,
            Standing::Quarantined { remaining, why } => match now.checked_add(remaining) {
                Some(until) => State::Quarantined { until, why },
                None => State::Available,
            },
            Standing::Retired { why } => State::Retired { why },
        };
        Self { state, ..Self::new(born) }
    }

    pub(super) fn is_available(&self, now: Instant) -> bool {
        match self.state {
            State::Available => true,
            State::Quarantined { until, .. } => until <= now,
            State::Retired { .. } => false,
        }
    }

    pub(super) fn is_retired(&self) -> bool {
        matches!(self.state, State::Retired { .. })
    }

    /// Whether forgetting it would lose anything.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.changed || self.in_flight > 0 || !matches!(self.state, State::Available)
    }

    pub(super) fn rests_until(&self) -> Option<Instant> {
        match self.state {
            State::Quarantined { until, .. } => Some(until),
            State::Available | State::Retired { .. } => None,
        }
    }

    /// Counts a lease; a rest that is over is over for the store as well.
    pub(super) fn lease(&mut self, number: u64) {
        self.freed();
        self.in_flight = self.in_flight.saturating_add(1);
        self.last_used = number;
    }

    pub(super) fn freed(&mut self) {
        if !matches!(self.state, State::Available) {
            self.state = State::Available;
            self.changed = true;
        }
    }

    pub(super) fn suffer(&mut self, fate: Fate, now: Instant) {
        match (&self.state, fate) {
            (State::Retired { .. }, _) | (_, Fate::Untouched) => {}
            (_, Fate::Retire { why }) => self.becomes(State::Retired { why }),
            (State::Available | State::Quarantined { .. }, Fate::Rest { time, why }) => {
                // A time that overflows the clock is no time anybody waits for: then the key just stays as it is.
                let Some(until) = now.checked_add(time) else { return };
                if self.rests_until().is_none_or(|rest| rest < until) {
                    self.becomes(State::Quarantined { until, why });
                }
            }
        }
    }

    fn becomes(&mut self, state: State) {
        self.state = state;
        self.changed = true;
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        match self.state {
            State::Quarantined { until, why } if until > now => {
                Standing::Quarantined { remaining: until.duration_since(now), why }
            }
            State::Available | State::Quarantined { .. } => Standing::Available,
            State::Retired { why } => Standing::Retired { why },
        }
    }
}
