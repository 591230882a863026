//! `cache_settings`: bounds, and rules over the profiles of `model_list`. Keeps no reply.
use super::models::Catalogue;
use super::params;
use super::settings::{A_DAY, A_SECOND, size, time, truth};
use crate::config::{CacheRule, CacheSettings, CacheStore};
use crate::defaults;
use crate::problem::{did_you_mean, quoted};
use crate::walk::{Fields, Value};

const STORES: [(&str, CacheStore); 2] = [("memory", CacheStore::Memory), ("disk", CacheStore::Disk)];
const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

pub(crate) fn read(mut fields: Fields<'_>, models: Option<&Catalogue>) -> CacheSettings {
    let enabled = truth(&mut fields, "enabled", false);
    let store = fields.take("store").and_then(|value| value.word("store", &STORES)).unwrap_or(CacheStore::Memory);
    let bytes_max = size(&mut fields, "bytes_max", KIB..=1024 * GIB, defaults::CACHE_BYTES_MAX);
    // Whoever sets only a small `bytes_max` gets smaller entries with it.
    let entry_default = defaults::CACHE_ENTRY_BYTES_MAX.min(u64::try_from(bytes_max).unwrap_or(u64::MAX));
    let entry_bytes_max = size(&mut fields, "entry_bytes_max", KIB..=GIB, entry_default);
    if entry_bytes_max > bytes_max {
        fields.problem_hint(
            format!("entry_bytes_max ({entry_bytes_max}) is more than bytes_max ({bytes_max})"),
            "lower entry_bytes_max, or leave it out",
        );
    }
    let rules = fields.take("rules").and_then(|value| value.list()).unwrap_or_default();
    if enabled && rules.is_empty() {
        fields.problem_hint(
            "the cache is enabled, but no rule says what is kept",
            "e.g. rules: [{model_names: [openai_main], include_in_key: [messages, temperature, max_tokens]}]",
        );
    }
    let rules = rules.iter().filter_map(|rule| cache_rule(rule, models)).collect();
    fields.finish();
    CacheSettings { enabled, store, bytes_max, entry_bytes_max, rules }
}

fn cache_rule(rule: &Value<'_>, models: Option<&Catalogue>) -> Option<CacheRule> {
    let mut fields = rule.fields()?;
    let names = fields.need("model_names", "list the profiles that the rule is for");
    let model_names = names.and_then(|names| profile_names(&names, models));
    let include_in_key = fields.need("include_in_key", "e.g. [messages, temperature, max_tokens]");
    let include_in_key = include_in_key.and_then(|names| key_fields(&names));
    let ttl = time(&mut fields, "ttl_seconds", A_SECOND..=30 * A_DAY, defaults::CACHE_TTL);
    fields.finish();
    Some(CacheRule { model_names: model_names?, include_in_key: include_in_key?, ttl })
}

fn profile_names(names: &Value<'_>, models: Option<&Catalogue>) -> Option<Vec<String>> {
    let items = names.list()?;
    if items.is_empty() {
        names.problem("expected at least one profile");
    }
    let mut found = Vec::new();
    for item in items {
        let Some(name) = item.text() else { continue };
        if let Some(models) = models
            && !models.names().contains(&name.as_str())
        {
            item.problem_hint(format!("no profile {}", quoted(item.raw())), did_you_mean(item.raw(), &models.names()));
        }
        found.push(name);
    }
    Some(found)
}

/// What is left out of the key makes different requests the same, so a field misspelt would hand out the wrong replies.
fn key_fields(names: &Value<'_>) -> Option<Vec<String>> {
    let items = names.list()?;
    if items.is_empty() {
        names.problem_hint(
            "expected at least one field of a request: without any, all requests would be the same",
            "e.g. [messages, temperature, max_tokens]",
        );
    }
    let mut found = Vec::new();
    for item in items {
        let Some(name) = item.text() else { continue };
        if let Some(meant) = params::misspelt(item.raw(), params::of_a_request()) {
            item.problem_hint(format!("unknown field {}", quoted(item.raw())), format!("did you mean `{meant}`?"));
        }
        found.push(name);
    }
    Some(found)
}
