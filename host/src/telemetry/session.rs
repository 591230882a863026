//! A session and what is called in it: spans below the request that began it, one for each step, and the counts of tools and
//! components. A session that goes on after a restart has lost its client's trace and begins one of its own.
use super::metrics::OTHER;
use super::span::Role;
use super::{Span, Telemetry, Trace};
use magic_sessions::SessionEvent;
use magic_types::chat::{ToolCall, ToolError, ToolOutput};
use magic_types::{AliasName, SessionId, Usage};
use std::time::Duration;
use tokio::time::Instant;

/// The spans of one session at work.
pub(crate) struct Session {
    telemetry: Telemetry,
    pattern: String,
    span: Span,
    /// The newest: steps do not overlap.
    step: Span,
}

/// Where components are called from.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    telemetry: Telemetry,
    trace: Trace,
}

/// A call of a tool or a component under way. Dropped without an end, it was cancelled.
pub(crate) struct Timed {
    telemetry: Telemetry,
    span: Span,
    begun: Option<Instant>,
    what: What,
}

enum What {
    Tool { name: String },
    Component { name: String, kind: &'static str },
}

const CANCELLED: &str = "cancelled";
const OK: &str = "ok";

// === impl Telemetry ===
impl Telemetry {
    /// `above`: the request or the step that began it.
    pub(crate) fn session(&self, above: &Trace, id: &SessionId, alias: &AliasName, pattern: &str) -> Session {
        let name = || format!("invoke_agent {pattern}").into();
        let mut span = match (above.is_empty(), self.tracer()) {
            (true, Some(tracer)) => tracer.root(None, Role::Internal, name),
            (true, None) | (false, _) => above.child(Role::Internal, name),
        };
        span.note(|record| {
            record.text("gen_ai.operation.name", "invoke_agent");
            record.text("gen_ai.agent.name", pattern.to_owned());
            record.text("gen_ai.conversation.id", id.to_string());
            record.text("magic.alias", alias.to_string());
        });
        Session { telemetry: self.clone(), pattern: pattern.to_owned(), span, step: Span::default() }
    }
}

// === impl Session ===
impl Session {
    /// Where what is called now belongs: the step, or the session before its first.
    pub(crate) fn trace(&self) -> &Trace {
        if self.step.trace().is_empty() { self.span.trace() } else { self.step.trace() }
    }

    /// Of the session as a whole.
    pub(crate) fn whole(&self) -> &Trace {
        self.span.trace()
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch { telemetry: self.telemetry.clone(), trace: self.whole().clone() }
    }

    /// For what is called in the step.
    pub(crate) fn watch_step(&self) -> Watch {
        Watch { telemetry: self.telemetry.clone(), trace: self.trace().clone() }
    }

    pub(crate) fn said(&mut self, event: &SessionEvent) {
        let SessionEvent::StepStarted { step } = event else { return };
        // The one before ends here.
        self.step = self.span.trace().child(Role::Internal, || format!("step {step}").into());
        self.step.note(|record| record.integer("magic.session.step", u64::from(*step)));
    }

    pub(crate) fn ended(&mut self, alias: &AliasName, outcome: &'static str, usage: &Usage, took: Duration) {
        if let Some(metrics) = self.telemetry.metrics() {
            metrics.session(alias.as_str(), &self.pattern, outcome, took);
        }
        self.step = Span::default();
        self.span.note(|record| {
            record.text("magic.outcome", outcome);
            record.integer("gen_ai.usage.input_tokens", usage.input_tokens);
            record.integer("gen_ai.usage.output_tokens", usage.output_tokens);
            if outcome == "failed" {
                record.fail(outcome);
            }
        });
    }
}

// === impl Watch ===
impl Watch {
    /// `is_known`: a component bears it. Else a model made up its name, and that is nobody's label.
    pub(crate) fn tool(&self, call: &ToolCall, is_known: bool) -> Timed {
        let name = if is_known { call.name.as_str() } else { OTHER };
        let mut span = self.trace.child(Role::Internal, || format!("execute_tool {name}").into());
        span.note(|record| {
            record.text("gen_ai.operation.name", "execute_tool");
            record.text("gen_ai.tool.name", name.to_owned());
            record.text("gen_ai.tool.call.id", call.id.clone());
            record.text("gen_ai.tool.type", "function");
        });
        if let Some(content) = self.telemetry.content() {
            span.note(|record| record.text("gen_ai.tool.call.arguments", content.cut(&call.arguments_json)));
        }
        self.timed(span, || What::Tool { name: name.to_owned() })
    }

    /// `kind`: the component's.
    pub(crate) fn component(&self, name: &str, kind: &'static str) -> Timed {
        let mut span = self.trace.child(Role::Internal, || format!("component {name}").into());
        span.note(|record| {
            record.text("magic.component", name.to_owned());
            record.text("magic.component.kind", kind);
        });
        self.timed(span, || What::Component { name: name.to_owned(), kind })
    }

    fn timed(&self, span: Span, what: impl FnOnce() -> What) -> Timed {
        let begun = self.telemetry.is_on().then(Instant::now);
        // Nobody reads the names where nothing is on.
        let what = if begun.is_some() { what() } else { What::Tool { name: String::new() } };
        Timed { telemetry: self.telemetry.clone(), span, begun, what }
    }
}

// === impl Timed ===
impl Timed {
    /// For what is called on the way.
    pub(crate) fn watch(&self) -> Watch {
        Watch { telemetry: self.telemetry.clone(), trace: self.span.trace().clone() }
    }

    /// A tool's result, where it is wanted.
    pub(crate) fn note_result(&mut self, outcome: &Result<ToolOutput, ToolError>) {
        if let (Some(content), Ok(output)) = (self.telemetry.content(), outcome) {
            self.span.note(|record| record.text("gen_ai.tool.call.result", content.cut(&output.text)));
        }
    }

    pub(crate) fn ended<T>(&mut self, outcome: &Result<T, ToolError>) {
        self.end(match outcome {
            Ok(_) => OK,
            Err(error) => tool_error(error),
        });
    }

    pub(crate) fn end(&mut self, outcome: &'static str) {
        let Some(begun) = self.begun.take() else { return };
        if outcome != OK {
            self.span.failed(outcome);
        }
        let Some(metrics) = self.telemetry.metrics() else { return };
        match &self.what {
            What::Tool { name } => metrics.tool(name, outcome, begun.elapsed()),
            What::Component { name, kind } => metrics.component(name, kind, outcome, begun.elapsed()),
        }
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        self.end(CANCELLED);
    }
}

fn tool_error(error: &ToolError) -> &'static str {
    match error {
        ToolError::NotFound => "not_found",
        ToolError::InvalidArguments(_) => "invalid_arguments",
        ToolError::Denied(_) => "denied",
        ToolError::Failed(_) => "failed",
        ToolError::Busy(_) => "busy",
        ToolError::TimedOut => "timed_out",
        ToolError::OutcomeUnknown => "outcome_unknown",
    }
}
