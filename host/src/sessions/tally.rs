//! Sums over all sessions of this process: how they ended, and by which rungs replies were read. Counts only.
use magic_sessions::{Ending, SessionEvent, ladder_words};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(crate) struct Tally(Mutex<Sums>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    /// By protocol and rung; both are closed lists, so the map is small.
    pub(crate) rungs: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
}

// === impl Tally ===

impl Tally {
    pub(super) fn ended(&self, ending: Ending) {
        let mut sums = self.sums();
        match ending {
            Ending::Answered => sums.answered += 1,
            Ending::Failed => sums.failed += 1,
            Ending::Cancelled => sums.cancelled += 1,
        }
    }

    /// Takes in the built-in loop's own sums; every other event is none of its business. A driver component may say the same
    /// words: what is not in our lists is not counted.
    pub(super) fn said(&self, event: &SessionEvent) {
        let SessionEvent::Progress { kind, payload } = event else { return };
        if kind != "ladder" {
            return;
        }
        let Ok(payload) = serde_json::from_str::<Map<String, Value>>(payload) else { return };
        let (Some(Value::String(protocol)), Some(Value::Object(rungs))) =
            (payload.get("protocol"), payload.get("rungs"))
        else {
            return;
        };
        let mut sums = self.sums();
        for (rung, count) in rungs {
            let (Some((protocol, rung)), Some(count)) = (ladder_words(protocol, rung), count.as_u64()) else {
                continue;
            };
            let sum = sums.rungs.entry(protocol).or_default().entry(rung).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    pub(crate) fn get(&self) -> Sums {
        self.sums().clone()
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
