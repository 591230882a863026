//! `telemetry_settings`, and the standard variables of OpenTelemetry for what the file leaves open.
use super::settings::{A_DAY, A_SECOND, time, truth};
use crate::defaults;
use crate::telemetry::{OtlpHeader, OtlpSettings, TelemetrySettings};
use crate::walk::{Book, Fields, Given, Value};
use magic_types::Secret;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const DISABLED: &str = "OTEL_SDK_DISABLED";
/// Words in the names of headers whose values are secrets.
const SECRET_WORDS: [&str; 5] = ["auth", "key", "token", "secret", "password"];

pub(crate) fn read(book: &Book<'_>, mut fields: Fields<'_>) -> TelemetrySettings {
    let prometheus = truth(&mut fields, "prometheus", defaults::PROMETHEUS);
    let endpoint = endpoint(book, &mut fields);
    let headers = headers(book, &mut fields);
    let service_name = fields.take("service_name").and_then(|value| value.text());
    let service_name = service_name.or_else(|| variable(book, SERVICE_NAME));
    let otlp = OtlpSettings {
        endpoint: endpoint.clone().unwrap_or_default(),
        headers,
        service_name: service_name.unwrap_or_else(|| defaults::SERVICE_NAME.to_owned()),
        traces: truth(&mut fields, "traces", true),
        metrics: truth(&mut fields, "metrics", true),
        logs: truth(&mut fields, "logs", true),
        sampling_ratio: fields.take("sampling_ratio").and_then(|value| ratio(&value)).unwrap_or(1.0),
        capture_content: truth(&mut fields, "capture_content", defaults::CAPTURE_CONTENT),
        interval: time(&mut fields, "export_seconds", A_SECOND / 10..=A_DAY, defaults::EXPORT),
        metrics_interval: time(&mut fields, "metrics_export_seconds", A_SECOND / 10..=A_DAY, defaults::METRICS_EXPORT),
    };
    fields.finish();
    TelemetrySettings { prometheus, otlp: endpoint.map(|_| otlp) }
}

/// `null` is an answer: nothing is exported, whatever the environment says.
fn endpoint(book: &Book<'_>, fields: &mut Fields<'_>) -> Option<String> {
    match fields.take_nullable("otlp_endpoint") {
        Given::Null => None,
        Given::Value(value) => {
            let text = value.text()?;
            let base = address(&text);
            if base.is_none() {
                value.problem_hint("is not an address of a collector", "e.g. http://127.0.0.1:4318");
            }
            base
        }
        Given::Absent if variable(book, DISABLED).is_some_and(|word| word.eq_ignore_ascii_case("true")) => None,
        Given::Absent => {
            let text = variable(book, ENDPOINT)?;
            let base = address(&text);
            if base.is_none() {
                let hint = format!("e.g. {ENDPOINT}=http://127.0.0.1:4318");
                fields.problem_hint(format!("{ENDPOINT} is not an address of a collector"), hint);
            }
            base
        }
    }
}

fn address(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let is_sound = !host.is_empty()
        && !host.starts_with(':')
        && !host.contains('@')
        && !rest.contains(['?', '#'])
        && rest.bytes().all(|byte| byte.is_ascii_graphic());
    is_sound.then(|| text.to_owned())
}

/// Those of the file, else those of the environment: `name=value,name=value`, values percent-encoded.
fn headers(book: &Book<'_>, fields: &mut Fields<'_>) -> Vec<OtlpHeader> {
    if let Some(value) = fields.take("otlp_headers") {
        let entries = value.entries().unwrap_or_default();
        return entries.iter().filter_map(|(name, value)| header(name, value)).collect();
    }
    let text = variable(book, HEADERS).unwrap_or_default();
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let read = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        named(name.trim(), decoded(value.trim())?)
    };
    let headers: Option<Vec<OtlpHeader>> = pairs.map(read).collect();
    headers.unwrap_or_else(|| {
        fields.problem_hint(format!("{HEADERS} cannot be read"), "write name=value,name=value");
        Vec::new()
    })
}

fn header(name: &str, value: &Value<'_>) -> Option<OtlpHeader> {
    let lower = name.to_ascii_lowercase();
    let is_secret = SECRET_WORDS.iter().any(|word| lower.contains(word));
    if is_secret && value.is_text() && !crate::env::has_variable(value.raw()) {
        value.problem_hint("a secret must not stand in the file", "write \"Bearer ${OTLP_TOKEN}\"");
        return None;
    }
    let found = named(name, value.text_or_blank()?);
    if found.is_none() {
        value.problem("is not a header that HTTP could carry");
    }
    found
}

fn named(name: &str, value: String) -> Option<OtlpHeader> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_sound =
        !name.is_empty() && name.bytes().all(is_name) && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    is_sound.then(|| OtlpHeader { name: name.to_ascii_lowercase(), value: Secret::new(value) })
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        out.push(digit()? * 16 + digit()?);
    }
    String::from_utf8(out).ok()
}

fn ratio(value: &Value<'_>) -> Option<f64> {
    let ratio = value.json()?.as_f64().filter(|ratio| (0.0..=1.0).contains(ratio));
    if ratio.is_none() {
        value.problem_hint("expected a number from 0 to 1", "0.1 keeps one trace in ten");
    }
    ratio
}

/// A blank one is none, as OpenTelemetry has it.
fn variable(book: &Book<'_>, name: &str) -> Option<String> {
    book.variable(name).filter(|value| !value.trim().is_empty())
}
