//! The one log line of a request, told when its reply is over, which for a stream is long after the handler returned.
use crate::bill::{self, Bill};
use crate::telemetry::{self, Call, Collected, End, Outcome};
use crate::upstream::Reply;
use magic_dialects::dialect::Dialect;
use magic_dialects::operation::Operation;
use magic_types::{AliasName, Failure, Fault, KeyId, ProfileName, Usage};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// What is known at the beginning.
pub(super) struct Story {
    pub(super) operation: Operation,
    pub(super) alias: AliasName,
    pub(super) start: Instant,
    pub(super) bill: Bill,
    /// What is told of it beside the log line.
    pub(super) seen: telemetry::Request,
    /// Held as long as the request is at work, a streamed reply included.
    pub(super) _place: OwnedSemaphorePermit,
}

/// And once somebody serves it.
pub(super) struct Told {
    story: Story,
    profile: ProfileName,
    key_id: Option<KeyId>,
    /// What the client is told of it, too.
    pub(super) route: String,
    /// Of the answer so far.
    pub(super) so_far: SoFar,
    call: Call,
    /// What the client was sent, where a collector is to be told.
    sent: Option<Collected>,
    is_told: bool,
}

/// What is known of an answer under way, for a client that leaves.
#[derive(Clone, Copy, Default)]
pub(super) struct SoFar {
    /// As the vendor has said it by now.
    pub(super) usage: Option<Usage>,
    /// As far as anybody can tell.
    pub(super) output_tokens: u64,
    pub(super) is_complete: bool,
}

impl Story {
    pub(super) fn failed(&mut self, failure: &Failure, route: &str) {
        self.bill.failed();
        let (kind, ms) = (failure.kind.as_str(), self.start.elapsed().as_millis() as u64);
        let (alias, operation, trace_id) = (&self.alias, self.operation.as_str(), self.seen.trace().field());
        let Failure { public, private, .. } = failure;
        let outcome = match failure.fault() {
            Fault::Client => {
                tracing::info!(%alias, operation, kind, ms, route, trace_id, said = %public, "{operation} `{alias}` refused");
                Outcome::Refused
            }
            Fault::Key | Fault::Provider | Fault::Guest | Fault::Gateway => {
                tracing::warn!(%alias, operation, kind, ms, route, trace_id, said = %format_args!("{public} ({private})"),
                    "{operation} `{alias}` failed");
                Outcome::Failed
            }
        };
        self.seen(NOBODY, outcome, Some(kind));
    }

    /// No vendor was asked.
    pub(super) fn cached(&mut self, profile: &str, from: &str) {
        self.bill.cached(profile);
        let (ms, alias, operation) = (self.start.elapsed().as_millis() as u64, &self.alias, self.operation.as_str());
        let trace_id = self.seen.trace().field();
        tracing::info!(%alias, profile, operation, ms, trace_id, "{operation} `{alias}` served from {from}");
        self.seen(profile, Outcome::Cached, None);
    }

    fn seen(&mut self, profile: &str, outcome: Outcome, kind: Option<&'static str>) {
        let (alias, operation, took) = (self.alias.as_str(), self.operation, self.start.elapsed());
        self.seen.ended(&End { alias, profile, operation, outcome, kind, took });
    }
}

impl Told {
    /// Whether what is answered is words, and has tokens.
    pub(super) fn is_of_words(&self) -> bool {
        self.story.operation.client_dialect().is_some()
    }

    pub(super) fn new(mut story: Story, reply: &mut Reply, route: String) -> Self {
        story.bill.served_by(reply);
        let (profile, key_id) = (reply.profile.name.clone(), reply.key_id.clone());
        let call = std::mem::take(&mut reply.call);
        Self { story, profile, key_id, route, so_far: SoFar::default(), call, sent: None, is_told: false }
    }

    /// What goes out is told to a collector, if that is wanted.
    pub(super) fn collect(&mut self, dialect: Dialect, streams: bool) {
        if self.call.wants_content() {
            self.sent = Collected::of(dialect, streams);
        }
    }

    /// A piece of the reply goes out.
    pub(super) fn piece(&mut self, bytes: &[u8]) {
        if let Some(sent) = &mut self.sent {
            sent.push(bytes);
        }
    }

    pub(super) fn ended(&mut self, usage: Option<Usage>, failure: Option<&Failure>) {
        self.is_told = true;
        if let Some(sent) = &self.sent {
            let (key, text) = sent.told();
            self.call.note_content(key, || text);
        }
        self.call.ended(usage.as_ref(), failure);
        let end = if failure.is_none() { bill::End::Whole } else { bill::End::Cut };
        let usage = self.story.bill.settle(usage, self.so_far.output_tokens, end);
        let Self { story: Story { alias, start, operation, seen, .. }, profile, key_id, route, .. } = self;
        let (ms, operation) = (start.elapsed().as_millis() as u64, operation.as_str());
        let key_id = key_id.as_ref().map_or(NOBODY, KeyId::as_str);
        let trace_id = seen.trace().field();
        let Usage { input_tokens, output_tokens, .. } = usage;
        match failure {
            None => {
                tracing::info!(%alias, %profile, operation, key.id = key_id, route, ms, input_tokens, output_tokens,
                trace_id, "{operation} `{alias}` served by `{profile}`")
            }
            Some(failure) => tracing::warn!(%alias, %profile, operation, key.id = key_id, route, ms, trace_id,
                kind = failure.kind.as_str(), said = %format_args!("{} ({})", failure.public, failure.private),
                "{operation} `{alias}` broke off at `{profile}`"),
        }
        let outcome = if failure.is_none() { Outcome::Served } else { Outcome::BrokenOff };
        self.story.seen(self.profile.as_str(), outcome, failure.map(|failure| failure.kind.as_str()));
    }
}

/// A client that leaves drops the stream, and this with it.
impl Drop for Told {
    fn drop(&mut self) {
        if !self.is_told {
            let SoFar { usage, output_tokens, is_complete } = self.so_far;
            let end = if is_complete { bill::End::Whole } else { bill::End::Cut };
            self.story.bill.settle(usage, output_tokens, end);
            let Self { story: Story { alias, start, operation, seen, .. }, profile, .. } = self;
            let (ms, operation) = (start.elapsed().as_millis() as u64, operation.as_str());
            let trace_id = seen.trace().field();
            tracing::info!(%alias, %profile, operation, ms, trace_id, "{operation} `{alias}` at `{profile}`: the client left");
            self.story.seen(self.profile.as_str(), Outcome::Left, None);
        }
    }
}

/// In the place of a name.
const NOBODY: &str = "-";
