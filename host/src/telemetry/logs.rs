//! Logs on standard error, as text for people or JSON for machines, and to a collector where one is named. Decides no level:
//! `RUST_LOG` does, `info` else. Lines are written by a thread of their own, so that a slow reader of the log holds up no
//! request.
use super::export::{Queue, Weighed};
use super::span::unix_nanos;
use crate::app::wall_clock;
use std::fmt::Debug;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Lines that wait to be written, some megabytes at most; when it is full new ones are dropped.
const LINES_WAITING_MAX: usize = 16_384;
/// Of one text in a line that goes to a collector.
const TEXT_BYTES_MAX: usize = 8 << 10;
/// Who takes part in sending lines to a collector must not be told of in them: each export would make the next.
const NOT_EXPORTED: [&str; 4] = ["hyper", "reqwest", "rustls", "magic_proxy::telemetry"];
/// The field with the words of a failure. They may be a vendor's own, which may quote the prompt: they stay in this machine's
/// log.
const KEPT: &str = "said";

/// The log is one for the process, and so is what it is sent to.
static EXPORTS: AtomicBool = AtomicBool::new(false);
static QUEUE: Mutex<Weak<Queue<Line>>> = Mutex::new(Weak::new());
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// A line for a collector.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Nanoseconds since 1970.
    pub(super) at: u64,
    /// OpenTelemetry's number and word.
    pub(super) severity: (u64, &'static str),
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) trace_id: Option<[u8; 16]>,
}

/// Installs the subscriber. What waits is written when the guard is dropped. A second call changes nothing.
#[must_use = "dropping the guard ends the log"]
pub(crate) fn start(format: Format) -> WorkerGuard {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING_MAX).thread_name("log");
    let (writer, guard) = builder.finish(std::io::stderr());
    let _already_counted = DROPPED.set(writer.error_counter());
    let logs = fmt().with_env_filter(filter).with_writer(writer);
    let _already_started = match format {
        Format::Text => {
            logs.with_ansi(std::io::stderr().is_terminal()).with_target(false).finish().with(Export).try_init()
        }
        Format::Json => logs.json().flatten_event(true).finish().with(Export).try_init(),
    };
    guard
}

/// Lines that were dropped because nobody read the log fast enough.
pub(super) fn dropped() -> u64 {
    DROPPED.get().map_or(0, |counter| counter.dropped_lines() as u64)
}

/// From now on lines go there too, until it is dropped.
pub(super) fn export_to(queue: &Arc<Queue<Line>>) {
    *QUEUE.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(queue);
    EXPORTS.store(true, Relaxed);
}

struct Export;

impl<S: Subscriber> Layer<S> for Export {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let target = event.metadata().target();
        if !EXPORTS.load(Relaxed) || NOT_EXPORTED.iter().any(|name| target.starts_with(name)) {
            return;
        }
        let queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let Some(queue) = queue else { return EXPORTS.store(false, Relaxed) };
        let mut line =
            Line { at: unix_nanos(wall_clock()), severity: severity(event.metadata().level()), ..Line::default() };
        event.record(&mut line);
        queue.push(line);
    }
}

fn severity(level: &Level) -> (u64, &'static str) {
    match *level {
        Level::TRACE => (1, "TRACE"),
        Level::DEBUG => (5, "DEBUG"),
        Level::INFO => (9, "INFO"),
        Level::WARN => (13, "WARN"),
        Level::ERROR => (17, "ERROR"),
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == KEPT {
            return;
        }
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == KEPT {
            return;
        }
        self.put(field.name(), value.to_owned());
    }
}

impl Weighed for Line {
    fn bytes(&self) -> usize {
        let fields = self.fields.iter().map(|(_, text)| size_of::<(&str, String)>() + text.len());
        size_of::<Self>() + self.message.len() + fields.sum::<usize>()
    }
}

impl Line {
    fn put(&mut self, name: &'static str, mut text: String) {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        match name {
            "message" => self.message = text,
            "trace_id" => self.trace_id = super::context::trace_id(&text),
            name => self.fields.push((name, text)),
        }
    }
}
