//! Lanes, legs that are not fit, and breakers, as one request meets them.
use crate::testing::{Answer, Bench, failure, told};
use crate::{Step, route_header};
use magic_types::{Failure, Kind};
use std::time::Duration;

const KEYS: &[(&str, &[&str])] = &[("openai", &["a", "b"]), ("mistral", &["m"]), ("profile:own", &["o"])];
use Kind::{ContentPolicy, ContextTooLong, ServerError};

fn check(alias: &str, failures: &[Kind], expected: &str) {
    let failures: Vec<Failure> = failures.iter().map(|kind| failure(*kind)).collect();
    assert_eq!(Bench::new(KEYS).story(alias, &failures), expected, "{alias} {failures:?}");
}

#[test]
fn what_is_too_long_goes_on_in_the_lane_for_it() {
    check("lanes", &[ContextTooLong], "openai a | openai_large b");
    // `own` names no window: in a lane that somebody wrote for the purpose it is tried all the same.
    check("lanes", &[ContextTooLong, ServerError], "openai a | openai_large b | own o");
    check("lanes", &[ContextTooLong, ContextTooLong], "openai a | openai_large b | own o");
    let end = "gives up: context_length_exceeded: public context_length_exceeded";
    check("lanes", &[ContextTooLong; 3], &format!("openai a | openai_large b | own o | {end}"));
    // mistral's window is unknown; that is no reason to take the lane's legs for too small.
    check("lanes", &[ServerError, ContextTooLong], "openai a | mistral m | openai_large b");
}

#[test]
fn what_a_policy_refuses_goes_on_in_the_lane_for_it_and_else_to_the_client() {
    check("lanes", &[ContentPolicy], "openai a | local -");
    check("lanes", &[ContentPolicy, ServerError], "openai a | local - | mistral m");
    let end = "gives up: content_policy_violation: public content_policy_violation";
    check("lanes", &[ContentPolicy; 3], &format!("openai a | local - | mistral m | {end}"));
    check("openai-mistral", &[ContentPolicy], &format!("openai a | {end}"));
}

#[test]
fn each_lane_is_entered_once() {
    // local is known to be smaller than what was too small before.
    check("lanes", &[ContextTooLong, ContentPolicy], "openai a | openai_large b | mistral m");
    check("lanes", &[ContentPolicy, ContextTooLong], "openai a | local - | openai_large b");
    let story =
        "openai a | local - | openai_large b | gives up: content_policy_violation: public content_policy_violation";
    check("lanes", &[ContentPolicy, ContextTooLong, ContentPolicy], story);
    let story =
        "openai a | openai_large b | mistral m | gives up: context_length_exceeded: public context_length_exceeded";
    check("lanes", &[ContextTooLong, ContentPolicy, ContextTooLong], story);
}

#[test]
fn a_leg_that_is_not_fit_is_passed_over_and_says_why() {
    let mut bench = Bench::new(KEYS);
    let mut attempt = bench.attempt("openai-mistral");
    attempt.unfit(0, "no embeddings");
    assert_eq!(bench.step(&mut attempt, Answer::Speaks), "mistral m");
    assert_eq!(route_header(&attempt.route()), "openai=unfit(no embeddings), mistral=served");
}

#[test]
fn an_operation_that_no_leg_can_serve_is_the_clients_mistake() {
    let mut bench = Bench::new(KEYS);
    let mut attempt = bench.attempt("lanes");
    (0..2).for_each(|leg| attempt.unfit(leg, "its vendor has no embeddings"));
    let Step::GiveUp(last) = attempt.next(&mut bench.health, bench.now) else { panic!("it is sent") };
    assert_eq!(
        told(&last),
        "gives up: invalid_request: no model of `lanes` can serve this request: its vendor has no embeddings"
    );
    assert_eq!(last.retry_after, None);
}

#[test]
fn a_lane_without_a_fit_leg_is_no_lane() {
    let mut bench = Bench::new(KEYS);
    let mut attempt = bench.attempt("lanes");
    (4..6).for_each(|leg| attempt.unfit(leg, "no tools"));
    assert_eq!(bench.step(&mut attempt, Answer::Fails(failure(ContentPolicy))), "openai a");
    assert!(attempt.is_over());
    let Step::GiveUp(last) = attempt.next(&mut bench.health, bench.now) else { panic!("it goes on") };
    assert_eq!(last.kind, ContentPolicy);
}

#[test]
fn field_7_an_open_breaker_is_passed_over_until_its_probe() {
    let mut bench = Bench::new(KEYS);
    bench.break_down("openai-mistral", 5);
    assert_eq!(bench.breaker("openai"), "open 10s");
    let mut attempt = bench.attempt("openai-mistral");
    assert_eq!(bench.step(&mut attempt, Answer::Speaks), "mistral m");
    assert_eq!(route_header(&attempt.route()), "openai=breaker_open, mistral=served");
    assert_eq!(bench.standing("openai"), "available, available", "no key is to blame");
    bench.wait(10);
    let mut probe = bench.attempt("openai-mistral");
    let ticket = bench.sends(&mut probe);
    assert_eq!(ticket.leg, 0);
    assert_eq!(bench.story("openai-mistral", &[]), "mistral m", "one probe at a time");
    bench.answer(&mut probe, ticket, Answer::Speaks);
    assert_eq!(bench.breaker("openai"), "closed, 0 failed");
}

#[test]
fn a_probe_that_meets_a_spent_key_tries_the_next_key() {
    let mut bench = Bench::new(KEYS);
    bench.break_down("openai-mistral", 5);
    bench.wait(10);
    assert_eq!(bench.story("openai-mistral", &[failure(Kind::RateLimited)]), "openai b | openai a");
    assert_eq!(bench.breaker("openai"), "closed, 0 failed");
}

#[test]
fn clients_and_keys_faults_do_not_open_a_breaker() {
    let mut bench = Bench::new(KEYS);
    for kind in [Kind::InvalidRequest, Kind::ContextTooLong, Kind::ContentPolicy, Kind::NotFound] {
        for _ in 0..10 {
            let mut attempt = bench.attempt("z-first");
            bench.step(&mut attempt, Answer::Fails(failure(kind)));
        }
    }
    for kind in [Kind::RateLimited, Kind::KeyRejected] {
        bench.story("z-first", &[failure(kind)]);
    }
    assert_eq!(bench.breaker("openai"), "closed, 0 failed");
}

#[test]
fn when_every_leg_waits_the_soonest_of_them_is_named() {
    let mut bench = Bench::new(&[("openai", &["a"])]);
    bench.break_down("local-openai", 5);
    bench.wait(2);
    let mut attempt = bench.attempt("z-first");
    let limited = failure(Kind::RateLimited).retry_after(Some(Duration::from_secs(70)));
    bench.step(&mut attempt, Answer::Fails(limited));
    assert_eq!(
        bench.story("openai-local", &[]),
        "gives up: nothing_left: every model of `openai-local` is left alone for a while, after rate limits and \
         failures of its vendors, retry after 8s"
    );
}

#[test]
fn a_leg_that_waits_for_two_things_waits_for_the_later_one() {
    for (rest, retry_after) in [(70, "70s"), (3, "10s")] {
        let mut bench = Bench::new(&[("openai", &["a"])]);
        let mut attempt = bench.attempt("z-first");
        let ticket = bench.sends(&mut attempt);
        bench.break_down("z-first", 5);
        let limited = failure(Kind::RateLimited).retry_after(Some(Duration::from_secs(rest)));
        bench.answer(&mut attempt, ticket, Answer::Fails(limited));
        let story = bench.story("z-first", &[]);
        let expected = "its vendor kept failing, retry after ";
        assert!(story.ends_with(&format!("{expected}{retry_after}")), "{story}");
    }
}
