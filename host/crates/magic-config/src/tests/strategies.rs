//! What the file says of how an alias's chain is put in order, of prices and of what a model can do.
use super::{accepted, minimal, nothing_set};
use crate::{Alias, Capabilities, Config, Price, Strategy, Tier};
use magic_types::Usage;

fn config(router: &str) -> Config {
    let text = format!(
        "model_list:\n\
         - {{model_name: a, provider: openai, model_params: {{model: gpt-4o}}}}\n\
         - {{model_name: b, provider: openai, model_params: {{model: gpt-4o-mini}}}}\n\
         - {{model_name: c, provider: local, model_params: {{model: m, api_base: 'http://x/v1'}}}}\n\
         router_settings: {router}\n"
    );
    accepted(&text, &nothing_set)
}

fn alias(router: &str) -> Alias {
    config(router).aliases.remove(0)
}

fn strategy(settings: &str) -> Strategy {
    alias(&format!("{{model_group_alias: {{x: {{chain: [a, b, c], {settings}}}}}}}")).strategy
}

#[test]
fn an_alias_without_a_word_is_ordered_or_as_the_default_says() {
    assert_eq!(alias("{model_group_alias: {x: [a, b]}}").strategy, Strategy::Ordered);
    let with_default =
        config("{strategy: least_busy, model_group_alias: {x: [a], y: {chain: [a], strategy: ordered}}}");
    let strategies: Vec<&Strategy> = with_default.aliases.iter().map(|alias| &alias.strategy).collect();
    assert_eq!(strategies, [&Strategy::LeastBusy, &Strategy::Ordered]);
    for word in ["ordered", "least_busy", "lowest_latency", "lowest_cost", "capability"] {
        assert_eq!(strategy(&format!("strategy: {word}")).as_str(), word);
    }
}

#[test]
fn who_has_no_weight_weighs_one() {
    assert_eq!(strategy("strategy: weighted"), Strategy::Weighted(vec![1_000_000; 3]));
    assert_eq!(
        strategy("strategy: weighted, weights: {a: 2.5, c: 0}"),
        Strategy::Weighted(vec![2_500_000, 1_000_000, 0])
    );
}

#[test]
fn tiers_name_places_of_the_chain_and_the_last_takes_the_rest() {
    let tiers = "strategy: complexity, tiers: [{up_to: 0.35, profiles: [c]}, {profiles: [b, a]}]";
    let expected = vec![Tier { up_to: 350, legs: vec![2] }, Tier { up_to: 1000, legs: vec![1, 0] }];
    assert_eq!(strategy(tiers), Strategy::Complexity(expected));
}

#[test]
fn fallbacks_are_the_end_of_the_chain_and_no_strategys() {
    let alias = alias("{model_group_alias: {x: {chain: [a, b], fallbacks: [c], strategy: weighted}}}");
    let chain: Vec<&str> = alias.chain.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!((chain, alias.spread), (vec!["a", "b", "c"], 2));
    assert_eq!(alias.strategy, Strategy::Weighted(vec![1_000_000; 2]));
}

#[test]
fn a_price_is_the_files_else_the_tables_and_null_is_none() {
    let price = |params: &str| accepted(&minimal(params, ""), &nothing_set).profiles[0].price;
    assert_eq!(price(""), None, "the table does not know `m`");
    let of_the_file = Price { input_micros: 1_000_000, output_micros: 2_000_000, cached_input_micros: 1_000_000 };
    assert_eq!(price("price: {input: 1, output: 2}"), Some(of_the_file));
    let of = |params: &str| {
        let text = minimal(params, "").replace("model: m,", "model: gpt-4o-2024-08-06,");
        accepted(&text, &nothing_set).profiles[0].price
    };
    let of_the_table = Price { input_micros: 2_500_000, output_micros: 10_000_000, cached_input_micros: 1_250_000 };
    assert_eq!(of(""), Some(of_the_table));
    assert_eq!(of("price: {input: 1, output: 2}"), Some(of_the_file));
    assert_eq!(of("price: null"), None);
}

#[test]
fn what_needs_no_key_is_free() {
    let profiles = config("{model_group_alias: {x: [a]}}").profiles;
    let usage = Usage { input_tokens: 1000, output_tokens: 100, ..Usage::default() };
    assert_eq!(profiles[0].cost_micros(&usage), Some(3500));
    assert_eq!(profiles[2].cost_micros(&usage), Some(0));
    let unknown = accepted(&minimal("", ""), &nothing_set);
    assert_eq!(unknown.profiles[0].cost_micros(&usage), None);
}

#[test]
fn a_strategy_that_compares_prices_warns_of_a_profile_without_one() {
    let warnings = |alias: &str| config(&format!("{{model_group_alias: {{x: {alias}}}}}")).warnings();
    assert_eq!(warnings("{chain: [a, b, c], strategy: lowest_cost}"), [""; 0]);
    let text = minimal("", "").replace("x: [a]", "x: {chain: [a], strategy: lowest_cost}");
    let expected = "alias `x` is lowest_cost, and the price of profile `a` is unknown, so it is asked last: set `model_params.price`";
    assert_eq!(accepted(&text, &nothing_set).warnings(), [expected]);
    assert_eq!(accepted(&minimal("", ""), &nothing_set).warnings(), [""; 0]);
}

#[test]
fn what_a_model_can_do_is_unknown_unless_somebody_says_so() {
    let capabilities = |params: &str| accepted(&minimal(params, ""), &nothing_set).profiles[0].capabilities;
    assert_eq!(capabilities(""), Capabilities::default());
    assert_eq!(
        capabilities("capabilities: {tools: true, vision: false, json_schema: null}"),
        Capabilities { tools: Some(true), vision: Some(false), json_schema: None }
    );
    let deepseek = minimal("", "").replace("provider: openai", "provider: deepseek");
    assert_eq!(accepted(&deepseek, &nothing_set).profiles[0].capabilities.json_schema, Some(false));
    let told = minimal("capabilities: {json_schema: true}", "").replace("provider: openai", "provider: deepseek");
    assert_eq!(accepted(&told, &nothing_set).profiles[0].capabilities.json_schema, Some(true));
}

#[test]
fn the_example_in_the_document_on_routing_is_sound() {
    let document = include_str!("../../../../../docs/ROUTING.md");
    let example = document.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let profile = |name: &str| format!("- {{model_name: {name}, provider: openai, model_params: {{model: m}}}}\n");
    let profiles: String = ["main", "twin", "small"].map(profile).concat();
    let config = accepted(&format!("model_list:\n{profiles}{example}"), &nothing_set);
    let strategies: Vec<&str> = config.aliases.iter().map(|alias| alias.strategy.as_str()).collect();
    assert_eq!(strategies, ["lowest_latency", "weighted"]);
}
