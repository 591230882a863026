//! The policy file as it is written, and the way from there to a checked [`Policy`]. Unknown keys are refused.
use super::{Http, LimitChanges, Policy};
use crate::defaults;
use crate::destination::HostPattern;
use crate::error::PolicyError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    http: Option<RawHttp>,
    kv: Option<RawKv>,
    clock: bool,
    config: BTreeMap<String, String>,
    secrets: Vec<String>,
    limits: RawLimits,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHttp {
    hosts: Vec<String>,
    allow_private: bool,
    timeout_ms: Option<u64>,
    response_bytes_max: Option<u64>,
    request_bytes_max: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawKv {
    bytes_max: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLimits {
    memory_bytes_max: Option<u64>,
    wall_ms_max: Option<u64>,
    cpu_ms_max: Option<u64>,
    output_bytes_max: Option<u64>,
    host_calls_max: Option<u64>,
    concurrency_max: Option<u64>,
}

pub(super) fn parse(yaml: &str) -> Result<Policy, PolicyError> {
    // A file of comments only is an empty document, which is no mapping.
    let Some(raw) =
        serde_saphyr::from_str::<Option<Raw>>(yaml).map_err(|error| PolicyError::Yaml(error.to_string()))?
    else {
        return Ok(Policy::default());
    };
    Ok(Policy {
        http: raw.http.map(http).transpose()?,
        kv_bytes_max: raw.kv.map(kv_bytes_max).transpose()?,
        clock: raw.clock,
        config: raw.config,
        secrets: secrets(raw.secrets)?,
        limits: limits(&raw.limits)?,
    })
}

fn http(raw: RawHttp) -> Result<Http, PolicyError> {
    let mut hosts = Vec::with_capacity(raw.hosts.len());
    for (index, text) in raw.hosts.iter().enumerate() {
        let pattern = HostPattern::parse(text).map_err(|message| wrong(format!("http.hosts[{index}]"), message))?;
        hosts.push(pattern);
    }
    let timeout_ms = number("http.timeout_ms", raw.timeout_ms, defaults::TIME_MS_CEILING)?;
    Ok(Http {
        hosts,
        allow_private: raw.allow_private,
        timeout: Duration::from_millis(timeout_ms.unwrap_or(defaults::HTTP_TIMEOUT_MS)),
        response_bytes_max: bytes("http.response_bytes_max", raw.response_bytes_max)?
            .unwrap_or(defaults::HTTP_RESPONSE_BYTES_MAX),
        request_bytes_max: bytes("http.request_bytes_max", raw.request_bytes_max)?
            .unwrap_or(defaults::HTTP_REQUEST_BYTES_MAX),
    })
}

fn kv_bytes_max(raw: RawKv) -> Result<usize, PolicyError> {
    Ok(bytes("kv.bytes_max", raw.bytes_max)?.unwrap_or(defaults::KV_BYTES_MAX))
}

fn secrets(names: Vec<String>) -> Result<Vec<String>, PolicyError> {
    for (index, name) in names.iter().enumerate() {
        let fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !fits {
            return Err(wrong(format!("secrets[{index}]"), "a name is made of letters, digits and `_`".to_owned()));
        }
    }
    Ok(names)
}

fn limits(raw: &RawLimits) -> Result<LimitChanges, PolicyError> {
    let memory = number("limits.memory_bytes_max", raw.memory_bytes_max, defaults::MEMORY_BYTES_CEILING as u64)?;
    let host_calls = number("limits.host_calls_max", raw.host_calls_max, u64::from(defaults::HOST_CALLS_CEILING))?;
    let concurrency = number("limits.concurrency_max", raw.concurrency_max, u64::from(defaults::CONCURRENCY_CEILING))?;
    Ok(LimitChanges {
        memory_bytes_max: memory.and_then(|n| usize::try_from(n).ok()),
        wall_ms_max: number("limits.wall_ms_max", raw.wall_ms_max, defaults::TIME_MS_CEILING)?,
        cpu_ms_max: number("limits.cpu_ms_max", raw.cpu_ms_max, defaults::TIME_MS_CEILING)?,
        output_bytes_max: bytes("limits.output_bytes_max", raw.output_bytes_max)?,
        host_calls_max: host_calls.and_then(|n| u32::try_from(n).ok()),
        concurrency_max: concurrency.and_then(|n| u32::try_from(n).ok()),
    })
}

fn bytes(path: &str, value: Option<u64>) -> Result<Option<usize>, PolicyError> {
    Ok(number(path, value, defaults::BYTES_CEILING as u64)?.and_then(|n| usize::try_from(n).ok()))
}

fn number(path: &str, value: Option<u64>, ceiling: u64) -> Result<Option<u64>, PolicyError> {
    match value {
        Some(n) if n == 0 || n > ceiling => Err(wrong(path.to_owned(), format!("{n} is not within 1 and {ceiling}"))),
        given => Ok(given),
    }
}

fn wrong(path: String, message: String) -> PolicyError {
    PolicyError::Value { path, message }
}
