//! `router_settings.model_group_alias`: names over chains of profiles.
use super::models::{self, Catalogue};
use crate::config::Alias;
use crate::problem::{did_you_mean, quoted};
use crate::profile::Profile;
use crate::walk::Value;
use magic_types::AliasName;
use std::sync::Arc;

/// A chain longer than this would not be walked to its end: tries are bounded as well.
const CHAIN_MAX: usize = 16;

/// `models` is absent where `model_list` itself was: then a missing profile is not worth a problem of its own.
pub(crate) fn read(groups: &Value<'_>, models: Option<&Catalogue>) -> Vec<Alias> {
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
        if let Some(alias) = alias(name, &value, models) {
            aliases.push(alias);
        }
    }
    aliases
}

/// `[a, b]`, or `{chain: [a, b], description: …}`.
fn alias(name: &str, value: &Value<'_>, models: Option<&Catalogue>) -> Option<Alias> {
    let (chain, description) = if value.is_list() {
        (Some(value.clone()), None)
    } else if value.is_mapping() {
        let mut fields = value.fields()?;
        let chain = fields.need("chain", "list the alias's profiles in order, e.g. [openai_main, mistral_small]");
        let description = fields.take("description").and_then(|value| value.text());
        fields.finish();
        (chain, description)
    } else {
        value.problem_hint("expected a list of profiles", "e.g. [openai_main, mistral_small]; one is enough");
        return None;
    };
    let chain = profiles(&chain?, models)?;
    let reasoning_mode = chain.first()?.agent.reasoning_mode.clone();
    Some(Alias { name: AliasName::new(name), chain, reasoning_mode, description })
}

fn profiles(chain: &Value<'_>, models: Option<&Catalogue>) -> Option<Vec<Arc<Profile>>> {
    let items = chain.list()?;
    if items.is_empty() || items.len() > CHAIN_MAX {
        chain.problem(format!("expected 1 to {CHAIN_MAX} profiles, found {}", items.len()));
        return None;
    }
    let mut seen: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for item in &items {
        let Some(name) = item.text() else { continue };
        if seen.contains(&name) {
            item.problem(format!("profile {} is in the chain twice", quoted(item.raw())));
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
