//! When a driver is told to finish, and when it is too late.
use super::Spent;
use super::{Budget, Grant, Limit, Met};
use crate::script::{clock, limits, usage};
use magic_types::Usage;
use magic_types::directive::Limits;
use std::time::Duration;

fn met(limit: Limit, text: &str) -> Met {
    Met { limit, text: text.to_owned() }
}

#[test]
fn the_driver_is_told_once_and_has_two_asks_left() {
    let now = clock();
    let mut budget = Budget::new(Limits { steps_max: 1, ..limits() }, now);
    assert_eq!(budget.wrap_up(now), None);
    assert_eq!(budget.ask(true), Grant::Granted);
    budget.begin_step();
    assert_eq!(budget.ask(true), Grant::Refused(met(Limit::Steps, "the session reached its limit of 1 steps")));
    assert!(budget.wrap_up(now).is_some());
    assert_eq!(budget.wrap_up(now), None);
    assert_eq!(budget.overran(), None);
    assert_eq!(budget.ask(true), Grant::Granted);
    assert_eq!(budget.overran(), Some(Limit::Steps));
    assert_eq!(budget.ask(true), Grant::Granted);
    assert_eq!(budget.ask(true), Grant::Exhausted(met(Limit::Steps, "the session reached its limit of 1 steps")));
}

#[test]
fn asks_of_one_batch_are_one_step_and_each_a_model_call() {
    let mut budget = Budget::new(Limits { steps_max: 1, llm_calls_max: 2, ..limits() }, clock());
    assert_eq!(budget.ask(true), Grant::Granted);
    budget.begin_step();
    assert_eq!(budget.ask(false), Grant::Granted);
    assert_eq!(
        budget.ask(false),
        Grant::Refused(met(Limit::ModelCalls, "the session reached its limit of 2 model calls"))
    );
}

#[test]
fn tokens_tools_and_time_are_each_a_reason_to_finish() {
    let now = clock();
    let told = |limits: Limits, spend: &dyn Fn(&mut Budget), seconds: u64| {
        let mut budget = Budget::new(limits, now);
        spend(&mut budget);
        budget.wrap_up(now + Duration::from_secs(seconds))
    };
    let tokens = Limits { total_tokens_max: Some(100), ..limits() };
    assert_eq!(told(tokens, &|budget| budget.spend(&usage(80, 9)), 0), None);
    assert_eq!(
        told(tokens, &|budget| budget.spend(&usage(80, 10)), 0),
        Some(met(Limit::Tokens, "90 of 100 tokens are spent"))
    );
    let tools = Limits { tool_calls_max: 1, ..limits() };
    let calls = |budget: &mut Budget| {
        assert_eq!(budget.tool(), Grant::Granted);
        assert_eq!(
            budget.tool(),
            Grant::Refused(met(Limit::ToolCalls, "the session reached its limit of 1 tool calls"))
        );
    };
    assert_eq!(told(tools, &calls, 0), Some(met(Limit::ToolCalls, "the session reached its limit of 1 tool calls")));
    assert_eq!(told(limits(), &|_| {}, 479), None);
    let time = told(limits(), &|_| {}, 480);
    assert_eq!(time, Some(met(Limit::WallTime, "most of the session's 600 s of wall time is spent")));
}

#[test]
fn no_tools_at_all_is_no_reason_to_finish() {
    let mut budget = Budget::new(Limits { tool_calls_max: 0, ..limits() }, clock());
    assert_eq!(budget.wrap_up(clock()), None);
}

#[test]
fn money_is_counted_where_the_profile_is_priced() {
    let now = clock();
    let mut budget = Budget::new(Limits { cost_micros_max: Some(2_000_000), ..limits() }, now);
    let priced = |cost_micros| Usage { cost_micros, ..Usage::default() };
    budget.spend(&priced(Some(1_799_999)));
    budget.spend(&priced(None));
    assert_eq!(budget.wrap_up(now), None);
    budget.spend(&priced(Some(1)));
    let text = "1.800000 of 2.000000 of the session's money are spent";
    assert_eq!(budget.wrap_up(now), Some(met(Limit::Cost, text)));
}

#[test]
fn what_is_delegated_may_spend_what_is_left_and_counts_for_who_delegates() {
    let now = clock();
    let all = Limits { total_tokens_max: Some(100), llm_calls_max: 5, tool_calls_max: 3, depth_max: 2, ..limits() };
    let mut budget = Budget::new(all, now);
    assert_eq!(budget.ask(true), Grant::Granted);
    budget.spend(&usage(20, 10));
    budget.spend_calls(Spent { steps: 9, llm_calls: 2, tool_calls: 1 });
    let left = budget.left(now + Duration::from_secs(100));
    assert_eq!((left.total_tokens_max, left.llm_calls_max, left.tool_calls_max), (Some(70), 2, 2));
    assert_eq!((left.wall_max, left.depth_max), (Duration::from_secs(500), 1));
}
