//! What a session waits for, and what waits for a free place. Decides nothing but the order.
use super::{Delegation, Effect};
use magic_types::chat::ToolCall;
use magic_types::directive::{Ask, Visibility};
use std::collections::{HashMap, HashSet, VecDeque};

/// One thing that a driver wants done and will hear of.
pub(super) enum Work {
    Ask(Box<Ask>),
    Call(ToolCall),
    Delegate(Box<Delegation>),
    Wait { ref_id: u32, ms: u32 },
}

/// How the deltas of one ask are shown.
#[derive(Clone, Copy)]
pub(super) struct OpenAsk {
    pub(super) show: Visibility,
    pub(super) stream_to_me: bool,
}

/// Invariant: everything in `queue` is also in `asks`, `timers` or `calls`, and so is what is `held`; `running` counts the
/// asks and calls that are neither, and never passes `parallel_max`. Timers take no place. A delegation is an ask.
pub(super) struct Open {
    asks: HashMap<u32, OpenAsk>,
    timers: HashSet<u32>,
    calls: HashSet<String>,
    /// Call ids are unique in the session, so that a late result cannot answer another call.
    seen_calls: HashSet<String>,
    queue: VecDeque<Work>,
    /// Calls that wait for a person.
    held: HashMap<String, ToolCall>,
    running: usize,
    parallel_max: usize,
}

/// Far above what any pattern waits for at once.
const OPEN_MAX: usize = 256;

// === impl Open ===

impl Open {
    pub(super) fn new(parallel_max: u32) -> Self {
        Self {
            asks: HashMap::new(),
            timers: HashSet::new(),
            calls: HashSet::new(),
            seen_calls: HashSet::new(),
            queue: VecDeque::new(),
            held: HashMap::new(),
            running: 0,
            parallel_max: usize::try_from(parallel_max).unwrap_or(usize::MAX).max(1),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asks.is_empty() && self.timers.is_empty() && self.calls.is_empty()
    }

    pub(super) fn ask(&self, ref_id: u32) -> Option<OpenAsk> {
        self.asks.get(&ref_id).copied()
    }

    /// Registers the work and queues it; the text is what the pattern did wrong.
    pub(super) fn begin(&mut self, work: Work) -> Result<(), String> {
        if self.asks.len() + self.timers.len() + self.calls.len() >= OPEN_MAX {
            return Err(format!("the pattern has more than {OPEN_MAX} things outstanding"));
        }
        match &work {
            Work::Ask(ask) => {
                self.check_ref(ask.ref_id)?;
                self.asks.insert(ask.ref_id, OpenAsk { show: ask.show, stream_to_me: ask.stream_to_me });
            }
            Work::Delegate(asked) => {
                self.check_ref(asked.ref_id)?;
                self.asks.insert(asked.ref_id, OpenAsk { show: Visibility::Hidden, stream_to_me: false });
            }
            Work::Wait { ref_id, .. } => {
                self.check_ref(*ref_id)?;
                self.timers.insert(*ref_id);
            }
            Work::Call(call) => self.register_call(call)?,
        }
        self.queue.push_back(work);
        Ok(())
    }

    /// Keeps a call back until somebody decides on it.
    pub(super) fn hold(&mut self, call: ToolCall) -> Result<(), String> {
        self.register_call(&call)?;
        self.held.insert(call.id.clone(), call);
        Ok(())
    }

    /// The call that was held back, if it was.
    pub(super) fn judge(&mut self, call_id: &str) -> Option<ToolCall> {
        self.held.remove(call_id)
    }

    /// Queues what was registered before.
    pub(super) fn put_in_queue(&mut self, work: Work) {
        self.queue.push_back(work);
    }

    /// A call that never ran.
    pub(super) fn forget_call(&mut self, call_id: &str) {
        self.calls.remove(call_id);
    }

    /// Hands out what there is place for: timers at once, asks and calls in order while fewer than `parallel_max` run.
    pub(super) fn release(&mut self, effects: &mut Vec<Effect>) {
        let mut calls = Vec::new();
        let mut waiting = VecDeque::new();
        for work in std::mem::take(&mut self.queue) {
            if let Work::Wait { ref_id, ms } = work {
                effects.push(Effect::Wait { ref_id, ms });
                continue;
            }
            if self.running >= self.parallel_max {
                waiting.push_back(work);
                continue;
            }
            self.running += 1;
            match work {
                Work::Ask(ask) => effects.push(Effect::Ask(*ask)),
                Work::Delegate(asked) => effects.push(Effect::Delegate(*asked)),
                Work::Call(call) => calls.push(call),
                Work::Wait { .. } => {}
            }
        }
        self.queue = waiting;
        if !calls.is_empty() {
            effects.push(Effect::CallTools(calls));
        }
    }

    pub(super) fn close_ask(&mut self, ref_id: u32) -> bool {
        let known = self.asks.remove(&ref_id).is_some();
        self.running -= usize::from(known);
        known
    }

    pub(super) fn close_call(&mut self, call_id: &str) -> bool {
        let known = self.calls.remove(call_id);
        self.running -= usize::from(known);
        known
    }

    pub(super) fn close_timer(&mut self, ref_id: u32) -> bool {
        self.timers.remove(&ref_id)
    }

    /// True when the host must be told: a queued ask is simply forgotten.
    pub(super) fn cancel(&mut self, ref_id: u32) -> bool {
        let queued = self.queue.len();
        self.queue.retain(|work| match work {
            Work::Ask(ask) => ask.ref_id != ref_id,
            Work::Delegate(asked) => asked.ref_id != ref_id,
            Work::Wait { ref_id: other, .. } => *other != ref_id,
            Work::Call(_) => true,
        });
        let was_queued = self.queue.len() < queued;
        let was_ask = self.asks.remove(&ref_id).is_some();
        let was_timer = self.timers.remove(&ref_id);
        self.running -= usize::from(was_ask && !was_queued);
        (was_ask || was_timer) && !was_queued
    }

    fn register_call(&mut self, call: &ToolCall) -> Result<(), String> {
        if !self.seen_calls.insert(call.id.clone()) {
            return Err(format!("the pattern used the call id `{}` twice", call.id));
        }
        self.calls.insert(call.id.clone());
        Ok(())
    }

    fn check_ref(&self, ref_id: u32) -> Result<(), String> {
        if self.asks.contains_key(&ref_id) || self.timers.contains(&ref_id) {
            return Err(format!("the pattern used the ref {ref_id} while it was still outstanding"));
        }
        Ok(())
    }
}
