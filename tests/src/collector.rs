//! An OpenTelemetry collector for tests: takes OTLP over HTTP like a real one, and reads it with the types that the
//! OpenTelemetry project makes of its own protocol files.
use crate::provider::{Call, Provider, Script};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use prost::Message;
use std::collections::BTreeMap;

pub struct Collector {
    server: Provider,
}

/// Ids in hexadecimal digits; a span without a parent has an empty one.
#[derive(Clone, Debug, Default)]
pub struct Span {
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    /// OpenTelemetry's number: 1 internal, 2 server, 3 client.
    pub kind: i32,
    pub attributes: BTreeMap<String, String>,
    pub failed: bool,
    pub start: u64,
    pub end: u64,
}

/// One series of a metric: a number, or how many values a histogram holds and their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub count: u64,
    pub sum: f64,
}

// === impl Collector ===

impl Collector {
    pub async fn start() -> Self {
        let server = Provider::start().await;
        server.always(Script::bytes(200, "application/x-protobuf", ""));
        Self { server }
    }

    /// The server behind it, e.g. to make it answer otherwise.
    pub fn server(&self) -> &Provider {
        &self.server
    }

    /// For `otlp_endpoint`.
    pub fn base(&self) -> String {
        self.server.root()
    }

    /// `telemetry_settings` that export to it soon; `more` goes behind.
    pub fn section(&self, more: &str) -> String {
        format!(
            "telemetry_settings: {{ otlp_endpoint: \"{}\", export_seconds: 100ms, metrics_export_seconds: 100ms{more} }}\n",
            self.base()
        )
    }

    /// What came to a path, e.g. `/v1/traces`.
    pub fn calls(&self, path: &str) -> Vec<Call> {
        self.server.calls().into_iter().filter(|call| call.path == path).collect()
    }

    /// Every body that came so far, as text as far as it is text.
    pub fn everything(&self) -> String {
        let bodies: Vec<Vec<u8>> = self.server.calls().into_iter().map(|call| call.body).collect();
        String::from_utf8_lossy(&bodies.concat()).into_owned()
    }

    /// All spans so far.
    ///
    /// # Panics
    /// When a body is not what the protocol says.
    pub fn spans(&self) -> Vec<Span> {
        let requests = self
            .calls("/v1/traces")
            .into_iter()
            .map(|call| ExportTraceServiceRequest::decode(call.body.as_slice()).expect("an ExportTraceServiceRequest"));
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
        let read = |span: opentelemetry_proto::tonic::trace::v1::Span| Span {
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            name: span.name,
            kind: span.kind,
            attributes: texts(&span.attributes),
            failed: span.status.is_some_and(|status| status.code == 2),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
        };
        scopes.flat_map(|scope| scope.spans).map(read).collect()
    }

    /// The newest export of metrics.
    ///
    /// # Panics
    /// When a body is not what the protocol says.
    pub fn metrics(&self) -> Vec<Measured> {
        let Some(call) = self.calls("/v1/metrics").pop() else { return Vec::new() };
        let request =
            ExportMetricsServiceRequest::decode(call.body.as_slice()).expect("an ExportMetricsServiceRequest");
        let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        let mut found = Vec::new();
        for metric in scopes.flat_map(|scope| scope.metrics) {
            let number = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| match point.value {
                Some(number_data_point::Value::AsInt(number)) => u64::try_from(number).expect("not negative"),
                _ => panic!("{}: not a whole number", metric.name),
            };
            let mut put = |labels: &[KeyValue], count, sum| {
                found.push(Measured { name: metric.name.clone(), labels: texts(labels), count, sum });
            };
            match metric.data.as_ref().expect("a metric has data") {
                metric::Data::Sum(sum) => {
                    assert!(sum.is_monotonic && sum.aggregation_temporality == 2, "{}", metric.name);
                    sum.data_points.iter().for_each(|point| put(&point.attributes, number(point), 0.0));
                }
                metric::Data::Gauge(gauge) => {
                    gauge.data_points.iter().for_each(|point| put(&point.attributes, number(point), 0.0));
                }
                metric::Data::Histogram(histogram) => {
                    for point in &histogram.data_points {
                        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1, "{}", metric.name);
                        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count, "{}", metric.name);
                        put(&point.attributes, point.count, point.sum.expect("a sum"));
                    }
                }
                other => panic!("{}: {other:?}", metric.name),
            }
        }
        found
    }

    /// All log records so far: severity, message, the trace in hexadecimal digits, fields.
    ///
    /// # Panics
    /// When a body is not what the protocol says.
    pub fn logs(&self) -> Vec<(String, String, String, BTreeMap<String, String>)> {
        let requests = self
            .calls("/v1/logs")
            .into_iter()
            .map(|call| ExportLogsServiceRequest::decode(call.body.as_slice()).expect("an ExportLogsServiceRequest"));
        let scopes = requests.flat_map(|request| request.resource_logs).flat_map(|resource| resource.scope_logs);
        let read = |record: LogRecord| {
            let message = record.body.as_ref().map(text).unwrap_or_default();
            (record.severity_text, message, hex(&record.trace_id), texts(&record.attributes))
        };
        scopes.flat_map(|scope| scope.log_records).map(read).collect()
    }
}

// === impl Span ===

impl Span {
    /// An attribute, or nothing.
    pub fn says(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

fn texts(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    pairs.iter().map(|pair| (pair.key.clone(), pair.value.as_ref().map(text).unwrap_or_default())).collect()
}

fn text(value: &AnyValue) -> String {
    match value.value.as_ref().expect("a value") {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::BoolValue(truth) => truth.to_string(),
        any_value::Value::IntValue(number) => number.to_string(),
        any_value::Value::DoubleValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
