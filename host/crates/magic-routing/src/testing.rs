//! What this crate's tests share: a clock that is only ever added to, plans from YAML, and attempts told as text.
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use magic_types::{Failure, Kind, Secret};

use crate::{
    Attempt, BreakerStanding, Health, KeySource, Outcome, Plan, Plans, PoolName, Settings, Standing, Step, Ticket,
};

/// Three profiles with pools of their own kind, one without keys, in chains as their names say.
pub(crate) const CONFIG: &str = "
model_list:
  - { model_name: openai, provider: openai, model_params: { model: m, context_window: 100 } }
  - { model_name: openai_large, provider: openai, model_params: { model: l, context_window: 1000 } }
  - { model_name: openai_twin, provider: openai, model_params: { model: t, context_window: 100 } }
  - { model_name: mistral, provider: mistral, model_params: { model: m } }
  - { model_name: local, provider: local, model_params: { model: m, api_base: 'http://x/v1', context_window: 50 } }
  - { model_name: own, provider: openai, model_params: { model: m, api_key: '${OWN}' } }
router_settings:
  model_group_alias:
    z-first: [openai]
    openai-mistral: [openai, mistral]
    openai-local: [openai, local]
    local-openai: [local, openai]
    windows: [openai, mistral, local, openai_large]
    twins: [openai, openai_twin]
    small-last: [openai_large, openai]
    own: [own, openai]
    all: [openai, mistral, local, openai_large, own]
    lanes:
      chain: [openai, mistral]
      context_window_fallbacks: [openai_large, own]
      content_policy_fallbacks: [local, mistral]
    hedged: { chain: [openai, mistral, local], hedge_after_seconds: 1 }
    drawn: { chain: [openai, mistral, local], fallbacks: [own], strategy: weighted, weights: { local: 0 } }
    idle: { chain: [openai, local, mistral], strategy: least_busy, hedge_after_seconds: 1 }
    fast: { chain: [local, openai_large, mistral, own], strategy: lowest_latency, context_window_fallbacks: [openai_large] }
";

#[expect(clippy::disallowed_methods, reason = "an instant cannot be had otherwise; it is only ever added to")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

pub(crate) fn config(extra: &str) -> magic_config::Config {
    let env = |name: &str| (name == "OWN").then(|| "sk-own".to_owned());
    magic_config::parse(&format!("{CONFIG}{extra}"), &env).expect("a sound config")
}

pub(crate) fn plan(alias: &str) -> Arc<Plan> {
    static PLANS: LazyLock<Plans> = LazyLock::new(|| Plans::compile(&config(""), |_| false));
    Arc::clone(PLANS.get(alias).expect("an alias of CONFIG"))
}

pub(crate) fn sources(pool: &str, secrets: &[&str]) -> (PoolName, Vec<KeySource>) {
    let name = PoolName::new(pool);
    let keys = secrets.iter().map(|secret| KeySource::new(&name, Secret::new((*secret).to_owned()))).collect();
    (name, keys)
}

/// What the scripted vendor does with a try.
pub(crate) enum Answer {
    Speaks,
    Fails(Failure),
    /// Nobody waits for it.
    Leaves,
}

/// The health and a clock, shared by the attempts of one test.
pub(crate) struct Bench {
    pub(crate) health: Health,
    pub(crate) now: Instant,
    pub(crate) settings: Settings,
}

// === impl Bench ===
impl Bench {
    pub(crate) fn new(pools: &[(&str, &[&str])]) -> Self {
        static SETTINGS: LazyLock<Settings> = LazyLock::new(|| Settings::of(&config("")));
        let mut bench = Self { health: Health::default(), now: start(), settings: *SETTINGS };
        bench.health.pools.reconcile(pools.iter().map(|(pool, secrets)| sources(pool, secrets)).collect());
        bench
    }

    pub(crate) fn attempt(&self, alias: &str) -> Attempt {
        Attempt::new(plan(alias), self.settings)
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Takes the next step and answers it; tells where it was sent, by profile and secret, or the final failure.
    pub(crate) fn step(&mut self, attempt: &mut Attempt, answer: Answer) -> String {
        match attempt.next(&mut self.health, self.now) {
            Step::Send(ticket) => {
                let told = sent_to(attempt, &ticket);
                self.answer(attempt, ticket, answer);
                told
            }
            Step::GiveUp(failure) => told(&failure),
        }
    }

    pub(crate) fn answer(&mut self, attempt: &mut Attempt, mut ticket: Ticket, answer: Answer) {
        let outcome = match answer {
            Answer::Speaks => {
                attempt.spoke(&mut self.health, &mut ticket, None, self.now);
                self.health.settle(ticket, self.now);
                return;
            }
            Answer::Fails(failure) => Outcome::Failed(failure),
            Answer::Leaves => Outcome::Abandoned,
        };
        attempt.report(&mut self.health, ticket, outcome, self.now);
    }

    pub(crate) fn sends(&mut self, attempt: &mut Attempt) -> Ticket {
        match attempt.next(&mut self.health, self.now) {
            Step::Send(ticket) => ticket,
            Step::GiveUp(failure) => panic!("{}", told(&failure)),
        }
    }

    /// Answers with one failure after the other, then speaks, until it ends; tells the whole story.
    pub(crate) fn story(&mut self, alias: &str, failures: &[Failure]) -> String {
        let mut attempt = self.attempt(alias);
        let mut steps = Vec::new();
        for failure in failures {
            steps.push(self.step(&mut attempt, Answer::Fails(failure.clone())));
        }
        steps.push(self.step(&mut attempt, Answer::Speaks));
        steps.join(" | ")
    }

    /// `failures` of a profile's vendor, one a request.
    pub(crate) fn break_down(&mut self, alias: &str, failures: u32) {
        for _ in 0..failures {
            let mut attempt = self.attempt(alias);
            let ticket = self.sends(&mut attempt);
            self.answer(&mut attempt, ticket, Answer::Fails(failure(Kind::ServerError)));
        }
    }

    pub(crate) fn breaker(&self, profile: &str) -> String {
        match self.health.breakers.standing(&profile.into(), self.now) {
            BreakerStanding::Closed { failures } => format!("closed, {failures} failed"),
            BreakerStanding::Open { remaining } => format!("open {}s", remaining.as_secs()),
            BreakerStanding::HalfOpen { probing: true } => "half-open, probing".to_owned(),
            BreakerStanding::HalfOpen { probing: false } => "half-open".to_owned(),
        }
    }

    /// "openai: a available, b quarantined 300s rate_limited", by secret's place in `secrets`.
    pub(crate) fn standing(&self, pool: &str) -> String {
        let states = self.health.pools.states(self.now);
        let state = states.iter().find(|state| state.pool.as_str() == pool).expect("a pool of the test");
        let keys = state.keys.iter().map(|key| match key.standing {
            Standing::Available => "available".to_owned(),
            Standing::Quarantined { remaining, why } => format!("rests {}s {}", remaining.as_secs(), why.as_str()),
            Standing::Retired { why } => format!("retired {}", why.as_str()),
        });
        keys.collect::<Vec<_>>().join(", ")
    }
}

/// By profile and secret.
pub(crate) fn sent_to(attempt: &Attempt, ticket: &Ticket) -> String {
    let profile = &attempt.plan().legs[ticket.leg].profile.name;
    let key = ticket.lease.as_ref().map_or("-", |lease| lease.secret.expose());
    format!("{profile} {key}")
}

pub(crate) fn failure(kind: Kind) -> Failure {
    Failure::new(kind, format!("public {}", kind.as_str()))
}

pub(crate) fn told(failure: &Failure) -> String {
    let retry = failure.retry_after.map_or_else(String::new, |after| format!(", retry after {}s", after.as_secs()));
    format!("gives up: {failure}{retry}")
}
