//! The way to a collector: queues with bounds that nobody waits at, and one task that empties them now and then. A batch that
//! could not be sent is tried again with the next round; what a collector that is down would make pile up is dropped and
//! counted.
mod client;
mod queue;

use super::content::Content;
use super::logs::{self, Line};
use super::otlp;
use super::span::{Finished, Tracer, unix_nanos};
use super::{App, Telemetry};
use crate::app::wall_clock;
use bytes::Bytes;
use client::{Client, SendError};
use magic_config::OtlpSettings;
pub(super) use queue::{Queue, Weighed};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Encoded batches that wait to be tried again.
const BATCHES_WAITING_MAX: usize = 32;
/// Of all of them together; the newest stays, whatever its size.
const BATCH_BYTES_WAITING_MAX: usize = 16 << 20;
const TRIES_MAX: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
    Logs,
}

/// Encoded, and not known to have arrived.
struct Batch {
    signal: Signal,
    bytes: Bytes,
    items: u64,
    tries: u32,
}

pub(super) struct Exporter {
    settings: OtlpSettings,
    client: Client,
    resource: Vec<u8>,
    /// Nanoseconds since 1970; where all sums begin.
    since: u64,
    spans: Arc<Queue<Finished>>,
    lines: Arc<Queue<Line>>,
    wake: Arc<Notify>,
    batches: Mutex<VecDeque<Batch>>,
    /// Items that were lost after they had left their queue, in the order of [`Signal`].
    lost: [AtomicU64; 3],
    is_failing: AtomicBool,
}

// === impl Signal ===
impl Signal {
    pub(super) const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

// === impl Exporter ===
impl Exporter {
    pub(super) fn new(settings: &OtlpSettings) -> anyhow::Result<Self> {
        let wake = Arc::new(Notify::new());
        let instance = uuid::Uuid::now_v7().to_string();
        let resource = otlp::resource(&[
            ("service.name", &settings.service_name),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", &instance),
        ]);
        Ok(Self {
            client: Client::new(settings)?,
            settings: settings.clone(),
            resource,
            since: unix_nanos(wall_clock()),
            spans: Arc::new(Queue::new(&wake)),
            lines: Arc::new(Queue::new(&wake)),
            wake,
            batches: Mutex::default(),
            lost: Default::default(),
            is_failing: AtomicBool::new(false),
        })
    }

    pub(super) fn tracer(&self, content: Content) -> Option<Arc<Tracer>> {
        let OtlpSettings { traces, sampling_ratio, capture_content, .. } = self.settings;
        let content = capture_content.then_some(content);
        traces.then(|| Arc::new(Tracer::new(sampling_ratio, content, Arc::clone(&self.spans))))
    }

    /// The process' log goes to the collector too, if that is wanted.
    pub(super) fn take_logs(&self) {
        if self.settings.logs {
            logs::export_to(&self.lines);
        }
    }

    pub(super) fn dropped(&self, signal: Signal) -> u64 {
        let waiting = match signal {
            Signal::Traces => self.spans.dropped(),
            Signal::Logs => self.lines.dropped(),
            Signal::Metrics => 0,
        };
        waiting + self.lost.get(signal as usize).map_or(0, |lost| lost.load(Relaxed))
    }

    pub(super) async fn run(&self, app: &App, telemetry: &Telemetry, stopping: CancellationToken) {
        let mut metrics_at = Instant::now() + self.settings.metrics_interval;
        loop {
            let next = Instant::now() + self.settings.interval;
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(next.min(metrics_at)) => {}
            }
            self.take_items().await;
            if Instant::now() >= metrics_at {
                metrics_at = Instant::now() + self.settings.metrics_interval;
                self.take_metrics(app, telemetry);
            }
            // What is under way when the gateway stops is still a batch, and is sent again with the last ones.
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.send() => {}
            }
        }
    }

    pub(super) async fn close(&self, app: &App, telemetry: &Telemetry, patience: Duration) {
        self.take_items().await;
        self.take_metrics(app, telemetry);
        if tokio::time::timeout(patience, self.send()).await.is_err() || !self.batches().is_empty() {
            tracing::warn!("the collector did not take the last of what was to be told to it");
        }
    }

    /// What waits is encoded batch by batch, and requests are let through in between. A round has an end, however fast more
    /// comes in.
    async fn take_items(&self) {
        for _ in 0..BATCHES_WAITING_MAX {
            let (spans, lines) = (self.spans.take_batch(), self.lines.take_batch());
            if spans.is_empty() && lines.is_empty() {
                return;
            }
            if !spans.is_empty() {
                self.put(Signal::Traces, otlp::spans(&self.resource, &spans), spans.len());
            }
            if !lines.is_empty() {
                self.put(Signal::Logs, otlp::logs(&self.resource, &lines), lines.len());
            }
            tokio::task::yield_now().await;
        }
    }

    fn take_metrics(&self, app: &App, telemetry: &Telemetry) {
        if self.settings.metrics {
            let families = telemetry.families(app);
            let now = unix_nanos(wall_clock());
            self.put(Signal::Metrics, otlp::metrics(&self.resource, &families, self.since, now), 1);
        }
    }

    fn put(&self, signal: Signal, bytes: Vec<u8>, items: usize) {
        let mut batches = self.batches();
        batches.push_back(Batch { signal, bytes: bytes.into(), items: items as u64, tries: 0 });
        while batches.len() > 1 && (batches.len() > BATCHES_WAITING_MAX || size(&batches) > BATCH_BYTES_WAITING_MAX) {
            if let Some(oldest) = batches.pop_front() {
                self.lose(&oldest);
            }
        }
    }

    /// Sends batches until there are none, or one does not arrive. One stays in its place until it is known what became of it.
    async fn send(&self) {
        loop {
            let Some((signal, bytes)) = self.batches().front().map(|batch| (batch.signal, batch.bytes.clone())) else {
                return;
            };
            match self.client.send(signal, bytes).await {
                Ok(()) => {
                    self.batches().pop_front();
                    if self.is_failing.swap(false, Relaxed) {
                        tracing::info!("the collector takes what it is told again");
                    }
                }
                Err(error) => {
                    if !self.is_failing.swap(true, Relaxed) {
                        tracing::warn!(signal = signal.as_str(), "the collector was not told: {error}");
                    }
                    if self.give_up(&error) {
                        return;
                    }
                }
            }
        }
    }

    /// What becomes of the first batch after a failure. True: the collector is not asked again in this round.
    fn give_up(&self, error: &SendError) -> bool {
        let mut batches = self.batches();
        let Some(batch) = batches.front_mut() else { return true };
        batch.tries += 1;
        let is_over = !error.is_passing || batch.tries >= TRIES_MAX;
        if let (true, Some(batch)) = (is_over, if is_over { batches.pop_front() } else { None }) {
            self.lose(&batch);
        }
        error.is_passing
    }

    fn lose(&self, batch: &Batch) {
        if let Some(lost) = self.lost.get(batch.signal as usize) {
            lost.fetch_add(batch.items, Relaxed);
        }
    }

    fn batches(&self) -> MutexGuard<'_, VecDeque<Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(batches: &VecDeque<Batch>) -> usize {
    batches.iter().map(|batch| batch.bytes.len()).sum()
}
