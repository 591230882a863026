//! What happened to a session, as it is kept for a replay: every input that the machine was given, with the session's own
//! time. Pieces of a reply are joined and wait until something depends on them; the reply itself repeats them.
use crate::event::SessionEvent;
use crate::session::{Effect, Input};
use magic_types::directive::Delta;
use std::time::Duration;

/// One input where it stands in a session's journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Since the session began; the time in which no gateway ran it is not counted.
    pub at: Duration,
    pub input: Input,
    /// Names what the pattern wanted done since the entry before; see [`crate::Session::decided`].
    pub decided: u64,
}

/// Collects the entries of one session.
#[derive(Default)]
pub struct Journal {
    /// Pieces that nothing depends on yet, neighbours of one reply joined.
    pieces: Vec<Entry>,
}

// === impl Journal ===

impl Journal {
    /// Takes an input before the machine does. What it returns is to be given to [`Journal::note`] behind the step.
    pub fn hear(&mut self, input: &Input, at: Duration) -> Option<Input> {
        match input {
            Input::Delta { ref_id, delta } => {
                self.join(*ref_id, delta, at);
                None
            }
            input => Some(input.clone()),
        }
    }

    /// What is to be kept now, after an input had these effects.
    pub fn note(&mut self, heard: Option<Input>, at: Duration, effects: &[Effect], decided: u64) -> Vec<Entry> {
        if heard.is_none() && only_shows(effects) && decided == NOTHING {
            return Vec::new();
        }
        let mut entries = std::mem::take(&mut self.pieces);
        match heard {
            Some(input) => entries.push(Entry { at, input, decided }),
            None => {
                if let Some(last) = entries.last_mut() {
                    last.decided = decided;
                }
            }
        }
        entries
    }

    /// A joined piece has the time of its last part: whatever a later time would have led to did not happen before it.
    fn join(&mut self, ref_id: u32, delta: &Delta, at: Duration) {
        if let Some(Entry { at: last, input: Input::Delta { ref_id: before, delta: joined }, .. }) =
            self.pieces.last_mut()
            && *before == ref_id
            && joined.join(delta)
        {
            *last = at;
            return;
        }
        let input = Input::Delta { ref_id, delta: delta.clone() };
        self.pieces.push(Entry { at, input, decided: NOTHING });
    }
}

/// The name of no wish at all.
pub(crate) const NOTHING: u64 = 0;

/// Whether an input led to nothing but text for the client.
fn only_shows(effects: &[Effect]) -> bool {
    effects.iter().all(|effect| {
        matches!(effect, Effect::Emit(SessionEvent::AgentThoughtStream { .. } | SessionEvent::FinalAnswerStream { .. }))
    })
}

#[cfg(test)]
mod tests;
