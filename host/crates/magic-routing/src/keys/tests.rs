//! Pools: who is leased, who rests, who is gone.
use super::{Fate, Lease, NoKey, Pools, key_id};
use crate::PoolName;
use crate::testing::{Bench, sources};
use magic_types::{Kind, Secret};
use std::time::Duration;

fn lease(bench: &mut Bench) -> Result<Lease, NoKey> {
    bench.pools.lease(&PoolName::new("openai"), &[], bench.now)
}

fn leased(bench: &mut Bench) -> Lease {
    lease(bench).unwrap_or_else(|none| panic!("{none:?}"))
}

fn in_flight(bench: &Bench) -> Vec<u32> {
    bench.pools.states(bench.now)[0].keys.iter().map(|key| key.in_flight).collect()
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
        bench.pools.settle(lease, Fate::Untouched, bench.now);
    }
    assert_eq!(in_flight(&bench), [0, 0, 0]);
    let next = leased(&mut bench);
    assert_eq!(next.secret.expose(), "b", "a was used last, b longest ago");
    bench.pools.settle(next, Fate::Untouched, bench.now);
}

#[test]
fn load_weighs_more_than_the_order_of_use() {
    let mut bench = Bench::new(&[("openai", &["a", "b"])]);
    let (slow, quick) = (leased(&mut bench), leased(&mut bench));
    bench.pools.settle(quick, Fate::Untouched, bench.now);
    let next = leased(&mut bench);
    assert_eq!(next.secret.expose(), "b", "a was used longer ago, but is busy still");
    bench.pools.settle(next, Fate::Untouched, bench.now);
    bench.pools.settle(slow, Fate::Untouched, bench.now);
}

#[test]
fn concurrency_is_not_bounded_by_the_number_of_keys() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let leases: Vec<Lease> = (0..1000).map(|_| leased(&mut bench)).collect();
    assert_eq!(in_flight(&bench), [1000]);
    leases.into_iter().for_each(|lease| bench.pools.settle(lease, Fate::Untouched, bench.now));
    assert_eq!(in_flight(&bench), [0]);
}

#[test]
fn a_quarantined_key_is_not_leased_until_its_time_is_over() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let one = leased(&mut bench);
    bench.pools.settle(one, rest(10), bench.now);
    let until = bench.now + Duration::from_secs(10);
    assert_eq!(lease(&mut bench).err(), Some(NoKey::Resting { until }));
    assert_eq!(bench.pools.soonest(&PoolName::new("openai"), bench.now), Some(until));
    bench.wait(9);
    assert_eq!(bench.standing("openai"), "rests 1s rate_limited");
    bench.wait(1);
    assert_eq!(bench.standing("openai"), "available");
    let again = leased(&mut bench);
    bench.pools.settle(again, Fate::Untouched, bench.now);
}

#[test]
fn a_retired_key_is_never_leased_again_whatever_late_reports_say() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let (first, second, third) = (leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.pools.settle(first, GONE, bench.now);
    bench.pools.settle(second, Fate::Untouched, bench.now);
    bench.pools.settle(third, rest(1), bench.now);
    bench.wait(1_000_000);
    assert_eq!(bench.standing("openai"), "retired key_rejected");
    assert_eq!(lease(&mut bench).err(), Some(NoKey::Retired));
    assert!(!bench.pools.runnable(&PoolName::new("openai")));
    assert_eq!(in_flight(&bench), [0]);
}

#[test]
fn a_late_success_does_not_end_a_rest_and_the_longer_rest_holds() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let (first, second, third, fourth) =
        (leased(&mut bench), leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.pools.settle(first, rest(100), bench.now);
    bench.pools.settle(second, Fate::Untouched, bench.now);
    bench.pools.settle(third, rest(5), bench.now);
    assert_eq!(bench.standing("openai"), "rests 100s rate_limited");
    assert!(bench.pools.runnable(&PoolName::new("openai")), "it will be available again");
    bench.pools.settle(fourth, GONE, bench.now);
    assert_eq!(bench.standing("openai"), "retired key_rejected");
}

#[test]
fn a_rest_beyond_the_clock_is_no_rest() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let one = leased(&mut bench);
    bench.pools.settle(one, Fate::Rest { time: Duration::MAX, why: Kind::RateLimited }, bench.now);
    assert_eq!(bench.standing("openai"), "available");
}

#[test]
fn a_tried_key_is_not_leased_and_the_reason_is_told_apart() {
    let mut bench = Bench::new(&[("openai", &["a", "b"]), ("empty", &[])]);
    let one = leased(&mut bench);
    let tried = [one.key_id.clone()];
    bench.pools.settle(one, Fate::Untouched, bench.now);
    let name = PoolName::new("openai");
    let two = bench.pools.lease(&name, &tried, bench.now).unwrap_or_else(|none| panic!("{none:?}"));
    assert_eq!(two.secret.expose(), "b");
    let both = [tried[0].clone(), two.key_id.clone()];
    assert_eq!(bench.pools.lease(&name, &both, bench.now).err(), Some(NoKey::Tried));
    bench.pools.settle(two, rest(3), bench.now);
    assert_eq!(bench.pools.lease(&name, &both, bench.now).err(), Some(NoKey::Tried), "the other one is available");
    assert_eq!(bench.pools.lease(&PoolName::new("empty"), &[], bench.now).err(), Some(NoKey::Empty));
    assert_eq!(bench.pools.lease(&PoolName::new("unknown"), &[], bench.now).err(), Some(NoKey::Empty));
}

#[test]
fn a_reload_keeps_the_state_of_surviving_keys() {
    let mut bench = Bench::new(&[("openai", &["a", "b", "c"]), ("mistral", &["m"])]);
    let (a, b, c) = (leased(&mut bench), leased(&mut bench), leased(&mut bench));
    bench.pools.settle(a, GONE, bench.now);
    bench.pools.settle(b, rest(50), bench.now);
    bench.pools.reconcile(vec![sources("openai", &["new", "b", "a", "b", "c"])]);
    assert_eq!(bench.standing("openai"), "available, rests 50s rate_limited, retired key_rejected, available");
    assert_eq!(in_flight(&bench), [0, 0, 0, 1], "c's request is under way still");
    bench.pools.settle(c, Fate::Untouched, bench.now);
    assert_eq!(in_flight(&bench), [0, 0, 0, 0]);
    assert_eq!(bench.pools.states(bench.now).len(), 1, "mistral is gone");
}

#[test]
fn a_lease_that_outlived_its_key_ends_without_effect() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let old = leased(&mut bench);
    bench.pools.reconcile(Vec::new());
    bench.pools.reconcile(vec![sources("openai", &["a"])]);
    let new = leased(&mut bench);
    bench.pools.settle(old, GONE, bench.now);
    assert_eq!((bench.standing("openai"), in_flight(&bench)), ("available".to_owned(), vec![1]));
    bench.pools.settle(new, Fate::Untouched, bench.now);
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
