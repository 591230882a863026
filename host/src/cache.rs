//! Replies that need not be asked for again: which request asks the same as another, who asks for all of them, and what
//! was answered. Sends nothing and reads no clock: the caller asks upstream, and says what came of it.
//!
//! A request looks up and is told one of four things. `Hit`: here is the reply. `Lead`: nobody has asked, do, and record it.
//! `Follow`: somebody is asking, read along. `Bypass`: this one cannot be told apart from others, so it goes alone.
//! When a leader fails, or its client leaves, nobody goes on in its place: a follower that has sent nothing yet asks for
//! itself ([`Follower::lead`]), one that is mid-way is told so ([`Lost`]), for no second reply continues a first one.
mod flight;
mod key;
mod memory;

pub(crate) use flight::{Follower, Leader, Recording};
pub(crate) use key::{Question, Why, rule_for};

use crate::store::{CachedReply, Store};
use bytes::Bytes;
use flight::{Flight, Flights};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use key::Key;
use magic_config::{CacheRule, CacheSettings, CacheStore};
use memory::{Memory, Slot};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// What of a reply's head is said again with it; all else is about that one exchange.
const KEPT_HEADERS: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_DISPOSITION,
    header::CONTENT_LANGUAGE,
    HeaderName::from_static("x-magic-dropped"),
];

/// What a config says of the cache but for its rules, which come with each request from its own snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Also on disk, so that replies outlive a restart.
    pub(crate) disk: bool,
    /// Of all replies in memory, as much again of those that are being recorded, and as much again on disk.
    pub(crate) bytes_max: usize,
    /// Of one reply; a larger one is not kept.
    pub(crate) entry_bytes_max: usize,
}

impl Bounds {
    pub(crate) fn of(settings: &CacheSettings) -> Self {
        let CacheSettings { bytes_max, entry_bytes_max, .. } = *settings;
        Self { disk: settings.store == CacheStore::Disk, bytes_max, entry_bytes_max }
    }
}

/// Outlives reloads; one for the gateway.
pub(crate) struct Cache {
    inner: Mutex<Inner>,
    store: Store,
}

struct Inner {
    bounds: Bounds,
    memory: Memory,
    flights: Flights,
}

/// The beginning of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The profile that answered.
    pub(crate) profile: String,
}

/// A reply that is there.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) head: Head,
    /// As they came: a stream is replayed in the same pieces.
    pub(crate) pieces: Arc<[Bytes]>,
    /// For the header `age` (RFC 9111, 5.1).
    pub(crate) age: Duration,
}

/// What to do with a request.
pub(crate) enum Lookup {
    Hit(Hit),
    Lead(Leader),
    Follow(Follower),
    Bypass(Why),
}

// === impl Cache ===
impl Cache {
    pub(crate) fn new(bounds: Bounds, store: Store) -> Arc<Self> {
        let inner = Inner { bounds, memory: Memory::default(), flights: Flights::default() };
        Arc::new(Self { inner: Mutex::new(inner), store })
    }

    /// What a newer config says. What does not fit any more goes.
    pub(crate) fn configure(&self, bounds: Bounds) {
        let mut inner = self.inner();
        inner.bounds = bounds;
        inner.memory.shrink(bounds.bytes_max);
    }

    /// Forgets what is in memory, for when the cache is switched off.
    pub(crate) fn clear(&self) {
        self.inner().memory.shrink(0);
    }

    /// What to do with this request. Waits only where the disk is asked, and not for long.
    pub(crate) async fn lookup(self: &Arc<Self>, question: &Question<'_>, now: SystemTime) -> Lookup {
        let key = match question.key() {
            Ok(key) => key,
            Err(why) => return Lookup::Bypass(why),
        };
        let disk = {
            let mut inner = self.inner();
            if let Some(found) = inner.known(&key, now) {
                return found.into_lookup(self, key, question.rule);
            }
            if !inner.bounds.disk {
                return Lookup::Lead(Leader::new(self, &mut inner.flights, key, question.rule));
            }
            self.store.cached(key, now)
        };
        let slot = disk.await.and_then(Slot::read);
        let mut inner = self.inner();
        // Meanwhile another request of the same words may have come along.
        if let Some(found) = inner.known(&key, now) {
            return found.into_lookup(self, key, question.rule);
        }
        match slot {
            Some(slot) => {
                let bytes_max = inner.bounds.bytes_max;
                let hit = slot.hit(now);
                inner.memory.put(key, slot, bytes_max);
                Lookup::Hit(hit)
            }
            None => Lookup::Lead(Leader::new(self, &mut inner.flights, key, question.rule)),
        }
    }

    /// What it holds, for metrics and for tests that look for leftovers: replies, their bytes, requests under way.
    pub(crate) fn held(&self) -> (usize, usize, usize) {
        let inner = self.inner();
        (inner.memory.len(), inner.memory.bytes(), inner.flights.len())
    }

    fn keep(&self, key: Key, rule: &CacheRule, flight: &Flight, now: SystemTime) {
        let Some(head) = flight.head.as_ref().filter(|head| rule.model_names.contains(&head.profile)) else { return };
        let Some(expires) = now.checked_add(rule.ttl) else { return };
        let slot = Slot::new(head, &flight.pieces, now, expires);
        let bounds = {
            let mut inner = self.inner();
            let bounds = inner.bounds;
            inner.memory.put(key, slot.clone(), bounds.bytes_max);
            bounds
        };
        if bounds.disk {
            self.store.put_cached(key, slot.written(), bounds.bytes_max, now);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a request without asking further.
enum Known {
    Kept(Hit),
    UnderWay(watch::Receiver<Flight>),
}

// === impl Inner ===
impl Inner {
    fn known(&mut self, key: &Key, now: SystemTime) -> Option<Known> {
        let kept = self.memory.get(key, now).map(Known::Kept);
        kept.or_else(|| self.flights.get(key).map(Known::UnderWay))
    }
}

// === impl Known ===
impl Known {
    fn into_lookup(self, cache: &Arc<Cache>, key: Key, rule: &CacheRule) -> Lookup {
        match self {
            Self::Kept(hit) => Lookup::Hit(hit),
            Self::UnderWay(flight) => Lookup::Follow(Follower::new(cache, flight, key, rule)),
        }
    }
}

// === impl Head ===
impl Head {
    /// Of the headers it takes what is true of the reply at any time.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, profile: impl Into<String>) -> Self {
        let kept = KEPT_HEADERS.into_iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
        Self { status, headers: kept.collect(), profile: profile.into() }
    }
}

// === impl Slot ===
impl Slot {
    /// `None`: the row is not one of a reply.
    fn read(row: CachedReply) -> Option<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in row.headers {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
        let head = Head { status: StatusCode::from_u16(row.status).ok()?, headers, profile: row.profile };
        Some(Self { head, pieces: row.pieces.into(), created: row.created, expires: row.expires })
    }

    fn written(&self) -> CachedReply {
        let text =
            |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
        CachedReply {
            profile: self.head.profile.clone(),
            status: self.head.status.as_u16(),
            headers: self.head.headers.iter().filter_map(text).collect(),
            pieces: self.pieces.to_vec(),
            created: self.created,
            expires: self.expires,
        }
    }
}

#[cfg(test)]
mod tests;
