//! One model call of a session: through the same upstream as every other request, turned into inputs piece by piece.
use crate::snapshot::Snapshot;
use crate::upstream::{ChatStream, Payload, Reply, ReplyBody, Route, Upstream, after};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use magic_dialects::openai::stream::{Decoder, decode_whole};
use magic_sessions::{CallReport, Input};
use magic_types::chat::{Completion, FinishReason, LlmError, Message, Part, Role, ToolCall};
use magic_types::directive::{Ask, Delta, Visibility};
use magic_types::stream::ChatEvent;
use magic_types::{AliasName, Failure, Kind, Usage};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;

/// What a session asks with.
pub(super) struct Asking {
    pub(super) upstream: Arc<Upstream>,
    pub(super) snapshot: Arc<Snapshot>,
    /// The session's own alias.
    pub(super) route: Arc<Route>,
}

impl Asking {
    /// Deltas as they come, then one `Asked`. Dropping the stream cancels the call.
    pub(super) fn ask(self: Arc<Self>, ask: Ask) -> BoxStream<'static, Input> {
        let wants_deltas = ask.stream_to_me || ask.show != Visibility::Hidden;
        let ref_id = ask.ref_id;
        let start = async move {
            let begun = Instant::now();
            let alias = self.route.plan.alias.clone();
            let opened = self.open(&ask).await;
            let call =
                Call { ref_id, wants_deltas, alias, begun, report: CallReport::default(), said: Said::default() };
            call.begin(opened)
        };
        stream::once(start).flatten().boxed()
    }

    async fn open(&self, ask: &Ask) -> Result<Reply, Failure> {
        let route = match &ask.request.model {
            None => &self.route,
            Some(alias) => self.snapshot.routes.get(alias.as_str()).ok_or_else(|| {
                Failure::new(Kind::NotFound, format!("the pattern asked for alias `{alias}`, which does not exist"))
            })?,
        };
        self.upstream.complete(route, Payload::Canonical(&ask.request)).await
    }
}

/// A call under way.
struct Call {
    ref_id: u32,
    wants_deltas: bool,
    /// Of the session.
    alias: AliasName,
    begun: Instant,
    report: CallReport,
    said: Said,
}

impl Call {
    fn begin(mut self, opened: Result<Reply, Failure>) -> BoxStream<'static, Input> {
        let reply = match opened {
            Ok(reply) => reply,
            Err(failure) => return self.only(Err(failure)),
        };
        if reply.tries.len() > 1 {
            let (alias, profile, after) = (&self.alias, &reply.profile, after(&reply.tries));
            tracing::info!(%alias, %profile, "a session of `{alias}` is served by `{profile}`{after}");
        }
        self.report.profile = reply.profile.to_string();
        self.report.key_id = reply.key_id;
        self.report.attempts = u32::try_from(reply.tries.len()).unwrap_or(u32::MAX);
        match reply.body {
            ReplyBody::Stream(stream) => self.follow(stream),
            // A vendor that was asked to stream and did not.
            ReplyBody::Whole { bytes, .. } => match decode_whole(&bytes) {
                Ok(events) => {
                    self.said.take_in(events);
                    self.only(Ok(()))
                }
                Err(failure) => self.only(Err(failure)),
            },
        }
    }

    fn only(self, ended: Result<(), Failure>) -> BoxStream<'static, Input> {
        stream::iter([self.end(ended)]).boxed()
    }

    fn follow(self, chat: Box<ChatStream>) -> BoxStream<'static, Input> {
        let following = Following { call: self, chat, decoder: Decoder::default(), ready: VecDeque::new() };
        stream::unfold(Some(following), |state| async move {
            let mut following = state?;
            loop {
                if let Some(input) = following.ready.pop_front() {
                    return Some((input, Some(following)));
                }
                let ended = match following.chat.next_events(&mut following.decoder).await {
                    Some(Ok(events)) => {
                        following.take_in(events);
                        if following.call.said.bytes <= SAID_BYTES_MAX {
                            continue;
                        }
                        Err(Failure::new(Kind::BadReply, "the model would not stop: more than 16 MiB of text"))
                    }
                    Some(Err(failure)) => Err(failure),
                    None => Ok(()),
                };
                return Some((following.call.end(ended), None));
            }
        })
        .boxed()
    }

    fn end(mut self, ended: Result<(), Failure>) -> Input {
        self.report.ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let served_by = self.report.profile.clone();
        let outcome = ended.map(|()| self.said.into_completion(served_by)).map_err(|failure| {
            let (kind, text, private) = (failure.kind.as_str(), &failure.public, &failure.private);
            let alias = &self.alias;
            tracing::warn!(%alias, kind, ms = self.report.ms, "a model call of a session of `{alias}` failed: {text} ({private})");
            llm_error(&failure)
        });
        Input::Asked { ref_id: self.ref_id, outcome, report: self.report }
    }
}

struct Following {
    call: Call,
    chat: Box<ChatStream>,
    decoder: Decoder,
    ready: VecDeque<Input>,
}

impl Following {
    fn take_in(&mut self, events: Vec<ChatEvent>) {
        if self.call.wants_deltas {
            let ref_id = self.call.ref_id;
            let deltas = events.iter().filter_map(|event| match event {
                ChatEvent::Text(text) => Some(Delta::Text(text.clone())),
                ChatEvent::Reasoning(text) => Some(Delta::Reasoning(text.clone())),
                ChatEvent::ToolCall { .. } | ChatEvent::Finish(_) | ChatEvent::Usage(_) => None,
            });
            self.ready.extend(deltas.map(|delta| Input::Delta { ref_id, delta }));
        }
        self.call.said.take_in(events);
    }
}

/// Far more than any window holds.
const SAID_BYTES_MAX: usize = 16 << 20;

/// What the model has said so far.
#[derive(Default)]
struct Said {
    bytes: usize,
    text: String,
    reasoning: String,
    calls: Vec<ToolCall>,
    finish: Option<FinishReason>,
    usage: Usage,
}

impl Said {
    fn take_in(&mut self, events: Vec<ChatEvent>) {
        for event in events {
            match event {
                ChatEvent::Text(text) => {
                    self.bytes += text.len();
                    self.text.push_str(&text);
                }
                ChatEvent::Reasoning(text) => {
                    self.bytes += text.len();
                    self.reasoning.push_str(&text);
                }
                ChatEvent::Finish(reason) => self.finish = Some(reason),
                ChatEvent::Usage(usage) => self.usage = usage,
                ChatEvent::ToolCall { index, id, name, arguments } => self.extend_call(index, id, name, &arguments),
            }
        }
    }

    fn extend_call(&mut self, index: u32, id: Option<String>, name: Option<String>, arguments: &str) {
        self.bytes += arguments.len();
        let index = index as usize;
        if index == self.calls.len() {
            self.calls.push(ToolCall { id: String::new(), name: String::new(), arguments_json: String::new() });
        }
        // An index beyond the next one is a vendor's mistake; its pieces belong to no call.
        if let Some(call) = self.calls.get_mut(index) {
            call.id = id.unwrap_or_else(|| std::mem::take(&mut call.id));
            call.name = name.unwrap_or_else(|| std::mem::take(&mut call.name));
            call.arguments_json.push_str(arguments);
        }
    }

    fn into_completion(self, served_by: String) -> Completion {
        let mut parts = Vec::new();
        if !self.reasoning.is_empty() {
            parts.push(Part::Reasoning(self.reasoning));
        }
        if !self.text.is_empty() {
            parts.push(Part::Text(self.text));
        }
        parts.extend(self.calls.into_iter().map(Part::ToolCall));
        Completion {
            message: Message { role: Role::Assistant, parts },
            finish: self.finish.unwrap_or(FinishReason::Other),
            usage: self.usage,
            served_by,
            extra: Vec::new(),
        }
    }
}

fn llm_error(failure: &Failure) -> LlmError {
    let text = failure.public.clone();
    match failure.kind {
        Kind::RateLimited => LlmError::RateLimited(failure.retry_after.map(|after| after.as_secs() as u32)),
        Kind::ContextTooLong => LlmError::ContextTooLong,
        Kind::InvalidRequest | Kind::NotFound | Kind::TooLarge => LlmError::InvalidRequest(text),
        Kind::TimedOut => LlmError::TimedOut,
        Kind::Cancelled => LlmError::Cancelled,
        Kind::KeyRejected
        | Kind::QuotaExhausted
        | Kind::ServerError
        | Kind::Unreachable
        | Kind::BadReply
        | Kind::CutOff
        | Kind::Component
        | Kind::NothingLeft
        | Kind::Overloaded
        | Kind::LimitReached
        | Kind::Internal => LlmError::Unavailable(text),
    }
}
