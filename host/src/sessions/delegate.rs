//! A task that a session hands to another alias: a session of its own where that alias reasons, else one call of its model.
//! The one it hands to has an id made from its own, so that after a crash it is found and not begun twice.
use super::{Job, Order, Sessions, Ties, ask};
use crate::snapshot::Snapshot;
use crate::telemetry::Trace;
use magic_sessions::{Delegation, Input, SessionEvent, Spec, Spent, Tail};
use magic_types::chat::{Completion, CompletionRequest, LlmError, Message, Part, Role};
use magic_types::directive::{Ask, Visibility};
use magic_types::{AliasName, Failure, SessionId, Usage};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Between a session's id and the number of its delegation. No client can choose an id with it.
const OF: char = '~';

/// What one session delegates with.
pub(super) struct Delegating {
    sessions: Arc<Sessions>,
    snapshot: Arc<Snapshot>,
    id: SessionId,
    lineage: Vec<AliasName>,
    asking: Arc<ask::Asking>,
    /// What it delegates ends with the request that it exists for.
    is_bound: bool,
    spared: CancellationToken,
}

// === impl Delegating ===

impl Delegating {
    pub(super) fn new(
        sessions: &Arc<Sessions>,
        snapshot: &Arc<Snapshot>,
        id: &SessionId,
        spec: &Spec,
        asking: &Arc<ask::Asking>,
        is_bound: bool,
        spared: &CancellationToken,
    ) -> Self {
        Self {
            sessions: Arc::clone(sessions),
            snapshot: Arc::clone(snapshot),
            id: id.clone(),
            lineage: spec.lineage.clone(),
            asking: Arc::clone(asking),
            is_bound,
            spared: spared.clone(),
        }
    }

    /// Dropping it cancels what was delegated - but not when the gateway ends: then both go on together later.
    pub(super) async fn run(self: Arc<Self>, asked: Delegation, trace: Trace) -> Input {
        let ref_id = asked.ref_id;
        let mut cost = Cost::default();
        let outcome = self.outcome(asked, &mut cost, trace).await;
        Input::Delegated { ref_id, outcome, usage: cost.usage, spent: cost.spent }
    }

    async fn outcome(&self, asked: Delegation, cost: &mut Cost, trace: Trace) -> Result<Completion, LlmError> {
        let route = self.snapshot.routes.get(asked.agent.as_str()).map(Arc::clone);
        let route = route.ok_or_else(|| LlmError::InvalidRequest(format!("no alias named `{}`", asked.agent)))?;
        let Some(mode) = route.plan.reasoning_mode.clone() else { return self.ask(asked, cost, trace).await };
        let pattern = self.snapshot.components.pattern(&mode);
        let pattern = pattern.ok_or_else(|| LlmError::Unavailable(format!("the pattern `{mode}` is not loaded")))?;
        let child = SessionId::new(format!("{}{OF}{}", self.id, asked.number));
        let job = Job {
            snapshot: Arc::clone(&self.snapshot),
            route,
            pattern,
            order: Order { messages: asked.messages, ..Order::default() },
            ties: Ties {
                parent: Some(self.id.clone()),
                lineage: self.lineage.clone(),
                limits: Some(asked.limits),
                bound: self.is_bound,
                owner: self.asking.owner.clone(),
                trace,
            },
        };
        let guard = match self.sessions.submit(child.clone(), job).await {
            Ok(begun) => Some(begun.cancel_with_parent(&self.spared)),
            // It was begun before the gateway went down, and has been taken up like this one.
            Err(_) if self.is_mine(&child).await => self.sessions.guard_of(&child, &self.spared),
            Err(failure) => return Err(LlmError::Unavailable(failure.public)),
        };
        let tail = self.sessions.tail(&child, 0).await.map_err(unavailable)?;
        let outcome = followed(tail, cost).await;
        drop(guard);
        outcome
    }

    async fn is_mine(&self, child: &SessionId) -> bool {
        let summary = self.sessions.summary(child).await;
        summary.is_ok_and(|summary| summary.session.parent.as_ref() == Some(&self.id))
    }

    /// An alias without a pattern is asked as it is. The call itself was counted when it was granted.
    async fn ask(&self, asked: Delegation, cost: &mut Cost, trace: Trace) -> Result<Completion, LlmError> {
        let request = CompletionRequest { model: Some(asked.agent), messages: asked.messages, ..Default::default() };
        let ask = Ask { ref_id: asked.ref_id, request, show: Visibility::Hidden, stream_to_me: false };
        let completion = Arc::clone(&self.asking).ask_whole(ask, trace).await?;
        cost.usage = completion.usage;
        Ok(completion)
    }
}

/// What a delegated session used, however it ended.
#[derive(Default)]
struct Cost {
    usage: Usage,
    spent: Spent,
}

async fn followed(mut tail: Tail, cost: &mut Cost) -> Result<Completion, LlmError> {
    while let Some(records) = tail.next().await.map_err(|error| LlmError::Unavailable(error.to_string()))? {
        for record in records {
            match record.event {
                SessionEvent::LlmCall { usage, .. } => {
                    cost.usage += usage;
                    cost.spent.llm_calls += 1;
                }
                SessionEvent::AgentToolCallStart { .. } => cost.spent.tool_calls += 1,
                SessionEvent::FinalAnswerStreamEnd { answer, usage, finish_reason, tool_calls, spent, .. } => {
                    *cost = Cost { usage, spent };
                    let mut parts = vec![Part::Text(answer)];
                    parts.extend(tool_calls.into_iter().map(Part::ToolCall));
                    let message = Message { role: Role::Assistant, parts };
                    let served_by = String::new();
                    return Ok(Completion { message, finish: finish_reason, usage, served_by, extra: Vec::new() });
                }
                SessionEvent::SessionFailed { message, .. } => return Err(LlmError::Unavailable(message)),
                SessionEvent::SessionCancelled => return Err(LlmError::Cancelled),
                _ => {}
            }
        }
    }
    Err(LlmError::Unavailable("the delegated session ended without a last word".to_owned()))
}

fn unavailable(failure: Failure) -> LlmError {
    LlmError::Unavailable(failure.public)
}
