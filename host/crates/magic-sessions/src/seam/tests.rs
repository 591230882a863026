//! What is on the log, what the replay says, what the new reply says: and what is still to be written.
use super::{RESTARTED, Seam, without_void};
use crate::event::{Record, SessionEvent};
use std::time::SystemTime;

fn thought(text: &str) -> SessionEvent {
    SessionEvent::AgentThoughtStream { text: text.to_owned() }
}

fn answer(text: &str) -> SessionEvent {
    SessionEvent::FinalAnswerStream { text: text.to_owned() }
}

fn step(step: u32) -> SessionEvent {
    SessionEvent::StepStarted { step }
}

fn void(from: u64) -> SessionEvent {
    SessionEvent::Progress { kind: RESTARTED.to_owned(), payload: format!("{{\"void_from\":{from}}}") }
}

/// Behind record 0.
fn log(events: &[SessionEvent]) -> Vec<Record> {
    let record = |(seq, event): (u64, &SessionEvent)| Record { seq, at: SystemTime::UNIX_EPOCH, event: event.clone() };
    (1..).zip(events).map(record).collect()
}

#[track_caller]
fn check(logged: &[SessionEvent], replayed: &[SessionEvent], new: &[SessionEvent], written: &[SessionEvent]) {
    let (mut seam, mut out) = Seam::new(&log(logged), replayed);
    for event in new {
        seam.pass(event.clone(), &mut out);
    }
    assert_eq!(out, written);
}

#[test]
fn a_reply_that_goes_on_as_before_is_not_said_twice() {
    let logged = [step(1), thought("I a"), thought("dd 2")];
    check(
        &logged,
        &[step(1)],
        &[thought("I "), thought("add"), thought(" 2 and 2"), step(2)],
        &[thought(" and 2"), step(2)],
    );
    check(&logged, &[step(1)], &[thought("I add 2"), answer("4")], &[answer("4")]);
    let both = [step(1), thought("a"), answer("b")];
    check(&both, &[step(1)], &[thought("a"), answer("bc")], &[answer("c")]);
}

#[test]
fn a_reply_that_turns_out_otherwise_makes_void_what_was_said_of_the_old_one() {
    let logged = [step(1), thought("I a"), thought("dd 2")];
    let new = [thought("I "), thought("subtract"), step(2)];
    check(&logged, &[step(1)], &new, &[void(2), thought("I "), thought("subtract"), step(2)]);
    check(&logged, &[step(1)], &[thought("I add"), step(2)], &[void(2), thought("I add"), step(2)]);
    check(&logged, &[step(1)], &[answer("4")], &[void(2), answer("4")]);
}

#[test]
fn text_that_the_replay_says_too_is_not_missing() {
    let logged = [step(1), thought("by the pattern"), thought("by the mod")];
    check(&logged, &[step(1), thought("by the "), thought("pattern")], &[thought("by the model")], &[thought("el")]);
}

#[test]
fn what_the_replay_says_and_the_log_lacks_is_written_first() {
    check(&[], &[step(1)], &[thought("a")], &[step(1), thought("a")]);
    check(&[step(1), thought("a")], &[step(1), thought("ab"), step(2)], &[], &[thought("b"), step(2)]);
}

#[test]
fn a_log_that_is_no_beginning_of_the_replay_is_left_as_it_is() {
    check(&[step(1), step(7)], &[step(1), step(2), step(3)], &[thought("a")], &[thought("a")]);
}

#[test]
fn a_part_of_a_reply_that_is_void_though_something_followed_it_is_said_to_be() {
    let call = SessionEvent::Observation { text: "of another ask".to_owned() };
    let logged = [step(1), thought("half a rep"), call.clone()];
    check(&logged, &[step(1), call], &[thought("another reply")], &[void(2), thought("another reply")]);
}

#[test]
fn a_second_restart_counts_only_what_is_not_void() {
    let logged = [step(1), thought("old"), void(2), thought("ne")];
    check(&logged, &[step(1)], &[thought("new")], &[thought("w")]);
    check(&logged, &[step(1)], &[thought("else")], &[void(4), thought("else")]);
}

#[test]
fn a_reader_sees_neither_void_text_nor_the_word_for_it() {
    let records = log(&[step(1), thought("old"), answer("old"), void(2), thought("new")]);
    let kept: Vec<&SessionEvent> = without_void(&records).into_iter().map(|record| &record.event).collect();
    assert_eq!(kept, [&step(1), &thought("new")]);
}
