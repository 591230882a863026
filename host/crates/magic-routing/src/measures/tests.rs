//! What is remembered of a profile's times, and for how long.
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Measures, Sort};
use crate::testing::{config, start};
use magic_config::Profile;

struct Clock {
    measures: Measures,
    profile: Arc<Profile>,
    now: Instant,
}

// === impl Clock ===
impl Clock {
    fn new() -> Self {
        let profile = Arc::clone(&config("").profiles[0]);
        Self { measures: Measures::default(), profile, now: start() }
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    fn answer(&mut self, sort: Sort, millis: u64) {
        let mut measuring = self.measures.sent(&self.profile, sort, self.now);
        self.wait(millis);
        self.measures.spoke(&mut measuring, self.now);
        self.measures.ended(measuring);
    }

    /// In milliseconds.
    fn expected(&self, sort: Sort) -> Option<u128> {
        self.measures.expected(&self.profile.name, sort, self.now).map(|time| time.as_millis())
    }

    fn in_flight(&self) -> u32 {
        self.measures.in_flight(&self.profile.name)
    }
}

#[test]
fn the_average_forgets_with_time_not_with_samples() {
    let mut clock = Clock::new();
    assert_eq!(clock.expected(Sort::Stream), None);
    clock.answer(Sort::Stream, 100);
    assert_eq!(clock.expected(Sort::Stream), Some(100));
    clock.answer(Sort::Stream, 300);
    assert_eq!(clock.expected(Sort::Stream), Some(200), "two in one breath count alike");
    // After one half-life the two old ones count half each.
    clock.wait(29_800);
    clock.answer(Sort::Stream, 200);
    assert_eq!(clock.expected(Sort::Stream), Some(200));
    clock.wait(30_000 - 900);
    clock.answer(Sort::Stream, 900);
    let expected = clock.expected(Sort::Stream).expect("known");
    assert!((540..570).contains(&expected), "{expected}");
}

#[test]
fn what_was_heard_of_long_ago_is_not_known() {
    let mut clock = Clock::new();
    clock.answer(Sort::Stream, 100);
    assert!(!clock.measures.wants_exploring(&clock.profile.name, Sort::Whole, clock.now), "it was sent to just now");
    clock.wait(110_000);
    assert_eq!(clock.expected(Sort::Stream), Some(100));
    clock.wait(20_000);
    assert_eq!(clock.expected(Sort::Stream), None);
    assert!(clock.measures.wants_exploring(&clock.profile.name, Sort::Stream, clock.now));
}

#[test]
fn a_failure_is_worse_than_a_slow_answer_however_fast_it_came() {
    let mut clock = Clock::new();
    let measuring = clock.measures.sent(&clock.profile, Sort::Stream, clock.now);
    clock.wait(5);
    clock.measures.failed(measuring, clock.now);
    assert_eq!((clock.expected(Sort::Stream), clock.in_flight()), (Some(10_005), 0));
}

#[test]
fn a_profile_that_hangs_is_seen_to_hang_before_anybody_gives_up() {
    let mut clock = Clock::new();
    clock.answer(Sort::Stream, 100);
    let hung = clock.measures.sent(&clock.profile, Sort::Stream, clock.now);
    clock.wait(7_000);
    assert_eq!(clock.expected(Sort::Stream), Some(7_000));
    let second = clock.measures.sent(&clock.profile, Sort::Stream, clock.now);
    clock.wait(1_000);
    clock.measures.ended(hung);
    assert_eq!(clock.expected(Sort::Stream), Some(8_000), "one that left has heard nothing");
    clock.measures.ended(second);
    assert_eq!((clock.expected(Sort::Stream), clock.in_flight()), (Some(100), 0));
}

#[test]
fn streams_and_whole_replies_have_times_of_their_own() {
    let mut clock = Clock::new();
    clock.answer(Sort::Stream, 100);
    clock.answer(Sort::Whole, 9_000);
    assert_eq!((clock.expected(Sort::Stream), clock.expected(Sort::Whole)), (Some(100), Some(9_000)));
}

#[test]
fn a_profile_that_moved_begins_anew_and_its_old_requests_do_not_count() {
    let mut clock = Clock::new();
    clock.answer(Sort::Stream, 100);
    let old = clock.measures.sent(&clock.profile, Sort::Stream, clock.now);
    clock.measures.reconcile(&[Arc::clone(&clock.profile)]);
    assert_eq!((clock.expected(Sort::Stream), clock.in_flight()), (Some(100), 1), "a reload keeps what is known");
    let moved = Arc::new(Profile { api_base: "http://elsewhere/v1".to_owned(), ..(*clock.profile).clone() });
    clock.measures.reconcile(&[Arc::clone(&moved)]);
    clock.profile = moved;
    assert_eq!((clock.expected(Sort::Stream), clock.in_flight()), (None, 0));
    let new = clock.measures.sent(&clock.profile, Sort::Stream, clock.now);
    clock.measures.ended(old);
    assert_eq!(clock.in_flight(), 1);
    clock.measures.ended(new);
    assert_eq!(clock.in_flight(), 0);
}
