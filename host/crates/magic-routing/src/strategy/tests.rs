//! Each strategy over chains of keyless profiles, as one request meets it.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Facts, Needs};
use crate::testing::{Answer, Bench, failure};
use crate::{Attempt, Plan, Plans, Question, Step, explain, route_header};
use magic_types::Kind;

/// Profiles `a`, `b`, `c`, `d`, cheapest last; `small` has a small window and sees nothing.
fn plan(alias: &str) -> Arc<Plan> {
    let profile = |name: &str, more: &str| {
        format!(
            "  - {{ model_name: {name}, provider: local, model_params: {{ model: {name}, api_base: 'http://x/v1'{more} }} }}\n"
        )
    };
    let text = format!(
        "model_list:\n{}{}{}{}{}router_settings:\n  model_group_alias:\n    x: {alias}\n",
        profile("a", ", price: { input: 10, output: 40 }"),
        profile("b", ", price: { input: 30, output: 1 }"),
        profile("c", ", price: { input: 1, output: 4 }"),
        profile("d", ""),
        profile("small", ", context_window: 1000, capabilities: { vision: false, tools: true }"),
    );
    let config = magic_config::parse(&text, &|_: &str| None).expect("a sound config");
    Arc::clone(Plans::compile(&config, |_| false).get("x").expect("it is there"))
}

/// A request that was put in order; nothing is sent yet.
fn chosen(bench: &Bench, plan: &Arc<Plan>, facts: &Facts, dice: u64) -> Attempt {
    let mut attempt = Attempt::new(Arc::clone(plan), bench.settings);
    attempt.choose(facts, dice, &bench.health, bench.now);
    attempt
}

/// The legs in the order of the attempt, skipped ones in brackets, behind the strategy's word.
fn told(attempt: &Attempt) -> String {
    let trail = attempt.route();
    let legs = trail.legs.iter().map(|one| match one.became {
        crate::Became::Skipped(skip) => format!("({} {skip})", one.profile),
        _ => one.profile.to_string(),
    });
    format!("{}: {}", trail.chosen.expect("a strategy"), legs.collect::<Vec<_>>().join(" "))
}

fn check(alias: &str, facts: &Facts, expected: &str) {
    assert_eq!(told(&chosen(&Bench::new(&[]), &plan(alias), facts, 7)), expected, "{alias}");
}

/// Sends a request through and lets the leg that is asked answer after a time.
fn serve(bench: &mut Bench, plan: &Arc<Plan>, dice: u64, millis: impl Fn(&str) -> u64) -> String {
    let mut attempt = chosen(bench, plan, &Facts::default(), dice);
    let ticket = bench.sends(&mut attempt);
    let profile = plan.legs[ticket.leg].profile.name.to_string();
    bench.now += Duration::from_millis(millis(&profile));
    bench.answer(&mut attempt, ticket, Answer::Speaks);
    profile
}

#[test]
fn a_weighted_draw_gives_each_leg_its_share_and_every_order_its_chance() {
    let plan = plan("{ chain: [a, b, c, d], strategy: weighted, weights: { a: 6, b: 3, d: 0 } }");
    let bench = Bench::new(&[]);
    let mut orders: HashMap<String, u32> = HashMap::new();
    for dice in 0..10_000 {
        let order = told(&chosen(&bench, &plan, &Facts::default(), dice));
        *orders.entry(order).or_default() += 1;
    }
    let share = |of: &str| orders.iter().filter(|(order, _)| order.contains(of)).map(|(_, count)| count).sum::<u32>();
    assert!((5_800..6_200).contains(&share("weighted(6 of 10): a ")), "{orders:?}");
    assert!((2_800..3_200).contains(&share("weighted(3 of 10): b ")), "{orders:?}");
    assert!((900..1_100).contains(&share("weighted(1 of 10): c ")), "{orders:?}");
    assert_eq!(share(" d"), 10_000, "what weighs nothing is still there");
    assert!(orders.keys().all(|order| order.ends_with(" d")), "{orders:?}");
    // Of those that begin with `a`, three in four go on with `b`.
    let (next, all) = (share("): a b"), share("): a "));
    assert!((70..80).contains(&(next * 100 / all)), "{next} of {all}");
    assert_eq!(orders.len(), 6);
}

#[test]
fn the_same_dice_draw_the_same() {
    let bench = Bench::new(&[]);
    for alias in ["{ chain: [a, b, c, d], strategy: weighted }", "{ chain: [a, b, c, d], strategy: lowest_latency }"] {
        let plan = plan(alias);
        let draw = || told(&chosen(&bench, &plan, &Facts::default(), 42));
        assert_eq!(draw(), draw());
    }
}

#[test]
fn what_cannot_be_sent_to_is_not_drawn_first() {
    let plan = plan("{ chain: [a, b], strategy: weighted, weights: { a: 1000 } }");
    let mut bench = Bench::new(&[]);
    for dice in 0..5 {
        let mut attempt = chosen(&bench, &plan, &Facts::default(), dice);
        assert!(bench.step(&mut attempt, Answer::Fails(failure(Kind::ServerError))).starts_with('a'));
        bench.step(&mut attempt, Answer::Leaves);
    }
    let mut attempt = chosen(&bench, &plan, &Facts::default(), 0);
    assert_eq!(told(&attempt), "weighted(1 of 1): b a");
    bench.step(&mut attempt, Answer::Fails(failure(Kind::ServerError)));
    bench.step(&mut attempt, Answer::Speaks);
    assert_eq!(route_header(&attempt.route()), "strategy=weighted(1 of 1), b=upstream_error, a=breaker_open");
}

#[test]
fn the_least_busy_leg_is_first_until_it_is_done() {
    let plan = plan("{ chain: [a, b, c], fallbacks: [d], strategy: least_busy }");
    let mut bench = Bench::new(&[]);
    let mut under_way = Vec::new();
    for expected in ["a b c d", "b c a d", "c a b d", "a b c d"] {
        let mut attempt = chosen(&bench, &plan, &Facts::default(), 0);
        let in_flight = under_way.len() / 3;
        assert_eq!(told(&attempt), format!("least_busy({in_flight} in flight): {expected}"));
        let ticket = bench.sends(&mut attempt);
        under_way.push((attempt, ticket));
    }
    // One speaks: it is still busy. It ends: it is not.
    let (mut attempt, mut ticket) = under_way.remove(1);
    attempt.spoke(&mut bench.health, &mut ticket, None, bench.now);
    assert_eq!(told(&chosen(&bench, &plan, &Facts::default(), 0)), "least_busy(1 in flight): b c a d");
    bench.health.settle(ticket, bench.now);
    assert_eq!(told(&chosen(&bench, &plan, &Facts::default(), 0)), "least_busy(0 in flight): b c a d");
    for (mut attempt, ticket) in under_way {
        bench.answer(&mut attempt, ticket, Answer::Fails(failure(Kind::ServerError)));
    }
    assert_eq!(told(&chosen(&bench, &plan, &Facts::default(), 0)), "least_busy(0 in flight): a b c d");
}

#[test]
fn each_unknown_leg_is_explored_once_and_then_the_faster_of_two_is_first() {
    let plan = plan("{ chain: [a, b, c], strategy: lowest_latency }");
    let mut bench = Bench::new(&[]);
    let times = |profile: &str| HashMap::from([("a", 900), ("b", 300), ("c", 100)])[profile];
    let explored: Vec<String> = (0..3).map(|dice| serve(&mut bench, &plan, dice, times)).collect();
    assert_eq!(explored, ["a", "b", "c"]);
    let mut first: HashMap<String, u32> = HashMap::new();
    for dice in 0..300 {
        let attempt = chosen(&bench, &plan, &Facts::default(), dice);
        *first.entry(told(&attempt)).or_default() += 1;
    }
    // Two in three draws hold the fastest; the slowest loses against whoever is drawn beside it.
    let (fastest, second) = (first["lowest_latency(100ms): c b a"], first["lowest_latency(300ms): b a c"]);
    let other = first.get("lowest_latency(100ms): c a b").copied().unwrap_or(0);
    assert_eq!(fastest + other + second, 300, "{first:?}");
    assert!((80..120).contains(&second), "{first:?}");
}

#[test]
fn nobody_waits_for_an_explorer() {
    let plan = plan("{ chain: [a, b], strategy: lowest_latency }");
    let mut bench = Bench::new(&[]);
    let mut one = chosen(&bench, &plan, &Facts::default(), 0);
    let slow = bench.sends(&mut one);
    assert_eq!(told(&one), "lowest_latency(explored): a b");
    let mut other = chosen(&bench, &plan, &Facts::default(), 0);
    let slow_too = bench.sends(&mut other);
    assert_eq!(told(&other), "lowest_latency(explored): b a");
    assert_eq!(told(&chosen(&bench, &plan, &Facts::default(), 0)), "lowest_latency(unknown): a b");
    bench.health.settle(slow, bench.now);
    bench.health.settle(slow_too, bench.now);
    assert_eq!(told(&chosen(&bench, &plan, &Facts::default(), 0)), "lowest_latency(unknown): a b", "asked just now");
    bench.wait(10);
    assert_eq!(told(&chosen(&bench, &plan, &Facts::default(), 0)), "lowest_latency(explored): a b");
}

#[test]
fn who_turns_requests_away_is_not_fast_and_whose_client_errs_is_not_slow() {
    let plan = plan("{ chain: [a, b], strategy: lowest_latency }");
    let times = |profile: &str| if profile == "a" { 100 } else { 300 };
    for (kind, expected) in [
        (Kind::ServerError, "lowest_latency(300ms): b a"),
        (Kind::RateLimited, "lowest_latency(300ms): b a"),
        (Kind::InvalidRequest, "lowest_latency(100ms): a b"),
        (Kind::ContentPolicy, "lowest_latency(100ms): a b"),
    ] {
        let mut bench = Bench::new(&[]);
        (0..2).for_each(|dice| drop(serve(&mut bench, &plan, dice, times)));
        let mut attempt = chosen(&bench, &plan, &Facts::default(), 0);
        bench.step(&mut attempt, Answer::Fails(failure(kind)));
        assert_eq!(told(&chosen(&bench, &plan, &Facts::default(), 0)), expected, "{kind:?}");
    }
}

#[test]
fn the_cheapest_leg_is_first_by_what_is_asked_of_it() {
    let ask = |input_tokens, output_tokens_max| Facts { input_tokens, output_tokens_max, ..Facts::default() };
    let alias = "{ chain: [a, b, c], strategy: lowest_cost }";
    check(alias, &ask(1000, Some(100)), "lowest_cost(1400 micros): c a b");
    // Little to read and much to write turns the dear reader into a cheap writer.
    check(alias, &ask(10, Some(5000)), "lowest_cost(800 micros): b c a");
    check(alias, &ask(10, None), "lowest_cost(800 micros): b c a");
    check("{ chain: [a, d], strategy: lowest_cost }", &ask(10, None), "lowest_cost(0 micros): d a");
}

#[test]
fn a_leg_that_lacks_what_is_needed_is_passed_over_and_one_that_is_unknown_is_not() {
    let alias = "{ chain: [small, a], fallbacks: [b], strategy: capability }";
    let needs = |needs| Facts { needs, ..Facts::default() };
    check(alias, &needs(Needs::default()), "capability(nothing special): small a b");
    let tools = Needs { tools: true, ..Needs::default() };
    check(alias, &needs(tools), "capability(tools): small a b");
    let vision = Needs { vision: true, tools: true, ..Needs::default() };
    check(alias, &needs(vision), "capability(tools vision): a (small unfit(no vision)) b");
    // The same before every strategy but the ordered chain.
    check(
        "{ chain: [small, a], strategy: least_busy }",
        &needs(vision),
        "least_busy(0 in flight): a (small unfit(no vision))",
    );
}

#[test]
fn where_no_leg_can_serve_the_client_is_told_what_is_lacking() {
    let mut bench = Bench::new(&[]);
    let facts = Facts { needs: Needs { vision: true, ..Needs::default() }, ..Facts::default() };
    let mut attempt = chosen(&bench, &plan("{ chain: [small], strategy: lowest_cost }"), &facts, 0);
    let Step::GiveUp(failure) = attempt.next(&mut bench.health, bench.now) else { panic!("it was sent") };
    assert_eq!(
        (failure.kind, failure.public.as_str()),
        (Kind::InvalidRequest, "no model of `x` can serve this request: no vision")
    );
}

#[test]
fn what_seems_too_long_for_a_leg_goes_to_the_others_first() {
    let ask = |input_tokens, output_tokens_max| Facts { input_tokens, output_tokens_max, ..Facts::default() };
    let alias = "{ chain: [small, a, b], strategy: capability }";
    check(alias, &ask(900, None), "capability(nothing special): small a b");
    check(alias, &ask(900, Some(200)), "capability(nothing special): a b small");
    // An estimate is no reason to refuse: with nobody else it is asked.
    check("{ chain: [small], strategy: capability }", &ask(5000, None), "capability(nothing special): small");
}

#[test]
fn the_score_picks_a_tier_and_the_others_are_its_fallbacks() {
    let alias = "{ chain: [a, b, c, d], strategy: complexity, \
                 tiers: [{ up_to: 0.2, profiles: [d] }, { up_to: 0.6, profiles: [c, b] }, { profiles: [a] }] }";
    let ask = |score| Facts { score, ..Facts::default() };
    check(alias, &ask(0), "complexity(0 tier 1): d c b a");
    check(alias, &ask(200), "complexity(0.2 tier 1): d c b a");
    check(alias, &ask(201), "complexity(0.201 tier 2): c b a d");
    check(alias, &ask(1000), "complexity(1 tier 3): a c b d");
    let untiered = "{ chain: [a, b, c], strategy: complexity, tiers: [{ profiles: [c] }] }";
    check(untiered, &ask(500), "complexity(0.5 tier 1): c a b");
}

#[test]
fn an_ordered_chain_chooses_nothing_and_wants_to_know_nothing() {
    let ordered = plan("[a, small]");
    assert!(!ordered.has_choice() && !ordered.wants_facts && ordered.legs.iter().all(|leg| !leg.is_measured));
    let bench = Bench::new(&[]);
    assert_eq!(Attempt::new(ordered, bench.settings).route().chosen, None);
    for (alias, wants) in [
        ("{ chain: [a, b], strategy: weighted }", false),
        ("{ chain: [a, b], strategy: lowest_latency }", false),
        ("{ chain: [a, small], strategy: weighted }", true),
        ("{ chain: [a], fallbacks: [small], strategy: least_busy }", true),
        ("{ chain: [a, b], context_window_fallbacks: [small], strategy: weighted }", true),
        ("{ chain: [a, b], content_policy_fallbacks: [small], strategy: weighted }", true),
        ("{ chain: [a, b], content_policy_fallbacks: [c], strategy: weighted }", false),
        ("{ chain: [a, b], strategy: lowest_cost }", true),
    ] {
        assert_eq!(plan(alias).wants_facts, wants, "{alias}");
    }
}

#[test]
fn an_explanation_tells_the_order_and_what_is_known_and_changes_nothing() {
    let plan = plan("{ chain: [a, c], fallbacks: [b], strategy: lowest_latency }");
    let mut bench = Bench::new(&[]);
    serve(&mut bench, &plan, 0, |_| 500);
    serve(&mut bench, &plan, 0, |_| 200);
    let facts = Facts { input_tokens: 1000, ..Facts::default() };
    let question = Question { facts: &facts, dice: 3, streams: true, unfit: &[] };
    for _ in 0..3 {
        let explained = explain(&plan, &bench.settings, &question, &bench.health, bench.now);
        assert_eq!(explained.chosen.expect("a strategy").to_string(), "lowest_latency(200ms)");
        let legs: Vec<String> = explained
            .legs
            .iter()
            .map(|leg| {
                let first = if leg.is_first { " first" } else { "" };
                let time = leg.measured.and_then(|measured| measured.first_event);
                format!("{} {time:?} {:?}{first}", leg.considered.profile, leg.cost_micros)
            })
            .collect();
        assert_eq!(legs, ["c Some(200ms) Some(3000) first", "a Some(500ms) Some(30000)", "b None Some(30500)"]);
    }
    let whole = Question { streams: false, ..question };
    let explained = explain(&plan, &bench.settings, &whole, &bench.health, bench.now);
    assert_eq!(
        explained.chosen.expect("a strategy").to_string(),
        "lowest_latency(unknown)",
        "streams say nothing of it"
    );
}
