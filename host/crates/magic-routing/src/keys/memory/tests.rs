//! What is kept, what is forgotten, and that nothing is kept twice.
use super::{Memory, RECORDS_MAX};
use crate::keys::Standing;
use crate::keys::record::Record;
use crate::testing::{Bench, start};
use crate::{KeptKey, KeySource, PoolName};
use magic_types::{KeyId, Kind, Secret};
use std::time::Duration;

const RESTING: Standing = Standing::Quarantined { remaining: Duration::from_secs(10), why: Kind::RateLimited };
const RETIRED: Standing = Standing::Retired { why: Kind::KeyRejected };

fn keep(memory: &mut Memory, numbers: std::ops::Range<usize>, standing: Standing) {
    for number in numbers {
        let id = KeyId::new(format!("openai-{number}"));
        memory.keep(id, PoolName::new("openai"), Record::restored(standing, 1, start()));
    }
}

fn check(memory: &Memory, expected: usize) {
    assert_eq!((memory.records.len(), memory.by_age.len()), (expected, expected));
}

#[test]
fn what_says_nothing_any_more_is_forgotten_and_makes_room() {
    let mut memory = Memory::default();
    keep(&mut memory, 0..RECORDS_MAX, RESTING);
    keep(&mut memory, 0..5, RETIRED);
    check(&memory, RECORDS_MAX);
    memory.tidy(start());
    check(&memory, RECORDS_MAX);
    memory.tidy(start() + Duration::from_secs(3600));
    check(&memory, 5);
    keep(&mut memory, 5..RECORDS_MAX, RETIRED);
    check(&memory, RECORDS_MAX);
    assert!(memory.take(&KeyId::new("openai-0")).is_some_and(|record| record.is_retired()));
    check(&memory, RECORDS_MAX - 1);
}

#[test]
fn a_key_that_is_as_good_as_new_is_not_kept() {
    let mut memory = Memory::default();
    keep(&mut memory, 0..5, Standing::Available);
    check(&memory, 0);
}

#[test]
fn what_the_store_has_not_heard_of_is_kept_until_it_has() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let id = KeySource::new(&PoolName::new("openai"), Secret::new("a".to_owned())).id;
    let restored = KeptKey { id: id.clone(), pool: PoolName::new("openai"), standing: RETIRED };
    bench.health.pools.reconcile(Vec::new());
    bench.health.pools.restore(vec![restored], bench.now);
    bench.health.pools.revive(&id);
    assert_eq!(bench.health.pools.take_changes(bench.now).len(), 1);
    assert!(bench.health.pools.memory.records.is_empty(), "and then there is nothing to keep");
}
