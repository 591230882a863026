//! A session taken up again from its journal: the machine is fed what happened before, and the host learns what is still
//! outstanding. Knows nothing of where the journal was kept.
use crate::event::SessionEvent;
use crate::journal::Entry;
use crate::session::{Delegation, Effect, Input, Session};
use magic_types::chat::ToolCall;
use magic_types::directive::{Ask, Delta};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// What a replay came to.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Everything said, in order, without record 0.
    pub events: Vec<SessionEvent>,
    /// Begun and not over, in the order in which it was begun.
    pub open: Vec<Outstanding>,
    /// How long the session had run when its last entry was written.
    pub at: Duration,
    /// The first entry at which the pattern decided otherwise than it did then.
    pub parted_at: Option<usize>,
    /// Which entry each step began with.
    pub steps: Vec<(u32, usize)>,
}

/// Something that a session waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Outstanding {
    Ask(Ask),
    Call(ToolCall),
    Delegate(Delegation),
    /// `begun`: in the session's time.
    Wait {
        ref_id: u32,
        ms: u32,
        begun: Duration,
    },
}

/// Feeds a new session all that happened. Its time begins at `started`.
pub async fn replay(session: &mut Session, journal: &[Entry], started: Instant) -> Replayed {
    let void = voided(journal);
    let mut replay = Replay::default();
    for (index, Entry { at, input, decided }) in journal.iter().enumerate() {
        let now = started.checked_add(*at).unwrap_or(started);
        if !void.contains(&index) {
            replay.over(input);
            let effects = session.step(input.clone(), now).await;
            let begun = effects.iter().filter_map(|effect| match effect {
                Effect::Emit(SessionEvent::StepStarted { step }) => Some((*step, index)),
                _ => None,
            });
            replay.done.steps.extend(begun);
            replay.take(effects, *at);
        }
        replay.done.at = *at;
        // Text pieces are joined: what they led to is named with what comes behind them.
        if !matches!(input, Input::Delta { .. }) || *decided != 0 {
            let same = session.decided() == *decided;
            if !same && replay.done.parted_at.is_none() {
                replay.done.parted_at = Some(index);
            }
        }
    }
    replay.done.open = replay.open.into_iter().flatten().collect();
    replay.done
}

/// Asks of which some text is in the journal, but not their end: they cannot be gone on with as they are.
pub fn half_told(journal: &[Entry], open: &[Outstanding]) -> Vec<u32> {
    let void = voided(journal);
    let told: HashSet<u32> = journal
        .iter()
        .enumerate()
        .filter(|(index, _)| !void.contains(index))
        .filter_map(|(_, entry)| match &entry.input {
            Input::Delta { ref_id, .. } => Some(*ref_id),
            _ => None,
        })
        .collect();
    let asks = open.iter().filter_map(|open| match open {
        Outstanding::Ask(ask) => Some(ask.ref_id),
        Outstanding::Call(_) | Outstanding::Delegate(_) | Outstanding::Wait { .. } => None,
    });
    asks.filter(|ref_id| told.contains(ref_id)).collect()
}

/// The entries that a restart made void: pieces of a reply that was begun anew.
fn voided(journal: &[Entry]) -> HashSet<usize> {
    let mut void = HashSet::new();
    let mut pieces: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, entry) in journal.iter().enumerate() {
        match &entry.input {
            Input::Delta { ref_id, delta: Delta::Text(_) | Delta::Reasoning(_) } => {
                pieces.entry(*ref_id).or_default().push(index);
            }
            Input::Asked { ref_id, .. } => drop(pieces.remove(ref_id)),
            Input::Restarted(ref_id) => void.extend(pieces.remove(ref_id).unwrap_or_default()),
            Input::Start
            | Input::ToolDone(_)
            | Input::Delegated { .. }
            | Input::Approval { .. }
            | Input::TimerFired(_)
            | Input::Said(_)
            | Input::DeadlineReached
            | Input::Cancel => {}
        }
    }
    void
}

#[derive(Default)]
struct Replay {
    done: Replayed,
    /// `None` where it is over.
    open: Vec<Option<Outstanding>>,
}

// === impl Replay ===

impl Replay {
    fn take(&mut self, effects: Vec<Effect>, at: Duration) {
        for effect in effects {
            match effect {
                Effect::Emit(event) => self.done.events.push(event),
                Effect::Ask(ask) => self.open.push(Some(Outstanding::Ask(ask))),
                Effect::CallTools(calls) => {
                    self.open.extend(calls.into_iter().map(|call| Some(Outstanding::Call(call))))
                }
                Effect::Delegate(asked) => self.open.push(Some(Outstanding::Delegate(asked))),
                Effect::Wait { ref_id, ms } => self.open.push(Some(Outstanding::Wait { ref_id, ms, begun: at })),
                Effect::CancelRef(ref_id) => self.close(|open| open.has_ref(ref_id)),
                Effect::End(_) => self.open.clear(),
            }
        }
    }

    fn over(&mut self, input: &Input) {
        match input {
            Input::Asked { ref_id, .. } | Input::Delegated { ref_id, .. } | Input::TimerFired(ref_id) => {
                self.close(|open| open.has_ref(*ref_id));
            }
            Input::ToolDone(result) => {
                self.close(|open| matches!(open, Outstanding::Call(call) if call.id == result.call_id));
            }
            Input::Start
            | Input::Delta { .. }
            | Input::Approval { .. }
            | Input::Said(_)
            | Input::DeadlineReached
            | Input::Restarted(_)
            | Input::Cancel => {}
        }
    }

    fn close(&mut self, is_it: impl Fn(&Outstanding) -> bool) {
        for open in &mut self.open {
            if open.as_ref().is_some_and(&is_it) {
                *open = None;
            }
        }
    }
}

// === impl Outstanding ===

impl Outstanding {
    fn has_ref(&self, wanted: u32) -> bool {
        match self {
            Self::Ask(ask) => ask.ref_id == wanted,
            Self::Delegate(asked) => asked.ref_id == wanted,
            Self::Wait { ref_id, .. } => *ref_id == wanted,
            Self::Call(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
