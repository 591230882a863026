//! Pools of keys: which may be leased, which wait, which are gone. Pure: time comes in as `now`. Knows no failure; what
//! one means for a key is `outcome`'s to say.
use std::time::{Duration, Instant};

use magic_types::{KeyId, Kind, Secret};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use crate::plan::PoolName;

/// Hex digits of a key's digest in its id: 32 bits tell a pool's keys apart and say nothing of the secret.
const ID_DIGITS: usize = 8;

/// A key as it comes from a file, the environment or the config.
#[derive(Clone)]
pub struct KeySource {
    pub id: KeyId,
    pub secret: Secret,
}

/// Every pool, by name. Outlives reloads: it is reconciled with a new config, never rebuilt.
#[derive(Default)]
pub struct Pools {
    pools: BTreeMap<PoolName, Pool>,
    /// Counts leases: the order of use, and what tells a slot from a later one of the same key.
    leases: u64,
}

/// Invariant: every key is in exactly one state.
#[derive(Default)]
struct Pool {
    slots: Vec<Slot>,
}

struct Slot {
    id: KeyId,
    secret: Secret,
    state: State,
    /// Beside the state, not in it: a key that is put to rest may have other requests under way.
    in_flight: u32,
    /// Number of its last lease; 0: never leased.
    last_used: u64,
    /// Tells it from an earlier slot of the same key, so that a lease of that one cannot settle here.
    born: u64,
}

enum State {
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

/// The right to send one request with a key. It counts, it does not lock. Must come back through [`Pools::settle`].
#[must_use = "an unsettled lease counts as a request in flight for ever"]
pub struct Lease {
    pub pool: PoolName,
    pub key_id: KeyId,
    /// For the one header write.
    pub secret: Secret,
    born: u64,
}

/// What becomes of a key when its lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Untouched,
    Rest { time: Duration, why: Kind },
    Retire { why: Kind },
}

/// Why a pool has no key to lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// No such pool, or a pool without keys.
    Empty,
    /// All are retired.
    Retired,
    /// The soonest that one of them may be leased again.
    Resting { until: Instant },
    /// Those that could be leased have all been tried.
    Tried,
}

/// A pool for the admin's eyes. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolState {
    pub pool: PoolName,
    pub keys: Vec<KeyState>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    pub id: KeyId,
    pub standing: Standing,
    pub in_flight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Available,
    Quarantined { remaining: Duration, why: Kind },
    Retired { why: Kind },
}

/// A key's name: its pool and the beginning of a digest of both, e.g. `openai-3f9ac2d1`. The same key always has the same
/// name, which is how its state survives a reload; the secret cannot be had from it.
pub fn key_id(pool: &PoolName, secret: &Secret) -> KeyId {
    let mut hash = Sha256::new();
    hash.update(pool.as_str().as_bytes());
    hash.update([0]);
    hash.update(secret.expose().as_bytes());
    let hex = hash.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let digits: String = hex.chars().take(ID_DIGITS).collect();
    KeyId::new(format!("{pool}-{digits}"))
}

// === impl KeySource ===
impl KeySource {
    pub fn new(pool: &PoolName, secret: Secret) -> Self {
        Self { id: key_id(pool, &secret), secret }
    }
}

// === impl Pools ===
impl Pools {
    /// Makes the pools hold exactly these keys. A key that was there before keeps its state and its requests in flight; a
    /// key named twice counts once; pools named twice are joined.
    pub fn reconcile(&mut self, sources: Vec<(PoolName, Vec<KeySource>)>) {
        let mut before = std::mem::take(&mut self.pools);
        for (name, keys) in sources {
            let old = before.remove(&name).map(|pool| pool.slots).unwrap_or_default();
            let pool = self.pools.entry(name).or_default();
            let mut old: BTreeMap<KeyId, Slot> = old.into_iter().map(|slot| (slot.id.clone(), slot)).collect();
            for key in keys {
                if pool.slots.iter().any(|slot| slot.id == key.id) {
                    continue;
                }
                let slot = old.remove(&key.id).unwrap_or_else(|| {
                    self.leases += 1;
                    Slot::new(key, self.leases)
                });
                pool.slots.push(slot);
            }
        }
    }

    /// The least loaded available key that is not among `tried`; of equals the least recently used, then the first.
    pub fn lease(&mut self, name: &PoolName, tried: &[KeyId], now: Instant) -> Result<Lease, NoKey> {
        let pool = self.pools.get_mut(name).ok_or(NoKey::Empty)?;
        let fit = pool.slots.iter_mut().filter(|slot| slot.is_available(now) && !tried.contains(&slot.id));
        let Some(slot) = fit.min_by_key(|slot| (slot.in_flight, slot.last_used)) else {
            return Err(pool.why_none(now));
        };
        self.leases += 1;
        slot.state = State::Available;
        slot.in_flight = slot.in_flight.saturating_add(1);
        slot.last_used = self.leases;
        Ok(Lease { pool: name.clone(), key_id: slot.id.clone(), secret: slot.secret.clone(), born: slot.born })
    }

    /// Ends a lease. A retired key stays retired and a resting one rests on, whatever a late report says; of two rests
    /// the longer holds. A lease of a key that is gone since ends without effect.
    pub fn settle(&mut self, lease: Lease, fate: Fate, now: Instant) {
        let Some(pool) = self.pools.get_mut(&lease.pool) else { return };
        let slot = pool.slots.iter_mut().find(|slot| slot.id == lease.key_id && slot.born == lease.born);
        if let Some(slot) = slot {
            slot.in_flight = slot.in_flight.saturating_sub(1);
            slot.suffer(fate, now);
        }
    }

    /// Whether a request might be sent with one of its keys, now or after a rest.
    pub fn runnable(&self, name: &PoolName) -> bool {
        let pool = self.pools.get(name);
        pool.is_some_and(|pool| pool.slots.iter().any(|slot| !matches!(slot.state, State::Retired { .. })))
    }

    /// When the first of its resting keys may be used again; `None` where one is available or none will be.
    pub fn soonest(&self, name: &PoolName, now: Instant) -> Option<Instant> {
        let slots = &self.pools.get(name)?.slots;
        if slots.iter().any(|slot| slot.is_available(now)) {
            return None;
        }
        slots.iter().filter_map(Slot::rests_until).min()
    }

    /// Every pool and key, in the order of names and of the pools' files.
    pub fn states(&self, now: Instant) -> Vec<PoolState> {
        let states = self.pools.iter().map(|(name, pool)| PoolState {
            pool: name.clone(),
            keys: pool.slots.iter().map(|slot| slot.state(now)).collect(),
        });
        states.collect()
    }
}

// === impl Pool ===
impl Pool {
    /// Asked where nothing could be leased.
    fn why_none(&self, now: Instant) -> NoKey {
        if self.slots.is_empty() {
            return NoKey::Empty;
        }
        if self.slots.iter().any(|slot| slot.is_available(now)) {
            return NoKey::Tried;
        }
        match self.slots.iter().filter_map(Slot::rests_until).min() {
            Some(until) => NoKey::Resting { until },
            None => NoKey::Retired,
        }
    }
}

// === impl Slot ===
impl Slot {
    fn new(source: KeySource, born: u64) -> Self {
        Self { id: source.id, secret: source.secret, state: State::Available, in_flight: 0, last_used: 0, born }
    }

    fn is_available(&self, now: Instant) -> bool {
        match self.state {
            State::Available => true,
            State::Quarantined { until, .. } => until <= now,
            State::Retired { .. } => false,
        }
    }

    fn rests_until(&self) -> Option<Instant> {
        match self.state {
            State::Quarantined { until, .. } => Some(until),
            State::Available | State::Retired { .. } => None,
        }
    }

    fn suffer(&mut self, fate: Fate, now: Instant) {
        match (&self.state, fate) {
            (State::Retired { .. }, _) | (_, Fate::Untouched) => {}
            (_, Fate::Retire { why }) => self.state = State::Retired { why },
            (State::Available | State::Quarantined { .. }, Fate::Rest { time, why }) => {
                // A time that overflows the clock is no time anybody waits for: then the key just stays as it is.
                let Some(until) = now.checked_add(time) else { return };
                if self.rests_until().is_none_or(|rest| rest < until) {
                    self.state = State::Quarantined { until, why };
                }
            }
        }
    }

    fn state(&self, now: Instant) -> KeyState {
        let standing = match self.state {
            State::Quarantined { until, why } if until > now => {
                Standing::Quarantined { remaining: until.duration_since(now), why }
            }
            State::Available | State::Quarantined { .. } => Standing::Available,
            State::Retired { why } => Standing::Retired { why },
        };
        KeyState { id: self.id.clone(), standing, in_flight: self.in_flight }
    }
}

#[cfg(test)]
mod tests;
