//! Breakers on a clock that is only added to.
use super::{Admission, Breakers};
use crate::testing::{config, start};
use crate::{BreakerStanding, BreakerState};
use magic_config::BreakerSettings;
use magic_types::ProfileName;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Bench {
    breakers: Breakers,
    settings: BreakerSettings,
    now: Instant,
}

// === impl Bench ===
impl Bench {
    /// Opens after three failures for 10 s, then 20 s, then 40 s.
    fn new() -> Self {
        let text = "breaker_settings: { failures: 3, open_seconds: 10, open_seconds_max: 40 }";
        Self { breakers: Breakers::default(), settings: config(text).breaker_settings, now: start() }
    }

    fn admitted(&mut self) -> Option<Admission> {
        match self.breakers.shut_until(&"p".into(), &self.settings, self.now) {
            Some(_) => None,
            None => self.breakers.admit(&"p".into(), &self.settings),
        }
    }

    fn admit(&mut self) -> Admission {
        self.admitted().expect("a breaker that admits")
    }

    fn fail(&mut self) {
        let admission = self.admit();
        self.breakers.failed(admission, &self.settings, self.now);
    }

    fn open(&mut self) {
        (0..3).for_each(|_| self.fail());
        assert_eq!(self.told(), "open 10s");
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn told(&self) -> String {
        match self.breakers.standing(&"p".into(), self.now) {
            BreakerStanding::Closed { failures } => format!("closed {failures}"),
            BreakerStanding::Open { remaining } => format!("open {}s", remaining.as_secs()),
            BreakerStanding::HalfOpen { probing } => if probing { "probing" } else { "half-open" }.to_owned(),
        }
    }
}

#[test]
fn it_opens_after_failures_in_a_row() {
    let mut bench = Bench::new();
    assert_eq!(bench.told(), "closed 0");
    bench.fail();
    bench.fail();
    let good = bench.admit();
    bench.breakers.succeeded(good);
    assert_eq!(bench.told(), "closed 0", "a success begins the row anew");
    bench.fail();
    bench.fail();
    let nobodys = bench.admit();
    bench.breakers.left(nobodys);
    assert_eq!(bench.told(), "closed 2", "what is nobody's fault says nothing");
    bench.fail();
    assert_eq!(bench.told(), "open 10s");
    assert!(bench.admitted().is_none());
}

#[test]
fn field_7_a_cool_down_holds_whatever_comes_back_late() {
    let mut bench = Bench::new();
    let mut late: Vec<Admission> = (0..25).map(|_| bench.admit()).collect();
    let mut report = |bench: &mut Bench, good: bool| {
        let admission = late.pop().expect("25 were sent");
        match good {
            true => bench.breakers.succeeded(admission),
            false => bench.breakers.failed(admission, &bench.settings, bench.now),
        }
    };
    (0..3).for_each(|_| report(&mut bench, false));
    bench.wait(9);
    (0..10).for_each(|_| report(&mut bench, false));
    report(&mut bench, true);
    assert_eq!(bench.told(), "open 1s", "late failures do not prolong it, and a late success does not end it");
    assert!(bench.admitted().is_none());
    bench.wait(1);
    let probe = bench.admit();
    report(&mut bench, false);
    report(&mut bench, true);
    assert_eq!(bench.told(), "probing");
    bench.breakers.succeeded(probe);
    (0..9).for_each(|_| report(&mut bench, false));
    assert_eq!(bench.told(), "closed 0", "what was sent before it opened says nothing of now");
}

#[test]
fn half_open_admits_one_probe_and_a_success_closes_it() {
    let mut bench = Bench::new();
    bench.open();
    bench.wait(10);
    assert_eq!(bench.told(), "half-open");
    let probe = bench.admit();
    assert_eq!(bench.told(), "probing");
    assert!(bench.admitted().is_none());
    bench.wait(1000);
    assert!(bench.admitted().is_none(), "the place is taken until the probe comes back");
    bench.breakers.succeeded(probe);
    assert_eq!(bench.told(), "closed 0");
    bench.open();
}

#[test]
fn a_probe_that_fails_doubles_the_time_up_to_a_bound() {
    let mut bench = Bench::new();
    bench.open();
    for (waited, next) in [(10, "open 20s"), (20, "open 40s"), (40, "open 40s")] {
        bench.wait(waited);
        bench.fail();
        assert_eq!(bench.told(), next);
    }
    bench.wait(40);
    let probe = bench.admit();
    bench.breakers.succeeded(probe);
    bench.open();
}

#[test]
fn an_abandoned_probe_frees_its_place() {
    let mut bench = Bench::new();
    bench.open();
    bench.wait(10);
    let probe = bench.admit();
    bench.breakers.left(probe);
    assert_eq!(bench.told(), "half-open");
    bench.fail();
    assert_eq!(bench.told(), "open 20s");
}

#[test]
fn when_it_may_be_asked_again_is_known() {
    let mut bench = Bench::new();
    let asked = |bench: &Bench| {
        let until = bench.breakers.shut_until(&"p".into(), &bench.settings, bench.now);
        until.map(|until| (until - bench.now).as_secs())
    };
    assert_eq!(asked(&bench), None);
    bench.open();
    bench.wait(3);
    assert_eq!(asked(&bench), Some(7));
    bench.wait(7);
    assert_eq!(asked(&bench), None);
    let probe = bench.admit();
    assert_eq!(asked(&bench), Some(1), "the probe will soon be back");
    bench.breakers.left(probe);
}

#[test]
fn without_breakers_everybody_is_asked() {
    let mut bench = Bench::new();
    bench.open();
    bench.settings.enabled = false;
    assert_eq!(bench.breakers.shut_until(&"p".into(), &bench.settings, bench.now), None);
    assert!(bench.breakers.admit(&"p".into(), &bench.settings).is_none(), "nothing has to come back");
}

#[test]
fn a_profile_that_is_gone_has_no_breaker_and_its_late_probe_does_not_count() {
    let mut bench = Bench::new();
    bench.open();
    bench.wait(10);
    let probe = bench.admit();
    let other = ProfileName::from("openai");
    let admission = bench.breakers.admit(&other, &bench.settings).expect("breakers are on");
    bench.breakers.failed(admission, &bench.settings, bench.now);
    bench.breakers.reconcile(&config("").profiles);
    let standing = BreakerStanding::Closed { failures: 1 };
    assert_eq!(bench.breakers.states(bench.now), [BreakerState { profile: other, standing }]);
    bench.open();
    bench.breakers.succeeded(probe);
    assert_eq!(bench.told(), "open 10s");
}

#[test]
fn a_profile_that_moved_begins_anew_and_one_that_stays_does_not() {
    let mut bench = Bench::new();
    let mut profiles = config("").profiles;
    Arc::make_mut(&mut profiles[0]).name = "p".into();
    bench.breakers.reconcile(&profiles);
    let late: Vec<Admission> = (0..10).map(|_| bench.admit()).collect();
    bench.open();
    Arc::make_mut(&mut profiles[0]).context_window = None;
    bench.breakers.reconcile(&profiles);
    assert_eq!(bench.told(), "open 10s");
    Arc::make_mut(&mut profiles[0]).api_base = "http://elsewhere/v1".to_owned();
    bench.breakers.reconcile(&profiles);
    late.into_iter().for_each(|late| bench.breakers.failed(late, &bench.settings, bench.now));
    assert_eq!(bench.told(), "closed 0");
    bench.open();
}
