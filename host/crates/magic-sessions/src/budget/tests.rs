//! When a driver is told to finish, and when it is too late.
use super::{Budget, Grant};
use crate::script::{clock, limits, usage};
use magic_types::directive::Limits;
use std::time::Duration;

fn refused(text: &str) -> Grant {
    Grant::Refused(text.to_owned())
}

#[test]
fn the_driver_is_told_once_and_has_two_asks_left() {
    let now = clock();
    let mut budget = Budget::new(Limits { steps_max: 1, ..limits() }, now);
    assert_eq!(budget.wrap_up(now), None);
    assert_eq!(budget.ask(true), Grant::Granted);
    budget.begin_step();
    assert_eq!(budget.ask(true), refused("the session reached its limit of 1 steps"));
    assert!(budget.wrap_up(now).is_some());
    assert_eq!(budget.wrap_up(now), None);
    assert!(!budget.overran());
    assert_eq!(budget.ask(true), Grant::Granted);
    assert!(budget.overran());
    assert_eq!(budget.ask(true), Grant::Granted);
    assert_eq!(budget.ask(true), Grant::Exhausted("the session reached its limit of 1 steps".to_owned()));
}

#[test]
fn asks_of_one_batch_are_one_step_and_each_a_model_call() {
    let mut budget = Budget::new(Limits { steps_max: 1, llm_calls_max: 2, ..limits() }, clock());
    assert_eq!(budget.ask(true), Grant::Granted);
    budget.begin_step();
    assert_eq!(budget.ask(false), Grant::Granted);
    assert_eq!(budget.ask(false), refused("the session reached its limit of 2 model calls"));
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
    assert_eq!(told(tokens, &|budget| budget.spend(&usage(80, 10)), 0).as_deref(), Some("90 of 100 tokens are spent"));
    let tools = Limits { tool_calls_max: 1, ..limits() };
    let calls = |budget: &mut Budget| {
        assert_eq!(budget.tool(), Grant::Granted);
        assert_eq!(budget.tool(), refused("the session reached its limit of 1 tool calls"));
    };
    assert_eq!(told(tools, &calls, 0).as_deref(), Some("the session reached its limit of 1 tool calls"));
    assert_eq!(told(limits(), &|_| {}, 479), None);
    let time = told(limits(), &|_| {}, 480);
    assert_eq!(time.as_deref(), Some("most of the session's 600 s of wall time is spent"));
}

#[test]
fn no_tools_at_all_is_no_reason_to_finish() {
    let mut budget = Budget::new(Limits { tool_calls_max: 0, ..limits() }, clock());
    assert_eq!(budget.wrap_up(clock()), None);
}
