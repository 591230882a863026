//! One call to a model, from the first try to the end of the reply: a span, and what is counted of it. A call is dropped where
//! it was cancelled, and that is told too.
use super::metrics::CallLabels;
use super::span::Role;
use super::{Span, Telemetry, Trace};
use magic_config::{Profile, Provider};
use magic_dialects::operation::Operation;
use magic_types::{AliasName, Failure, Usage};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Empty where nothing is on.
#[derive(Default)]
pub(crate) struct Call(Option<Box<Begun>>);

struct Begun {
    telemetry: Telemetry,
    span: Span,
    begun: Instant,
    alias: AliasName,
    operation: Operation,
    profile: Option<Arc<Profile>>,
    first_event: Option<Duration>,
}

/// The word for a call that nobody waited for to its end.
const CANCELLED: &str = "cancelled";

// === impl Telemetry ===
impl Telemetry {
    pub(crate) fn call(&self, trace: &Trace, alias: &AliasName, operation: Operation) -> Call {
        if !self.is_on() {
            return Call::default();
        }
        let mut span = trace.child(Role::Client, || format!("{} {alias}", gen_ai_operation(operation)).into());
        span.note(|record| {
            record.text("gen_ai.operation.name", gen_ai_operation(operation));
            record.text("magic.alias", alias.to_string());
        });
        Call(Some(Box::new(Begun {
            telemetry: self.clone(),
            span,
            begun: Instant::now(),
            alias: alias.clone(),
            operation,
            profile: None,
            first_event: None,
        })))
    }
}

// === impl Call ===
impl Call {
    /// To send with; it ends when it is dropped.
    pub(crate) fn begin_try(&self, profile: &Profile, key_id: Option<&magic_types::KeyId>) -> Span {
        let Some(call) = &self.0 else { return Span::default() };
        let mut span = call.span.trace().child(Role::Client, || format!("try {}", profile.name).into());
        span.note(|record| {
            record.text("magic.profile", profile.name.to_string());
            record.text("gen_ai.provider.name", provider(profile));
            record.text("gen_ai.request.model", profile.model.clone());
            let (address, port) = host(&profile.api_base);
            record.text("server.address", address.to_owned());
            if let Some(port) = port {
                record.integer("server.port", port);
            }
            if let Some(id) = key_id {
                record.text("magic.key.id", id.to_string());
            }
        });
        span
    }

    /// Somebody answers. `streams`: what came so far is the first event and not all.
    pub(crate) fn spoke(&mut self, profile: &Arc<Profile>, streams: bool) {
        let Some(call) = &mut self.0 else { return };
        call.profile = Some(Arc::clone(profile));
        call.first_event = streams.then(|| call.begun.elapsed());
        let (first_event, operation) = (call.first_event, gen_ai_operation(call.operation));
        call.span.note(|record| {
            record.name(format!("{operation} {}", profile.model));
            record.text("magic.profile", profile.name.to_string());
            record.text("gen_ai.provider.name", provider(profile));
            record.text("gen_ai.request.model", profile.model.clone());
            record.text("gen_ai.response.model", profile.model.clone());
            record.truth("gen_ai.request.stream", streams);
            if let Some(first) = first_event {
                record.seconds("gen_ai.response.time_to_first_chunk", first.as_secs_f64());
            }
        });
    }

    pub(crate) fn ended(&mut self, usage: Option<&Usage>, failure: Option<&Failure>) {
        if let Some(call) = self.0.take() {
            call.end(usage, failure.map(|failure| failure.kind.as_str()));
        }
    }

    /// Nobody answered.
    pub(crate) fn failed(&mut self, failure: &Failure) {
        self.ended(None, Some(failure));
    }

    /// What of prompts and answers may be told, if it is wanted at all.
    pub(crate) fn note_content(&mut self, key: &'static str, text: impl FnOnce() -> String) {
        let Some(Begun { telemetry, span, .. }) = self.0.as_deref_mut() else { return };
        let Some(content) = telemetry.content() else { return };
        span.note(|record| record.text(key, content.cut(&text())));
    }

    /// Whether [`Call::note_content`] would note anything.
    pub(crate) fn wants_content(&self) -> bool {
        self.0.as_ref().is_some_and(|call| call.span.is_recorded() && call.telemetry.content().is_some())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call.end(None, Some(CANCELLED));
        }
    }
}

// === impl Begun ===
impl Begun {
    fn end(mut self, usage: Option<&Usage>, error: Option<&'static str>) {
        let cost = self.profile.as_ref().zip(usage).and_then(|(profile, usage)| profile.cost_micros(usage));
        let usage = usage.map(|usage| Usage { cost_micros: cost, ..*usage });
        if let Some(metrics) = self.telemetry.metrics() {
            let profile = self.profile.as_deref();
            let labels = CallLabels {
                alias: self.alias.as_str(),
                profile: profile.map_or("-", |profile| profile.name.as_str()),
                provider: profile.map_or("-", provider),
                operation: gen_ai_operation(self.operation),
                model: profile.map_or("-", |profile| &profile.model),
                error: error.unwrap_or_default(),
            };
            metrics.call(&labels, self.begun.elapsed(), self.first_event, usage.as_ref());
        }
        self.span.note(|record| {
            if let Some(usage) = &usage {
                record.integer("gen_ai.usage.input_tokens", usage.input_tokens);
                record.integer("gen_ai.usage.output_tokens", usage.output_tokens);
                if usage.cached_input_tokens > 0 {
                    record.integer("gen_ai.usage.cache_read.input_tokens", usage.cached_input_tokens);
                }
                if usage.reasoning_tokens > 0 {
                    record.integer("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens);
                }
                if let Some(cost) = usage.cost_micros {
                    record.integer("magic.cost.micros", cost);
                }
            }
            if let Some(error) = error {
                record.fail(error);
            }
        });
    }
}

/// By the conventions' words, and ours where they have none.
pub(super) fn gen_ai_operation(operation: Operation) -> &'static str {
    match operation {
        Operation::ChatCompletions | Operation::Responses | Operation::Messages => "chat",
        Operation::Completions => "text_completion",
        Operation::Embeddings => "embeddings",
        Operation::CountTokens
        | Operation::Transcription
        | Operation::Speech
        | Operation::Images
        | Operation::Moderations
        | Operation::Models => operation.as_str(),
    }
}

/// By the conventions' words, and ours where they have none.
fn provider(profile: &Profile) -> &'static str {
    match profile.provider {
        Provider::Azure => "azure.ai.openai",
        Provider::Google => "gcp.gemini",
        Provider::Mistral => "mistral_ai",
        Provider::OpenAi
        | Provider::Anthropic
        | Provider::DeepSeek
        | Provider::Groq
        | Provider::OpenRouter
        | Provider::Together
        | Provider::Ollama
        | Provider::LlamaCpp
        | Provider::Vllm
        | Provider::Local => profile.provider.as_str(),
    }
}

/// Of an address: its path may hold what `${NAME}` put in.
fn host(api_base: &str) -> (&str, Option<u64>) {
    let rest = api_base.split_once("://").map_or(api_base, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once(':').map(|(name, port)| (name, port.parse().ok())) {
        Some((name, port @ Some(_))) => (name, port),
        // No port, or an IPv6 address without one.
        Some((_, None)) | None => (host, None),
    }
}
