//! Which inputs are kept, and when.
use super::Journal;
use crate::event::SessionEvent;
use crate::session::{Effect, Input};
use magic_types::directive::Delta;
use std::time::Duration;

const AT: Duration = Duration::from_secs(1);

fn piece(ref_id: u32, text: &str) -> Input {
    Input::Delta { ref_id, delta: Delta::Text(text.to_owned()) }
}

fn note(journal: &mut Journal, input: &Input, effects: &[Effect], decided: u64) -> Vec<(Input, u64)> {
    let heard = journal.hear(input, AT);
    journal.note(heard, AT, effects, decided).into_iter().map(|entry| (entry.input, entry.decided)).collect()
}

#[test]
fn pieces_are_joined_and_wait_for_what_depends_on_them() {
    let mut journal = Journal::default();
    let shown = [Effect::Emit(SessionEvent::AgentThoughtStream { text: "a".to_owned() })];
    assert_eq!(note(&mut journal, &Input::Start, &[], 5), [(Input::Start, 5)]);
    assert_eq!(note(&mut journal, &piece(1, "a"), &shown, 0), []);
    assert_eq!(note(&mut journal, &piece(1, "b"), &[], 0), []);
    assert_eq!(note(&mut journal, &piece(2, "x"), &[], 0), []);
    let kept = note(&mut journal, &Input::TimerFired(3), &[], 7);
    assert_eq!(kept, [(piece(1, "ab"), 0), (piece(2, "x"), 0), (Input::TimerFired(3), 7)]);
    assert_eq!(note(&mut journal, &Input::TimerFired(4), &[], 8), [(Input::TimerFired(4), 8)]);
}

#[test]
fn a_piece_that_leads_to_more_than_text_is_kept_at_once() {
    let mut journal = Journal::default();
    assert_eq!(note(&mut journal, &piece(1, "a"), &[], 0), []);
    assert_eq!(note(&mut journal, &piece(1, "b"), &[Effect::CancelRef(1)], 9), [(piece(1, "ab"), 9)]);
    assert_eq!(note(&mut journal, &piece(1, "c"), &[], 0), []);
}

#[test]
fn a_piece_has_the_time_at_which_it_came_and_not_that_of_what_followed() {
    let mut journal = Journal::default();
    let seconds = Duration::from_secs;
    for (at, text) in [(1, "a"), (2, "b")] {
        let heard = journal.hear(&piece(1, text), seconds(at));
        assert_eq!(journal.note(heard, seconds(at), &[], 0), []);
    }
    let heard = journal.hear(&Input::DeadlineReached, seconds(9));
    let times: Vec<Duration> = journal.note(heard, seconds(9), &[], 0).iter().map(|entry| entry.at).collect();
    assert_eq!(times, [seconds(2), seconds(9)]);
}
