//! Drivers and a world that do as they please, from a seed: every session ends, within bounds, and nothing follows.
use super::*;
use crate::declarative::{Declarative, Program};
use crate::script::{clock, question};
use std::time::Duration;

/// SplitMix64: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// Wants anything, and finishes only now and then.
struct Wild(Dice, u32);

impl Driver for Wild {
    fn next<'a>(&'a mut self, _events: &'a [Event], _spent: &'a Usage) -> Next<'a> {
        let Self(dice, last) = self;
        let mut directives = Vec::new();
        for _ in 0..dice.roll(4) {
            *last += 1;
            directives.push(match dice.roll(12) {
                0 => finish("done"),
                1 => Directive::Fail("gave up".to_owned()),
                2 | 3 => Directive::CallTools(vec![call(&format!("c{last}")), call(&format!("d{last}"))]),
                4 => Directive::Wait { ref_id: *last, ms: 5 },
                5 => Directive::Cancel(last.saturating_sub(2)),
                6 => Directive::Emit(Emit::Answer("a".to_owned())),
                7 => Directive::Delegate { ref_id: *last, agent: "x".to_owned(), messages: Vec::new() },
                8 => ask(*last, Visibility::Thought),
                _ => hidden(*last),
            });
        }
        Next::Ready(Ok(directives))
    }
}

const REPLIES: &[&str] = &[
    "<THOUGHT>x</THOUGHT>",
    "<ACTION>{\"name\":\"clock\"}</ACTION>",
    "<ACTION>[{\"name\":\"clock\"},{\"name\":\"calculator\",\"args\":{}}]",
    "<ACTION>{</ACTION>",
    "<ACTION></ACTION>",
    "<FINAL_ANSWER></FINAL_ANSWER>",
    "<FINAL_ANSWER>4</FINAL_ANSWER>",
    "just words",
    "",
];

fn reply(dice: &mut Dice, ref_id: u32) -> Input {
    let pick = usize::try_from(dice.roll(REPLIES.len() as u64)).unwrap();
    match dice.roll(15) {
        0 => Input::Asked { ref_id, outcome: Err(LlmError::TimedOut), report: CallReport::default() },
        _ => asked(ref_id, REPLIES[pick]),
    }
}

/// Runs a session to its end; what the host still has to do is done in any order.
fn run(seed: u64, driver: Box<dyn Driver>) -> Vec<Effect> {
    let mut dice = Dice(seed ^ 0xabcd);
    let small = Limits { steps_max: 6, llm_calls_max: 9, tool_calls_max: 5, parallel_max: 2, ..limits() };
    let mut session = Session::new(crate::spec::Rules::limited(small), driver);
    let mut now = clock();
    let mut todo = vec![Input::Start];
    let mut all = Vec::new();
    for turn in 0_u64.. {
        assert!(turn < 1_000, "seed {seed}: the session does not end");
        let nothing = todo.is_empty();
        let input = match dice.roll(60) {
            0 => Input::Cancel,
            1 => Input::Said(Message::text(Role::User, "hm")),
            2 => done("nobody", Ok("x")),
            _ if nothing => Input::DeadlineReached,
            _ => todo.swap_remove(usize::try_from(dice.roll(todo.len() as u64)).unwrap()),
        };
        now += Duration::from_secs(dice.roll(3));
        let effects = at_once(session.step(input, now));
        assert!(effects.len() < 600, "seed {seed}: {} effects of one input", effects.len());
        for effect in &effects {
            match effect {
                Effect::Delegate(_) => panic!("seed {seed}: there are no agents"),
                Effect::Ask(ask) => {
                    todo.push(delta(ask.ref_id, Delta::Text("<THO".to_owned())));
                    todo.push(reply(&mut dice, ask.ref_id));
                }
                Effect::CallTools(calls) => todo.extend(calls.iter().map(|call| match dice.roll(4) {
                    0 => done(&call.id, Err(ToolError::InvalidArguments("no".to_owned()))),
                    _ => done(&call.id, Ok("fine")),
                })),
                Effect::Wait { ref_id, .. } => todo.push(Input::TimerFired(*ref_id)),
                Effect::Emit(_) | Effect::CancelRef(_) | Effect::End(_) => {}
            }
        }
        all.extend(effects);
        if session.has_ended() {
            for late in todo {
                assert_eq!(at_once(session.step(late, now)), [], "seed {seed}: something follows the end");
            }
            return all;
        }
    }
    all
}

fn check(seed: u64, effects: &[Effect]) {
    let ends = effects.iter().filter(|effect| matches!(effect, Effect::End(_))).count();
    assert!(ends == 1 && matches!(effects.last(), Some(Effect::End(_))), "seed {seed}: one end, and it is last");
    let events: Vec<&SessionEvent> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Emit(event) => Some(event),
            _ => None,
        })
        .collect();
    let public_ends = events.iter().filter(|event| event.is_end()).count();
    assert!(public_ends == 1 && events.last().is_some_and(|event| event.is_end()), "seed {seed}: one public end");
    let asks = effects.iter().filter(|effect| matches!(effect, Effect::Ask(_))).count();
    assert!(asks <= 11, "seed {seed}: {asks} asks where 9 and 2 are allowed");
    let run: usize = effects
        .iter()
        .map(|effect| match effect {
            Effect::CallTools(calls) => calls.len(),
            _ => 0,
        })
        .sum();
    assert!(run <= 5, "seed {seed}: {run} tool calls where 5 are allowed");
    let streamed: String = events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::FinalAnswerStream { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if let Some(SessionEvent::FinalAnswerStreamEnd { answer, .. }) = events.last() {
        let honest = streamed == *answer || !answer.starts_with(streamed.as_str());
        assert!(honest, "seed {seed}: streamed {streamed:?}, answered {answer:?}");
    }
}

#[test]
fn every_session_of_a_wild_driver_ends_within_its_bounds() {
    for seed in 0..2_000 {
        check(seed, &run(seed, Box::new(Wild(Dice(seed), 0))));
    }
}

#[test]
fn every_session_of_the_loop_ends_within_its_bounds() {
    let mut answered = 0;
    for seed in 0..2_000 {
        let ctx = question();
        let small = Limits { steps_max: 6, ..ctx.limits };
        let driver =
            Declarative::new(Program::default(), magic_types::directive::SessionContext { limits: small, ..ctx });
        let effects = run(seed, Box::new(driver));
        check(seed, &effects);
        answered += usize::from(effects.last() == Some(&Effect::End(super::super::Ending::Answered)));
    }
    assert!(answered > 500, "only {answered} of 2000 answered: the simulation tests little");
}
