//! The table, row by row.
use super::{Rule, Verdict, exhausted, fate, is_providers, rule};
use crate::Fate;
use crate::testing::{config, failure};
use magic_types::{Failure, Fault, Kind};
use std::time::Duration;

#[test]
fn the_fault_decides_who_suffers() {
    for kind in Kind::ALL {
        let (verdict, key) = rule(kind);
        match kind.fault() {
            Fault::Key => assert!(verdict == Verdict::NextKey && key != Rule::Untouched, "{kind:?}"),
            Fault::Provider => assert_eq!((verdict, key), (Verdict::NextLeg, Rule::Untouched), "{kind:?}"),
            Fault::Client if kind == Kind::ContextTooLong => {
                assert_eq!((verdict, key), (Verdict::ContextWindowLane, Rule::Untouched));
            }
            Fault::Client if kind == Kind::ContentPolicy => {
                assert_eq!((verdict, key), (Verdict::ContentPolicyLane, Rule::Untouched));
            }
            Fault::Client | Fault::Guest | Fault::Gateway => {
                assert_eq!((verdict, key), (Verdict::Fail, Rule::Untouched), "{kind:?}");
            }
        }
    }
    assert_eq!(rule(Kind::KeyRejected).1, Rule::Retire);
}

#[test]
fn a_breaker_counts_what_is_its_vendors_fault_and_nothing_else() {
    let counted: Vec<&str> =
        Kind::ALL.iter().filter(|kind| is_providers(&failure(**kind))).map(|kind| kind.as_str()).collect();
    let expected =
        ["upstream_error", "upstream_unreachable", "upstream_timed_out", "upstream_bad_reply", "upstream_cut_off"];
    assert_eq!(counted, expected);
}

#[test]
fn a_key_whose_last_request_was_served_rests_as_long_as_the_vendor_says_within_reason() {
    let keys = config("").key_management_settings;
    let rest = |seconds| Fate::Rest { time: Duration::from_secs(seconds), why: Kind::RateLimited };
    assert_eq!(exhausted(Duration::from_secs(90), &keys), rest(90));
    assert_eq!(exhausted(Duration::ZERO, &keys), rest(1));
    assert_eq!(exhausted(Duration::MAX, &keys), rest(24 * 3600));
    let off = config("key_management_settings: { enable_quarantine: false }").key_management_settings;
    assert_eq!(exhausted(Duration::from_secs(90), &off), Fate::Untouched);
}

fn check(failure: &Failure, extra: &str, expected: Option<u64>) {
    let found = match fate(failure, &config(extra).key_management_settings) {
        Fate::Rest { time, why } => {
            assert_eq!(why, failure.kind);
            Some(time.as_secs())
        }
        Fate::Untouched => None,
        Fate::Retire { .. } => panic!("{failure} retires"),
    };
    assert_eq!(found, expected, "{failure}");
}

#[test]
fn a_key_rests_as_long_as_the_vendor_says_within_reason() {
    let limited = |seconds| failure(Kind::RateLimited).retry_after(Some(Duration::from_secs(seconds)));
    check(&failure(Kind::RateLimited), "", Some(300));
    check(&limited(7), "", Some(7));
    check(&limited(0), "", Some(1));
    check(&limited(u64::MAX), "", Some(24 * 3600));
    let empty = |seconds| failure(Kind::QuotaExhausted).retry_after(Some(Duration::from_secs(seconds)));
    check(&failure(Kind::QuotaExhausted), "", Some(3600));
    check(&empty(7), "", Some(3600));
    check(&empty(7200), "", Some(7200));
    check(&failure(Kind::RateLimited), "key_management_settings: { quarantine_duration_seconds: 5 }", Some(5));
}

#[test]
fn without_quarantine_nothing_rests_but_rejected_keys_still_retire() {
    let off = "key_management_settings: { enable_quarantine: false }";
    check(&failure(Kind::RateLimited), off, None);
    check(&failure(Kind::QuotaExhausted), off, None);
    let fate = fate(&failure(Kind::KeyRejected), &config(off).key_management_settings);
    assert_eq!(fate, Fate::Retire { why: Kind::KeyRejected });
}
