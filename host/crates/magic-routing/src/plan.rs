//! An alias as the legs that a request may take, settled when the config is loaded so that it cannot fail later.
use magic_config::{Alias, Config, Profile, Strategy};
use magic_types::{AliasName, ProfileName};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::keys::{KeySource, Pools};

/// Names a pool of keys: a provider's (`openai`), or a profile's own (`profile:openai_main`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolName(Arc<str>);

/// Every alias's plan. Part of the host's snapshot; immutable.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    in_order: Vec<Arc<Plan>>,
    by_alias: HashMap<AliasName, Arc<Plan>>,
}

/// How requests for one alias are served.
#[derive(Clone, Debug)]
pub struct Plan {
    pub alias: AliasName,
    /// At least one of the chain; lane by lane, each in the order in which it is tried.
    pub legs: Vec<Leg>,
    /// How many of the legs the strategy puts in order, from the first on; at most the chain.
    pub spread: usize,
    pub strategy: Strategy,
    /// Whether the order may hang on what is asked, so that somebody has to look.
    pub wants_facts: bool,
    /// How long a try may be silent before a second one starts on another leg. `None`: it never does.
    pub hedge_after: Option<Duration>,
    /// `None`: plain proxying.
    pub reasoning_mode: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Leg {
    pub profile: Arc<Profile>,
    /// Where its keys come from; `None`: it needs none.
    pub pool: Option<PoolName>,
    pub lane: Lane,
    /// Whether a strategy, of this plan or another, wants to know how its profile does.
    pub is_measured: bool,
}

/// Which legs follow each other: a request starts in the chain and changes lanes at most once for each reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Chain,
    /// For what was too long for a leg.
    ContextWindow,
    /// For what a vendor's content policy refused.
    ContentPolicy,
}

// === impl PoolName ===
impl PoolName {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The pool that a profile's keys come from: its own if it names a key, else its provider's. A provider that needs no
    /// key is sent one where there is one: `has_keys` says so.
    pub fn of(profile: &Profile, has_keys: impl Fn(&Self) -> bool) -> Option<Self> {
        if profile.api_key.is_some() {
            return Some(Self(format!("profile:{}", profile.name).into()));
        }
        let pool = Self::new(profile.provider.pool_name());
        (profile.provider.needs_key() || has_keys(&pool)).then_some(pool)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

// === impl Plans ===
impl Plans {
    /// `has_keys`: whether a pool holds any; asked of providers that could do without.
    pub fn compile(config: &Config, has_keys: impl Fn(&PoolName) -> bool) -> Self {
        let measured = measured(config);
        let plan = |alias| Arc::new(Plan::of(alias, &measured, &has_keys));
        let in_order: Vec<Arc<Plan>> = config.aliases.iter().map(plan).collect();
        let by_alias = in_order.iter().map(|plan| (plan.alias.clone(), Arc::clone(plan))).collect();
        Self { in_order, by_alias }
    }

    pub fn get(&self, alias: &str) -> Option<&Arc<Plan>> {
        self.by_alias.get(alias)
    }

    /// In the order of the config.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.in_order.iter()
    }
}

// === impl Plan ===
impl Plan {
    fn of(alias: &Alias, measured: &HashSet<&ProfileName>, has_keys: &impl Fn(&PoolName) -> bool) -> Self {
        let lane = |profiles: &[Arc<Profile>], lane| {
            let leg = |profile: &Arc<Profile>| {
                let pool = PoolName::of(profile, has_keys);
                let is_measured = measured.contains(&profile.name);
                Leg { profile: Arc::clone(profile), pool, lane, is_measured }
            };
            profiles.iter().map(leg).collect::<Vec<_>>()
        };
        let mut legs = lane(&alias.chain, Lane::Chain);
        legs.extend(lane(&alias.context_window_fallbacks, Lane::ContextWindow));
        legs.extend(lane(&alias.content_policy_fallbacks, Lane::ContentPolicy));
        Self {
            alias: alias.name.clone(),
            wants_facts: wants_facts(alias),
            legs,
            spread: alias.spread,
            strategy: alias.strategy.clone(),
            hedge_after: alias.hedge_after,
            reasoning_mode: alias.reasoning_mode.clone(),
        }
    }

    /// Whether [`crate::Attempt::choose`] has anything to do.
    pub fn has_choice(&self) -> bool {
        self.strategy != Strategy::Ordered
    }

    /// Whether a request for it might be sent, now or after a rest: a leg of the chain needs no key or has one that is not
    /// retired. The other lanes serve only what the chain could not.
    pub fn is_runnable(&self, pools: &Pools) -> bool {
        let mut chain = self.legs.iter().filter(|leg| leg.lane == Lane::Chain);
        chain.any(|leg| leg.pool.as_ref().is_none_or(|pool| pools.runnable(pool)))
    }

    /// The pools of its legs, each once, in order.
    pub fn pools(&self) -> Vec<&PoolName> {
        let mut pools: Vec<&PoolName> = Vec::new();
        for pool in self.legs.iter().filter_map(|leg| leg.pool.as_ref()) {
            if !pools.contains(&pool) {
                pools.push(pool);
            }
        }
        pools
    }
}

// === impl Lane ===
impl Lane {
    /// The word for logs and admin answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::ContextWindow => "context_window",
            Self::ContentPolicy => "content_policy",
        }
    }
}

/// The profiles that some strategy measures.
fn measured(config: &Config) -> HashSet<&ProfileName> {
    let measures = |alias: &&Alias| matches!(alias.strategy, Strategy::LeastBusy | Strategy::LowestLatency);
    let aliases = config.aliases.iter().filter(measures);
    aliases.flat_map(|alias| alias.chain.iter().take(alias.spread)).map(|profile| &profile.name).collect()
}

/// What most strategies ask of a request is whether a profile lacks what it needs: where none is known to, or all windows
/// are alike, there is nothing to look for.
fn wants_facts(alias: &Alias) -> bool {
    let lacks = |profile: &Arc<Profile>| {
        let has = &profile.capabilities;
        [has.tools, has.vision, has.json_schema].contains(&Some(false))
    };
    let windows = alias.chain.iter().take(alias.spread).map(|profile| profile.context_window);
    let windows_differ = windows.clone().zip(windows.skip(1)).any(|(one, other)| one != other);
    match alias.strategy {
        Strategy::Ordered => false,
        Strategy::LowestCost | Strategy::Capability | Strategy::Complexity(_) => true,
        Strategy::Weighted(_) | Strategy::LeastBusy | Strategy::LowestLatency => {
            let lanes = [&alias.chain, &alias.context_window_fallbacks, &alias.content_policy_fallbacks];
            windows_differ || lanes.into_iter().flatten().any(lacks)
        }
    }
}

/// The pools of one key each that profiles with a key of their own have. The host adds those of `keys_pool/` and of the
/// environment before it reconciles.
pub fn own_keys(config: &Config) -> Vec<(PoolName, Vec<KeySource>)> {
    let own = config.profiles.iter().filter_map(|profile| {
        let pool = PoolName::of(profile, |_| false)?;
        let source = KeySource::new(&pool, profile.api_key.clone()?);
        Some((pool, vec![source]))
    });
    own.collect()
}

#[cfg(test)]
mod tests;
