//! A small store for each component that is granted one: in memory, bounded, by file name, so that it outlives a
//! reload. Pure: time comes in as `now`.
use crate::defaults;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The stores of all components, shared by every call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stores(Arc<Mutex<HashMap<String, Store>>>);

/// Invariant: `bytes` is the sum of what the entries cost.
#[derive(Debug, Default)]
struct Store {
    entries: BTreeMap<String, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    until: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The key or value alone is more than allowed; the bound in bytes.
    TooLarge(u64),
    /// The store would be fuller than allowed; the bound in bytes.
    Quota(u64),
}

// === impl Stores ===
impl Stores {
    pub(crate) fn get(&self, component: &str, key: &str, now: Instant) -> Option<Vec<u8>> {
        self.with(component, |store| {
            store.entries.get(key).filter(|entry| entry.lives(now)).map(|entry| entry.value.clone())
        })
    }

    pub(crate) fn set(
        &self,
        component: &str,
        bytes_max: usize,
        key: String,
        value: Vec<u8>,
        ttl: Option<Duration>,
        now: Instant,
    ) -> Result<(), Refused> {
        if key.len() > defaults::KV_KEY_BYTES_MAX {
            return Err(Refused::TooLarge(defaults::KV_KEY_BYTES_MAX as u64));
        }
        let cost = cost(&key, &value);
        if cost > bytes_max {
            return Err(Refused::TooLarge(bytes_max as u64));
        }
        // A time beyond what a clock can hold is no end at all.
        let until = ttl.and_then(|ttl| now.checked_add(ttl));
        self.with(component, |store| {
            store.remove(&key);
            if store.bytes + cost > bytes_max {
                store.sweep(now);
            }
            if store.bytes + cost > bytes_max {
                return Err(Refused::Quota(bytes_max as u64));
            }
            store.bytes += cost;
            store.entries.insert(key, Entry { value, until });
            Ok(())
        })
    }

    pub(crate) fn delete(&self, component: &str, key: &str) {
        self.with(component, |store| store.remove(key));
    }

    /// Keys with this prefix in order, at most `keys_max` of them.
    pub(crate) fn list(&self, component: &str, prefix: &str, keys_max: usize, now: Instant) -> Vec<String> {
        let keys_max = keys_max.min(defaults::KV_LIST_MAX);
        self.with(component, |store| {
            let from = store.entries.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
            let ours = from.take_while(|(key, _)| key.starts_with(prefix)).filter(|(_, entry)| entry.lives(now));
            ours.map(|(key, _)| key.clone()).take(keys_max).collect()
        })
    }

    fn with<T>(&self, component: &str, act: impl FnOnce(&mut Store) -> T) -> T {
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match stores.get_mut(component) {
            Some(store) => act(store),
            None => act(stores.entry(component.to_owned()).or_default()),
        }
    }
}

// === impl Store ===
impl Store {
    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes = self.bytes.saturating_sub(cost(key, &entry.value));
        }
    }

    fn sweep(&mut self, now: Instant) {
        let mut freed = 0;
        self.entries.retain(|key, entry| {
            let lives = entry.lives(now);
            freed += if lives { 0 } else { cost(key, &entry.value) };
            lives
        });
        self.bytes = self.bytes.saturating_sub(freed);
    }
}

// === impl Entry ===
impl Entry {
    fn lives(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

fn cost(key: &str, value: &[u8]) -> usize {
    key.len() + value.len() + defaults::KV_ENTRY_BYTES
}

#[cfg(test)]
mod tests;
