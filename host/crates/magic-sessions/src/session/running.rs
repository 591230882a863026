//! What a running session was asked for and what becomes of it: each wish of the pattern is granted, refused or held back
//! here. Calls nobody and knows no driver.
use super::batch::{Batch, End, PATTERN_FAILED, Told};
use super::open::{Open, Work};
use super::{Delegation, Effect};
use crate::budget::{Budget, Grant, Met};
use crate::event::SessionEvent;
use crate::seam::{MIGRATED, RESTARTED};
use crate::spec::Rules;
use magic_types::chat::{LlmError, Message, Part, Role, ToolCall, ToolError, ToolOutput, ToolResult};
use magic_types::directive::{Ask, Directive, Emit, Event, Limits};
use serde_json::{Value, json};
use std::time::Instant;

// Kinds of `Progress` that are the host's own.
const WRAP_UP: &str = "wrap_up";
const DELEGATED: &str = "delegated";
const APPROVAL_WANTED: &str = "approval_wanted";

pub(super) struct Running {
    pub(super) budget: Budget,
    pub(super) open: Open,
    /// What the driver has let the client read of its answer.
    pub(super) streamed: String,
    /// Since the beginning, and of those the ones that are not over.
    delegations: u32,
    pub(super) delegated_open: u32,
}

// === impl Running ===

impl Running {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            budget: Budget::new(limits, now),
            open: Open::new(limits.parallel_max),
            streamed: String::new(),
            delegations: 0,
            delegated_open: 0,
        }
    }

    pub(super) fn apply(
        &mut self,
        directives: Vec<Directive>,
        told: Told,
        rules: &Rules,
        now: Instant,
        batch: &mut Batch,
    ) {
        let mut new_round = true;
        let is_delegation = |directive: &&Directive| matches!(directive, Directive::Delegate { .. });
        let shares = u32::try_from(directives.iter().filter(is_delegation).count()).unwrap_or(u32::MAX);
        for directive in directives {
            match directive {
                Directive::Ask(ask) => new_round = !self.begin_ask(ask, new_round, batch) && new_round,
                Directive::CallTools(calls) => self.begin_calls(calls, rules, batch),
                Directive::Delegate { ref_id, agent, messages } => {
                    let limits = shared(self.budget.left(now), shares + self.delegated_open);
                    let delegation = Delegation { ref_id, number: 0, agent, messages, limits };
                    new_round = !self.begin_delegation(delegation, rules, new_round, batch) && new_round;
                }
                Directive::Emit(emit) => self.emit(emit, batch),
                Directive::Wait { ref_id, ms } => self.begin(Work::Wait { ref_id, ms }, batch),
                Directive::Cancel(ref_id) => {
                    if self.open.cancel(ref_id) {
                        batch.effects.push(Effect::CancelRef(ref_id));
                    }
                }
                Directive::Finish(message) => batch.end = Some(End::Finish { message, cut: told.cut }),
                Directive::Fail(message) => {
                    batch.end = Some(End::Fail { code: told.error.unwrap_or(PATTERN_FAILED), message });
                }
            }
            if batch.end.is_some() {
                return;
            }
        }
    }

    /// True when the ask was granted.
    fn begin_ask(&mut self, ask: Ask, new_round: bool, batch: &mut Batch) -> bool {
        match self.enter_round(new_round, batch) {
            Ok(()) => {
                self.begin(Work::Ask(Box::new(ask)), batch);
                true
            }
            Err(Some(why)) => {
                let outcome = Err(LlmError::BudgetExceeded(why));
                batch.immediate.push(Event::Llm { ref_id: ask.ref_id, outcome });
                false
            }
            Err(None) => false,
        }
    }

    /// True when the delegation was granted.
    fn begin_delegation(&mut self, mut asked: Delegation, rules: &Rules, new_round: bool, batch: &mut Batch) -> bool {
        let ref_id = asked.ref_id;
        let refused = match refusal(&asked, rules) {
            Some(error) => error,
            None => match self.enter_round(new_round, batch) {
                Ok(()) => {
                    self.delegations += 1;
                    self.delegated_open += 1;
                    asked.number = self.delegations;
                    batch.emit(delegated_to(&asked));
                    self.begin(Work::Delegate(Box::new(asked)), batch);
                    return true;
                }
                Err(Some(why)) => LlmError::BudgetExceeded(why),
                Err(None) => return false,
            },
        };
        batch.immediate.push(Event::Delegated { ref_id, outcome: Err(refused) });
        false
    }

    /// # Errors
    /// Why nothing may be asked now; `None`: the session has ended of it.
    fn enter_round(&mut self, new_round: bool, batch: &mut Batch) -> Result<(), Option<String>> {
        match self.budget.ask(new_round) {
            Grant::Granted => {
                if new_round {
                    let step = self.budget.begin_step();
                    batch.emit(SessionEvent::StepStarted { step });
                }
                Ok(())
            }
            Grant::Refused(met) => Err(Some(met.text)),
            Grant::Exhausted(met) => {
                batch.end = Some(End::limit(met.text));
                Err(None)
            }
        }
    }

    fn begin_calls(&mut self, calls: Vec<ToolCall>, rules: &Rules, batch: &mut Batch) {
        let (own, servers): (Vec<ToolCall>, Vec<ToolCall>) =
            calls.into_iter().partition(|call| rules.client_tools.contains(&call.name));
        if !own.is_empty() {
            let parts = own.into_iter().map(Part::ToolCall).collect();
            batch.end = Some(End::Finish { message: Message { role: Role::Assistant, parts }, cut: None });
            return;
        }
        servers.into_iter().for_each(|call| self.begin_call(call, rules, batch));
    }

    fn begin_call(&mut self, call: ToolCall, rules: &Rules, batch: &mut Batch) {
        match self.budget.tool() {
            Grant::Granted if rules.guarded_tools.contains(&call.name) => {
                batch.emit(approval_wanted(&call));
                if let Err(problem) = self.open.hold(call) {
                    batch.end = Some(End::contract(problem));
                }
            }
            Grant::Granted => {
                self.start_call(&call, batch);
                self.begin(Work::Call(call), batch);
            }
            Grant::Refused(met) | Grant::Exhausted(met) => {
                self.start_call(&call, batch);
                let result = ToolResult { call_id: call.id, outcome: Err(ToolError::Denied(met.text)) };
                batch.emit(tool_end(&result));
                batch.immediate.push(Event::Tool(result));
            }
        }
    }

    pub(super) fn start_call(&mut self, call: &ToolCall, batch: &mut Batch) {
        batch.emit(SessionEvent::AgentToolCallStart {
            call_id: call.id.clone(),
            tool_name: call.name.clone(),
            arguments: call.arguments_json.clone(),
        });
    }

    fn begin(&mut self, work: Work, batch: &mut Batch) {
        if let Err(problem) = self.open.begin(work) {
            batch.end = Some(End::contract(problem));
        }
    }

    fn emit(&mut self, emit: Emit, batch: &mut Batch) {
        match emit {
            Emit::Thought(text) => batch.thought(&text),
            Emit::Answer(text) => batch.answer(&text, &mut self.streamed),
            Emit::Observation(text) => batch.emit(SessionEvent::Observation { text }),
            Emit::Progress { kind, payload } => batch.emit(SessionEvent::Progress { kind: own_kind(kind), payload }),
        }
    }
}

pub(super) fn tool_end(result: &ToolResult) -> SessionEvent {
    let (ok, output) = match &result.outcome {
        Ok(ToolOutput { text, .. }) => (true, text.clone()),
        Err(error) => (false, error.to_string()),
    };
    SessionEvent::AgentToolCallEnd { call_id: result.call_id.clone(), ok, output }
}

/// Why a task may not be handed on at all.
fn refusal(asked: &Delegation, rules: &Rules) -> Option<LlmError> {
    let agent = asked.agent.as_str();
    let text = if !rules.agents.contains(agent) {
        format!("no agent named `{agent}`")
    } else if rules.limits.depth_max == 0 {
        format!("`{agent}` cannot be asked: the session is as deep as delegation may go")
    } else if rules.lineage.iter().any(|above| above.as_str() == agent) {
        format!("`{agent}` cannot be asked: it is already at work on this, further up")
    } else {
        return None;
    };
    Some(LlmError::InvalidRequest(text))
}

pub(super) fn told_to_finish(met: &Met) -> SessionEvent {
    progress(WRAP_UP, &json!({ "limit": met.limit.as_str(), "text": met.text }))
}

fn delegated_to(asked: &Delegation) -> SessionEvent {
    progress(DELEGATED, &json!({ "ref": asked.ref_id, "agent": asked.agent }))
}

fn approval_wanted(call: &ToolCall) -> SessionEvent {
    let arguments = serde_json::from_str::<Value>(&call.arguments_json);
    let arguments = arguments.unwrap_or_else(|_| Value::from(call.arguments_json.as_str()));
    progress(APPROVAL_WANTED, &json!({ "call_id": call.id, "tool_name": call.name, "arguments": arguments }))
}

fn progress(kind: &str, payload: &Value) -> SessionEvent {
    SessionEvent::Progress { kind: kind.to_owned(), payload: payload.to_string() }
}

/// What each of so many that run at the same time may spend: together they spend no more than there is.
fn shared(left: Limits, shares: u32) -> Limits {
    let (shares, many) = (shares.max(1), u64::from(shares.max(1)));
    Limits {
        llm_calls_max: left.llm_calls_max / shares,
        tool_calls_max: left.tool_calls_max / shares,
        total_tokens_max: left.total_tokens_max.map(|max| max / many),
        cost_micros_max: left.cost_micros_max.map(|max| max / many),
        ..left
    }
}

/// A pattern cannot speak for the host: kinds of the host's own are set apart.
fn own_kind(kind: String) -> String {
    const HOST: [&str; 5] = [RESTARTED, MIGRATED, WRAP_UP, DELEGATED, APPROVAL_WANTED];
    if HOST.contains(&kind.as_str()) { ["pattern.", &kind].concat() } else { kind }
}
