//! Pools of keys: which may be leased, which wait, which are gone. Pure: time comes in as `now`. Knows no failure; what
//! one means for a key is `outcome`'s to say.
mod memory;
mod record;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use magic_types::{KeyId, Kind, Secret};
use sha2::{Digest, Sha256};

use self::memory::Memory;
use self::record::Record;
use crate::plan::PoolName;

/// Hex digits of a key's digest in its id: 32 bits tell a pool's keys apart and say nothing of the secret.
const ID_DIGITS: usize = 8;

/// A key as it comes from a file, the environment or the config.
#[derive(Clone)]
pub struct KeySource {
    pub id: KeyId,
    pub secret: Secret,
}

/// Every pool, by name. Outlives reloads: it is reconciled with a new config, never rebuilt, and what is known of a key
/// stays known while the key is away.
#[derive(Default)]
pub struct Pools {
    pools: BTreeMap<PoolName, Pool>,
    /// Of keys that no pool holds.
    memory: Memory,
    /// Counts leases: the order of use, and what tells a record from a forgotten one of the same key.
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
    record: Record,
}

/// The keys of all pools, with their ids.
pub struct Secrets(Vec<(Secret, KeyId)>);

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

/// What is known of one key, for the store and from it. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey {
    pub id: KeyId,
    pub pool: PoolName,
    pub standing: Standing,
}

/// How many keys of a pool are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    pub available: usize,
    pub quarantined: usize,
    pub retired: usize,
    /// Requests under way with any of them.
    pub in_flight: u32,
}

/// A key's name: its pool and the beginning of a digest of both, e.g. `openai-3f9ac2d1`. The same key always has the same
/// name, which is how its state survives a reload and a restart; the secret cannot be had from it.
pub fn key_id(pool: &PoolName, secret: &Secret) -> KeyId {
    let mut hash = Sha256::new();
    hash.update(pool.as_str().as_bytes());
    hash.update([0]);
    hash.update(secret.expose().as_bytes());
    let hex = hash.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let digits: String = hex.chars().take(ID_DIGITS).collect();
    KeyId::new(format!("{pool}-{digits}"))
}

// === impl Standing ===
impl Standing {
    /// The state, why, and how much of a rest is left, in the words of the admin's answers.
    pub fn words(&self) -> (&'static str, Option<&'static str>, Option<Duration>) {
        match self {
            Self::Available => ("available", None, None),
            Self::Quarantined { remaining, why } => ("quarantined", Some(why.as_str()), Some(*remaining)),
            Self::Retired { why } => ("retired", Some(why.as_str()), None),
        }
    }
}

// === impl KeySource ===
impl KeySource {
    pub fn new(pool: &PoolName, secret: Secret) -> Self {
        Self { id: key_id(pool, &secret), secret }
    }
}

// === impl Pools ===
impl Pools {
    /// Makes the pools hold exactly these keys. What is known of a key (its state, its requests in flight) stays known,
    /// whether it was there before, comes back after it was away, or was restored; a key named twice counts once; pools
    /// named twice are joined.
    pub fn reconcile(&mut self, sources: Vec<(PoolName, Vec<KeySource>)>) {
        let before = std::mem::take(&mut self.pools).into_iter();
        let mut before: BTreeMap<KeyId, (PoolName, Record)> = before
            .flat_map(|(name, pool)| pool.slots.into_iter().map(move |slot| (slot.id, (name.clone(), slot.record))))
            .collect();
        for (name, keys) in sources {
            let pool = self.pools.entry(name).or_default();
            for KeySource { id, secret } in keys {
                if pool.slots.iter().any(|slot| slot.id == id) {
                    continue;
                }
                let known = before.remove(&id).map(|(_, record)| record).or_else(|| self.memory.take(&id));
                let record = known.unwrap_or_else(|| {
                    self.leases += 1;
                    Record::new(self.leases)
                });
                pool.slots.push(Slot { id, secret, record });
            }
        }
        for (id, (pool, record)) in before {
            self.memory.keep(id, pool, record);
        }
    }

    /// What the store remembers, before the first [`Pools::reconcile`]: it waits until such a key appears, and rests end
    /// by themselves meanwhile. Of more than 10 000 the first are forgotten.
    pub fn restore(&mut self, kept: Vec<KeptKey>, now: Instant) {
        for KeptKey { id, pool, standing } in kept {
            self.leases += 1;
            self.memory.keep(id, pool, Record::restored(standing, self.leases, now));
        }
    }

    /// The keys whose state changed since the last call, for the store. A rest that ended by itself is told when its key
    /// is leased next; until then the store's own reckoning of time says the same.
    pub fn take_changes(&mut self, now: Instant) -> Vec<KeptKey> {
        let slots = self
            .pools
            .iter_mut()
            .flat_map(|(name, pool)| pool.slots.iter_mut().map(move |slot| (&slot.id, name, &mut slot.record)));
        let changed = slots.chain(self.memory.iter_mut()).filter(|(_, _, record)| record.changed);
        let kept = changed.map(|(id, pool, record)| {
            record.changed = false;
            KeptKey { id: id.clone(), pool: pool.clone(), standing: record.standing(now) }
        });
        let kept = kept.collect();
        self.memory.tidy(now);
        kept
    }

    /// The retired keys that a pool still holds, for the re-check.
    pub fn retired(&self) -> Vec<(PoolName, KeyId, Secret)> {
        let slots = self.pools.iter().flat_map(|(name, pool)| pool.slots.iter().map(move |slot| (name, slot)));
        let retired = slots.filter(|(_, slot)| slot.record.is_retired());
        retired.map(|(name, slot)| (name.clone(), slot.id.clone(), slot.secret.clone())).collect()
    }

    /// Makes a retired key available, since its vendor takes it again. False: there is no such retired key.
    pub fn revive(&mut self, id: &KeyId) -> bool {
        let slots = self.pools.values_mut().flat_map(|pool| &mut pool.slots);
        let record = slots.filter(|slot| slot.id == *id).map(|slot| &mut slot.record).next();
        let record = record.or_else(|| self.memory.get_mut(id)).filter(|record| record.is_retired());
        record.map(Record::freed).is_some()
    }

    /// The least loaded available key that is not among `tried`; of equals the least recently used, then the first.
    pub fn lease(&mut self, name: &PoolName, tried: &[KeyId], now: Instant) -> Result<Lease, NoKey> {
        let pool = self.pools.get_mut(name).ok_or(NoKey::Empty)?;
        let fit = pool.slots.iter_mut().filter(|slot| slot.is_fit(tried, now));
        let Some(slot) = fit.min_by_key(|slot| (slot.record.in_flight, slot.record.last_used)) else {
            return Err(pool.why_none(now));
        };
        self.leases += 1;
        slot.record.lease(self.leases);
        let born = slot.record.born;
        Ok(Lease { pool: name.clone(), key_id: slot.id.clone(), secret: slot.secret.clone(), born })
    }

    /// Whether [`Pools::lease`] would find a key; changes nothing.
    pub(crate) fn would_lease(&self, name: &PoolName, tried: &[KeyId], now: Instant) -> Result<(), NoKey> {
        let pool = self.pools.get(name).ok_or(NoKey::Empty)?;
        let found = pool.slots.iter().any(|slot| slot.is_fit(tried, now));
        if found { Ok(()) } else { Err(pool.why_none(now)) }
    }

    /// Ends a lease. A retired key stays retired and a resting one rests on, whatever a late report says; of two rests
    /// the longer holds. What a vendor says of a key that is away is remembered for its return.
    pub fn settle(&mut self, lease: Lease, fate: Fate, now: Instant) {
        let Some(record) = self.record(&lease) else { return };
        if record.born == lease.born {
            record.in_flight = record.in_flight.saturating_sub(1);
        }
        record.suffer(fate, now);
    }

    /// Changes a key's state while its lease goes on.
    pub(crate) fn suffer(&mut self, lease: &Lease, fate: Fate, now: Instant) {
        if let Some(record) = self.record(lease) {
            record.suffer(fate, now);
        }
    }

    fn record(&mut self, lease: &Lease) -> Option<&mut Record> {
        let slots = self.pools.get_mut(&lease.pool).map(|pool| &mut pool.slots).into_iter().flatten();
        let record = slots.filter(|slot| slot.id == lease.key_id).map(|slot| &mut slot.record).next();
        record.or_else(|| self.memory.get_mut(&lease.key_id))
    }

    /// Whether a request might be sent with one of its keys, now or after a rest.
    pub fn runnable(&self, name: &PoolName) -> bool {
        self.pools.get(name).is_some_and(|pool| pool.slots.iter().any(|slot| !slot.record.is_retired()))
    }

    /// When the first of its resting keys may be used again; `None` where one is available or none will be.
    pub fn soonest(&self, name: &PoolName, now: Instant) -> Option<Instant> {
        let slots = &self.pools.get(name)?.slots;
        if slots.iter().any(|slot| slot.record.is_available(now)) {
            return None;
        }
        slots.iter().filter_map(|slot| slot.record.rests_until()).min()
    }

    /// Every pool and key, in the order of names and of the pools' files.
    pub fn states(&self, now: Instant) -> Vec<PoolState> {
        let states = self.pools.iter().map(|(name, pool)| PoolState {
            pool: name.clone(),
            keys: pool.slots.iter().map(|slot| slot.state(now)).collect(),
        });
        states.collect()
    }

    /// All keys as they are now, to be looked for in a text after a lock is given back.
    pub fn secrets(&self) -> Secrets {
        let slots = self.pools.values().flat_map(|pool| &pool.slots);
        Secrets(slots.map(|slot| (slot.secret.clone(), slot.id.clone())).collect())
    }

    /// All zero where there is no such pool.
    pub fn counts(&self, name: &PoolName, now: Instant) -> KeyCounts {
        let mut counts = KeyCounts::default();
        for slot in self.pools.get(name).into_iter().flat_map(|pool| &pool.slots) {
            counts.in_flight = counts.in_flight.saturating_add(slot.record.in_flight);
            match slot.record.standing(now) {
                Standing::Available => counts.available += 1,
                Standing::Quarantined { .. } => counts.quarantined += 1,
                Standing::Retired { .. } => counts.retired += 1,
            }
        }
        counts
    }
}

// === impl Secrets ===
impl Secrets {
    /// Puts its id in the place of every key that the text holds.
    pub fn redact(&self, text: &mut String) {
        for (secret, id) in &self.0 {
            if text.contains(secret.expose()) {
                *text = text.replace(secret.expose(), id.as_str());
            }
        }
    }
}

// === impl Pool ===
impl Pool {
    /// Asked where nothing could be leased.
    fn why_none(&self, now: Instant) -> NoKey {
        if self.slots.is_empty() {
            return NoKey::Empty;
        }
        if self.slots.iter().any(|slot| slot.record.is_available(now)) {
            return NoKey::Tried;
        }
        match self.slots.iter().filter_map(|slot| slot.record.rests_until()).min() {
            Some(until) => NoKey::Resting { until },
            None => NoKey::Retired,
        }
    }
}

// === impl Slot ===
impl Slot {
    fn is_fit(&self, tried: &[KeyId], now: Instant) -> bool {
        self.record.is_available(now) && !tried.contains(&self.id)
    }

    fn state(&self, now: Instant) -> KeyState {
        KeyState { id: self.id.clone(), standing: self.record.standing(now), in_flight: self.record.in_flight }
    }
}

#[cfg(test)]
mod tests;
