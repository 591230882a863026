//! One model call of a session: through the same upstream as every other request, turned into inputs piece by piece.
use crate::accounts::{Accounts, Principal};
use crate::bill::{self, Bill};
use crate::snapshot::Snapshot;
use crate::telemetry::{self, Trace};
use crate::upstream::{EventStream, Payload, Reply, ReplyBody, Route, Upstream};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use magic_access::{Denied, VirtualKeyId};
use magic_dialects::operation::Operation;
use magic_dialects::reply::{Block, Reply as Said};
use magic_routing::{Trail, route_header};
use magic_sessions::{CallReport, Input};
use magic_types::chat::{Completion, CompletionRequest, FinishReason, LlmError, Message, Part, Role, ToolCall};
use magic_types::directive::{Ask, Delta, Visibility};
use magic_types::stream::ChatEvent;
use magic_types::{AliasName, Failure, Kind, ProfileName};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a session waits for a limit by the minute, or for what is held of its budget, before its call fails.
const LIMIT_PATIENCE: Duration = Duration::from_secs(120);

/// What a session asks with.
pub(super) struct Asking {
    pub(super) upstream: Arc<Upstream>,
    pub(super) snapshot: Arc<Snapshot>,
    /// The session's own alias.
    pub(super) route: Arc<Route>,
    pub(super) pattern: Arc<str>,
    /// `None`: nothing is asked here, and nobody pays.
    pub(super) accounts: Option<Accounts>,
    /// The virtual key that pays.
    pub(super) owner: Option<String>,
}

impl Asking {
    /// Deltas as they come, then one `Asked`. Dropping the stream cancels the call.
    pub(super) fn ask(self: Arc<Self>, ask: Ask, trace: Trace) -> BoxStream<'static, Input> {
        let wants_deltas = ask.stream_to_me || ask.show != Visibility::Hidden;
        let ref_id = ask.ref_id;
        let start = async move {
            let begun = Instant::now();
            let alias = self.route.plan.alias.clone();
            let (opened, bill) = match self.open(&ask, &trace).await {
                Ok((reply, bill)) => (Ok(reply), bill),
                Err(failure) => (Err(failure), None),
            };
            let (report, said) = (CallReport::default(), Said::default());
            let told = telemetry::Call::default();
            Call { ref_id, wants_deltas, alias, bill, begun, report, said, told, trace }.begin(opened)
        };
        stream::once(start).flatten().boxed()
    }

    /// The outcome alone.
    pub(super) async fn ask_whole(self: Arc<Self>, ask: Ask, trace: Trace) -> Result<Completion, LlmError> {
        let mut inputs = self.ask(ask, trace);
        while let Some(input) = inputs.next().await {
            if let Input::Asked { outcome, .. } = input {
                return outcome;
            }
        }
        Err(LlmError::Cancelled)
    }

    /// With what it is accounted as.
    async fn open(&self, ask: &Ask, trace: &Trace) -> Result<(Reply, Option<Bill>), Failure> {
        let route = match &ask.request.model {
            None => &self.route,
            Some(alias) => self.snapshot.routes.get(alias.as_str()).ok_or_else(|| {
                Failure::new(Kind::NotFound, format!("the pattern asked for alias `{alias}`, which does not exist"))
            })?,
        };
        let mut bill = self.bill(route, ask).await?;
        bill.iter_mut().for_each(|bill| bill.sending(route));
        match self.upstream.complete(route, &Payload::Step(&ask.request), trace).await {
            Ok(reply) => {
                bill.iter_mut().for_each(|bill| bill.served_by(&reply));
                Ok((reply, bill))
            }
            Err(declined) => {
                bill.iter_mut().for_each(Bill::failed);
                Err(declined.failure)
            }
        }
    }

    /// A session can wait: a limit by the minute makes it slower, not fail. A budget that is spent ends it.
    async fn bill(&self, route: &Route, ask: &Ask) -> Result<Option<Bill>, Failure> {
        let Some(accounts) = &self.accounts else { return Ok(None) };
        let order = bill::Order {
            operation: Operation::ChatCompletions.as_str(),
            route,
            pattern: Some(&self.pattern),
            body_bytes: bytes_of(&ask.request),
            output_tokens_max: ask.request.max_output_tokens.map(u64::from),
            answers: 1,
        };
        let patience = Instant::now() + LIMIT_PATIENCE;
        loop {
            let principal = match &self.owner {
                None => Principal::anonymous(),
                Some(owner) => accounts.principal(&VirtualKeyId::new(owner.as_str())).ok_or_else(|| {
                    Failure::new(Kind::Unauthenticated, format!("the virtual key `{owner}` of this session is gone"))
                })?,
            };
            let denied = match Bill::open(accounts, &principal, &order).await {
                Ok(bill) => return Ok(Some(bill)),
                Err(denied) => denied,
            };
            let again = denied.retry_after().filter(|_| passes(&denied)).map(|after| Instant::now() + after);
            match again.filter(|again| *again < patience) {
                Some(again) => tokio::time::sleep_until(again).await,
                None => return Err(Failure::from(&denied)),
            }
        }
    }
}

/// A call under way.
struct Call {
    ref_id: u32,
    wants_deltas: bool,
    /// Of the session.
    alias: AliasName,
    bill: Option<Bill>,
    begun: Instant,
    report: CallReport,
    said: Said,
    told: telemetry::Call,
    trace: Trace,
}

impl Call {
    fn begin(mut self, opened: Result<Reply, Failure>) -> BoxStream<'static, Input> {
        let mut reply = match opened {
            Ok(reply) => reply,
            Err(failure) => return self.only(Err(failure)),
        };
        self.told = std::mem::take(&mut reply.call);
        let sends = reply.route.legs.iter().filter(|leg| leg.was_sent()).count();
        if sends > 1 {
            self.log_fallback(&reply.profile.name, &reply.route);
        }
        self.report.profile = reply.profile.name.to_string();
        self.report.key_id = reply.key_id;
        self.report.attempts = u32::try_from(sends).unwrap_or(u32::MAX);
        match reply.body {
            ReplyBody::Events(stream) => self.follow(stream),
            // A vendor that was asked to stream and did not.
            ReplyBody::Said(events) => {
                events.iter().for_each(|event| self.said.take_in(event));
                self.only(Ok(()))
            }
            ReplyBody::Whole { .. } | ReplyBody::Bytes(_) | ReplyBody::Raw(_) => {
                self.only(Err(Failure::new(Kind::Internal, "a step's reply came unread")))
            }
        }
    }

    fn log_fallback(&self, profile: &ProfileName, route: &Trail) {
        let (alias, route, trace_id) = (&self.alias, route_header(route), self.trace.field());
        tracing::info!(%alias, %profile, route, trace_id, "a session of `{alias}` is served by `{profile}` after others failed");
    }

    fn only(self, ended: Result<(), Failure>) -> BoxStream<'static, Input> {
        stream::iter([self.end(ended)]).boxed()
    }

    fn follow(self, chat: Box<EventStream>) -> BoxStream<'static, Input> {
        let following = Following { call: self, chat, ready: VecDeque::new() };
        stream::unfold(Some(following), |state| async move {
            let mut following = state?;
            loop {
                if let Some(input) = following.ready.pop_front() {
                    return Some((input, Some(following)));
                }
                let ended = match following.chat.next().await {
                    Some(Ok(events)) => {
                        following.take_in(&events);
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
        if self.told.wants_content() {
            self.told.note_content(telemetry::OUTPUT, || telemetry::answer(&self.said));
        }
        self.told.ended(self.said.usage.as_ref(), ended.as_ref().err());
        self.settle(if ended.is_ok() { bill::End::Whole } else { bill::End::Cut });
        let (mut report, said) = (std::mem::take(&mut self.report), std::mem::take(&mut self.said));
        report.ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let served_by = report.profile.clone();
        let outcome = ended.map(|()| completion(said, served_by)).map_err(|failure| {
            let (kind, text, private) = (failure.kind.as_str(), &failure.public, &failure.private);
            let (alias, trace_id) = (&self.alias, self.trace.field());
            tracing::warn!(%alias, kind, ms = report.ms, trace_id, said = %format_args!("{text} ({private})"),
                "a model call of a session of `{alias}` failed");
            llm_error(&failure)
        });
        Input::Asked { ref_id: self.ref_id, outcome, report }
    }
}

impl Call {
    /// Settles the call by what was said, whether or not to its end.
    fn settle(&mut self, end: bill::End) {
        let Some(bill) = &mut self.bill else { return };
        let usage = bill.settle(self.said.usage, (self.said.bytes as u64).div_ceil(bill::BYTES_PER_TOKEN), end);
        // What the vendor did not say is nothing that a pattern or a client is told.
        if let Some(said) = &mut self.said.usage {
            said.cost_micros = usage.cost_micros;
        }
    }
}

/// A call that is called off is paid by what it had said.
impl Drop for Call {
    fn drop(&mut self) {
        if !self.report.profile.is_empty() {
            self.settle(bill::End::Cut);
        }
    }
}

/// Whether waiting helps before anybody has paid more or a day has gone by.
fn passes(denied: &Denied) -> bool {
    matches!(denied, Denied::Full { .. } | Denied::BudgetHeld { .. } | Denied::Unavailable { .. })
}

/// Roughly, as it goes to a vendor.
fn bytes_of(request: &CompletionRequest) -> usize {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let words = parts.map(|part| match part {
        Part::Text(text) | Part::Reasoning(text) => text.len(),
        Part::ToolCall(call) => call.arguments_json.len(),
        Part::ToolResult(_) | Part::Media(_) => 1024,
    });
    let tools = request.tools.iter().map(|tool| tool.description.len() + tool.parameters_json_schema.len());
    words.chain(tools).sum()
}

struct Following {
    call: Call,
    chat: Box<EventStream>,
    ready: VecDeque<Input>,
}

impl Following {
    fn take_in(&mut self, events: &[ChatEvent]) {
        if self.call.wants_deltas {
            let ref_id = self.call.ref_id;
            let deltas = events.iter().filter_map(|event| match event {
                ChatEvent::Text(text) | ChatEvent::Refusal(text) => Some(Delta::Text(text.clone())),
                ChatEvent::Reasoning(text) => Some(Delta::Reasoning(text.clone())),
                ChatEvent::Signature(_)
                | ChatEvent::RedactedReasoning(_)
                | ChatEvent::ToolCall { .. }
                | ChatEvent::Finish(_)
                | ChatEvent::Usage(_) => None,
            });
            self.ready.extend(deltas.map(|delta| Input::Delta { ref_id, delta }));
        }
        events.iter().for_each(|event| self.call.said.take_in(event));
    }
}

/// Far more than any window holds.
const SAID_BYTES_MAX: usize = 16 << 20;

/// What a pattern gets of a reply: seals and sealed thoughts are between the gateway and the vendor.
fn completion(said: Said, served_by: String) -> Completion {
    let (finish, usage) = (said.finish.unwrap_or(FinishReason::Other), said.usage.unwrap_or_default());
    let mut parts = Vec::new();
    let reasoning = said.thoughts();
    if !reasoning.is_empty() {
        parts.push(Part::Reasoning(reasoning));
    }
    let text = said.answer() + &said.refusals();
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts.extend(said.blocks.into_iter().filter_map(|block| match block {
        Block::ToolCall(call) => {
            Some(Part::ToolCall(ToolCall { id: call.id, name: call.name, arguments_json: call.arguments }))
        }
        Block::Text(_) | Block::Reasoning { .. } | Block::RedactedReasoning(_) | Block::Refusal(_) => None,
    }));
    Completion { message: Message { role: Role::Assistant, parts }, finish, usage, served_by, extra: Vec::new() }
}

fn llm_error(failure: &Failure) -> LlmError {
    let text = failure.public.clone();
    match failure.kind {
        Kind::RateLimited | Kind::OverLimit => {
            LlmError::RateLimited(failure.retry_after.map(|after| after.as_secs() as u32))
        }
        Kind::ContextTooLong => LlmError::ContextTooLong,
        Kind::ContentPolicy => LlmError::Refused(text),
        Kind::InvalidRequest | Kind::NotFound | Kind::TooLarge | Kind::Unauthenticated | Kind::Forbidden => {
            LlmError::InvalidRequest(text)
        }
        Kind::OverBudget => LlmError::BudgetExceeded(text),
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
