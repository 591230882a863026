//! One request of a client: the span that everything else of it lies below, and how it ended.
use super::metrics::Outcome;
use super::span::Role;
use super::{Span, Telemetry, Trace, context};
use http::HeaderMap;
use magic_dialects::operation::Operation;
use magic_types::Kind;
use std::time::Duration;
use tokio::time::Instant;

/// Dropped before anybody has said how it ended, it never came to a route: it was refused, or its client left by then.
pub(crate) struct Request {
    telemetry: Telemetry,
    span: Span,
    /// `None`: it has been told of.
    begun: Option<Begun>,
}

struct Begun {
    at: Instant,
    operation: &'static str,
}

/// How a request ended, in the words of its log line.
pub(crate) struct End<'a> {
    pub(crate) alias: &'a str,
    /// `-` where nobody served it.
    pub(crate) profile: &'a str,
    pub(crate) operation: Operation,
    pub(crate) outcome: Outcome,
    /// The failure's.
    pub(crate) kind: Option<&'static str>,
    pub(crate) took: Duration,
}

// === impl Telemetry ===
impl Telemetry {
    /// A request that was not let in, whatever it wanted.
    pub(crate) fn shut_out(&self, kind: Kind) {
        if let Some(metrics) = self.metrics() {
            metrics.failed(NOBODY, NOBODY, kind.as_str());
        }
    }

    /// A request for one of our fixed paths has come in: headers are looked at only where traces are exported.
    pub(crate) fn request(&self, method: &'static str, path: &str, headers: &HeaderMap) -> Request {
        let span = self.tracer().map(|tracer| {
            let mut span = tracer.root(context::read(headers), Role::Server, || format!("{method} {path}").into());
            span.note(|record| {
                record.text("http.request.method", method);
                record.text("http.route", path.to_owned());
            });
            span
        });
        let begun = self.is_on().then(|| Begun { at: Instant::now(), operation: operation_at(path) });
        Request { telemetry: self.clone(), span: span.unwrap_or_default(), begun }
    }
}

// === impl Request ===
impl Request {
    pub(crate) fn trace(&self) -> &Trace {
        self.span.trace()
    }

    /// Of a reasoning request: the session tells of itself.
    pub(crate) fn into_span(mut self) -> Span {
        self.begun = None;
        std::mem::take(&mut self.span)
    }

    /// It is counted and its span ends.
    pub(crate) fn ended(&mut self, end: &End<'_>) {
        let End { alias, profile, operation, outcome, kind, took } = *end;
        self.begun = None;
        self.tell(alias, profile, operation.as_str(), outcome, kind, took);
    }

    /// It is not served. What the client named is nobody's label.
    pub(crate) fn turned_away(&mut self, kind: Kind) {
        self.refuse(kind.as_str());
    }

    fn refuse(&mut self, kind: &'static str) {
        if let Some(Begun { at, operation }) = self.begun.take() {
            self.tell(NOBODY, NOBODY, operation, Outcome::Refused, Some(kind), at.elapsed());
        }
    }

    fn tell(
        &mut self,
        alias: &str,
        profile: &str,
        operation: &'static str,
        outcome: Outcome,
        kind: Option<&'static str>,
        took: Duration,
    ) {
        if let Some(metrics) = self.telemetry.metrics() {
            metrics.request(alias, profile, operation, outcome, took);
            if let Some(kind) = kind {
                metrics.failed(alias, operation, kind);
            }
        }
        let mut span = std::mem::take(&mut self.span);
        span.note(|record| {
            record.text("magic.alias", alias.to_owned());
            record.text("magic.profile", profile.to_owned());
            record.text("magic.operation", operation);
            record.text("magic.outcome", outcome.as_str());
            if let Some(kind) = kind {
                record.fail(kind);
            }
        });
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.refuse(Outcome::Refused.as_str());
    }
}

/// In the place of a name.
const NOBODY: &str = "-";

fn operation_at(path: &str) -> &'static str {
    let operation = match path {
        "/v1/chat/completions" => Operation::ChatCompletions,
        "/v1/responses" => Operation::Responses,
        "/v1/messages" => Operation::Messages,
        "/v1/messages/count_tokens" => Operation::CountTokens,
        "/v1/completions" => Operation::Completions,
        "/v1/embeddings" => Operation::Embeddings,
        "/v1/audio/transcriptions" => Operation::Transcription,
        "/v1/audio/speech" => Operation::Speech,
        "/v1/images/generations" => Operation::Images,
        "/v1/moderations" => Operation::Moderations,
        _ => return NOBODY,
    };
    operation.as_str()
}
