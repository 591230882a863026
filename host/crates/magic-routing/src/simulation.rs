//! Random outcomes over random pools and random times, many requests at once. Every run is checked against the invariants
//! of keys and attempts; a failing seed is in the message and fails again by itself.
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use magic_types::{KeyId, Kind};

use crate::testing::{Bench, failure, sources};
use crate::{Attempt, Lease, Outcome, Standing, Step};

const ALIASES: [&str; 8] =
    ["z-first", "openai-mistral", "openai-local", "local-openai", "windows", "small-last", "own", "all"];
const KINDS: [Kind; 13] = [
    Kind::KeyRejected,
    Kind::QuotaExhausted,
    Kind::RateLimited,
    Kind::RateLimited,
    Kind::ServerError,
    Kind::Unreachable,
    Kind::TimedOut,
    Kind::BadReply,
    Kind::CutOff,
    Kind::ContextTooLong,
    Kind::InvalidRequest,
    Kind::NotFound,
    Kind::Internal,
];

/// xorshift64*: the same numbers everywhere and for ever.
struct Dice(u64);

// === impl Dice ===
impl Dice {
    fn roll(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).expect("31 bits") % bound
    }
}

/// What the pools must be, kept by other means than the pools keep it.
#[derive(Default)]
struct Model {
    retired: HashSet<KeyId>,
    rests_until: HashMap<KeyId, Instant>,
    in_flight: HashMap<KeyId, u32>,
}

struct Request {
    attempt: Attempt,
    alias: &'static str,
    sent: Option<(usize, Option<Lease>)>,
    legs: Vec<usize>,
    /// Keys of the leg it is on.
    used: Vec<(usize, KeyId)>,
}

// === impl Model ===
impl Model {
    fn leased(&mut self, key: &KeyId, now: Instant) {
        assert!(!self.retired.contains(key), "a retired key was leased");
        assert!(self.rests_until.get(key).is_none_or(|until| *until <= now), "a resting key was leased");
        *self.in_flight.entry(key.clone()).or_default() += 1;
    }

    fn settled(&mut self, key: &KeyId, kind: Option<Kind>, rest: Option<Duration>, now: Instant) {
        *self.in_flight.get_mut(key).expect("it was leased") -= 1;
        let rest = match kind {
            Some(Kind::KeyRejected) => {
                self.retired.insert(key.clone());
                return;
            }
            Some(Kind::RateLimited) => rest.unwrap_or(Duration::from_secs(300)),
            Some(Kind::QuotaExhausted) => rest.unwrap_or_default().max(Duration::from_secs(3600)),
            _ => return,
        };
        let until = self.rests_until.entry(key.clone()).or_insert(now);
        *until = (*until).max(now + rest);
    }

    fn agrees(&self, bench: &Bench) {
        for pool in bench.pools.states(bench.now) {
            for key in pool.keys {
                let rests = self.rests_until.get(&key.id).is_some_and(|until| *until > bench.now);
                match key.standing {
                    Standing::Retired { .. } => assert!(self.retired.contains(&key.id)),
                    Standing::Quarantined { remaining, .. } => {
                        assert!(rests && !self.retired.contains(&key.id));
                        assert_eq!(bench.now + remaining, self.rests_until[&key.id]);
                    }
                    Standing::Available => assert!(!rests && !self.retired.contains(&key.id)),
                }
                assert_eq!(key.in_flight, self.in_flight.get(&key.id).copied().unwrap_or(0));
            }
        }
    }
}

fn settle(request: &mut Request, bench: &mut Bench, model: &mut Model, dice: &mut Dice) {
    let Some((_, lease)) = request.sent.take() else { return };
    let kind = KINDS[dice.roll(KINDS.len())];
    let rest = (dice.roll(2) == 0).then(|| Duration::from_secs(1 + dice.roll(1000) as u64));
    let (outcome, kind) = match dice.roll(10) {
        0 => (Outcome::Succeeded, None),
        1 => (Outcome::Abandoned, None),
        _ => (Outcome::Failed(failure(kind).retry_after(rest)), Some(kind)),
    };
    if let Some(lease) = &lease {
        model.settled(&lease.key_id, kind, rest, bench.now);
    }
    request.attempt.report(&mut bench.pools, lease, outcome, bench.now);
}

/// One step of one request; whether it has ended.
fn advance(request: &mut Request, bench: &mut Bench, model: &mut Model, dice: &mut Dice) -> bool {
    if request.sent.is_some() {
        settle(request, bench, model, dice);
        return false;
    }
    match request.attempt.next(&mut bench.pools, bench.now) {
        Step::GiveUp(failure) => {
            assert!(!failure.public.is_empty());
            true
        }
        Step::Send { leg, lease } => {
            assert!(request.legs.last().is_none_or(|last| *last <= leg), "a leg was entered again");
            match &lease {
                Some(lease) => {
                    let use_of = (leg, lease.key_id.clone());
                    assert!(!request.used.contains(&use_of), "a key was tried twice on a leg");
                    request.used.push(use_of);
                    model.leased(&lease.key_id, bench.now);
                }
                None => assert!(!request.legs.contains(&leg), "a leg without keys was tried twice"),
            }
            request.legs.push(leg);
            request.sent = Some((leg, lease));
            assert!(request.attempt.tries().len() <= 16, "too many tries of {}", request.alias);
            false
        }
    }
}

fn pools(dice: &mut Dice) -> Vec<(&'static str, Vec<String>)> {
    let keys = |count: usize, name: &str| (0..count).map(|number| format!("{name}{number}")).collect();
    vec![
        ("openai", keys(dice.roll(8), "o")),
        ("mistral", keys(dice.roll(4), "m")),
        ("profile:own", keys(dice.roll(2), "p")),
    ]
}

fn reconcile(bench: &mut Bench, pools: &[(&'static str, Vec<String>)]) {
    let sources = pools.iter().map(|(name, keys)| {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        sources(name, &keys)
    });
    bench.pools.reconcile(sources.collect());
}

fn run(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut bench = Bench::new(&[]);
    let mut model = Model::default();
    let pools = pools(&mut dice);
    reconcile(&mut bench, &pools);
    let attempts: Vec<Attempt> = ALIASES.iter().map(|alias| bench.attempt(alias)).collect();
    let mut requests: Vec<Request> = Vec::new();
    for _ in 0..200 {
        bench.now += Duration::from_millis(dice.roll(60_000) as u64);
        if requests.len() < 12 {
            let which = dice.roll(ALIASES.len());
            let attempt = Attempt::new(attempts[which].plan().clone(), bench.settings);
            requests.push(Request { attempt, alias: ALIASES[which], sent: None, legs: vec![], used: vec![] });
        }
        let which = dice.roll(requests.len());
        if advance(&mut requests[which], &mut bench, &mut model, &mut dice) {
            requests.swap_remove(which);
        }
        if dice.roll(20) == 0 {
            // A reload with the same keys changes nothing, in whatever order they come.
            let turned: Vec<_> = pools.iter().rev().cloned().collect();
            reconcile(&mut bench, &turned);
        }
        model.agrees(&bench);
    }
    for mut request in requests {
        // Sixteen tries, each a step to send and one to report, and one to give up.
        let ended = (0..33).any(|_| advance(&mut request, &mut bench, &mut model, &mut dice));
        assert!(ended, "an attempt for {} does not end", request.alias);
    }
    model.agrees(&bench);
    let busy: u32 = bench.pools.states(bench.now).iter().flat_map(|pool| &pool.keys).map(|key| key.in_flight).sum();
    assert_eq!(busy, 0, "a lease was lost");
}

#[test]
fn keys_and_attempts_keep_their_invariants_whatever_happens() {
    for seed in 0..200 {
        let outcome = std::panic::catch_unwind(|| run(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
