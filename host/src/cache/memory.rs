//! Replies in memory, bounded by their bytes: the one that was not used for longest goes first. Knows no request.
use super::key::Key;
use super::{Head, Hit};
use bytes::{Bytes, BytesMut};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

/// What a reply costs beside its bytes: its places in two maps, its head.
const SLOT_BYTES: usize = 512;

/// What a piece costs beside its bytes.
pub(super) const PIECE_BYTES: usize = size_of::<Bytes>();

/// One kept reply.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) head: Head,
    pub(super) pieces: Arc<[Bytes]>,
    pub(super) created: SystemTime,
    pub(super) expires: SystemTime,
}

#[derive(Default)]
pub(super) struct Memory {
    slots: HashMap<Key, (u64, Slot)>,
    /// By the number of the last use.
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
}

// === impl Slot ===
impl Slot {
    /// Copies the pieces: those of a vendor's reply are parts of larger buffers, which they would keep alive.
    pub(super) fn new(head: &Head, pieces: &[Bytes], created: SystemTime, expires: SystemTime) -> Self {
        let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
        pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
        let mut whole = whole.freeze();
        let pieces = pieces.iter().map(|piece| whole.split_to(piece.len())).collect();
        Self { head: head.clone(), pieces, created, expires }
    }

    pub(super) fn hit(&self, now: SystemTime) -> Hit {
        let age = now.duration_since(self.created).unwrap_or_default();
        Hit { head: self.head.clone(), pieces: Arc::clone(&self.pieces), age }
    }

    fn bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.len() + PIECE_BYTES).sum();
        pieces + SLOT_BYTES
    }
}

// === impl Memory ===
impl Memory {
    pub(super) fn get(&mut self, key: &Key, now: SystemTime) -> Option<Hit> {
        if self.slots.get(key).is_some_and(|(_, slot)| slot.expires <= now) {
            self.remove(key);
        }
        self.uses += 1;
        let (used, slot) = self.slots.get_mut(key)?;
        self.by_use.remove(used);
        *used = self.uses;
        self.by_use.insert(self.uses, *key);
        Some(slot.hit(now))
    }

    /// In place of what was there before. One that is larger than all may be is not kept.
    pub(super) fn put(&mut self, key: Key, slot: Slot, bytes_max: usize) {
        self.remove(&key);
        let bytes = slot.bytes();
        if bytes > bytes_max {
            return;
        }
        self.shrink(bytes_max - bytes);
        self.uses += 1;
        self.bytes += bytes;
        self.by_use.insert(self.uses, key);
        self.slots.insert(key, (self.uses, slot));
    }

    pub(super) fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some((_, oldest)) = self.by_use.first_key_value() else { return };
            let oldest = *oldest;
            self.remove(&oldest);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn remove(&mut self, key: &Key) {
        if let Some((used, slot)) = self.slots.remove(key) {
            self.by_use.remove(&used);
            self.bytes -= slot.bytes();
        }
    }
}
