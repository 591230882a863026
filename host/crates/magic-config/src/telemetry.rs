//! What is told of the gateway's work, and to whom. Sends nothing.
use magic_types::Secret;
use std::fmt;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct TelemetrySettings {
    /// Whether anything is counted, and `GET /metrics` answers.
    pub prometheus: bool,
    /// `None`: nothing is exported, and no span is made.
    pub otlp: Option<OtlpSettings>,
}

/// Export over OTLP/HTTP.
#[derive(Clone, PartialEq)]
pub struct OtlpSettings {
    /// `http(s)://host[:port][/path]` without a trailing slash; `/v1/traces` and its kin are appended to it.
    pub endpoint: String,
    pub headers: Vec<OtlpHeader>,
    pub service_name: String,
    pub traces: bool,
    pub metrics: bool,
    pub logs: bool,
    /// Of the traces that no client has decided on, 0 to 1.
    pub sampling_ratio: f64,
    /// Whether prompts and answers go along.
    pub capture_content: bool,
    /// Between two exports of traces and logs.
    pub interval: Duration,
    /// Between two exports of metrics.
    pub metrics_interval: Duration,
}

/// A header of every export.
#[derive(Clone)]
pub struct OtlpHeader {
    /// In lower case.
    pub name: String,
    pub value: Secret,
}

// === impl OtlpSettings ===

// By hand, because an address and headers may hold what `${NAME}` put in.
impl fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpSettings").field("service_name", &self.service_name).finish_non_exhaustive()
    }
}

// === impl OtlpHeader ===
impl PartialEq for OtlpHeader {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value.expose() == other.value.expose()
    }
}
