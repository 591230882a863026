//! Random outcomes over random pools and random times, many requests at once, some of them hedged. Every run is checked
//! against the invariants of keys, breakers and attempts; a failing seed is in the message and fails again by itself.
mod model;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use magic_config::BreakerSettings;
use magic_types::{Fault, KeyId, Kind};

use self::model::{End, Model};
use crate::testing::{Bench, failure, plan, sources};
use crate::{Attempt, Facts, KeptKey, Lane, Outcome, Plan, Pools, Standing, Step, Ticket};

const ALIASES: [&str; 13] = [
    "z-first",
    "openai-mistral",
    "openai-local",
    "local-openai",
    "windows",
    "small-last",
    "own",
    "all",
    "lanes",
    "hedged",
    "drawn",
    "idle",
    "fast",
];
const KINDS: [Kind; 16] = [
    Kind::KeyRejected,
    Kind::QuotaExhausted,
    Kind::RateLimited,
    Kind::RateLimited,
    Kind::ServerError,
    Kind::ServerError,
    Kind::Unreachable,
    Kind::TimedOut,
    Kind::BadReply,
    Kind::CutOff,
    Kind::ContextTooLong,
    Kind::ContextTooLong,
    Kind::ContentPolicy,
    Kind::InvalidRequest,
    Kind::NotFound,
    Kind::Internal,
];
const TRIES_MAX: usize = 16;

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

    fn seconds(&mut self, bound: usize) -> Duration {
        Duration::from_secs(1 + self.roll(bound) as u64)
    }
}

struct World {
    dice: Dice,
    bench: Bench,
    model: Model,
    tries: u64,
    /// Losers and leftovers that the host has not dropped yet.
    strays: Vec<Sent>,
    store: HashMap<KeyId, (KeptKey, Instant)>,
}

struct Sent {
    ticket: Ticket,
    /// Of the whole run.
    number: u64,
}

struct Request {
    attempt: Attempt,
    alias: &'static str,
    unfit: Option<usize>,
    under_way: Vec<Sent>,
    /// Legs that something was sent to, with which key.
    used: Vec<(usize, Option<KeyId>)>,
    /// Legs that failed by themselves, not by their key.
    left: Vec<usize>,
    kinds: Vec<Kind>,
}

// === impl World ===
impl World {
    fn new(seed: u64) -> Self {
        let mut bench = Bench::new(&[]);
        bench.settings.hedging.budget_percent = 100;
        let (open, open_max) = (Duration::from_secs(100), Duration::from_secs(700));
        bench.settings.breaker = BreakerSettings { enabled: true, failures: 3, open, open_max };
        let dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self { dice, bench, model: Model::default(), tries: 0, strays: Vec::new(), store: HashMap::new() }
    }

    fn request(&mut self) -> Request {
        let alias = ALIASES[self.dice.roll(ALIASES.len())];
        let hedge_after = (self.dice.roll(2) == 0).then_some(Duration::from_secs(1));
        let mut attempt = Attempt::new(Arc::new(Plan { hedge_after, ..(*plan(alias)).clone() }), self.bench.settings);
        let unfit = (self.dice.roll(4) == 0).then(|| self.dice.roll(attempt.plan().legs.len()));
        if let Some(leg) = unfit {
            attempt.unfit(leg, "no tools");
        }
        if self.dice.roll(3) == 0 {
            attempt.never_hedge();
        }
        if attempt.plan().has_choice() {
            let facts = Facts { input_tokens: self.dice.roll(200) as u64, ..Facts::default() };
            attempt.choose(&facts, self.dice.roll(1000) as u64, &self.bench.health, self.bench.now);
            self.is_in_order(&attempt);
        }
        Request { attempt, alias, unfit, under_way: vec![], used: vec![], left: vec![], kinds: vec![] }
    }

    /// No leg is lost or doubled by a strategy, and what is not its own to order stands where it stood.
    fn is_in_order(&self, attempt: &Attempt) {
        let plan = attempt.plan();
        let order: Vec<usize> = attempt.route().legs.iter().map(|one| one.leg).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..plan.legs.len()).collect::<Vec<_>>());
        assert_eq!(order[plan.spread..], sorted[plan.spread..]);
    }

    /// One step of one request; whether it has ended.
    fn advance(&mut self, request: &mut Request) -> bool {
        if request.under_way.len() == 1 && self.dice.roll(3) == 0 {
            let hedge = request.attempt.hedge(&mut self.bench.health, self.bench.now);
            if let Some(ticket) = hedge {
                assert!(request.used.iter().all(|(leg, _)| *leg != ticket.leg), "a hedge went to a leg in use");
                self.sent(request, ticket);
            }
            return false;
        }
        if !request.under_way.is_empty() {
            let which = self.dice.roll(request.under_way.len());
            let sent = request.under_way.swap_remove(which);
            return self.end(request, sent);
        }
        match request.attempt.next(&mut self.bench.health, self.bench.now) {
            Step::GiveUp(failure) => {
                assert!(!failure.public.is_empty());
                true
            }
            Step::Send(ticket) => {
                self.sent(request, ticket);
                false
            }
        }
    }

    fn sent(&mut self, request: &mut Request, ticket: Ticket) {
        let leg = &request.attempt.plan().legs[ticket.leg];
        let key = ticket.lease.as_ref().map(|lease| lease.key_id.clone());
        let use_of = (ticket.leg, key.clone());
        assert!(!request.used.contains(&use_of), "a key, or a leg without keys, was tried twice");
        assert!(!request.left.contains(&ticket.leg), "a leg that had failed was sent to again");
        assert_ne!(Some(ticket.leg), request.unfit, "a leg that was not fit was sent to");
        match leg.lane {
            Lane::Chain => {}
            Lane::ContextWindow => assert!(request.kinds.contains(&Kind::ContextTooLong)),
            Lane::ContentPolicy => assert!(request.kinds.contains(&Kind::ContentPolicy)),
        }
        self.tries += 1;
        self.model.sent(self.tries, &leg.profile.name, key.as_ref(), self.bench.now);
        assert_eq!(ticket.number, request.used.len());
        request.used.push(use_of);
        assert!(request.used.len() <= TRIES_MAX, "too many tries of {}", request.alias);
        request.under_way.push(Sent { ticket, number: self.tries });
        assert!(request.under_way.len() <= 2, "more than two tries are under way");
    }

    /// Ends one try in some way; whether its request has ended with it.
    fn end(&mut self, request: &mut Request, sent: Sent) -> bool {
        let kind = KINDS[self.dice.roll(KINDS.len())];
        let rest = (self.dice.roll(2) == 0).then(|| self.dice.seconds(1000));
        match self.dice.roll(10) {
            0 | 1 => self.spoke(request, sent, rest.filter(|_| kind == Kind::RateLimited)),
            2 => {
                self.report(request, sent, Outcome::Abandoned, End::Left);
                request.under_way.is_empty()
            }
            3 => {
                // The host dropped it without a word.
                self.strays.push(sent);
                request.under_way.is_empty() && self.dice.roll(2) == 0
            }
            _ => {
                let failed = Outcome::Failed(failure(kind).retry_after(rest));
                if matches!(kind.fault(), Fault::Provider | Fault::Client) {
                    request.left.push(sent.ticket.leg);
                }
                request.kinds.push(kind);
                self.report(request, sent, failed, End::Failed { kind, rest });
                if request.attempt.is_over() {
                    self.strays.append(&mut request.under_way);
                }
                false
            }
        }
    }

    fn spoke(&mut self, request: &mut Request, mut sent: Sent, exhausted: Option<Duration>) -> bool {
        let end = End::Spoke { exhausted };
        self.model.ended(sent.number, end, &self.bench.settings.breaker, self.bench.now);
        if let Some(lease) = &sent.ticket.lease {
            self.model.suffered(&lease.key_id, end, self.bench.now);
        }
        request.attempt.spoke(&mut self.bench.health, &mut sent.ticket, exhausted, self.bench.now);
        assert!(request.attempt.is_over());
        self.model.agrees(&self.bench);
        sent.number = 0;
        self.strays.push(sent);
        self.strays.append(&mut request.under_way);
        true
    }

    fn report(&mut self, request: &mut Request, sent: Sent, outcome: Outcome, end: End) {
        self.model.ended(sent.number, end, &self.bench.settings.breaker, self.bench.now);
        if let Some(lease) = &sent.ticket.lease {
            self.model.settled(&lease.key_id);
            self.model.suffered(&lease.key_id, end, self.bench.now);
        }
        request.attempt.report(&mut self.bench.health, sent.ticket, outcome, self.bench.now);
    }

    fn drop_stray(&mut self) {
        if self.strays.is_empty() {
            return;
        }
        let which = self.dice.roll(self.strays.len());
        let Sent { ticket, number } = self.strays.swap_remove(which);
        // 0: it spoke, so its breaker has had its say.
        if number > 0 {
            self.model.ended(number, End::Left, &self.bench.settings.breaker, self.bench.now);
        }
        if let Some(lease) = &ticket.lease {
            self.model.settled(&lease.key_id);
        }
        self.bench.health.settle(ticket, self.bench.now);
    }

    /// A reload: the same keys in another order, or some of them gone for a while.
    fn reload(&mut self, keys: &[(&'static str, Vec<String>)]) {
        let hidden = self.dice.roll(6);
        let some = keys.iter().rev().map(|(name, keys)| {
            let keys = keys.iter().enumerate().filter(|(index, _)| index % 6 != hidden).map(|(_, key)| key.as_str());
            sources(name, &keys.collect::<Vec<_>>())
        });
        self.bench.health.pools.reconcile(some.collect());
    }

    fn revive(&mut self) {
        let retired = self.bench.health.pools.retired();
        if !retired.is_empty() {
            let (_, id, _) = &retired[self.dice.roll(retired.len())];
            self.model.revived(id);
            assert!(self.bench.health.pools.revive(id));
        }
    }

    fn save(&mut self) {
        for kept in self.bench.health.pools.take_changes(self.bench.now) {
            self.store.insert(kept.id.clone(), (kept, self.bench.now));
        }
    }

    /// A gateway that starts anew knows what this one knew.
    fn restart_agrees(&mut self, keys: &[(&'static str, Vec<String>)]) {
        self.save();
        let now = self.bench.now;
        let kept = self.store.values().map(|(kept, when)| {
            let standing = match kept.standing {
                Standing::Quarantined { remaining, why } => {
                    Standing::Quarantined { remaining: remaining.saturating_sub(now - *when), why }
                }
                standing @ (Standing::Available | Standing::Retired { .. }) => standing,
            };
            KeptKey { standing, ..kept.clone() }
        });
        let mut pools = Pools::default();
        pools.restore(kept.collect(), now);
        pools.reconcile(all(keys));
        for key in pools.states(now).into_iter().flat_map(|pool| pool.keys) {
            self.model.agrees_on(&key.id, key.standing, now);
        }
    }
}

fn all(keys: &[(&'static str, Vec<String>)]) -> Vec<(crate::PoolName, Vec<crate::KeySource>)> {
    let all = keys.iter().map(|(name, keys)| sources(name, &keys.iter().map(String::as_str).collect::<Vec<_>>()));
    all.collect()
}

fn keys(dice: &mut Dice) -> Vec<(&'static str, Vec<String>)> {
    let keys = |count: usize, name: &str| (0..count).map(|number| format!("{name}{number}")).collect();
    vec![
        ("openai", keys(dice.roll(12), "o")),
        ("mistral", keys(dice.roll(6), "m")),
        ("profile:own", keys(dice.roll(2), "p")),
    ]
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    let keys = keys(&mut world.dice);
    world.bench.health.pools.reconcile(all(&keys));
    let mut requests: Vec<Request> = Vec::new();
    for _ in 0..400 {
        world.bench.now += Duration::from_millis(world.dice.roll(30_000) as u64);
        if requests.len() < 12 {
            let request = world.request();
            requests.push(request);
        }
        let which = world.dice.roll(requests.len());
        if world.advance(&mut requests[which]) {
            requests.swap_remove(which);
        }
        match world.dice.roll(30) {
            0 => world.reload(&keys),
            1 => world.revive(),
            2 => world.save(),
            3..20 => world.drop_stray(),
            _ => {}
        }
        world.model.agrees(&world.bench);
    }
    for mut request in requests {
        // Sixteen tries: a step to send each, one to end it, and now and then one that wanted to hedge and could not.
        let ended = (0..200).any(|_| world.advance(&mut request));
        assert!(ended, "an attempt for {} does not end", request.alias);
        assert!(!request.attempt.route().legs.is_empty());
        world.strays.append(&mut request.under_way);
    }
    while !world.strays.is_empty() {
        world.drop_stray();
    }
    world.bench.health.pools.reconcile(all(&keys));
    world.model.agrees(&world.bench);
    world.model.nothing_is_under_way();
    assert!(world.bench.health.measures.is_idle(), "a measured try was lost");
    world.restart_agrees(&keys);
}

#[test]
fn keys_breakers_and_attempts_keep_their_invariants_whatever_happens() {
    for seed in 0..300 {
        let outcome = std::panic::catch_unwind(|| run(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
