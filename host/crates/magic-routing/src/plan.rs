//! An alias as the legs that a request may take, settled when the config is loaded so that it cannot fail later.
use magic_config::{Config, Profile};
use magic_types::AliasName;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::keys::KeySource;

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
    /// At least one, in the order in which they are tried.
    pub legs: Vec<Leg>,
    /// `None`: plain proxying.
    pub reasoning_mode: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Leg {
    pub profile: Arc<Profile>,
    /// Where its keys come from; `None`: it needs none.
    pub pool: Option<PoolName>,
}

// === impl PoolName ===
impl PoolName {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The pool that a profile's keys come from: its own if it names a key, else its provider's, else none.
    pub fn of(profile: &Profile) -> Option<Self> {
        if profile.api_key.is_some() {
            Some(Self(format!("profile:{}", profile.name).into()))
        } else if profile.provider.needs_key() {
            Some(Self::new(profile.provider.pool_name()))
        } else {
            None
        }
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
    pub fn compile(config: &Config) -> Self {
        let in_order: Vec<Arc<Plan>> = config.aliases.iter().map(|alias| Arc::new(Plan::of(alias))).collect();
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
    fn of(alias: &magic_config::Alias) -> Self {
        let leg = |profile: &Arc<Profile>| Leg { profile: Arc::clone(profile), pool: PoolName::of(profile) };
        let legs = alias.chain.iter().map(leg).collect();
        Self { alias: alias.name.clone(), legs, reasoning_mode: alias.reasoning_mode.clone() }
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

/// The pools of one key each that profiles with a key of their own have. The host adds those of `keys_pool/` and of the
/// environment before it reconciles.
pub fn own_keys(config: &Config) -> Vec<(PoolName, Vec<KeySource>)> {
    let own = config.profiles.iter().filter_map(|profile| {
        let pool = PoolName::of(profile)?;
        let source = KeySource::new(&pool, profile.api_key.clone()?);
        Some((pool, vec![source]))
    });
    own.collect()
}

#[cfg(test)]
mod tests;
