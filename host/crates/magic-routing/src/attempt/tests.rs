//! Attempts, told as text: where each try went and how it ended.
mod hedges;

use crate::Step;
use crate::testing::{Answer, Bench, failure, told};
use magic_types::{Failure, Kind, UpstreamReply};
use std::time::Duration;

const TWO_EACH: &[(&str, &[&str])] = &[("openai", &["a", "b"]), ("mistral", &["m"]), ("profile:own", &["o"])];

fn check(alias: &str, failures: &[Kind], expected: &str) -> Bench {
    let mut bench = Bench::new(TWO_EACH);
    let failures: Vec<Failure> = failures.iter().map(|kind| failure(*kind)).collect();
    assert_eq!(bench.story(alias, &failures), expected, "{alias} {failures:?}");
    bench
}

#[test]
fn a_success_is_the_end() {
    let mut bench = Bench::new(TWO_EACH);
    let mut attempt = bench.attempt("openai-mistral");
    assert_eq!(bench.step(&mut attempt, Answer::Speaks), "openai a");
    assert_eq!(bench.step(&mut attempt, Answer::Speaks), "gives up: internal: the attempt is over");
    assert_eq!(attempt.tries().len(), 1);
    assert_eq!(attempt.tries()[0].kind, None);
}

#[test]
fn a_rejected_key_is_retired_and_the_next_key_of_the_same_profile_serves() {
    let bench = check("openai-mistral", &[Kind::KeyRejected], "openai a | openai b");
    assert_eq!(bench.standing("openai"), "retired key_rejected, available");
}

#[test]
fn an_empty_account_rests_long() {
    let bench = check("openai-mistral", &[Kind::QuotaExhausted], "openai a | openai b");
    assert_eq!(bench.standing("openai"), "rests 3600s quota_exhausted, available");
}

#[test]
fn when_all_keys_are_limited_the_next_profile_serves() {
    let bench = check("openai-mistral", &[Kind::RateLimited, Kind::RateLimited], "openai a | openai b | mistral m");
    assert_eq!(bench.standing("openai"), "rests 300s rate_limited, rests 300s rate_limited");
}

#[test]
fn a_providers_fault_goes_to_the_next_profile_and_leaves_the_key_alone() {
    for kind in [Kind::ServerError, Kind::Unreachable, Kind::TimedOut, Kind::BadReply, Kind::CutOff] {
        let bench = check("openai-mistral", &[kind], "openai a | mistral m");
        assert_eq!(bench.standing("openai"), "available, available");
    }
}

#[test]
fn a_clients_fault_ends_it_at_once_in_the_vendors_own_words() {
    let reply = UpstreamReply { status: 422, content_type: None, body: "{\"error\":{}}".into() };
    for kind in [Kind::InvalidRequest, Kind::NotFound, Kind::TooLarge] {
        let mut bench = Bench::new(TWO_EACH);
        let mut attempt = bench.attempt("openai-mistral");
        let vendors = failure(kind).upstream(reply.clone());
        assert_eq!(bench.step(&mut attempt, Answer::Fails(vendors.clone())), "openai a");
        let Step::GiveUp(last) = attempt.next(&mut bench.health, bench.now) else { panic!("{kind:?} goes on") };
        assert_eq!(last, vendors);
        assert_eq!(bench.standing("openai"), "available, available");
    }
}

#[test]
fn what_is_too_long_goes_to_a_model_that_is_known_to_be_larger() {
    // mistral's window is unknown and local's is smaller.
    check("windows", &[Kind::ContextTooLong], "openai a | openai_large b");
    let end = "gives up: context_length_exceeded: public context_length_exceeded";
    check("small-last", &[Kind::ContextTooLong], &format!("openai_large a | {end}"));
    check("twins", &[Kind::ContextTooLong], &format!("openai a | {end}"));
    check("windows", &[Kind::ContextTooLong, Kind::ContextTooLong], &format!("openai a | openai_large b | {end}"));
    // An unknown window has no larger one.
    check("windows", &[Kind::ServerError, Kind::ContextTooLong], &format!("openai a | mistral m | {end}"));
    // It stays the rule for the rest of the request.
    check("local-openai", &[Kind::ContextTooLong, Kind::RateLimited], "local - | openai a | openai b");
}

#[test]
fn the_end_is_the_last_real_failure_and_names_the_soonest_retry() {
    let mut bench = Bench::new(TWO_EACH);
    let limited = |seconds| failure(Kind::RateLimited).retry_after(Some(Duration::from_secs(seconds)));
    let story = bench.story("openai-mistral", &[limited(70), limited(30), failure(Kind::ServerError)]);
    assert_eq!(
        story,
        "openai a | openai b | mistral m | gives up: nothing_left: every model of `openai-mistral` failed; the last \
         one: public upstream_error, retry after 30s"
    );
    // Now that the keys rest, they are not even tried.
    bench.wait(10);
    assert_eq!(
        bench.story("openai-mistral", &[failure(Kind::Unreachable)]),
        "mistral m | gives up: nothing_left: every model of `openai-mistral` failed; the last one: public \
         upstream_unreachable, retry after 20s"
    );
    assert_eq!(
        bench.story("z-first", &[]),
        "gives up: nothing_left: every key of `z-first` is resting after a rate limit or an empty account, retry after 20s"
    );
}

#[test]
fn the_log_is_told_every_try_and_every_skip_and_no_secret() {
    let mut bench = Bench::new(&[("openai", &["sk-secret"])]);
    let mut attempt = bench.attempt("all");
    let broken = failure(Kind::ServerError).private("HTTP 500 from host x");
    for _ in 0..3 {
        bench.step(&mut attempt, Answer::Fails(broken.clone()));
    }
    let Step::GiveUp(last) = attempt.next(&mut bench.health, bench.now) else { panic!("it goes on") };
    let key = attempt.tries()[0].key_id.clone().expect("openai has a key");
    assert_eq!(
        last.private,
        format!(
            "tries: openai ({key}): upstream_error; local: upstream_error; openai_large ({key}): upstream_error. \
             skipped: mistral: no_key; own: no_key. last: HTTP 500 from host x"
        )
    );
    assert!(!last.private.contains("sk-secret") && !last.public.contains("HTTP 500"));
    assert_eq!((last.kind, last.upstream), (Kind::NothingLeft, None));
}

#[test]
fn a_profile_without_keys_has_no_key_to_blame() {
    for kind in [Kind::KeyRejected, Kind::QuotaExhausted, Kind::RateLimited] {
        check("local-openai", &[kind], "local - | openai a");
    }
}

#[test]
fn without_any_key_it_says_so() {
    let mut bench = Bench::new(&[]);
    let expected = "gives up: nothing_left: no model of `openai-mistral` has a usable key";
    assert_eq!(bench.story("openai-mistral", &[]), expected);
}

#[test]
fn a_profiles_own_key_is_no_part_of_its_providers_pool() {
    let bench = check("own", &[Kind::KeyRejected], "own o | openai a");
    assert_eq!(bench.standing("profile:own"), "retired key_rejected");
    assert_eq!(bench.standing("openai"), "available, available");
}

#[test]
fn a_client_that_leaves_harms_no_key_and_ends_the_attempt() {
    let mut bench = Bench::new(TWO_EACH);
    let mut attempt = bench.attempt("z-first");
    assert_eq!(bench.step(&mut attempt, Answer::Leaves), "openai a");
    assert_eq!(bench.standing("openai"), "available, available");
    assert!(matches!(attempt.next(&mut bench.health, bench.now), Step::GiveUp(_)));
}

#[test]
fn tries_are_bounded_however_many_keys_there_are() {
    let secrets: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let mut bench = Bench::new(&[("openai", &secrets)]);
    let mut attempt = bench.attempt("openai-local");
    let mut steps = 0;
    while !bench.step(&mut attempt, Answer::Fails(failure(Kind::KeyRejected))).starts_with("gives up") {
        steps += 1;
    }
    assert_eq!((steps, attempt.tries().len()), (16, 16));
}

#[test]
fn without_quarantine_a_limited_key_is_still_tried_only_once() {
    let mut bench = Bench::new(TWO_EACH);
    bench.settings.keys.enable_quarantine = false;
    let limited = failure(Kind::RateLimited);
    let story = bench.story("openai-mistral", &[limited.clone(), limited.clone()]);
    assert_eq!(story, "openai a | openai b | mistral m");
    assert_eq!(bench.standing("openai"), "available, available");
}

#[test]
fn a_report_that_never_comes_does_not_make_it_run_for_ever() {
    let mut bench = Bench::new(TWO_EACH);
    let mut attempt = bench.attempt("local-openai");
    let mut sent = 0;
    let last = loop {
        match attempt.next(&mut bench.health, bench.now) {
            Step::Send(ticket) => {
                sent += 1;
                bench.health.settle(ticket, bench.now);
            }
            Step::GiveUp(last) => break last,
        }
    };
    assert_eq!(sent, 3);
    assert!(last.private.contains("not reported"), "{}", told(&last));
}

#[test]
fn a_pool_of_many_bad_keys_leaves_the_legs_behind_it_their_tries() {
    let names: Vec<String> = (0..64).map(|number| format!("k{number}")).collect();
    let many: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bench = Bench::new(&[("openai", &many), ("mistral", &["m"])]);
    let mut attempt = bench.attempt("hedged");
    let mut sent = Vec::new();
    for _ in 0..64 {
        let step = bench.step(&mut attempt, Answer::Fails(failure(Kind::KeyRejected)));
        if !step.starts_with("openai ") && !step.starts_with("mistral ") && !step.starts_with("local") {
            break;
        }
        sent.push(step);
    }
    assert_eq!(sent.len(), 16, "bounded as ever: {sent:?}");
    assert_eq!(sent[14..], ["mistral m".to_owned(), "local -".to_owned()], "{sent:?}");
}
