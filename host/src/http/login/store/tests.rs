use super::{Begun, IDLE_MAX, LIFE_MAX, Logins, Method, Refused, SESSIONS_MAX, SESSIONS_OF_ONE_MAX, csrf};
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn begin(logins: &Logins<u32>, who: u32, chance: u32, now: Instant) -> Begun {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&chance.to_le_bytes());
    logins.begin(who, bytes, now)
}

#[test]
fn an_unsafe_request_needs_the_token_of_its_own_session() {
    let (logins, now) = (Logins::default(), Instant::now());
    let (one, other) = (begin(&logins, 1, 1, now), begin(&logins, 2, 2, now));
    let find = |token: Option<&str>, method| logins.find(&one.cookie, token, method, now);

    assert_eq!(find(None, Method::Safe), Ok(1));
    assert_eq!(find(Some(&one.csrf), Method::Unsafe), Ok(1));
    for token in [None, Some(""), Some(other.csrf.as_str()), Some(one.cookie.as_str())] {
        assert_eq!(find(token, Method::Unsafe), Err(Refused::Token), "{token:?}");
    }
    assert_eq!(csrf(&one.cookie), one.csrf, "a page that is loaded again gets the same one");
    assert_eq!(logins.find("", Some(&csrf("")), Method::Unsafe, now), Err(Refused::SignedOut));
}

#[test]
fn a_session_ends_when_it_is_idle_when_it_is_old_and_when_it_is_told_to() {
    let (logins, start) = (Logins::default(), Instant::now());
    let find = |begun: &Begun, now| logins.find(&begun.cookie, None, Method::Safe, now);
    let idle = begin(&logins, 1, 1, start);
    assert_eq!(find(&idle, start + IDLE_MAX), Err(Refused::SignedOut));

    let busy = begin(&logins, 2, 2, start);
    let mut now = start;
    while now + IDLE_MAX - SECOND < start + LIFE_MAX {
        now += IDLE_MAX - SECOND;
        assert_eq!(find(&busy, now), Ok(2));
    }
    assert_eq!(find(&busy, start + LIFE_MAX), Err(Refused::SignedOut), "however busy");

    let ended = begin(&logins, 3, 3, start);
    logins.end(&ended.cookie);
    assert_eq!(find(&ended, start), Err(Refused::SignedOut));
}

#[test]
fn sessions_are_bounded_and_nobody_drives_the_others_out() {
    let (logins, now) = (Logins::default(), Instant::now());
    let other = begin(&logins, 1, 0, now);
    let many: Vec<Begun> = (1..=100).map(|at| begin(&logins, 2, at, now + SECOND * at)).collect();
    let later = now + SECOND * 200;
    let alive = many.iter().filter(|begun| logins.find(&begun.cookie, None, Method::Safe, later).is_ok()).count();
    assert_eq!(alive, SESSIONS_OF_ONE_MAX);
    assert_eq!(logins.find(&other.cookie, None, Method::Safe, later), Ok(1));

    let count = u32::try_from(SESSIONS_MAX).unwrap();
    let last = later + SECOND;
    let all: Vec<Begun> = (0..count).map(|at| begin(&logins, 1000 + at, 1000 + at, last)).collect();
    let alive = all.iter().filter(|begun| logins.find(&begun.cookie, None, Method::Safe, last).is_ok()).count();
    assert_eq!(alive, SESSIONS_MAX);
    assert!(logins.find(&other.cookie, None, Method::Safe, last).is_err(), "the one that was used least recently");
}
