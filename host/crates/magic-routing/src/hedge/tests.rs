//! The budget over time.
use super::HedgeBudget;
use crate::testing::start;
use std::time::Duration;

#[test]
fn one_hedge_is_always_allowed_and_then_their_share_counts() {
    let (mut budget, now) = (HedgeBudget::default(), start());
    assert!(budget.allows(5, now));
    budget.request(now);
    budget.spend(now);
    assert!(!budget.allows(5, now));
    (0..38).for_each(|_| budget.request(now));
    assert!(!budget.allows(5, now), "two of 39 are more than 5 %");
    budget.request(now);
    assert!(budget.allows(5, now));
    budget.spend(now);
    assert!(!budget.allows(5, now));
    assert!(budget.allows(100, now));
}

#[test]
fn a_budget_of_nothing_allows_nothing() {
    let (mut budget, now) = (HedgeBudget::default(), start());
    (0..1000).for_each(|_| budget.request(now));
    assert!(!budget.allows(0, now));
}

#[test]
fn the_window_slides() {
    let (mut budget, mut now) = (HedgeBudget::default(), start());
    budget.request(now);
    budget.spend(now);
    now += Duration::from_secs(54);
    assert!(!budget.allows(5, now));
    now += Duration::from_secs(6);
    assert!(budget.allows(5, now), "what was a minute ago is forgotten");
    (0..1000).for_each(|_| budget.request(now));
    now += Duration::from_secs(120);
    budget.spend(now);
    assert!(!budget.allows(5, now), "the requests of two minutes ago buy nothing");
}

#[test]
fn over_any_minute_the_share_is_kept() {
    let (mut budget, mut now) = (HedgeBudget::default(), start());
    let (mut spent, mut sent) = (0, 0);
    for _ in 0..10_000 {
        now += Duration::from_millis(50);
        sent += 1;
        budget.request(now);
        if budget.allows(5, now) {
            budget.spend(now);
            spent += 1;
        }
    }
    assert!(spent * 100 <= sent * 6 && spent * 100 >= sent * 4, "{spent} of {sent}");
}
