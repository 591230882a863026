//! What this crate's tests share: a clock that is only ever added to, plans from YAML, and attempts told as text.
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use magic_types::{Failure, Kind, Secret};

use crate::{Attempt, KeySource, Outcome, Plan, Plans, PoolName, Pools, Settings, Standing, Step};

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
    static PLANS: LazyLock<Plans> = LazyLock::new(|| Plans::compile(&config("")));
    Arc::clone(PLANS.get(alias).expect("an alias of CONFIG"))
}

pub(crate) fn sources(pool: &str, secrets: &[&str]) -> (PoolName, Vec<KeySource>) {
    let name = PoolName::new(pool);
    let keys = secrets.iter().map(|secret| KeySource::new(&name, Secret::new((*secret).to_owned()))).collect();
    (name, keys)
}

/// The pools and a clock, shared by the attempts of one test.
pub(crate) struct Bench {
    pub(crate) pools: Pools,
    pub(crate) now: Instant,
    pub(crate) settings: Settings,
}

// === impl Bench ===
impl Bench {
    pub(crate) fn new(pools: &[(&str, &[&str])]) -> Self {
        static SETTINGS: LazyLock<Settings> = LazyLock::new(|| Settings::of(&config("")));
        let mut bench = Self { pools: Pools::default(), now: start(), settings: *SETTINGS };
        bench.pools.reconcile(pools.iter().map(|(pool, secrets)| sources(pool, secrets)).collect());
        bench
    }

    pub(crate) fn attempt(&self, alias: &str) -> Attempt {
        Attempt::new(plan(alias), self.settings)
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Takes the next step and answers it; tells where it was sent, by profile and secret, or the final failure.
    pub(crate) fn step(&mut self, attempt: &mut Attempt, outcome: Outcome) -> String {
        match attempt.next(&mut self.pools, self.now) {
            Step::Send { leg, lease } => {
                let profile = attempt.plan().legs[leg].profile.name.clone();
                let key = lease.as_ref().map_or_else(|| "-".to_owned(), |lease| lease.secret.expose().to_owned());
                attempt.report(&mut self.pools, lease, outcome, self.now);
                format!("{profile} {key}")
            }
            Step::GiveUp(failure) => told(&failure),
        }
    }

    /// Answers with one failure after the other, then with success, until it ends; tells the whole story.
    pub(crate) fn story(&mut self, alias: &str, failures: &[Failure]) -> String {
        let mut attempt = self.attempt(alias);
        let mut steps = Vec::new();
        for failure in failures {
            steps.push(self.step(&mut attempt, Outcome::Failed(failure.clone())));
        }
        steps.push(self.step(&mut attempt, Outcome::Succeeded));
        steps.join(" | ")
    }

    /// "openai: a available, b quarantined 300s rate_limited", by secret's place in `secrets`.
    pub(crate) fn standing(&self, pool: &str) -> String {
        let states = self.pools.states(self.now);
        let state = states.iter().find(|state| state.pool.as_str() == pool).expect("a pool of the test");
        let keys = state.keys.iter().map(|key| match key.standing {
            Standing::Available => "available".to_owned(),
            Standing::Quarantined { remaining, why } => format!("rests {}s {}", remaining.as_secs(), why.as_str()),
            Standing::Retired { why } => format!("retired {}", why.as_str()),
        });
        keys.collect::<Vec<_>>().join(", ")
    }
}

pub(crate) fn failure(kind: Kind) -> Failure {
    Failure::new(kind, format!("public {}", kind.as_str()))
}

pub(crate) fn told(failure: &Failure) -> String {
    let retry = failure.retry_after.map_or_else(String::new, |after| format!(", retry after {}s", after.as_secs()));
    format!("gives up: {failure}{retry}")
}
