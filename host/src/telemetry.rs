//! What the gateway tells of its work: log lines, counters, traces. Everything else calls in here with a line or two, at the
//! price of a look at one flag while nothing is on. Nothing here can hold up a request or a stop: what does not fit is
//! dropped and counted.
mod call;
mod content;
mod context;
mod export;
mod logs;
mod metrics;
mod otlp;
mod prometheus;
mod protobuf;
mod request;
mod session;
mod span;
mod standing;

pub(crate) use call::Call;
use content::Content;
pub(crate) use content::{Collected, OUTPUT, answer, conversation};
pub(crate) use logs::{Format, start};
pub(crate) use metrics::Outcome;
pub(crate) use request::{End, Request};
pub(crate) use session::{Session, Watch};
pub(crate) use span::{Role, Span, Trace};

use crate::app::App;
use export::Exporter;
use magic_config::TelemetrySettings;
use metrics::Metrics;
use span::Tracer;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Cheap to clone; all clones are one. Does nothing until it has begun.
#[derive(Clone, Default)]
pub(crate) struct Telemetry(Arc<OnceLock<Inner>>);

struct Inner {
    metrics: Option<Metrics>,
    tracer: Option<Arc<Tracer>>,
    exporter: Option<Arc<Exporter>>,
}

// === impl Telemetry ===
impl Telemetry {
    /// Once, with what the gateway starts with. `redact`: takes the gateway's own secrets out of a text.
    ///
    /// # Errors
    /// When no client for the collector can be built.
    pub(crate) fn begin(
        &self,
        settings: &TelemetrySettings,
        redact: impl Fn(&mut String) + Send + Sync + 'static,
    ) -> anyhow::Result<()> {
        let exporter = settings.otlp.as_ref().map(Exporter::new).transpose()?.map(Arc::new);
        let counts = settings.prometheus || settings.otlp.as_ref().is_some_and(|otlp| otlp.metrics);
        let tracer = exporter.as_ref().and_then(|exporter| exporter.tracer(Content::new(redact)));
        if let Some(exporter) = &exporter {
            exporter.take_logs();
        }
        let inner = Inner { metrics: counts.then(Metrics::default), tracer, exporter };
        // A second start would be another gateway, which has its own.
        let _began = self.0.set(inner);
        Ok(())
    }

    fn metrics(&self) -> Option<&Metrics> {
        self.0.get()?.metrics.as_ref()
    }

    fn tracer(&self) -> Option<&Arc<Tracer>> {
        self.0.get()?.tracer.as_ref()
    }

    fn is_on(&self) -> bool {
        self.0.get().is_some_and(|inner| inner.metrics.is_some() || inner.tracer.is_some())
    }

    /// What prompts and answers go through, where they are wanted.
    fn content(&self) -> Option<&Content> {
        self.tracer()?.content.as_ref()
    }

    /// What Prometheus reads; `None` where nothing is counted.
    pub(crate) fn exposition(&self, app: &App) -> Option<String> {
        let mut families = self.metrics()?.families();
        families.extend(standing::families(app, self));
        Some(prometheus::text(&families))
    }

    pub(crate) fn looked_up(&self, word: &str) {
        if let Some(metrics) = self.metrics() {
            metrics.looked_up(word);
        }
    }

    /// One send to a vendor is over. `kind`: its failure's, or `served`.
    pub(crate) fn tried(&self, profile: &str, kind: &str) {
        if let Some(metrics) = self.metrics() {
            metrics.tried(profile, kind);
        }
    }

    /// Sends what there is, now and then, until the gateway stops.
    pub(crate) async fn run(self, app: Arc<App>, stopping: CancellationToken) {
        if let Some(exporter) = self.exporter() {
            exporter.run(&app, &self, stopping).await;
        }
    }

    /// Sends what is left, `patience` at the longest.
    pub(crate) async fn close(&self, app: &App, patience: Duration) {
        if let Some(exporter) = self.exporter() {
            exporter.close(app, self, patience).await;
        }
    }

    fn exporter(&self) -> Option<&Arc<Exporter>> {
        self.0.get()?.exporter.as_ref()
    }

    /// Everything that a collector is told in numbers.
    fn families(&self, app: &App) -> Vec<metrics::Family> {
        let counted = self.metrics().map(Metrics::families).unwrap_or_default();
        counted.into_iter().chain(standing::families(app, self)).collect()
    }
}
