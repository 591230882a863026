//! Records of keys that no pool holds at present: gone from a file, or restored and not yet seen. Bounded: the record
//! that has waited longest is forgotten first.
use std::collections::BTreeMap;
use std::time::Instant;

use magic_types::KeyId;

use super::record::Record;
use crate::plan::PoolName;

/// A record takes some 200 bytes, so this is 2 MB; nobody's pools have had so many keys.
const RECORDS_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Memory {
    records: BTreeMap<KeyId, Kept>,
    /// By age; names exactly the keys of `records`.
    by_age: BTreeMap<u64, KeyId>,
    count: u64,
}

struct Kept {
    pool: PoolName,
    record: Record,
    age: u64,
}

// === impl Memory ===
impl Memory {
    pub(super) fn keep(&mut self, id: KeyId, pool: PoolName, record: Record) {
        if !record.is_worth_keeping() {
            return;
        }
        self.count += 1;
        self.by_age.insert(self.count, id.clone());
        if let Some(before) = self.records.insert(id, Kept { pool, record, age: self.count }) {
            self.by_age.remove(&before.age);
        }
        while self.records.len() > RECORDS_MAX {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            self.records.remove(&oldest);
        }
    }

    pub(super) fn take(&mut self, id: &KeyId) -> Option<Record> {
        let kept = self.records.remove(id)?;
        self.by_age.remove(&kept.age);
        Some(kept.record)
    }

    pub(super) fn get_mut(&mut self, id: &KeyId) -> Option<&mut Record> {
        Some(&mut self.records.get_mut(id)?.record)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&KeyId, &PoolName, &mut Record)> {
        self.records.iter_mut().map(|(id, kept)| (id, &kept.pool, &mut kept.record))
    }

    /// Forgets what says nothing any more: rests that are over, and leases that came back.
    pub(super) fn tidy(&mut self, now: Instant) {
        let over = |kept: &Kept| kept.record.is_available(now) && kept.record.in_flight == 0 && !kept.record.changed;
        let by_age = &mut self.by_age;
        self.records.retain(|_, kept| {
            let stays = !over(kept);
            if !stays {
                by_age.remove(&kept.age);
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests;
