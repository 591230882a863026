//! Pools: who is leased, who rests, who is gone.
use super::{Fate, KeptKey, KeyCounts, Lease, NoKey, Pools, Standing, key_id};
use crate::PoolName;
use crate::testing::{Bench, sources};
use magic_types::{KeyId, Kind, Secret};
use std::time::Duration;

fn lease(bench: &mut Bench) -> Result<Lease, NoKey> {
    bench.health.pools.lease(&PoolName::new("openai"), &[], bench.now)
}

fn leased(bench: &mut Bench) -> Lease {
    lease(bench).unwrap_or_else(|none| panic!("{none:?}"))
}

fn in_flight(bench: &Bench) -> Vec<u32> {
    bench.health.pools.states(bench.now)[0].keys.iter().map(|key| key.in_flight).collect()
}

fn rest(seconds: u64) -> Fate {
    Fate::Rest { time: Duration::from_secs(seconds), why: Kind::RateLimited }
}

const GONE: Fate = Fate::Retire { why: Kind::KeyRejected };

#[test]
fn the_least_loaded_key_is_leased_and_of_equals_the_least_recently_used() {
    let mut bench = Bench::new(&[("openai", &["a", "b", "c"])]);
    let first: Vec<Lease> = (0..4).map(|_| leased(&mut bench)).collect();
    let order: Vec<&str> = first.iter().map(|lease| lease.secret.expose()).collect();
    assert_eq!(order, ["a", "b", "c", "a"]);
    assert_eq!(in_flight(&bench), [2, 1, 1]);
    for lease in first {
        bench.health.pools.settle(lease, Fate::Untouched, bench.now);
    }
    assert_eq!(in_flight(&bench), [0, 0, 0]);
    let next = leased(&mut bench);
    assert_eq!(next.secret.expose(), "b", "a was used last, b longest ago");
    bench.health.pools.settle(next, Fate::Untouched, bench.now);
}

#[test]
fn every_key_of_every_pool_is_taken_out_of_a_text() {
    let bench = Bench::new(&[("openai", &["sk-one"]), ("mistral", &["sk-two"])]);
    let mut text = "sk-one, sk-two, sk-three and sk-one".to_owned();
    bench.health.pools.secrets().redact(&mut text);
    let [one, two] = [("openai", "sk-one"), ("mistral", "sk-two")]
        .map(|(pool, key)| key_id(&PoolName::new(pool), &Secret::new(key.to_owned())));
    assert_eq!(text, format!("{one}, {two}, sk-three and {one}"));
}

#[test]
fn load_weighs_more_than_the_order_of_use() {
    let mut bench = Bench::new(&[("openai", &["a", "b"])]);
    let (slow, quick) = (leased(&mut bench), leased(&mut bench));
    bench.health.pools.settle(quick, Fate::Untouched, bench.now);
    let next = leased(&mut bench);
    assert_eq!(next.secret.expose(), "b", "a was used longer ago, but is busy still");
    bench.health.pools.settle(next, Fate::Untouched, bench.now);
    bench.health.pools.settle(slow, Fate::Untouched, bench.now);
}

#[test]
fn concurrency_is_not_bounded_by_the_number_of_keys() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let leases: Vec<Lease> = (0..1000).map(|_| leased(&mut bench)).collect();
    assert_eq!(in_flight(&bench), [1000]);
    leases.into_iter().for_each(|lease| bench.health.pools.settle(lease, Fate::Untouched, bench.now));
    assert_eq!(in_flight(&bench), [0]);
}

#[test]
fn a_quarantined_key_is_not_leased_until_its_time_is_over() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let one = leased(&mut bench);
    bench.health.pools.settle(one, rest(10), bench.now);
    let until = bench.now + Duration::from_secs(10);
    assert_eq!(lease(&mut bench).err(), Some(NoKey::Resting { until }));
    assert_eq!(bench.health.pools.soonest(&PoolName::new("openai"), bench.now), Some(until));
    bench.wait(9);
    assert_eq!(bench.standing("openai"), "rests 1s rate_limited");
    bench.wait(1);
    assert_eq!(bench.standing("openai"), "available");
    let again = leased(&mut bench);
    bench.health.pools.settle(again, Fate::Untouched, bench.now);
}

#[test]
fn a_retired_key_is_never_leased_again_whatever_late_reports_say() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let (first, second, third) = (leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.health.pools.settle(first, GONE, bench.now);
    bench.health.pools.settle(second, Fate::Untouched, bench.now);
    bench.health.pools.settle(third, rest(1), bench.now);
    bench.wait(1_000_000);
    assert_eq!(bench.standing("openai"), "retired key_rejected");
    assert_eq!(lease(&mut bench).err(), Some(NoKey::Retired));
    assert!(!bench.health.pools.runnable(&PoolName::new("openai")));
    assert_eq!(in_flight(&bench), [0]);
}

#[test]
fn a_late_success_does_not_end_a_rest_and_the_longer_rest_holds() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let (first, second, third, fourth) =
        (leased(&mut bench), leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.health.pools.settle(first, rest(100), bench.now);
    bench.health.pools.settle(second, Fate::Untouched, bench.now);
    bench.health.pools.settle(third, rest(5), bench.now);
    assert_eq!(bench.standing("openai"), "rests 100s rate_limited");
    assert!(bench.health.pools.runnable(&PoolName::new("openai")), "it will be available again");
    bench.health.pools.settle(fourth, GONE, bench.now);
    assert_eq!(bench.standing("openai"), "retired key_rejected");
}

#[test]
fn a_rest_beyond_the_clock_is_no_rest() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let one = leased(&mut bench);
    bench.health.pools.settle(one, Fate::Rest { time: Duration::MAX, why: Kind::RateLimited }, bench.now);
    assert_eq!(bench.standing("openai"), "available");
}

#[test]
fn a_tried_key_is_not_leased_and_the_reason_is_told_apart() {
    let mut bench = Bench::new(&[("openai", &["a", "b"]), ("empty", &[])]);
    let one = leased(&mut bench);
    let tried = [one.key_id.clone()];
    bench.health.pools.settle(one, Fate::Untouched, bench.now);
    let name = PoolName::new("openai");
    let two = bench.health.pools.lease(&name, &tried, bench.now).unwrap_or_else(|none| panic!("{none:?}"));
    assert_eq!(two.secret.expose(), "b");
    let both = [tried[0].clone(), two.key_id.clone()];
    assert_eq!(bench.health.pools.lease(&name, &both, bench.now).err(), Some(NoKey::Tried));
    bench.health.pools.settle(two, rest(3), bench.now);
    assert_eq!(
        bench.health.pools.lease(&name, &both, bench.now).err(),
        Some(NoKey::Tried),
        "the other one is available"
    );
    assert_eq!(bench.health.pools.lease(&PoolName::new("empty"), &[], bench.now).err(), Some(NoKey::Empty));
    assert_eq!(bench.health.pools.lease(&PoolName::new("unknown"), &[], bench.now).err(), Some(NoKey::Empty));
}

#[test]
fn a_reload_keeps_the_state_of_surviving_keys() {
    let mut bench = Bench::new(&[("openai", &["a", "b", "c"]), ("mistral", &["m"])]);
    let (a, b, c) = (leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.health.pools.settle(a, GONE, bench.now);
    bench.health.pools.settle(b, rest(50), bench.now);
    bench.health.pools.reconcile(vec![sources("openai", &["new", "b", "a", "b", "c"])]);
    assert_eq!(bench.standing("openai"), "available, rests 50s rate_limited, retired key_rejected, available");
    assert_eq!(in_flight(&bench), [0, 0, 0, 1], "c's request is under way still");
    bench.health.pools.settle(c, Fate::Untouched, bench.now);
    assert_eq!(in_flight(&bench), [0, 0, 0, 0]);
    assert_eq!(bench.health.pools.states(bench.now).len(), 1, "mistral is gone");
}

#[test]
fn a_key_that_was_away_keeps_its_requests_and_what_was_said_of_it_meanwhile() {
    let mut bench = Bench::new(&[("openai", &["a", "b", "c"])]);
    let (a, b, c) = (leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.health.pools.settle(a, rest(100), bench.now);
    bench.health.pools.reconcile(Vec::new());
    bench.health.pools.settle(b, GONE, bench.now);
    bench.wait(40);
    bench.health.pools.reconcile(vec![sources("openai", &["a", "b", "c"])]);
    assert_eq!(bench.standing("openai"), "rests 60s rate_limited, retired key_rejected, available");
    assert_eq!(in_flight(&bench), [0, 0, 1]);
    bench.health.pools.settle(c, Fate::Untouched, bench.now);
    assert_eq!(in_flight(&bench), [0, 0, 0]);
}

#[test]
fn field_12_keys_are_remembered_across_restarts() {
    let mut before = Bench::new(&[("openai", &["a", "b", "c"])]);
    assert_eq!(before.health.pools.take_changes(before.now), []);
    let (a, b, c) = (leased(&mut before), leased(&mut before), leased(&mut before));
    before.health.pools.settle(a, rest(100), before.now);
    before.health.pools.settle(b, GONE, before.now);
    before.health.pools.settle(c, Fate::Untouched, before.now);
    let changes = before.health.pools.take_changes(before.now);
    assert_eq!(changes.len(), 2, "c is as it was: {changes:?}");
    assert_eq!(before.health.pools.take_changes(before.now), [], "it is told once");

    let mut after = Bench::new(&[]);
    after.health.pools.restore(changes, after.now);
    assert_eq!(after.health.pools.take_changes(after.now), [], "the store knows");
    after.wait(10);
    after.health.pools.reconcile(vec![sources("openai", &["c", "a"])]);
    assert_eq!(after.standing("openai"), "available, rests 90s rate_limited");
    after.health.pools.reconcile(vec![sources("openai", &["a", "b"])]);
    after.wait(90);
    assert_eq!(after.standing("openai"), "available, retired key_rejected", "a rest ends by itself");
}

#[test]
fn a_rest_that_is_over_is_told_when_its_key_is_leased() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let one = leased(&mut bench);
    bench.health.pools.settle(one, rest(10), bench.now);
    assert_eq!(bench.health.pools.take_changes(bench.now).len(), 1);
    bench.wait(10);
    assert_eq!(bench.health.pools.take_changes(bench.now), []);
    let again = leased(&mut bench);
    bench.health.pools.settle(again, Fate::Untouched, bench.now);
    let changes = bench.health.pools.take_changes(bench.now);
    assert_eq!(changes.iter().map(|key| key.standing).collect::<Vec<_>>(), [Standing::Available]);
}

#[test]
fn a_retired_key_is_revived_by_a_re_check_and_by_nothing_else() {
    let mut bench = Bench::new(&[("openai", &["a", "b"])]);
    let (a, b) = (leased(&mut bench), leased(&mut bench));
    let (id, resting) = (a.key_id.clone(), b.key_id.clone());
    bench.health.pools.settle(a, GONE, bench.now);
    bench.health.pools.settle(b, rest(10), bench.now);
    let retired = bench.health.pools.retired();
    let told: Vec<_> = retired.iter().map(|(pool, id, secret)| (pool.as_str(), id.clone(), secret.expose())).collect();
    assert_eq!(told, [("openai", id.clone(), "a")]);
    bench.health.pools.take_changes(bench.now);
    assert!(!bench.health.pools.revive(&resting), "a rest is not cut short");
    assert!(bench.health.pools.revive(&id));
    assert!(!bench.health.pools.revive(&id));
    assert_eq!(bench.standing("openai"), "available, rests 10s rate_limited");
    let changes = bench.health.pools.take_changes(bench.now);
    assert_eq!((changes.len(), &changes[0].id, changes[0].standing), (1, &id, Standing::Available));
}

#[test]
fn field_1_what_is_remembered_of_keys_that_are_away_is_bounded() {
    let mut bench = Bench::new(&[]);
    let pool = PoolName::new("openai");
    let kept = |number: usize| KeptKey {
        id: KeyId::new(format!("openai-{number}")),
        pool: pool.clone(),
        standing: Standing::Retired { why: Kind::KeyRejected },
    };
    bench.health.pools.restore((0..10_005).map(kept).collect(), bench.now);
    assert!(!bench.health.pools.revive(&KeyId::new("openai-4")), "the oldest is forgotten");
    assert!(bench.health.pools.revive(&KeyId::new("openai-5")));
    assert!(bench.health.pools.revive(&KeyId::new("openai-10004")));
}

#[test]
fn a_lease_that_outlived_the_memory_of_its_key_does_not_count_for_the_next_one() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let old = leased(&mut bench);
    bench.health.pools.reconcile(Vec::new());
    let kept = |number: usize| KeptKey {
        id: KeyId::new(format!("openai-{number}")),
        pool: PoolName::new("openai"),
        standing: Standing::Retired { why: Kind::KeyRejected },
    };
    bench.health.pools.restore((0..10_000).map(kept).collect(), bench.now);
    bench.health.pools.reconcile(vec![sources("openai", &["a"])]);
    let new = leased(&mut bench);
    bench.health.pools.settle(old, rest(10), bench.now);
    assert_eq!(in_flight(&bench), [1]);
    assert_eq!(bench.standing("openai"), "rests 10s rate_limited", "it is the same secret, whoever used it");
    bench.health.pools.settle(new, Fate::Untouched, bench.now);
}

#[test]
fn a_pool_is_counted_by_state() {
    let mut bench = Bench::new(&[("openai", &["a", "b", "c", "d"])]);
    let (a, b, c) = (leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.health.pools.settle(a, rest(10), bench.now);
    bench.health.pools.settle(b, GONE, bench.now);
    let counts = bench.health.pools.counts(&PoolName::new("openai"), bench.now);
    assert_eq!(counts, KeyCounts { available: 2, quarantined: 1, retired: 1, in_flight: 1 });
    assert_eq!(bench.health.pools.counts(&PoolName::new("unknown"), bench.now), KeyCounts::default());
    bench.health.pools.settle(c, Fate::Untouched, bench.now);
}

#[test]
fn pools_named_twice_are_joined() {
    let mut pools = Pools::default();
    let bench = Bench::new(&[]);
    pools.reconcile(vec![sources("openai", &["a", "b"]), sources("openai", &["b", "c"])]);
    assert_eq!(pools.states(bench.now)[0].keys.len(), 3);
}

#[test]
fn a_keys_name_is_stable_and_does_not_show_the_secret() {
    let id = |pool: &str, secret: &str| key_id(&PoolName::new(pool), &Secret::new(secret.to_owned()));
    assert_eq!(id("openai", "sk-a").as_str(), "openai-5ec2a818");
    assert_ne!(id("openai", "sk-a"), id("openai", "sk-b"));
    // The same secret in two pools does not show as such.
    assert_ne!(id("openai", "sk-a").as_str().split('-').nth(1), id("mistral", "sk-a").as_str().split('-').nth(1));
}
