//! The settings of the wire: fallbacks, hedging, breakers, pacing, the cache, key checks and stored responses.
use super::{accepted, minimal, nothing_set};
use crate::{
    BreakerSettings, CacheRule, CacheSettings, CacheStore, Config, HedgingSettings, Profile, StreamingSettings,
    TypewriterMode,
};
use std::sync::Arc;
use std::time::Duration;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with(sections: &str) -> Config {
    accepted(&minimal("", sections), &nothing_set)
}

#[test]
fn what_nobody_sets_is_the_default() {
    let config = with("");
    assert_eq!(
        config.breaker_settings,
        BreakerSettings { enabled: true, failures: 5, open: seconds(10), open_max: seconds(300) }
    );
    assert_eq!(config.hedging_settings, HedgingSettings { after: None, budget_percent: 5 });
    assert_eq!(
        config.streaming_settings,
        StreamingSettings {
            typewriter_mode: TypewriterMode::Client,
            characters_per_second: 80,
            keep_alive: seconds(15)
        }
    );
    assert_eq!(
        config.cache_settings,
        CacheSettings {
            enabled: false,
            store: CacheStore::Memory,
            bytes_max: 64 << 20,
            entry_bytes_max: 1 << 20,
            rules: Vec::new()
        }
    );
    assert_eq!(config.key_management_settings.recheck, Some(seconds(600)));
    assert_eq!(config.server_settings.responses_kept_max, 10_000);
    assert_eq!(config.server_settings.responses_retention, seconds(30 * 24 * 3600));
    let alias = &config.aliases[0];
    assert_eq!((alias.context_window_fallbacks.len(), alias.content_policy_fallbacks.len()), (0, 0));
    assert_eq!(alias.hedge_after, None);
}

#[test]
fn every_setting_is_read() {
    let config = with(
        "breaker_settings: {enabled: false, failures: 3, open_seconds: 2.5, open_seconds_max: 1m}\n\
         hedging_settings: {after_seconds: 800ms, budget_percent: 100}\n\
         streaming_settings: {typewriter_mode: proxy, characters_per_second: 40, keep_alive_seconds: 5}\n\
         key_management_settings: {recheck_seconds: 1h}\n\
         server_settings: {responses_kept_max: 7, responses_retention_seconds: 0}\n\
         cache_settings: {enabled: true, store: disk, bytes_max: 1GiB, entry_bytes_max: 64KiB, rules: [\
         {model_names: [a], include_in_key: [messages, a_vendors_own], ttl_seconds: 5}]}",
    );
    assert_eq!(
        config.breaker_settings,
        BreakerSettings { enabled: false, failures: 3, open: Duration::from_millis(2500), open_max: seconds(60) }
    );
    let after = Some(Duration::from_millis(800));
    assert_eq!(config.hedging_settings, HedgingSettings { after, budget_percent: 100 });
    assert_eq!(
        config.streaming_settings,
        StreamingSettings { typewriter_mode: TypewriterMode::Proxy, characters_per_second: 40, keep_alive: seconds(5) }
    );
    assert_eq!(config.key_management_settings.recheck, Some(seconds(3600)));
    assert_eq!(config.server_settings.responses_kept_max, 7);
    assert_eq!(config.server_settings.responses_retention, Duration::ZERO);
    let rule = CacheRule {
        model_names: vec!["a".to_owned()],
        include_in_key: vec!["messages".to_owned(), "a_vendors_own".to_owned()],
        ttl: seconds(5),
    };
    assert_eq!(
        config.cache_settings,
        CacheSettings {
            enabled: true,
            store: CacheStore::Disk,
            bytes_max: 1 << 30,
            entry_bytes_max: 64 << 10,
            rules: vec![rule]
        }
    );
}

#[test]
fn the_farthest_values_are_allowed() {
    let sections = [
        "breaker_settings: {failures: 1000, open_seconds: 1ms, open_seconds_max: 24h}",
        "breaker_settings: {failures: 1, open_seconds: 24h, open_seconds_max: 24h}",
        "hedging_settings: {after_seconds: 1ms, budget_percent: 0}",
        "hedging_settings: {after_seconds: 24h, budget_percent: 100}",
        "streaming_settings: {characters_per_second: 1, keep_alive_seconds: 1ms}",
        "streaming_settings: {characters_per_second: 100000, keep_alive_seconds: 24h}",
        "key_management_settings: {recheck_seconds: 1}",
        "key_management_settings: {recheck_seconds: 720h}",
        "server_settings: {responses_kept_max: 1, responses_retention_seconds: 8760h}",
        "server_settings: {responses_kept_max: 1000000, responses_retention_seconds: 0}",
        "cache_settings: {bytes_max: 1KiB, entry_bytes_max: 1KiB}",
        "cache_settings: {bytes_max: 1024GiB, entry_bytes_max: 1GiB}",
        "cache_settings: {rules: [{model_names: [a], include_in_key: [input], ttl_seconds: 720h}]}",
    ];
    for section in sections {
        with(section);
    }
}

#[test]
fn zero_switches_the_check_of_keys_off() {
    assert_eq!(with("key_management_settings: {recheck_seconds: 0}").key_management_settings.recheck, None);
}

#[test]
fn a_bound_that_follows_from_another_needs_no_line_of_its_own() {
    let breaker = with("breaker_settings: {open_seconds: 10m}").breaker_settings;
    assert_eq!((breaker.open, breaker.open_max), (seconds(600), seconds(600)));
    let cache = with("cache_settings: {bytes_max: 16KiB}").cache_settings;
    assert_eq!((cache.bytes_max, cache.entry_bytes_max), (16 << 10, 16 << 10));
}

#[test]
fn an_alias_has_fallbacks_of_its_own_which_may_be_in_its_chain() {
    let text = "model_list:\n\
        - {model_name: a, provider: openai, model_params: {model: m}}\n\
        - {model_name: b, provider: google, model_params: {model: m}}\n\
        router_settings:\n  model_group_alias:\n    \
        x: {chain: [a, b], context_window_fallbacks: [b, a], content_policy_fallbacks: [b]}\n    \
        y: {chain: [a], context_window_fallbacks: [], content_policy_fallbacks: null}";
    let config = accepted(text, &nothing_set);
    let names = |profiles: &[Arc<Profile>]| -> Vec<String> {
        profiles.iter().map(|profile| profile.name.as_str().to_owned()).collect()
    };
    assert_eq!(names(&config.aliases[0].context_window_fallbacks), ["b", "a"]);
    assert_eq!(names(&config.aliases[0].content_policy_fallbacks), ["b"]);
    assert_eq!(config.aliases[1].context_window_fallbacks.len() + config.aliases[1].content_policy_fallbacks.len(), 0);
}

#[test]
fn an_alias_hedges_as_the_global_setting_says_unless_it_says_otherwise() {
    let text = "model_list: [{model_name: a, provider: openai, model_params: {model: m}}]\n\
        router_settings:\n  model_group_alias:\n    \
        short: [a]\n    \
        silent: {chain: [a]}\n    \
        never: {chain: [a], hedge_after_seconds: null}\n    \
        soon: {chain: [a], hedge_after_seconds: 500ms}\n";
    let after = |text: &str| -> Vec<Option<u128>> {
        let config = accepted(text, &nothing_set);
        config.aliases.iter().map(|alias| alias.hedge_after.map(|after| after.as_millis())).collect()
    };
    assert_eq!(after(text), [None, None, None, Some(500)]);
    let on = format!("{text}hedging_settings: {{after_seconds: 3}}\n");
    assert_eq!(after(&on), [Some(3000), Some(3000), None, Some(500)]);
}

#[test]
fn rules_may_wait_in_a_cache_that_is_off() {
    let config = with("cache_settings: {rules: [{model_names: [a], include_in_key: [messages]}]}");
    assert!(!config.cache_settings.enabled);
    assert_eq!(config.cache_settings.rules[0].ttl, seconds(600));
}
