//! Logs on standard error, as text for people or JSON for machines. Decides no level: `RUST_LOG` does, `info` else.
//! Lines are written by a thread of their own, so that a slow reader of the log holds up no request.
use std::io::IsTerminal as _;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Lines that wait to be written, some megabytes at most; when it is full new ones are dropped.
const LINES_WAITING_MAX: usize = 16_384;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Installs the subscriber. What waits is written when the guard is dropped. A second call changes nothing.
#[must_use = "dropping the guard ends the log"]
pub(crate) fn start(format: Format) -> WorkerGuard {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING_MAX).thread_name("log");
    let (writer, guard) = builder.finish(std::io::stderr());
    let logs = fmt().with_env_filter(filter).with_writer(writer);
    let _already_started = match format {
        Format::Text => logs.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        Format::Json => logs.json().flatten_event(true).try_init(),
    };
    guard
}
