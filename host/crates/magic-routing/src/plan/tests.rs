//! Plans from configs.
use super::{Plans, PoolName, own_keys};
use crate::testing::config;

#[test]
fn plans_stand_in_the_order_of_the_config_and_know_their_pools() {
    let config = config("");
    let plans = Plans::compile(&config);
    let told: Vec<String> = plans
        .iter()
        .map(|plan| {
            let legs = plan
                .legs
                .iter()
                .map(|leg| format!("{}<{}", leg.profile.name, leg.pool.as_ref().map_or("-", PoolName::as_str)));
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
fn a_plan_carries_the_reasoning_mode_of_its_alias() {
    let plans = Plans::compile(&config("agent_settings: { reasoning_mode: basic_react }"));
    assert_eq!(plans.get("own").and_then(|plan| plan.reasoning_mode.as_deref()), Some("basic_react"));
    assert_eq!(Plans::compile(&config("")).get("own").and_then(|plan| plan.reasoning_mode.as_deref()), None);
}
