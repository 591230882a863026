//! The machine as scripts, with drivers that do as they are told; then with drivers and a world that do as they please.
use super::{CallReport, Effect, Input, Session};
use crate::driver::{Driver, DriverError, Next};
use crate::event::SessionEvent;
use crate::script::{Script, at_once, completion, done, limits, usage};
use crate::spec::Rules;
use magic_types::Usage;
use magic_types::chat::{Completion, CompletionRequest, LlmError, Message, Part, Role, ToolCall, ToolError};
use magic_types::directive::{Ask, Delta, Directive, Emit, Event, Limits, Visibility};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

mod simulation;

type Heard = Arc<Mutex<Vec<String>>>;

/// Answers each call with the next prepared list; keeps what it was told.
struct Puppet {
    answers: VecDeque<Result<Vec<Directive>, DriverError>>,
    heard: Heard,
}

impl Driver for Puppet {
    fn next<'a>(&'a mut self, events: &'a [Event], _spent: &'a Usage) -> Next<'a> {
        self.heard.lock().unwrap().extend(events.iter().map(name));
        Next::Ready(self.answers.pop_front().unwrap_or_else(|| Ok(Vec::new())))
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::Start => "start".to_owned(),
        Event::Llm { ref_id, outcome } => match outcome {
            Ok(completion) => format!("llm {ref_id}: {}", completion.message.plain_text()),
            Err(error) => format!("llm {ref_id}: error {error}"),
        },
        Event::LlmDelta { ref_id, delta } => format!("delta {ref_id}: {delta:?}"),
        Event::Tool(result) => match &result.outcome {
            Ok(output) => format!("tool {}: {}", result.call_id, output.text),
            Err(error) => format!("tool {}: error {error}", result.call_id),
        },
        Event::Delegated { ref_id, outcome } => format!("delegated {ref_id}: {}", outcome.is_ok()),
        Event::User(message) => format!("user: {}", message.plain_text()),
        Event::Timer(ref_id) => format!("timer {ref_id}"),
        Event::WrapUp(why) => format!("wrap up: {why}"),
    }
}

fn puppet(limits: Limits, answers: Vec<Vec<Directive>>) -> (Script, Heard) {
    let heard = Heard::default();
    let driver = Puppet { answers: answers.into_iter().map(Ok).collect(), heard: Arc::clone(&heard) };
    (Script::driven(limits, Box::new(driver)), heard)
}

#[track_caller]
fn heard(heard: &Heard, expected: &[&str]) {
    assert_eq!(std::mem::take(&mut *heard.lock().unwrap()), expected);
}

fn ask(ref_id: u32, show: Visibility) -> Directive {
    Directive::Ask(Ask { ref_id, request: CompletionRequest::default(), show, stream_to_me: false })
}

fn hidden(ref_id: u32) -> Directive {
    ask(ref_id, Visibility::Hidden)
}

fn call(id: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: "t".to_owned(), arguments_json: "{}".to_owned() }
}

fn finish(text: &str) -> Directive {
    Directive::Finish(Message::text(Role::Assistant, text))
}

fn asked(ref_id: u32, text: &str) -> Input {
    Input::Asked {
        ref_id,
        outcome: Ok(completion(vec![Part::Text(text.to_owned())])),
        report: CallReport { profile: "p".to_owned(), key_id: None, attempts: 2, ms: 9 },
    }
}

fn delta(ref_id: u32, delta: Delta) -> Input {
    Input::Delta { ref_id, delta }
}

#[test]
fn a_driver_that_wants_nothing_and_waits_for_nothing_fails_the_session() {
    let (mut script, _) = puppet(limits(), vec![vec![]]);
    script.check(
        "failed pattern_contract: the pattern asked for nothing and has nothing outstanding
         END Failed",
    );
}

#[test]
fn a_driver_that_fails_ends_the_session_with_a_code() {
    for (error, expected) in [
        (DriverError::Component("trap".to_owned()), "failed component_failed: the pattern failed: trap"),
        (DriverError::Contract("x".to_owned()), "failed pattern_contract: the pattern broke its contract: x"),
    ] {
        let driver = Puppet { answers: VecDeque::from([Err(error)]), heard: Heard::default() };
        let mut script = Script::driven(limits(), Box::new(driver));
        script.check(&[expected, "\nEND Failed"].concat());
    }
    let (mut script, _) = puppet(limits(), vec![vec![Directive::Fail("no idea".to_owned())]]);
    script.check("failed pattern_failed: no idea\nEND Failed");
}

#[test]
fn shown_text_goes_out_as_it_comes_and_is_not_repeated_at_the_end() {
    let (mut script, _) = puppet(
        limits(),
        vec![
            vec![ask(1, Visibility::Thought), ask(2, Visibility::Answer), hidden(3)],
            vec![],
            vec![],
            vec![finish("Four.")],
        ],
    );
    script.check("step 1\nask 1\nask 2\nask 3");
    script.input(delta(1, Delta::Text("I".to_owned())));
    script.input(delta(1, Delta::Reasoning(" see".to_owned())));
    script.input(delta(2, Delta::Reasoning(" well".to_owned())));
    script.input(delta(2, Delta::Text("Fo".to_owned())));
    script.input(delta(3, Delta::Text("secret".to_owned())));
    script.input(delta(9, Delta::Text("nobody's".to_owned())));
    script.check("thought: I see well\nanswer: Fo");
    script.input(asked(1, ""));
    script.input(asked(2, ""));
    script.input(asked(3, ""));
    script.check("answer: ur.\nend Stop: Four.\nEND Answered");
}

#[test]
fn deltas_reach_the_driver_that_wants_them() {
    let streamed = Directive::Ask(Ask {
        ref_id: 1,
        request: CompletionRequest::default(),
        show: Visibility::Hidden,
        stream_to_me: true,
    });
    let said = vec![Directive::Emit(Emit::Thought("a".to_owned())), Directive::Emit(Emit::Thought("b".to_owned()))];
    let (mut script, told) = puppet(limits(), vec![vec![streamed], said]);
    script.events.clear();
    script.input(delta(1, Delta::Text("x".to_owned())));
    assert_eq!(script.events, [SessionEvent::AgentThoughtStream { text: "ab".to_owned() }]);
    heard(&told, &["start", "delta 1: Text(\"x\")"]);
}

#[test]
fn a_model_call_is_reported_with_its_cost_and_summed() {
    let (mut script, _) = puppet(limits(), vec![vec![hidden(1)], vec![hidden(2)], vec![finish("x")]]);
    script.events.clear();
    script.input(asked(1, "a"));
    let report =
        SessionEvent::LlmCall { profile: "p".to_owned(), key_id: None, attempts: 2, usage: usage(10, 5), ms: 9 };
    assert_eq!(script.events.first(), Some(&report));
    script.input(asked(2, "b"));
    assert_eq!(script.session.usage(), usage(20, 10));
}

#[test]
fn a_cancelled_ask_is_not_heard_of_but_still_paid_for() {
    let (mut script, told) =
        puppet(limits(), vec![vec![hidden(1), hidden(2)], vec![Directive::Cancel(2), Directive::Cancel(7), hidden(3)]]);
    script.input(asked(1, "first"));
    script.check("step 1\nask 1\nask 2\ncancel 2\nstep 2\nask 3");
    script.input(asked(2, "late"));
    heard(&told, &["start", "llm 1: first"]);
    assert_eq!(script.session.usage(), usage(20, 10));
}

#[test]
fn no_more_than_parallel_max_run_at_once_and_the_rest_follows_in_order() {
    let wide = Limits { parallel_max: 2, ..limits() };
    let work = vec![hidden(1), Directive::CallTools(vec![call("a"), call("b")]), hidden(2)];
    let (mut script, _) = puppet(wide, vec![work]);
    script.check("step 1\ncall a t {}\ncall b t {}\nask 1\nrun a");
    script.input(done("a", Ok("A")));
    script.check("result a ok A\nrun b");
    script.input(asked(1, "x"));
    script.check("ask 2");
    script.input(asked(1, "again"));
    script.check("");
}

#[test]
fn a_pattern_cannot_speak_for_the_host() {
    let progress = |kind: &str| {
        let payload = "{\"void_from\":0}".to_owned();
        Directive::Emit(Emit::Progress { kind: kind.to_owned(), payload })
    };
    let (mut script, _) = puppet(limits(), vec![vec![progress("restarted"), progress("mine"), finish("x")]]);
    script.check(
        "progress pattern.restarted {\"void_from\":0}
         progress mine {\"void_from\":0}
         answer: x
         end Stop: x
         END Answered",
    );
}

#[test]
fn delegations_side_by_side_share_what_is_left() {
    let rules = Rules {
        agents: ["a", "b"].map(str::to_owned).into(),
        lineage: vec!["me".into()],
        ..Rules::limited(Limits { llm_calls_max: 12, total_tokens_max: Some(100), depth_max: 1, ..limits() })
    };
    let delegate = |ref_id, agent: &str| Directive::Delegate { ref_id, agent: agent.to_owned(), messages: Vec::new() };
    let answers = VecDeque::from([Ok(vec![delegate(1, "a"), delegate(2, "b"), delegate(3, "nobody")])]);
    let driver = Puppet { answers, heard: Heard::default() };
    let mut session = Session::new(rules, Box::new(driver));
    let effects = at_once(session.step(Input::Start, crate::script::clock()));
    let shares: Vec<(u32, u32, Option<u64>)> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Delegate(asked) => Some((asked.number, asked.limits.llm_calls_max, asked.limits.total_tokens_max)),
            _ => None,
        })
        .collect();
    // Each is counted itself; three want a share, one of them in vain.
    assert_eq!(shares, [(1, 4, Some(33)), (2, 2, Some(25))]);
}

#[test]
fn timers_take_no_place_and_fire_once() {
    let narrow = Limits { parallel_max: 1, ..limits() };
    let (mut script, told) = puppet(narrow, vec![vec![hidden(1), Directive::Wait { ref_id: 2, ms: 50 }]]);
    script.check("step 1\nask 1\nwait 2 50 ms");
    script.input(Input::TimerFired(2));
    script.input(Input::TimerFired(2));
    heard(&told, &["start", "timer 2"]);
}

#[test]
fn refs_and_call_ids_are_used_once() {
    let (mut script, _) = puppet(limits(), vec![vec![hidden(1), hidden(1)]]);
    script.check(
        "step 1
         failed pattern_contract: the pattern used the ref 1 while it was still outstanding
         END Failed",
    );
    let twice = vec![Directive::CallTools(vec![call("a"), call("a")])];
    let (mut script, _) = puppet(limits(), vec![twice]);
    script
        .check("call a t {}\ncall a t {}\nfailed pattern_contract: the pattern used the call id `a` twice\nEND Failed");
    let (mut script, _) = puppet(limits(), vec![(0..300).map(hidden).collect()]);
    script.check("failed pattern_contract: the pattern asked for 300 things at once\nEND Failed");
}

#[test]
fn a_tool_beyond_the_limit_is_refused_and_the_driver_told_to_finish() {
    let few = Limits { tool_calls_max: 1, ..limits() };
    let (mut script, told) = puppet(few, vec![vec![Directive::CallTools(vec![call("a"), call("b")])], vec![]]);
    script.check(
        "call a t {}
         call b t {}
         result b error denied: the session reached its limit of 1 tool calls
         run a",
    );
    heard(
        &told,
        &[
            "start",
            "tool b: error denied: the session reached its limit of 1 tool calls",
            "wrap up: the session reached its limit of 1 tool calls",
        ],
    );
    script.input(done("a", Err(ToolError::TimedOut)));
    heard(&told, &["tool a: error timed out"]);
}

#[test]
fn a_driver_that_does_not_finish_is_ended_by_the_limit() {
    let one = Limits { steps_max: 1, ..limits() };
    let (mut script, told) = puppet(one, vec![vec![hidden(1)], vec![hidden(2)], vec![hidden(3)], vec![hidden(4)]]);
    for ref_id in 1..=3 {
        script.input(asked(ref_id, "x"));
    }
    script.check(
        "step 1\nask 1\nstep 2\nask 2\nstep 3\nask 3
         failed limit_reached: the session reached its limit of 1 steps
         END Failed",
    );
    heard(&told, &["start", "llm 1: x", "wrap up: the session reached its limit of 1 steps", "llm 2: x", "llm 3: x"]);
}

#[test]
fn asks_beyond_the_limit_are_refused_once_with_the_reason() {
    let two = Limits { llm_calls_max: 2, ..limits() };
    let (mut script, told) = puppet(two, vec![vec![hidden(1), hidden(2), hidden(3)], vec![]]);
    script.check("step 1\nask 1\nask 2");
    heard(
        &told,
        &[
            "start",
            "llm 3: error budget exceeded: the session reached its limit of 2 model calls",
            "wrap up: the session reached its limit of 2 model calls",
        ],
    );
}

#[test]
fn the_deadline_and_the_client_end_a_session_at_any_time() {
    let (mut script, _) = puppet(limits(), vec![vec![hidden(1)]]);
    script.forget();
    script.input(Input::DeadlineReached);
    script.check("failed limit_reached: the session reached its limit of 600 s of wall time\nEND Failed");
    let (mut script, _) = puppet(limits(), vec![vec![hidden(1)]]);
    script.forget();
    script.input(Input::Cancel);
    script.check("cancelled\nEND Cancelled");
    for late in
        [Input::Cancel, Input::Start, Input::DeadlineReached, asked(1, "x"), delta(1, Delta::Text("x".to_owned()))]
    {
        script.input(late);
    }
    script.check("");
}

#[test]
fn nothing_but_start_and_cancel_counts_before_the_start() {
    let now = crate::script::clock();
    let driver = Puppet { answers: VecDeque::new(), heard: Heard::default() };
    let mut session = Session::new(crate::spec::Rules::limited(limits()), Box::new(driver));
    assert_eq!(at_once(session.step(asked(1, "x"), now)), []);
    assert_eq!(at_once(session.step(Input::Said(Message::text(Role::User, "x")), now)), []);
    assert_eq!(at_once(session.step(Input::Cancel, now)).last(), Some(&Effect::End(super::Ending::Cancelled)));
}

#[test]
fn a_delegation_is_refused_for_there_are_no_agents() {
    let delegate = Directive::Delegate { ref_id: 1, agent: "expert".to_owned(), messages: Vec::new() };
    let (mut script, told) = puppet(limits(), vec![vec![delegate], vec![finish("alone")]]);
    script.check("answer: alone\nend Stop: alone\nEND Answered");
    heard(&told, &["start", "delegated 1: false"]);
}

#[test]
fn a_driver_that_only_collects_refusals_is_ended() {
    let delegate = || vec![Directive::Delegate { ref_id: 1, agent: "x".to_owned(), messages: Vec::new() }];
    let (mut script, _) = puppet(limits(), (0..20).map(|_| delegate()).collect());
    script.check("failed pattern_contract: the pattern was refused 16 times in a row\nEND Failed");
}

#[test]
fn what_the_user_says_reaches_the_driver() {
    let (mut script, told) = puppet(limits(), vec![vec![hidden(1)]]);
    script.input(Input::Said(Message::text(Role::User, "Hurry")));
    heard(&told, &["start", "user: Hurry"]);
}

#[test]
fn an_error_of_the_model_is_the_drivers_to_judge() {
    let (mut script, _) = puppet(limits(), vec![vec![hidden(1)], vec![finish("anyway")]]);
    script.forget();
    let outcome: Result<Completion, LlmError> = Err(LlmError::TimedOut);
    script.input(Input::Asked { ref_id: 1, outcome, report: CallReport::default() });
    script.check("answer: anyway\nend Stop: anyway\nEND Answered");
}
