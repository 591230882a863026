//! Two tries under way: who may start, who wins, and what a failure decides.
use crate::testing::{Answer, Bench, failure, sent_to};
use crate::{Attempt, Outcome, Step, Ticket, route_header};
use magic_types::Kind;
use std::time::Duration;

const KEYS: &[(&str, &[&str])] = &[("openai", &["a", "b"]), ("mistral", &["m"])];

/// A bench with one attempt for `hedged`, two of its tries under way.
fn hedged(keys: &[(&str, &[&str])]) -> (Bench, Attempt, Ticket, Ticket) {
    let mut bench = Bench::new(keys);
    let mut attempt = bench.attempt("hedged");
    let first = bench.sends(&mut attempt);
    let second = attempt.hedge(&mut bench.health, bench.now).expect("a hedge");
    assert_eq!((first.number, second.number), (0, 1));
    (bench, attempt, first, second)
}

fn nothing_is_left_over(bench: &Bench) {
    let busy: u32 =
        bench.health.pools.states(bench.now).iter().flat_map(|pool| &pool.keys).map(|key| key.in_flight).sum();
    assert_eq!(busy, 0, "a lease was lost");
    for profile in ["openai", "mistral", "local"] {
        assert!(bench.breaker(profile) != "half-open, probing");
    }
}

#[test]
fn the_first_to_speak_wins_and_the_other_is_nobodys_fault() {
    let (mut bench, mut attempt, first, second) = hedged(KEYS);
    assert_eq!((sent_to(&attempt, &first), sent_to(&attempt, &second)), ("openai a".into(), "mistral m".into()));
    assert!(attempt.tries()[1].is_hedge && !attempt.tries()[0].is_hedge);
    assert!(attempt.hedge(&mut bench.health, bench.now).is_none(), "two are enough");
    bench.answer(&mut attempt, second, Answer::Speaks);
    assert!(attempt.is_over());
    assert_eq!(route_header(&attempt.route()), "openai=hedged, mistral=served");
    bench.health.settle(first, bench.now);
    assert_eq!(bench.breaker("openai"), "closed, 0 failed");
    nothing_is_left_over(&bench);
}

#[test]
fn a_failure_beside_another_try_decides_nothing_but_its_own_fate() {
    let (mut bench, mut attempt, first, second) = hedged(KEYS);
    bench.answer(&mut attempt, first, Answer::Fails(failure(Kind::RateLimited)));
    assert!(!attempt.is_over());
    assert_eq!(bench.standing("openai"), "rests 300s rate_limited, available");
    bench.answer(&mut attempt, second, Answer::Fails(failure(Kind::ServerError)));
    assert!(!attempt.is_over());
    assert_eq!(bench.breaker("mistral"), "closed, 1 failed");
    assert_eq!(
        bench.step(&mut attempt, Answer::Fails(failure(Kind::ServerError))),
        "openai b",
        "its keys are not spent"
    );
    assert_eq!(bench.step(&mut attempt, Answer::Speaks), "local -");
    nothing_is_left_over(&bench);
}

#[test]
fn the_survivor_serves() {
    let (mut bench, mut attempt, first, second) = hedged(KEYS);
    bench.answer(&mut attempt, second, Answer::Fails(failure(Kind::ServerError)));
    bench.answer(&mut attempt, first, Answer::Speaks);
    let key = attempt.tries()[1].key_id.clone().expect("mistral has a key");
    assert_eq!(route_header(&attempt.route()), format!("openai=served, mistral=upstream_error({key})"));
    nothing_is_left_over(&bench);
}

#[test]
fn of_two_that_speak_the_first_is_the_winner() {
    let (mut bench, mut attempt, first, second) = hedged(KEYS);
    bench.answer(&mut attempt, second, Answer::Speaks);
    bench.answer(&mut attempt, first, Answer::Speaks);
    assert_eq!(route_header(&attempt.route()), "openai=hedged, mistral=served");
    nothing_is_left_over(&bench);
}

#[test]
fn a_clients_own_mistake_ends_both_at_once() {
    let (mut bench, mut attempt, first, second) = hedged(KEYS);
    bench.answer(&mut attempt, second, Answer::Fails(failure(Kind::InvalidRequest)));
    assert!(attempt.is_over());
    bench.answer(&mut attempt, first, Answer::Fails(failure(Kind::NotFound)));
    let Step::GiveUp(last) = attempt.next(&mut bench.health, bench.now) else { panic!("it goes on") };
    assert_eq!(last.kind, Kind::InvalidRequest);
    nothing_is_left_over(&bench);
}

#[test]
fn one_that_is_abandoned_leaves_the_other_under_way() {
    let (mut bench, mut attempt, first, second) = hedged(KEYS);
    bench.answer(&mut attempt, first, Answer::Leaves);
    assert!(!attempt.is_over());
    bench.answer(&mut attempt, second, Answer::Fails(failure(Kind::ServerError)));
    assert_eq!(bench.step(&mut attempt, Answer::Speaks), "local -", "what was abandoned is not asked again");
    nothing_is_left_over(&bench);
}

#[test]
fn only_a_leg_that_is_known_to_be_well_is_hedged_to() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    let mut attempt = bench.attempt("hedged");
    let first = bench.sends(&mut attempt);
    let second = attempt.hedge(&mut bench.health, bench.now).expect("a hedge");
    assert_eq!(sent_to(&attempt, &second), "local -", "mistral has no key");
    bench.answer(&mut attempt, first, Answer::Speaks);
    bench.health.settle(second, bench.now);

    bench.wait(60);
    bench.break_down("local-openai", 5);
    for _ in 0..2 {
        let mut attempt = bench.attempt("hedged");
        let first = bench.sends(&mut attempt);
        assert!(attempt.hedge(&mut bench.health, bench.now).is_none(), "{}", bench.breaker("local"));
        bench.answer(&mut attempt, first, Answer::Speaks);
        bench.wait(10);
    }
    nothing_is_left_over(&bench);
}

#[test]
fn hedges_are_budgeted_and_off_by_default() {
    let mut bench = Bench::new(KEYS);
    let mut hedges = 0;
    for _ in 0..100 {
        let mut attempt = bench.attempt("hedged");
        let first = bench.sends(&mut attempt);
        if let Some(second) = attempt.hedge(&mut bench.health, bench.now) {
            hedges += 1;
            bench.health.settle(second, bench.now);
        }
        bench.answer(&mut attempt, first, Answer::Speaks);
    }
    assert_eq!(hedges, 5);
    let mut attempt = bench.attempt("openai-mistral");
    let first = bench.sends(&mut attempt);
    bench.wait(600);
    assert!(attempt.hedge(&mut bench.health, bench.now).is_none());
    bench.health.settle(first, bench.now);
}

#[test]
fn a_hedge_needs_one_try_under_way() {
    let mut bench = Bench::new(KEYS);
    let mut attempt = bench.attempt("hedged");
    assert!(attempt.hedge(&mut bench.health, bench.now).is_none(), "nothing is under way");
    let lost = bench.sends(&mut attempt);
    bench.health.settle(lost, bench.now);
    let first = bench.sends(&mut attempt);
    let second = attempt.hedge(&mut bench.health, bench.now).expect("what was lost is not under way");
    bench.answer(&mut attempt, first, Answer::Speaks);
    bench.health.settle(second, bench.now);
    bench.wait(600);
    assert!(attempt.hedge(&mut bench.health, bench.now).is_none(), "it is served");
    nothing_is_left_over(&bench);
}

#[test]
fn a_key_whose_last_request_was_served_rests_while_it_serves() {
    let mut bench = Bench::new(KEYS);
    let mut attempt = bench.attempt("z-first");
    let mut ticket = bench.sends(&mut attempt);
    attempt.spoke(&mut bench.health, &mut ticket, Some(Duration::from_secs(42)), bench.now);
    assert_eq!(bench.standing("openai"), "rests 42s rate_limited, available");
    assert_eq!(bench.story("z-first", &[]), "openai b");
    bench.health.settle(ticket, bench.now);
    assert_eq!(bench.standing("openai"), "rests 42s rate_limited, available");
}

#[test]
fn a_stream_that_breaks_after_it_spoke_is_not_tried_again_but_its_key_suffers() {
    let mut bench = Bench::new(KEYS);
    let mut attempt = bench.attempt("openai-mistral");
    let mut ticket = bench.sends(&mut attempt);
    attempt.spoke(&mut bench.health, &mut ticket, None, bench.now);
    attempt.report(&mut bench.health, ticket, Outcome::Failed(failure(Kind::RateLimited)), bench.now);
    assert_eq!(bench.step(&mut attempt, Answer::Speaks), "gives up: internal: the attempt is over");
    assert_eq!(bench.standing("openai"), "rests 300s rate_limited, available");
}

#[test]
fn what_has_no_first_event_is_not_raced_and_lends_the_budget_nothing() {
    let mut bench = Bench::new(KEYS);
    for _ in 0..100 {
        let mut attempt = bench.attempt("hedged");
        attempt.never_hedge();
        assert_eq!(attempt.hedge_after(), None);
        let ticket = bench.sends(&mut attempt);
        assert!(attempt.hedge(&mut bench.health, bench.now).is_none());
        bench.health.settle(ticket, bench.now);
    }
    let percent = bench.attempt("hedged");
    assert!(percent.hedge_after().is_some());
    // The burst of one is there, and no second one: the hundred requests before do not count.
    let mut hedges = 0;
    for _ in 0..2 {
        let mut attempt = bench.attempt("hedged");
        let first = bench.sends(&mut attempt);
        if let Some(second) = attempt.hedge(&mut bench.health, bench.now) {
            hedges += 1;
            bench.health.settle(second, bench.now);
        }
        bench.health.settle(first, bench.now);
    }
    assert_eq!(hedges, 1);
}
