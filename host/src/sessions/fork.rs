//! A new session that begins as an old one did, up to one of its steps, and goes on from there: with another alias as it is, with
//! another pattern or other options from what was thought and found out until then.
use super::{Begun, Job, Order, Sessions, refusal, resume};
use crate::telemetry::Watch;
use magic_sessions::{Entry, Guide, SessionEvent, Spec};
use magic_types::chat::{Message, Role};
use magic_types::{Failure, Kind, SessionId};
use std::sync::Arc;

/// What is to be forked.
pub(crate) struct Fork {
    pub(crate) from: SessionId,
    /// The first step that is done anew, from 1.
    pub(crate) step: u32,
    pub(crate) id: SessionId,
    /// The client said other options.
    pub(crate) options: Option<String>,
}

impl Sessions {
    /// # Errors
    /// `NotFound` for a session that is not there, `InvalidRequest` for a step that it never came to.
    pub(crate) async fn fork(self: &Arc<Self>, fork: Fork, mut job: Job) -> Result<Begun, Failure> {
        let old = self.backing.spec(&fork.from).await.map_err(|error| refusal(&error))?;
        let journal = self.backing.journal(&fork.from).await.map_err(|error| refusal(&error))?;
        let summary = self.summary(&fork.from).await?;
        let is_same = summary.session.pattern == job.pattern.name && fork.options.is_none();
        job.order = order_of(&old);
        // Another pattern has options of its own; the same one with the old ones goes on by the old spec.
        job.order.options = fork.options.clone();
        if is_same {
            let mut spec = old.as_ref().clone();
            spec.context.session_id = fork.id.to_string();
            // With the new spec: a pattern may put the session's id into its prompts.
            let (entries, events) = self.until(&fork, &spec, &journal, &job).await?;
            return self.submit_with(fork.id, job, Arc::new(spec), events, entries).await;
        }
        let records = resume::records(self, &fork.from).await.map_err(|error| refusal(&error))?;
        job.order.messages.extend(thought_so_far(&records, fork.step));
        self.submit(fork.id, job).await
    }

    /// The journal up to the beginning of the step, and what is said by it.
    async fn until(
        &self,
        fork: &Fork,
        spec: &Spec,
        journal: &[Entry],
        job: &Job,
    ) -> Result<(Vec<Entry>, Vec<SessionEvent>), Failure> {
        let pattern = match &spec.guide {
            Guide::Loop(_) => None,
            Guide::Component { .. } => Some(&job.pattern),
        };
        let (_, whole, _) = resume::replayed(spec, pattern, journal, &Watch::default()).await;
        if let Some((_, index)) = whole.steps.iter().find(|(step, _)| *step == fork.step) {
            let entries = journal.get(..=*index).unwrap_or_default();
            let (_, replayed, _) = resume::replayed(spec, pattern, entries, &Watch::default()).await;
            if replayed.parted_at.is_some() {
                let text = format!(
                    "`{}` decides otherwise now than session `{}` did: fork it with another pattern",
                    job.pattern.name, fork.from
                );
                return Err(Failure::new(Kind::InvalidRequest, text));
            }
            return Ok((entries.to_vec(), replayed.events));
        }
        let text = format!("session `{}` never came to step {}", fork.from, fork.step);
        Err(Failure::new(Kind::InvalidRequest, text))
    }
}

fn order_of(spec: &Spec) -> Order {
    let own = |name: &String| spec.client_tools.contains(name);
    let mut order = Order { messages: spec.context.messages.clone(), ..Order::default() };
    match &spec.guide {
        Guide::Loop(program) => {
            order.client_tools = program.client_tools.clone();
            order.client_instruction = program.policy.client_instruction.clone();
            order.client_manifests = program.policy.client_manifests.clone();
            order.generation = program.generation;
        }
        Guide::Component { generation, .. } => {
            order.client_tools = spec.context.tools.iter().filter(|tool| own(&tool.name)).cloned().collect();
            order.generation = *generation;
        }
    }
    order
}

/// What a new pattern is told of the work before the step.
fn thought_so_far(records: &[magic_sessions::Record], step: u32) -> Option<Message> {
    let mut text = String::new();
    for record in magic_sessions::without_void(records) {
        match &record.event {
            SessionEvent::StepStarted { step: begun } if *begun >= step => break,
            SessionEvent::AgentThoughtStream { text: thought } => text.push_str(thought),
            SessionEvent::Observation { text: seen } => {
                text.push_str("\n[found out: ");
                text.push_str(seen);
                text.push_str("]\n");
            }
            _ => {}
        }
    }
    (!text.trim().is_empty()).then(|| Message::text(Role::Assistant, text.trim()))
}
