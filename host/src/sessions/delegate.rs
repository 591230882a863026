//! A task that a session hands to another alias: a session of its own where that alias reasons, else one call of its model.
//! The one it hands to has an id made from its own, so that after a crash it is found and not begun twice.
use super::{Job, Order, Sessions, Ties, ask};
use crate::snapshot::Snapshot;
use magic_sessions::{Delegation, Input, SessionEvent, Spec, Spent, Tail};
use magic_types::chat::{Completion, CompletionRequest, LlmError, Message, Part, Role};
use magic_types::directive::{Ask, Visibility};
use magic_types::{AliasName, Failure, SessionId};
use std::sync::Arc;

/// What one session delegates with.
pub(super) struct Delegating {
    sessions: Arc<Sessions>,
    snapshot: Arc<Snapshot>,
    id: SessionId,
    lineage: Vec<AliasName>,
    asking: Arc<ask::Asking>,
}

// === impl Delegating ===

impl Delegating {
    pub(super) fn new(
        sessions: &Arc<Sessions>,
        snapshot: &Arc<Snapshot>,
        id: &SessionId,
        spec: &Spec,
        asking: &Arc<ask::Asking>,
    ) -> Self {
        let mut lineage = spec.lineage.clone();
        lineage.push(asking.route.plan.alias.clone());
        Self {
            sessions: Arc::clone(sessions),
            snapshot: Arc::clone(snapshot),
            id: id.clone(),
            lineage,
            asking: Arc::clone(asking),
        }
    }

    /// Dropping it cancels what was delegated - but not when the gateway ends: then both go on together later.
    pub(super) async fn run(self: Arc<Self>, asked: Delegation) -> Input {
        let ref_id = asked.ref_id;
        let (outcome, spent) = match self.outcome(asked).await {
            Ok((completion, spent)) => (Ok(completion), spent),
            Err(error) => (Err(error), Spent::default()),
        };
        Input::Delegated { ref_id, outcome, spent }
    }

    async fn outcome(&self, asked: Delegation) -> Result<(Completion, Spent), LlmError> {
        let route = self.snapshot.routes.get(asked.agent.as_str()).map(Arc::clone);
        let route = route.ok_or_else(|| LlmError::InvalidRequest(format!("no alias named `{}`", asked.agent)))?;
        let Some(mode) = route.plan.reasoning_mode.clone() else { return self.ask(asked).await };
        let pattern = self.snapshot.components.pattern(&mode);
        let pattern = pattern.ok_or_else(|| LlmError::Unavailable(format!("the pattern `{mode}` is not loaded")))?;
        let child = SessionId::new(format!("{}.{}", self.id, asked.ref_id));
        let job = Job {
            snapshot: Arc::clone(&self.snapshot),
            route,
            pattern,
            order: Order { messages: asked.messages, ..Order::default() },
            ties: Ties {
                parent: Some(self.id.clone()),
                lineage: self.lineage.clone(),
                limits: Some(asked.limits),
                ..Ties::default()
            },
        };
        let guard = match self.sessions.submit(child.clone(), job).await {
            Ok(begun) => Some(begun.cancel_with_parent()),
            // It was begun before the gateway went down, and has been taken up like this one.
            Err(_) if self.sessions.summary(&child).await.is_ok() => None,
            Err(failure) => return Err(LlmError::Unavailable(failure.public)),
        };
        let tail = self.sessions.tail(&child, 0).await.map_err(unavailable)?;
        let outcome = followed(tail).await;
        drop(guard);
        outcome
    }

    /// An alias without a pattern is asked as it is.
    async fn ask(&self, asked: Delegation) -> Result<(Completion, Spent), LlmError> {
        let request = CompletionRequest { model: Some(asked.agent), messages: asked.messages, ..Default::default() };
        let ask = Ask { ref_id: asked.ref_id, request, show: Visibility::Hidden, stream_to_me: false };
        let outcome = Arc::clone(&self.asking).ask_whole(ask).await?;
        // The call itself was counted when it was granted.
        Ok((outcome, Spent::default()))
    }
}

async fn followed(mut tail: Tail) -> Result<(Completion, Spent), LlmError> {
    while let Some(records) = tail.next().await.map_err(|error| LlmError::Unavailable(error.to_string()))? {
        for record in records {
            match record.event {
                SessionEvent::FinalAnswerStreamEnd { answer, usage, finish_reason, tool_calls, spent, .. } => {
                    let mut parts = vec![Part::Text(answer)];
                    parts.extend(tool_calls.into_iter().map(Part::ToolCall));
                    let message = Message { role: Role::Assistant, parts };
                    let served_by = String::new();
                    return Ok((
                        Completion { message, finish: finish_reason, usage, served_by, extra: Vec::new() },
                        spent,
                    ));
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
