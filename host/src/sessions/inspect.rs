//! Looks at sessions from outside: whether a log can be had again from what happened, and where two sessions part. Asks no
//! model and changes nothing.
use super::{Sessions, refusal, resume};
use crate::snapshot::Snapshot;
use crate::telemetry::Watch;
use magic_plugins::Component;
use magic_sessions::{Guide, Record, Replayed, Seam, SessionEvent, Summary, without_void};
use magic_types::{Failure, Kind, SessionId};
use std::sync::Arc;

/// What a replay came to.
pub(crate) struct Checked {
    pub(crate) entries: usize,
    pub(crate) events: usize,
    /// The first entry at which the pattern decides otherwise now.
    pub(crate) parted_at: Option<usize>,
    /// The log holds exactly what the replay says; of a session that runs, as far as that is written down.
    pub(crate) same_events: bool,
}

impl Checked {
    /// It decides and says the same.
    pub(crate) fn agrees(&self) -> bool {
        self.parted_at.is_none() && self.same_events
    }
}

/// One step of two sessions.
pub(crate) struct Differs {
    pub(crate) step: u32,
    pub(crate) one: Vec<String>,
    pub(crate) other: Vec<String>,
}

impl Sessions {
    /// Runs the session again from its journal, without any model, and compares.
    ///
    /// # Errors
    /// `NotFound` for a session, or a component of its digest, that is not there.
    pub(crate) async fn check(&self, snapshot: &Snapshot, id: &SessionId) -> Result<Checked, Failure> {
        let spec = self.backing.spec(id).await.map_err(|error| refusal(&error))?;
        let journal = self.backing.journal(id).await.map_err(|error| refusal(&error))?;
        let records = resume::records(self, id).await.map_err(|error| refusal(&error))?;
        let summary = self.summary(id).await?;
        let versions = match &spec.guide {
            Guide::Loop(_) => vec![None],
            Guide::Component { .. } => self.versions_of(snapshot, &summary).await?.into_iter().map(Some).collect(),
        };
        let mut best: Option<Replayed> = None;
        for version in &versions {
            let (_, replayed, _) = resume::replayed(&spec, version.as_ref(), &journal, &Watch::default()).await;
            if best.as_ref().is_none_or(|best| best.parted_at.is_some()) {
                best = Some(replayed);
            }
        }
        let replayed = best.unwrap_or_default();
        let behind_first = records.get(1..).unwrap_or_default();
        Ok(Checked {
            entries: journal.len(),
            events: replayed.events.len(),
            parted_at: replayed.parted_at,
            same_events: is_same(behind_first, &replayed.events),
        })
    }

    /// The version that a session began on, where it is still to be had, and the one of now, to which it may have moved.
    async fn versions_of(&self, snapshot: &Snapshot, summary: &Summary) -> Result<Vec<Arc<Component>>, Failure> {
        let name = &summary.session.pattern;
        let now = snapshot.components.pattern(name);
        let other = summary.session.digest.filter(|digest| now.as_ref().is_none_or(|now| now.digest != *digest));
        let kept = match other {
            Some(digest) => self.archive.find(&digest).await,
            None => None,
        };
        let found: Vec<Arc<Component>> = kept.into_iter().chain(now).collect();
        match found.is_empty() {
            true => Err(Failure::new(Kind::NotFound, format!("the pattern `{name}` is not loaded"))),
            false => Ok(found),
        }
    }

    /// The steps of two sessions side by side, those that are equal left out.
    pub(crate) async fn diff(&self, one: &SessionId, other: &SessionId) -> Result<Vec<Differs>, Failure> {
        let (one, other) = (self.steps(one).await?, self.steps(other).await?);
        let last = one.len().max(other.len());
        let at = |steps: &[Vec<String>], index: usize| steps.get(index).cloned().unwrap_or_default();
        let all = (0..last).map(|index| Differs {
            step: u32::try_from(index).unwrap_or(u32::MAX),
            one: at(&one, index),
            other: at(&other, index),
        });
        Ok(all.filter(|step| step.one != step.other).collect())
    }

    /// What was said in each step, as lines; step 0 is what came before the first.
    async fn steps(&self, id: &SessionId) -> Result<Vec<Vec<String>>, Failure> {
        let records = resume::records(self, id).await.map_err(|error| refusal(&error))?;
        let mut steps: Vec<Vec<String>> = vec![Vec::new()];
        for record in without_void(&records) {
            if let SessionEvent::StepStarted { .. } = &record.event {
                steps.push(Vec::new());
                continue;
            }
            let Some(step) = steps.last_mut() else { continue };
            match line(&record.event) {
                Some((kind, text)) => match step.last_mut().filter(|last| last.starts_with(kind)) {
                    Some(last) if is_text(&record.event) => last.push_str(&text),
                    Some(_) | None => step.push([kind, &text].concat()),
                },
                None => continue,
            }
        }
        Ok(steps)
    }
}

/// What is told of an event; costs and ids are not compared.
fn line(event: &SessionEvent) -> Option<(&'static str, String)> {
    Some(match event {
        SessionEvent::AgentThoughtStream { text } => ("thought: ", text.clone()),
        SessionEvent::FinalAnswerStream { text } => ("answer: ", text.clone()),
        SessionEvent::Observation { text } => ("observation: ", text.clone()),
        SessionEvent::AgentToolCallStart { tool_name, arguments, .. } => ("call: ", format!("{tool_name} {arguments}")),
        SessionEvent::SessionFailed { code, message } => ("failed: ", format!("{code}: {message}")),
        SessionEvent::SessionCancelled => ("cancelled", String::new()),
        SessionEvent::Progress { kind, payload } => ("progress: ", format!("{kind} {payload}")),
        SessionEvent::SessionCreated { .. }
        | SessionEvent::StepStarted { .. }
        | SessionEvent::AgentToolCallEnd { .. }
        | SessionEvent::LlmCall { .. }
        | SessionEvent::FinalAnswerStreamEnd { .. } => return None,
    })
}

fn is_text(event: &SessionEvent) -> bool {
    matches!(event, SessionEvent::AgentThoughtStream { .. } | SessionEvent::FinalAnswerStream { .. })
}

fn is_same(log: &[Record], replayed: &[SessionEvent]) -> bool {
    // An end that the host had to say has no entry behind it.
    let said: usize = log.iter().filter(|record| record.event.is_end()).count();
    let by_machine: usize = replayed.iter().filter(|event| event.is_end()).count();
    let log = if said > by_machine { log.get(..log.len().saturating_sub(1)).unwrap_or_default() } else { log };
    let (seam, missing) = Seam::new(log, replayed);
    seam.is_closed() && missing.is_empty() && shown(log) == told(replayed)
}

fn shown(log: &[Record]) -> String {
    told(without_void(log).into_iter().map(|record| &record.event))
}

/// Everything, with text that came in pieces joined.
fn told<'a>(events: impl IntoIterator<Item = &'a SessionEvent>) -> String {
    let mut out = String::new();
    let mut last = "";
    for event in events {
        match event {
            SessionEvent::AgentThoughtStream { text } | SessionEvent::FinalAnswerStream { text } => {
                if last != event.name() {
                    out.push('\n');
                    out.push_str(event.name());
                    out.push(' ');
                }
                out.push_str(text);
            }
            event => {
                out.push('\n');
                out.push_str(event.name());
                out.push_str(&event.payload().to_string());
            }
        }
        last = event.name();
    }
    out
}
