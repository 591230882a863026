//! The one log line of a request, told when its reply is over, which for a stream is long after the handler returned.
use crate::bill::{Bill, End};
use crate::upstream::Reply;
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
    /// Held as long as the request is at work, a streamed reply included.
    pub(super) _place: OwnedSemaphorePermit,
}

/// And once somebody serves it.
pub(super) struct Told {
    story: Story,
    profile: ProfileName,
    key_id: Option<KeyId>,
    route: String,
    /// Of the answer so far, as far as anybody can tell.
    pub(super) output_tokens: u64,
    is_told: bool,
}

impl Story {
    pub(super) fn failed(&mut self, failure: &Failure, route: &str) {
        self.bill.failed();
        let (kind, ms) = (failure.kind.as_str(), self.start.elapsed().as_millis() as u64);
        let (alias, operation) = (&self.alias, self.operation.as_str());
        let Failure { public, private, .. } = failure;
        match failure.fault() {
            Fault::Client => {
                tracing::info!(%alias, operation, kind, ms, route, "{operation} `{alias}` refused: {public}");
            }
            Fault::Key | Fault::Provider | Fault::Guest | Fault::Gateway => {
                tracing::warn!(%alias, operation, kind, ms, route, "{operation} `{alias}` failed: {public} ({private})");
            }
        }
    }
}

impl Story {
    /// No vendor was asked.
    pub(super) fn cached(&mut self, profile: &str, from: &str) {
        self.bill.cached(profile);
        let (ms, alias, operation) = (self.start.elapsed().as_millis() as u64, &self.alias, self.operation.as_str());
        tracing::info!(%alias, profile, operation, ms, "{operation} `{alias}` served from {from}");
    }
}

impl Told {
    pub(super) fn new(mut story: Story, reply: &Reply, route: String) -> Self {
        story.bill.served_by(reply);
        let (profile, key_id) = (reply.profile.name.clone(), reply.key_id.clone());
        Self { story, profile, key_id, route, output_tokens: 0, is_told: false }
    }

    pub(super) fn ended(&mut self, usage: Option<Usage>, failure: Option<&Failure>) {
        self.is_told = true;
        let end = if failure.is_none() { End::Whole } else { End::Cut };
        let usage = self.story.bill.settle(usage, self.output_tokens, end);
        let Self { story: Story { alias, start, operation, .. }, profile, key_id, route, .. } = self;
        let (ms, operation) = (start.elapsed().as_millis() as u64, operation.as_str());
        let key_id = key_id.as_ref().map_or("-", KeyId::as_str);
        let Usage { input_tokens, output_tokens, .. } = usage;
        match failure {
            None => {
                tracing::info!(%alias, %profile, operation, key.id = key_id, route, ms, input_tokens, output_tokens,
                "{operation} `{alias}` served by `{profile}`")
            }
            Some(failure) => tracing::warn!(%alias, %profile, operation, key.id = key_id, route, ms,
                kind = failure.kind.as_str(),
                "{operation} `{alias}` broke off at `{profile}`: {} ({})", failure.public, failure.private),
        }
    }
}

/// A client that leaves drops the stream, and this with it.
impl Drop for Told {
    fn drop(&mut self) {
        if !self.is_told {
            self.story.bill.settle(None, self.output_tokens, End::Cut);
            let Self { story: Story { alias, start, operation, .. }, profile, .. } = self;
            let (ms, operation) = (start.elapsed().as_millis() as u64, operation.as_str());
            tracing::info!(%alias, %profile, operation, ms, "{operation} `{alias}` at `{profile}`: the client left");
        }
    }
}
