//! Limits under seeded traffic: never more than allowed within any minute, and free again when it says so.
use super::*;

fn grants(requests: Option<u64>, tokens: Option<u64>, parallel: Option<u64>) -> Grants {
    Grants {
        requests_per_minute_max: requests,
        tokens_per_minute_max: tokens,
        requests_parallel_max: parallel,
        ..Grants::default()
    }
}

fn done(limiter: &mut Limiter, grants: &Grants, tokens: u64, now: u64) -> Result<(), Full> {
    let taken = limiter.take(grants, tokens, now)?;
    limiter.settle(taken, tokens);
    Ok(())
}

#[test]
fn no_minute_has_more_requests_than_its_limit_wherever_it_begins() {
    let grants = grants(Some(20), None, None);
    let mut limiter = Limiter::default();
    let (mut now, mut seed, mut times) = (1_000_000, 7_u64, Vec::<u64>::new());
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        now += (seed >> 33) % 2500;
        if done(&mut limiter, &grants, 0, now).is_ok() {
            times.push(now);
        }
    }
    let fullest = times.iter().map(|from| times.iter().filter(|at| (*from..from + 60_000).contains(at)).count()).max();
    assert_eq!(fullest, Some(20), "and the limit is used");
    assert!(limiter.requests.seconds.len() <= 61);
}

#[test]
fn a_full_limit_says_when_it_is_free_again_and_is() {
    let grants = grants(Some(2), None, None);
    let mut limiter = Limiter::default();
    done(&mut limiter, &grants, 0, 10_500).unwrap();
    done(&mut limiter, &grants, 0, 20_500).unwrap();
    let full = done(&mut limiter, &grants, 0, 21_250).unwrap_err();
    assert_eq!((full.limit, full.max), (Limit::RequestsPerMinute, 2));
    let free = 21_250 + u64::try_from(full.retry_after.as_millis()).unwrap();
    assert_eq!(free, 71_000);
    assert!(done(&mut limiter, &grants, 0, free - 1).is_err());
    assert!(done(&mut limiter, &grants, 0, free).is_ok());
}

#[test]
fn tokens_are_held_by_estimate_and_counted_as_they_were() {
    let grants = grants(None, Some(1000), None);
    let mut limiter = Limiter::default();
    let first = limiter.take(&grants, 900, 0).unwrap();
    assert_eq!(limiter.take(&grants, 200, 0).unwrap_err().limit, Limit::TokensPerMinute);
    limiter.settle(first, 300);
    let second = limiter.take(&grants, 700, 1000).unwrap();
    limiter.settle(second, 900);
    assert!(limiter.take(&grants, 1, 2000).is_err(), "more than was thought counts too");
    let late = limiter.take(&grants, 100, 62_000).unwrap();
    limiter.settle(late, 100);
}

#[test]
fn what_is_larger_than_a_minute_waits_for_an_empty_one() {
    let grants = grants(None, Some(1000), None);
    let mut limiter = Limiter::default();
    done(&mut limiter, &grants, 1, 0).unwrap();
    let full = done(&mut limiter, &grants, 50_000, 5000).unwrap_err();
    assert_eq!(full.retry_after, Duration::from_secs(56));
    assert!(done(&mut limiter, &grants, 50_000, 61_000).is_ok());
}

#[test]
fn a_settlement_after_the_minute_changes_nothing() {
    let grants = grants(None, Some(1000), None);
    let mut limiter = Limiter::default();
    let slow = limiter.take(&grants, 1000, 0).unwrap();
    done(&mut limiter, &grants, 400, 100_000).unwrap();
    limiter.settle(slow, 5000);
    assert_eq!(limiter.tokens.sum, 400);
}

#[test]
fn parallel_places_are_taken_and_given_back() {
    let grants = grants(None, None, Some(2));
    let mut limiter = Limiter::default();
    let (one, two) = (limiter.take(&grants, 0, 0).unwrap(), limiter.take(&grants, 0, 0).unwrap());
    assert_eq!(limiter.take(&grants, 0, 0).unwrap_err().limit, Limit::RequestsParallel);
    limiter.settle(one, 0);
    let three = limiter.take(&grants, 0, 0).unwrap();
    limiter.undo(two);
    limiter.settle(three, 0);
    assert_eq!(limiter.parallel(), 0);
}

#[test]
fn what_was_refused_elsewhere_is_as_if_it_had_never_been() {
    let grants = grants(Some(1), Some(10), Some(1));
    let mut limiter = Limiter::default();
    for _ in 0..5 {
        let taken = limiter.take(&grants, 10, 0).unwrap();
        limiter.undo(taken);
    }
    assert!(done(&mut limiter, &grants, 10, 0).is_ok());
    assert!(done(&mut limiter, &grants, 10, 0).is_err());
}

#[test]
fn a_clock_that_was_put_back_opens_nothing() {
    let grants = grants(Some(1), None, None);
    let mut limiter = Limiter::default();
    done(&mut limiter, &grants, 0, 1_000_000).unwrap();
    assert!(done(&mut limiter, &grants, 0, 500_000).is_err());
}
