//! Logs on standard error, as text for people or JSON for machines. Decides no level: `RUST_LOG` does, `info` else.
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Installs the subscriber. A second call changes nothing.
pub(crate) fn start(format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _already_started = match format {
        Format::Text => logs.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        Format::Json => logs.json().flatten_event(true).try_init(),
    };
}
