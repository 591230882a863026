//! `telemetry_settings` over the standard variables.
use super::{accepted, listed, minimal, nothing_set};
use crate::{OtlpSettings, TelemetrySettings, parse};

fn standard(name: &str) -> Option<String> {
    let value = match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://127.0.0.1:4318/",
        "OTEL_EXPORTER_OTLP_HEADERS" => "Authorization=Bearer%20abc,x-tenant=acme",
        "OTEL_SERVICE_NAME" => "front-door",
        "OTHER" => "sk-other",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(section: &str, env: &dyn crate::Env) -> TelemetrySettings {
    accepted(&minimal("", section), env).telemetry_settings
}

fn exported(section: &str, env: &dyn crate::Env) -> OtlpSettings {
    read(section, env).otlp.expect("something is exported")
}

fn headers(settings: &OtlpSettings) -> Vec<(&str, &str)> {
    settings.headers.iter().map(|header| (header.name.as_str(), header.value.expose())).collect()
}

#[test]
fn nothing_is_exported_unless_somebody_asks_for_it() {
    let settings = read("", &nothing_set);
    assert!(settings.otlp.is_none() && settings.prometheus);
}

#[test]
fn the_standard_variables_are_heard() {
    let settings = exported("", &standard);
    assert_eq!((settings.endpoint.as_str(), settings.service_name.as_str()), ("http://127.0.0.1:4318", "front-door"));
    assert_eq!(headers(&settings), [("authorization", "Bearer abc"), ("x-tenant", "acme")]);
    assert!(settings.traces && settings.metrics && settings.logs && !settings.capture_content);
}

#[test]
fn the_file_wins_over_the_standard_variables() {
    let section = "telemetry_settings: {otlp_endpoint: 'https://c.example/otlp', service_name: mine, \
                   otlp_headers: {X-Api-Key: '${OTHER}'}, sampling_ratio: 0.25}";
    let settings = exported(section, &standard);
    assert_eq!((settings.endpoint.as_str(), settings.service_name.as_str()), ("https://c.example/otlp", "mine"));
    assert_eq!(headers(&settings), [("x-api-key", "sk-other")]);
    assert!((settings.sampling_ratio - 0.25).abs() < f64::EPSILON);
    assert!(read("telemetry_settings: {otlp_endpoint: null}", &standard).otlp.is_none());
}

#[test]
fn a_disabled_sdk_exports_nothing() {
    let env = |name: &str| if name == "OTEL_SDK_DISABLED" { Some("true".to_owned()) } else { standard(name) };
    assert!(read("", &env).otlp.is_none());
}

#[test]
fn a_variable_that_cannot_be_read_is_a_problem_and_is_not_repeated() {
    let env = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("user:secret@collector".to_owned()),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some("authorization".to_owned()),
        _ => None,
    };
    let problems = listed(&parse(&minimal("", ""), &env).expect_err("two problems"));
    assert!(
        problems.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && problems.contains("OTEL_EXPORTER_OTLP_HEADERS"),
        "{problems}"
    );
    assert!(!problems.contains("secret"), "{problems}");
}

#[test]
fn no_debug_text_repeats_a_header_or_an_address() {
    let text = format!("{:?}", read("", &standard));
    assert!(!text.contains("abc") && !text.contains("127.0.0.1"), "{text}");
}
