//! From what the model wants called to what came of it: names, ids, whose tool it is, and the results in order. Runs no tool.
use super::rungs::Rung;
use super::scratchpad::Turn;
use super::{Declarative, State};
use crate::action;
use crate::prompt::Protocol;
use magic_types::chat::{Message, Part, Role, ToolCall, ToolError, ToolResult};
use magic_types::directive::{Directive, Emit};

/// A tool call that runs, and what came of it.
pub(super) struct Pending {
    call: ToolCall,
    result: Option<ToolResult>,
}

// === impl Declarative ===

impl Declarative {
    pub(super) fn act(&mut self, rung: Rung, turn: Turn, calls: Vec<action::Call>, out: &mut Vec<Directive>) {
        let unknown = calls.iter().find(|call| !self.knows(&call.name));
        if let Some(call) = unknown {
            let problem = self.unknown_tool(&call.name);
            return self.repair(&turn, &problem, out);
        }
        self.usable(rung);
        let calls = calls.into_iter().map(|call| self.numbered(call)).collect();
        self.call(&turn, calls, out);
    }

    /// Every call of a vendor's own form wants a result, also one of a tool that does not exist.
    pub(super) fn act_natively(&mut self, turn: Turn, calls: Vec<action::Call>, out: &mut Vec<Directive>) {
        let problems: Vec<String> =
            calls.iter().filter(|call| !self.knows(&call.name)).map(|call| self.unknown_tool(&call.name)).collect();
        if problems.is_empty() || self.protocol != Protocol::Native {
            return self.act(Rung::Native, turn, calls, out);
        }
        let calls: Vec<ToolCall> = calls.into_iter().map(|call| self.numbered(call)).collect();
        self.scratchpad.model_called(&turn, &calls);
        let problem = problems.join(" ");
        for call in &calls {
            let result = ToolResult { call_id: call.id.clone(), outcome: Err(ToolError::Failed(problem.clone())) };
            let shown = self.scratchpad.observe(call, calls.len() > 1, &result);
            out.push(Directive::Emit(Emit::Observation(shown)));
        }
        self.count_repair();
        self.ask(out);
    }

    fn call(&mut self, turn: &Turn, calls: Vec<ToolCall>, out: &mut Vec<Directive>) {
        let (own, servers): (Vec<ToolCall>, Vec<ToolCall>) = calls.into_iter().partition(|call| self.is_clients(call));
        if !own.is_empty() {
            let parts = own.into_iter().map(Part::ToolCall).collect();
            return self.finish(Message { role: Role::Assistant, parts }, out);
        }
        self.scratchpad.model_called(turn, &servers);
        self.state = State::Calling(servers.iter().map(|call| Pending { call: call.clone(), result: None }).collect());
        out.push(Directive::CallTools(servers));
    }

    pub(super) fn tool(&mut self, result: &ToolResult, out: &mut Vec<Directive>) {
        let State::Calling(pending) = &mut self.state else { return };
        if let Some(pending) = pending.iter_mut().find(|pending| pending.call.id == result.call_id) {
            pending.result = Some(result.clone());
        }
        if pending.iter().any(|pending| pending.result.is_none()) {
            return;
        }
        let done = std::mem::take(pending);
        let several = done.len() > 1;
        let results = done.into_iter().filter_map(|pending| Some((pending.call, pending.result?)));
        let mut mendable = true;
        for (call, result) in results {
            mendable &= matches!(result.outcome, Err(ToolError::InvalidArguments(_) | ToolError::NotFound));
            let shown = self.scratchpad.observe(&call, several, &result);
            out.push(Directive::Emit(Emit::Observation(shown)));
        }
        if mendable {
            self.count_repair();
        } else {
            self.repairs = 0;
        }
        self.ask(out);
    }

    /// Letters and digits, nine of them, where a vendor reads it: one of them takes no other.
    fn numbered(&mut self, call: action::Call) -> ToolCall {
        let id = loop {
            self.calls = self.calls.saturating_add(1);
            let id = match self.protocol {
                Protocol::Native => format!("call{:05}", self.calls),
                Protocol::Tags | Protocol::JsonSchema | Protocol::Grammar => format!("call_{}", self.calls),
            };
            if !self.taken.contains(&id) {
                break id;
            }
        };
        ToolCall { id, name: call.name, arguments_json: call.arguments_json }
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }

    fn is_clients(&self, call: &ToolCall) -> bool {
        self.tools.iter().take(self.client_tools).any(|tool| tool.name == call.name)
    }

    fn unknown_tool(&self, name: &str) -> String {
        let known: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        if known.is_empty() {
            return format!("There is no tool \"{name}\", and no other tool either. Answer without tools.");
        }
        format!("There is no tool \"{name}\". The tools are: {}.", known.join(", "))
    }
}
