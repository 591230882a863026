//! Plans from configs.
use super::{Lane, Plans, PoolName, own_keys};
use crate::testing::config;

#[test]
fn plans_stand_in_the_order_of_the_config_and_know_their_pools() {
    let config = config("");
    let plans = Plans::compile(&config, |_| false);
    let told: Vec<String> = plans
        .iter()
        .map(|plan| {
            let mut lane = Lane::Chain;
            let legs = plan.legs.iter().map(|leg| {
                let sign = if leg.lane == lane { String::new() } else { format!("{}: ", leg.lane.as_str()) };
                lane = leg.lane;
                format!("{sign}{}<{}", leg.profile.name, leg.pool.as_ref().map_or("-", PoolName::as_str))
            });
            format!("{}: {}", plan.alias, legs.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "z-first: openai<openai",
            "openai-mistral: openai<openai mistral<mistral",
            "openai-local: openai<openai local<-",
            "local-openai: local<- openai<openai",
            "windows: openai<openai mistral<mistral local<- openai_large<openai",
            "twins: openai<openai openai_twin<openai",
            "small-last: openai_large<openai openai<openai",
            "own: own<profile:own openai<openai",
            "all: openai<openai mistral<mistral local<- openai_large<openai own<profile:own",
            "lanes: openai<openai mistral<mistral context_window: openai_large<openai own<profile:own \
             content_policy: local<- mistral<mistral",
            "hedged: openai<openai mistral<mistral local<-",
            "drawn: openai<openai mistral<mistral local<- own<profile:own",
            "idle: openai<openai local<- mistral<mistral",
            "fast: local<- openai_large<openai mistral<mistral own<profile:own context_window: openai_large<openai",
        ]
    );
    assert!(plans.get("openai").is_none(), "a profile is not an alias");
    let pools: Vec<&str> = plans.get("all").expect("an alias").pools().into_iter().map(PoolName::as_str).collect();
    assert_eq!(pools, ["openai", "mistral", "profile:own"]);
}

#[test]
fn a_profile_with_its_own_key_has_a_pool_of_that_one_key() {
    let own = own_keys(&config(""));
    assert_eq!(own.len(), 1);
    assert_eq!((own[0].0.as_str(), own[0].1.len()), ("profile:own", 1));
    assert_eq!(own[0].1[0].secret.expose(), "sk-own");
}

#[test]
fn only_the_chain_makes_an_alias_runnable() {
    let is_runnable = |alias: &str, keys: &[(&str, &[&str])]| {
        crate::testing::plan(alias).is_runnable(&crate::testing::Bench::new(keys).health.pools)
    };
    assert!(is_runnable("openai-local", &[]), "local needs no key");
    assert!(!is_runnable("lanes", &[("profile:own", &["o"])]), "so does local, but it is no part of the chain");
    assert!(is_runnable("lanes", &[("mistral", &["m"])]));
}

#[test]
fn a_plan_says_when_to_hedge() {
    let plans = Plans::compile(&config("hedging_settings: { after_seconds: 3 }"), |_| false);
    let after = |alias: &str| plans.get(alias).and_then(|plan| plan.hedge_after).map(|after| after.as_secs());
    assert_eq!((after("hedged"), after("own")), (Some(1), Some(3)));
    assert_eq!(Plans::compile(&config(""), |_| false).get("own").and_then(|plan| plan.hedge_after), None);
}

#[test]
fn a_plan_carries_the_reasoning_mode_of_its_alias() {
    let plans = Plans::compile(&config("agent_settings: { reasoning_mode: basic_react }"), |_| false);
    assert_eq!(plans.get("own").and_then(|plan| plan.reasoning_mode.as_deref()), Some("basic_react"));
    assert_eq!(Plans::compile(&config(""), |_| false).get("own").and_then(|plan| plan.reasoning_mode.as_deref()), None);
}
