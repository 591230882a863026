//! What a reload changes, and what it must not.
use crate::testing::{Answer, Bench, config, failure, sources};
use magic_types::Kind;

#[test]
fn a_reload_keeps_keys_and_breakers() {
    let mut bench = Bench::new(&[("openai", &["a", "b"])]);
    let mut attempt = bench.attempt("z-first");
    bench.step(&mut attempt, Answer::Fails(failure(Kind::KeyRejected)));
    bench.break_down("local-openai", 5);
    let ticket = bench.sends(&mut attempt);
    bench.health.reconcile(&config(""), vec![sources("openai", &["b", "a"])]);
    assert_eq!(bench.standing("openai"), "available, retired key_rejected");
    assert_eq!(bench.breaker("local"), "open 10s");
    bench.health.settle(ticket, bench.now);
    assert_eq!(bench.health.pools.states(bench.now)[0].keys[0].in_flight, 0);
    let mut without = config("");
    without.profiles.retain(|profile| profile.name.as_str() != "local");
    bench.health.reconcile(&without, Vec::new());
    assert_eq!(bench.breaker("local"), "closed, 0 failed");
}
