//! `server_settings`: names, TLS and the bounds of a connection.
use super::settings::{count_if, size, time};
use crate::defaults;
use crate::listener::{ListenerSettings, TlsSettings};
use crate::walk::{Fields, Value};
use std::time::Duration;

const HEAD_MIN: Duration = Duration::from_millis(1);
const HEAD_MAX: Duration = Duration::from_secs(3600);

pub(super) fn listener(fields: &mut Fields<'_>) -> ListenerSettings {
    ListenerSettings {
        allowed_hosts: fields.take("allowed_hosts").map(|value| hosts(&value)).unwrap_or_default(),
        tls: fields.take("tls").and_then(|value| tls(&value)),
        connections_per_address_max: count_if(fields, "connections_per_address_max"),
        head: time(fields, "head_seconds", HEAD_MIN..=HEAD_MAX, defaults::HEAD),
        header_bytes_max: size(fields, "header_bytes_max", 1024..=48 << 10, defaults::HEADER_BYTES_MAX),
        url_bytes_max: size(fields, "url_bytes_max", 256..=32 << 10, defaults::URL_BYTES_MAX),
    }
}

fn tls(value: &Value<'_>) -> Option<TlsSettings> {
    let mut fields = value.fields()?;
    let certificate = fields.need("certificate", "a PEM file, the gateway's own certificate first");
    let key = fields.need("key", "a PEM file with the certificate's private key");
    let client_ca = fields.take("client_ca").and_then(|value| value.text());
    fields.finish();
    Some(TlsSettings { certificate: certificate?.text()?, key: key?.text()?, client_ca })
}

fn hosts(value: &Value<'_>) -> Vec<String> {
    value.list().unwrap_or_default().iter().filter_map(host).collect()
}

/// A name or an address as it stands in a `Host` header, but for the port.
fn host(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let bare = text.strip_prefix("*.").unwrap_or(&text);
    let is_address = bare.starts_with('[') && bare.ends_with(']');
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || (is_address && b"[]:".contains(&byte));
    if bare == "*" || (!bare.is_empty() && bare.bytes().all(fits)) {
        return Some(text);
    }
    value.problem_hint(
        "expected a host's name without scheme, port and path",
        "e.g. ai.example.org, *.example.org or [2001:db8::1]; \"*\" for any",
    );
    None
}
