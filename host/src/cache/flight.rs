//! Requests of the same words that are under way at one time: one asks, the others read along as it comes.
use super::key::Key;
use super::memory::PIECE_BYTES;
use super::{Cache, Head};
use bytes::Bytes;
use magic_config::CacheRule;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::watch;

/// One reply as it comes.
#[derive(Default)]
pub(super) struct Flight {
    pub(super) head: Option<Head>,
    pub(super) pieces: Vec<Bytes>,
    ended: bool,
}

/// Those under way. A flight whose sender is gone before its end is lost.
#[derive(Default)]
pub(super) struct Flights {
    open: HashMap<Key, watch::Receiver<Flight>>,
    /// What they hold, together.
    bytes: usize,
}

/// Asks for itself and for whoever follows. Dropped: it failed, and the followers ask for themselves.
#[must_use = "followers wait for it"]
pub(crate) struct Leader(Recording);

/// Takes down what the leader is answered. Dropped before its end: the reply is lost to those who follow it.
#[must_use = "followers wait for it"]
pub(crate) struct Recording {
    cache: Arc<Cache>,
    key: Key,
    rule: CacheRule,
    /// `None`: too large, nobody follows any more and nothing will be kept.
    flight: Option<watch::Sender<Flight>>,
    /// What it holds of the bytes that all may hold together.
    bytes: usize,
}

/// Reads along. Every wait can be given up, for a deadline, and taken up again.
pub(crate) struct Follower {
    cache: Arc<Cache>,
    key: Key,
    rule: CacheRule,
    flight: watch::Receiver<Flight>,
    /// Pieces that were taken.
    taken: usize,
}

/// The leader failed or left, or its reply is too large to be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read along with the request of the same words: its reply ended before its end")]
pub(crate) struct Lost;

// === impl Leader ===
impl Leader {
    pub(super) fn new(cache: &Arc<Cache>, flights: &mut Flights, key: Key, rule: &CacheRule) -> Self {
        let (flight, followed) = watch::channel(Flight::default());
        // Where another leads already, this one only records.
        flights.open.entry(key).or_insert(followed);
        Self(Recording { cache: Arc::clone(cache), key, rule: rule.clone(), flight: Some(flight), bytes: 0 })
    }

    /// The reply is a good one. Followers go on once there is a piece of it, or its end.
    pub(crate) fn begin(self, head: Head) -> Recording {
        if let Some(flight) = &self.0.flight {
            flight.send_modify(|flight| flight.head = Some(head));
        }
        self.0
    }
}

// === impl Recording ===
impl Recording {
    /// The next piece, as it goes to the client. A reply that grows too large is let go of, unless somebody reads along.
    pub(crate) fn push(&mut self, piece: &Bytes) {
        let Some(flight) = &self.flight else { return };
        let bytes = piece.len() + PIECE_BYTES;
        let fits = {
            let mut inner = self.cache.inner();
            let bounds = inner.bounds;
            let whole = self.bytes.saturating_add(bytes);
            let all = inner.flights.bytes.saturating_add(bytes);
            // Who reads along is in the middle of it: it goes on for them, though it will not be kept. One receiver is the
            // list's own.
            let is_followed = flight.receiver_count() > 1;
            let fits = (whole <= bounds.entry_bytes_max || is_followed) && all <= bounds.bytes_max;
            if fits {
                inner.flights.bytes = all;
            }
            fits
        };
        if !fits {
            return self.let_go();
        }
        self.bytes += bytes;
        flight.send_modify(|flight| flight.pieces.push(piece.clone()));
    }

    /// The reply is at its honest end. `complete`: it may be given to later requests too, for it is neither truncated nor
    /// filtered. Followers get all of it in any case.
    pub(crate) fn finish(self, complete: bool, now: SystemTime) {
        let Some(flight) = &self.flight else { return };
        // Kept before it is no more under way: between the two, a request of the same words would ask anew.
        let fits = self.bytes <= self.cache.inner().bounds.entry_bytes_max;
        if complete && fits {
            self.cache.keep(self.key, &self.rule, &flight.borrow(), now);
        }
        flight.send_modify(|flight| flight.ended = true);
    }

    /// The reply failed midway. The same as dropping it, for those who read it.
    pub(crate) fn abandon(self) {}

    fn let_go(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        let mut inner = self.cache.inner();
        inner.flights.bytes -= std::mem::take(&mut self.bytes);
        let own = inner.flights.open.get(&self.key).is_some_and(|open| open.same_channel(&flight.subscribe()));
        if own {
            inner.flights.open.remove(&self.key);
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.let_go();
    }
}

// === impl Follower ===
impl Follower {
    pub(super) fn new(cache: &Arc<Cache>, flight: watch::Receiver<Flight>, key: Key, rule: &CacheRule) -> Self {
        Self { cache: Arc::clone(cache), key, rule: rule.clone(), flight, taken: 0 }
    }

    /// The reply's beginning, once its first piece or its end is there too: until then nothing need have been sent, and a
    /// lost leader's request can be made anew with [`Follower::lead`].
    pub(crate) async fn head(&mut self) -> Result<Head, Lost> {
        let begun = |flight: &Flight| flight.head.is_some() && (flight.ended || !flight.pieces.is_empty());
        let flight = self.flight.wait_for(|flight| begun(flight)).await.map_err(|_| Lost)?;
        flight.head.clone().ok_or(Lost)
    }

    /// The next piece, or `None` at the honest end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Lost>> {
        let taken = self.taken;
        let Ok(flight) = self.flight.wait_for(|flight| flight.ended || flight.pieces.len() > taken).await else {
            return Some(Err(Lost));
        };
        let piece = flight.pieces.get(taken)?.clone();
        drop(flight);
        self.taken += 1;
        Some(Ok(piece))
    }

    /// Asks for itself, because the leader is lost or too slow. All who do so ask at once: one after the other, the last
    /// would wait for the failures of all before it.
    pub(crate) fn lead(self) -> Leader {
        let mut inner = self.cache.inner();
        Leader::new(&self.cache, &mut inner.flights, self.key, &self.rule)
    }
}

// === impl Flights ===
impl Flights {
    pub(super) fn get(&self, key: &Key) -> Option<watch::Receiver<Flight>> {
        self.open.get(key).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
