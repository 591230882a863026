use super::{ADDRESSES_MAX, Attempts, FAILURES_MAX, WINDOW};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::time::Instant;

fn fail(attempts: &Attempts, from: IpAddr, now: Instant) {
    for _ in 0..FAILURES_MAX {
        assert_eq!(attempts.may(from, now), Ok(()));
        attempts.failed(from, now);
    }
}

#[test]
fn an_address_that_failed_too_often_waits_and_no_other_one_does() {
    let (attempts, now) = (Attempts::default(), Instant::now());
    let (one, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    fail(&attempts, one, now);
    let second = Duration::from_secs(1);
    assert_eq!(attempts.may(one, now + second), Err(WINDOW - second));
    assert_eq!(attempts.may(other, now + second), Ok(()));
    assert_eq!(attempts.may(one, now + WINDOW), Ok(()));
    attempts.failed(one, now + WINDOW);
    assert_eq!(attempts.may(one, now + WINDOW), Ok(()), "counted anew");
}

#[test]
fn an_ipv6_network_is_one_address_and_a_mapped_one_is_its_ipv4() {
    let (attempts, now) = (Attempts::default(), Instant::now());
    fail(&attempts, "2001:db8::1".parse().unwrap(), now);
    assert!(attempts.may("2001:db8::ffff".parse().unwrap(), now).is_err());
    assert!(attempts.may("2001:db8:0:1::1".parse().unwrap(), now).is_ok());
    fail(&attempts, [10, 0, 0, 1].into(), now);
    assert!(attempts.may("::ffff:10.0.0.1".parse().unwrap(), now).is_err());
}

#[test]
fn a_flood_from_everywhere_costs_no_more_memory_and_ends_with_its_window() {
    let (attempts, now) = (Attempts::default(), Instant::now());
    let address = |at: usize| IpAddr::from(Ipv4Addr::from_bits(u32::try_from(at).unwrap()));
    for at in 0..ADDRESSES_MAX {
        assert_eq!(attempts.may(address(at), now), Ok(()));
        attempts.failed(address(at), now);
    }
    assert!(attempts.may(address(ADDRESSES_MAX), now).is_err());
    assert_eq!(attempts.may(address(0), now), Ok(()), "one that is known is counted by itself");
    assert_eq!(attempts.may(address(ADDRESSES_MAX), now + WINDOW), Ok(()));
}
