//! `router_settings.model_group_alias`: names over chains of profiles.
use super::models::{self, Catalogue};
use super::settings;
use super::strategy::{self, Word};
use crate::config::{Alias, HedgingSettings};
use crate::problem::{did_you_mean, quoted};
use crate::profile::Profile;
use crate::strategy::Strategy;
use crate::walk::{Fields, Value};
use magic_types::AliasName;
use std::sync::Arc;

/// A chain longer than this would not be walked to its end: tries are bounded as well.
const CHAIN_MAX: usize = 16;

/// `models` is absent where `model_list` itself was: then a missing profile is not worth a problem of its own.
pub(crate) fn read(
    groups: &Value<'_>,
    models: Option<&Catalogue>,
    hedging: HedgingSettings,
    strategy: Word,
) -> Vec<Alias> {
    let entries = groups.entries().unwrap_or_default();
    if entries.is_empty() && groups.is_mapping() {
        groups.problem_hint("no alias", "name what clients may ask for: `my-alias: [my_profile]`");
    }
    let mut aliases: Vec<Alias> = Vec::new();
    for (name, value) in entries {
        models::check_name(name, &value);
        if let Some(twin) = aliases.iter().find(|alias| alias.name.as_str().eq_ignore_ascii_case(name)) {
            value.problem(format!("differs from alias `{}` in upper and lower case only", twin.name));
        }
        if let Some(alias) = alias(name, &value, models, hedging, strategy) {
            aliases.push(alias);
        }
    }
    aliases
}

/// `[a, b]`, or `{chain: [a, b], description: …}` with fallbacks and hedging of its own.
fn alias(
    name: &str,
    value: &Value<'_>,
    models: Option<&Catalogue>,
    hedging: HedgingSettings,
    default: Word,
) -> Option<Alias> {
    let mut given = strategy::Given::of(default);
    let mut fallback = Vec::new();
    let mut alias = Alias {
        name: AliasName::new(name),
        chain: Vec::new(),
        spread: 0,
        strategy: Strategy::Ordered,
        context_window_fallbacks: Vec::new(),
        content_policy_fallbacks: Vec::new(),
        hedge_after: hedging.after,
        reasoning_mode: None,
        description: None,
    };
    let chain = if value.is_list() {
        Some(value.clone())
    } else if value.is_mapping() {
        let mut fields = value.fields()?;
        let chain = fields.need("chain", "list the alias's profiles in order, e.g. [openai_main, mistral_small]");
        fallback = fallbacks(&mut fields, "fallbacks", models);
        given = strategy::Given::take(&mut fields, default);
        alias.context_window_fallbacks = fallbacks(&mut fields, "context_window_fallbacks", models);
        alias.content_policy_fallbacks = fallbacks(&mut fields, "content_policy_fallbacks", models);
        alias.hedge_after = settings::hedge_after(&mut fields, "hedge_after_seconds", hedging.after);
        alias.description = fields.take("description").and_then(|value| value.text());
        fields.finish();
        chain
    } else {
        value.problem_hint("expected a list of profiles", "e.g. [openai_main, mistral_small]; one is enough");
        return None;
    };
    let chain = chain?;
    alias.chain = profiles(&chain, "in the chain", 1, models)?;
    alias.spread = alias.chain.len();
    // Where a profile is missing, weights and tiers that name it are not to blame.
    if chain.list().is_some_and(|list| list.len() == alias.chain.len()) {
        alias.strategy = given.over(&alias.chain);
    }
    append(&mut alias.chain, fallback, value);
    alias.reasoning_mode = alias.chain.first()?.agent.reasoning_mode.clone();
    Some(alias)
}

/// The chain goes on with its fallbacks.
fn append(chain: &mut Vec<Arc<Profile>>, fallbacks: Vec<Arc<Profile>>, alias: &Value<'_>) {
    for profile in fallbacks {
        if chain.iter().any(|other| other.name == profile.name) {
            alias.problem(format!("profile {} is in chain and fallbacks", quoted(profile.name.as_str())));
        }
        chain.push(profile);
    }
    if chain.len() > CHAIN_MAX {
        alias.problem(format!("expected at most {CHAIN_MAX} profiles in chain and fallbacks, found {}", chain.len()));
    }
}

/// Profiles for one sort of failure. One may stand in the chain as well: there it is tried after others, here at once.
fn fallbacks(fields: &mut Fields<'_>, key: &'static str, models: Option<&Catalogue>) -> Vec<Arc<Profile>> {
    fields.take(key).and_then(|value| profiles(&value, "in the list", 0, models)).unwrap_or_default()
}

/// `place` is what a profile is twice in. At least `least` profiles, none twice.
fn profiles(list: &Value<'_>, place: &str, least: usize, models: Option<&Catalogue>) -> Option<Vec<Arc<Profile>>> {
    let items = list.list()?;
    if !(least..=CHAIN_MAX).contains(&items.len()) {
        list.problem(format!("expected {least} to {CHAIN_MAX} profiles, found {}", items.len()));
        return None;
    }
    let mut seen: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for item in &items {
        let Some(name) = item.text() else { continue };
        if seen.contains(&name) {
            item.problem(format!("profile {} is {place} twice", quoted(item.raw())));
            continue;
        }
        if let Some(models) = models {
            match models.find(&name) {
                Some(profile) => found.push(profile),
                None if models.names().contains(&name.as_str()) => {} // It has a problem of its own.
                None => item.problem_hint(
                    format!("no profile {}", quoted(item.raw())),
                    did_you_mean(item.raw(), &models.names()),
                ),
            }
        }
        seen.push(name);
    }
    Some(found)
}
