//! Outbound HTTP of a guest: counted, held to the policy, secrets put in, then handed to the host. Decides everything
//! that can be decided without a socket.
use super::secrets::{self, Refused as SecretRefused};
use crate::bindings::tool::magic::proxy::http as wit;
use crate::component::Guest;
use crate::defaults;
use crate::destination::{self, Refused};
use crate::host::{Host, Inbound, Outbound, OutboundError};
use crate::lines;
use crate::policy::Http;
use crate::state::State;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// What hops between two machines decide among themselves, or what we write ourselves.
const OURS: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "proxy-authenticate",
];

/// Written by the host where the guest does not: draft-ietf-httpapi-idempotency-key-header.
const KEY: &str = "idempotency-key";

impl wit::Host for State {
    async fn send(&mut self, request: wit::Request) -> wasmtime::Result<Result<wit::Response, wit::Error>> {
        self.count_host_calls(1)?;
        self.waited();
        let key = self.key_of(&request);
        Ok(one(Arc::clone(&self.guest), Arc::clone(&self.host), request, key).await)
    }

    async fn send_all(
        &mut self,
        requests: Vec<wit::Request>,
    ) -> wasmtime::Result<Vec<Result<wit::Response, wit::Error>>> {
        self.count_host_calls(requests.len().max(1))?;
        self.waited();
        if requests.len() > defaults::HTTP_BATCH_MAX {
            let text = format!("more than {} requests at once", defaults::HTTP_BATCH_MAX);
            return Ok(requests.iter().map(|_| Err(wit::Error::Invalid(text.clone()))).collect());
        }
        let sent = requests.into_iter().map(|request| {
            let key = self.key_of(&request);
            one(Arc::clone(&self.guest), Arc::clone(&self.host), request, key)
        });
        Ok(stream::iter(sent).buffered(defaults::HTTP_PARALLEL_MAX).collect().await)
    }
}

impl State {
    /// The value of the header that names this request for ever, within a session.
    fn key_of(&mut self, request: &wit::Request) -> Option<String> {
        let call = self.caller.idempotency_key.as_deref()?;
        self.writes.key_of(call, &request.method, &request.url, &request.body)
    }
}

async fn one(
    guest: Arc<Guest>,
    host: Arc<dyn Host>,
    request: wit::Request,
    key: Option<String>,
) -> Result<wit::Response, wit::Error> {
    let outbound = checked(&guest, host.as_ref(), request, key)?;
    let (wall_max, bytes_max) = (outbound.timeout, outbound.response_bytes_max);
    tracing::debug!(component = %guest.file, method = %outbound.method, "component `{}` asks {}", guest.file, outbound.shown_url);
    match timeout(wall_max, host.http(&guest.file, outbound)).await {
        // The host stops reading there; a host that does not is not believed.
        Ok(Ok(inbound)) if inbound.body.len() > bytes_max => Err(wit::Error::TooLarge(bytes_max as u64)),
        Ok(Ok(inbound)) => Ok(response(inbound)),
        Ok(Err(error)) => Err(failure(error)),
        Err(_) => Err(wit::Error::TimedOut),
    }
}

/// The request as it may be sent, secrets and all.
fn checked(guest: &Guest, host: &dyn Host, request: wit::Request, key: Option<String>) -> Result<Outbound, wit::Error> {
    let Some(policy) = &guest.policy.http else {
        return Err(not_listed(guest, &host_of(&request.url)));
    };
    let mut url = destination::check(&request.url, &policy.hosts).map_err(|refused| match refused {
        Refused::Invalid(text) => wit::Error::Invalid(text),
        Refused::NotListed(host) => not_listed(guest, &host),
    })?;
    if !is_method(&request.method) {
        return Err(wit::Error::Invalid("the method is not one that may be sent".to_owned()));
    }
    if request.body.len() > policy.request_bytes_max {
        return Err(wit::Error::TooLarge(policy.request_bytes_max as u64));
    }
    check_headers(&request.headers)?;
    let shown_url = destination::shown(&url);
    let mut headers = with_secrets(guest, host, policy, &mut url, request.headers)?;
    if let Some(key) = key.filter(|_| !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(KEY))) {
        headers.push((KEY.to_owned(), key));
    }
    Ok(Outbound {
        method: request.method.to_ascii_uppercase(),
        url: url.into(),
        shown_url,
        headers,
        body: Bytes::from(request.body),
        timeout: request
            .timeout_ms
            .map_or(policy.timeout, |ms| policy.timeout.min(Duration::from_millis(u64::from(ms)))),
        response_bytes_max: policy.response_bytes_max,
        allow_private: policy.allow_private,
    })
}

fn with_secrets(
    guest: &Guest,
    host: &dyn Host,
    policy: &Http,
    url: &mut Url,
    headers: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, wit::Error> {
    if !secrets::are_asked_for(url, &headers) {
        return Ok(headers);
    }
    if url.scheme() != "https" && !policy.allow_private {
        return Err(wit::Error::Denied("a secret is not sent without TLS: use `https`".to_owned()));
    }
    let find = |name: &str| match guest.policy.secrets.iter().any(|granted| granted == name) {
        true => host.secret(&guest.file, name).ok_or_else(|| SecretRefused::Unset(name.to_owned())),
        false => Err(SecretRefused::Ungranted(name.to_owned())),
    };
    let put = || {
        secrets::put_in_query(url, &find)?;
        let put = headers.into_iter().map(|(name, value)| Ok((name, secrets::put_in_header(&value, &find)?)));
        put.collect::<Result<Vec<_>, SecretRefused>>()
    };
    put().map_err(|refused| secret_denied(guest, &refused))
}

fn secret_denied(guest: &Guest, refused: &SecretRefused) -> wit::Error {
    let bounded = |name: &str| lines::cut(name, 64).escape_debug().to_string();
    wit::Error::Denied(match refused {
        SecretRefused::Ungranted(name) => {
            format!("the secret `{}` is not granted: add it to `secrets` in {}", bounded(name), guest.policy_file())
        }
        SecretRefused::Unset(name) => {
            format!("the secret `{}` is not set: add it to env/{}.env", bounded(name), guest.file)
        }
        SecretRefused::Unprintable(name) => {
            format!(
                "the secret `{}` has characters that no header may have: mend env/{}.env",
                bounded(name),
                guest.file
            )
        }
    })
}

fn not_listed(guest: &Guest, host: &str) -> wit::Error {
    let host = lines::cut(host, 256);
    wit::Error::Denied(format!("http to `{host}` is not allowed: add it to `http.hosts` in {}", guest.policy_file()))
}

fn host_of(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "that host".to_owned())
}

fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

fn is_method(method: &str) -> bool {
    let refused = ["connect", "trace", "track"].iter().any(|name| method.eq_ignore_ascii_case(name));
    method.len() <= 16 && is_token(method) && !refused
}

fn check_headers(headers: &[(String, String)]) -> Result<(), wit::Error> {
    if headers.len() > defaults::HTTP_HEADERS_MAX {
        return Err(wit::Error::Invalid(format!("more than {} headers", defaults::HTTP_HEADERS_MAX)));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > defaults::HTTP_HEADER_BYTES_MAX {
        return Err(wit::Error::Invalid(format!("more than {} bytes of headers", defaults::HTTP_HEADER_BYTES_MAX)));
    }
    for (name, value) in headers {
        if !is_token(name) || value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(wit::Error::Invalid("a header has characters that it may not have".to_owned()));
        }
        if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            return Err(wit::Error::Invalid(format!("the header `{name}` is the gateway's to write")));
        }
    }
    Ok(())
}

fn response(inbound: Inbound) -> wit::Response {
    wit::Response { status: inbound.status, headers: bounded(inbound.headers), body: inbound.body.into() }
}

/// As many headers as fit; a guest does not fail for the tail of somebody's cookies.
fn bounded(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut bytes = 0;
    let fits = |header: &(String, String)| {
        bytes += header.0.len() + header.1.len();
        bytes <= defaults::HTTP_HEADER_BYTES_MAX * 4
    };
    headers.into_iter().take_while(fits).collect()
}

fn failure(error: OutboundError) -> wit::Error {
    match error {
        OutboundError::Denied(text) => wit::Error::Denied(text),
        OutboundError::Invalid(text) => wit::Error::Invalid(text),
        OutboundError::Dns(text) => wit::Error::Dns(text),
        OutboundError::Connect(text) => wit::Error::Connect(text),
        OutboundError::Tls(text) => wit::Error::Tls(text),
        OutboundError::TimedOut => wit::Error::TimedOut,
        OutboundError::TooLarge(bytes_max) => wit::Error::TooLarge(bytes_max),
    }
}
