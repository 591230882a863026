//! Requests of components to the outside. The policy at the socket: a name is resolved once, every address is checked,
//! and the connection goes to one of exactly those addresses, so that a name that changes its mind gains nothing.
use bytes::BytesMut;
use magic_plugins::{Inbound, Outbound, OutboundError, address_allowed};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Components call rarely; a connection that idles longer is not worth its file descriptor.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// Two clients, since a pooled connection to a private address must never serve a component that may not go there.
pub(crate) struct Egress {
    public: reqwest::Client,
    private: reqwest::Client,
}

impl Egress {
    /// # Errors
    /// When the TLS roots of the system cannot be read.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { public: client(false)?, private: client(true)? })
    }

    /// Sends without following redirects and reads within the bound. Dropping the future closes the connection.
    pub(crate) async fn send(&self, request: Outbound) -> Result<Inbound, OutboundError> {
        let timeout = request.timeout;
        tokio::time::timeout(timeout, self.exchange(request)).await.unwrap_or(Err(OutboundError::TimedOut))
    }

    async fn exchange(&self, request: Outbound) -> Result<Inbound, OutboundError> {
        let url: reqwest::Url = request.url.parse().map_err(|_| OutboundError::Invalid("not a URL".to_owned()))?;
        refuse_forbidden_literal(&url, request.allow_private)?;
        let method = http::Method::from_bytes(request.method.as_bytes())
            .map_err(|_| OutboundError::Invalid(format!("`{}` is not a method", request.method)))?;
        let client = if request.allow_private { &self.private } else { &self.public };
        let mut sending = client.request(method, url).body(request.body);
        for (name, value) in &request.headers {
            sending = sending.header(name, value);
        }
        let response = sending.send().await.map_err(|error| refusal(&error))?;
        receive(response, request.response_bytes_max).await
    }
}

async fn receive(mut response: reqwest::Response, bytes_max: usize) -> Result<Inbound, OutboundError> {
    let status = response.status().as_u16();
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = response.headers().iter().filter_map(text).collect();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| refusal(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(OutboundError::TooLarge(bytes_max as u64));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Inbound { status, headers, body: body.freeze() })
}

/// A literal address is never resolved, so the resolver below does not see it.
fn refuse_forbidden_literal(url: &reqwest::Url, allow_private: bool) -> Result<(), OutboundError> {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) if !address_allowed(address, allow_private) => Err(OutboundError::Denied(FORBIDDEN.to_owned())),
        Ok(_) | Err(_) => Ok(()),
    }
}

const FORBIDDEN: &str = "the host's address is private: the policy's `http.allow_private` decides that";

#[expect(clippy::disallowed_methods, reason = "the one place that builds clients for components")]
fn client(allow_private: bool) -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .dns_resolver(std::sync::Arc::new(Checked { allow_private }))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .redirect(reqwest::redirect::Policy::none())
        // A proxy of the environment would resolve names itself, past the check of addresses.
        .no_proxy()
        .user_agent(concat!("magic-proxy-component/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

struct Checked {
    allow_private: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|at| address_allowed(at.ip(), allow_private)).collect();
            if allowed.is_empty() {
                return Err(Box::new(Forbidden) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug)]
struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORBIDDEN)
    }
}

impl std::error::Error for Forbidden {}

/// What the guest reads: neither address nor query, which may hold a secret.
fn refusal(error: &reqwest::Error) -> OutboundError {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<Forbidden>() {
            return OutboundError::Denied(FORBIDDEN.to_owned());
        }
        causes.push(cause.to_string());
        source = cause.source();
    }
    let why = causes.last().cloned().unwrap_or_else(|| "no reason given".to_owned());
    if error.is_timeout() {
        OutboundError::TimedOut
    } else if causes.iter().any(|cause| cause.contains("dns error")) {
        OutboundError::Dns(why)
    } else if causes.iter().any(|cause| cause.contains("certificate") || cause.contains("tls")) {
        OutboundError::Tls(why)
    } else if error.is_builder() {
        OutboundError::Invalid(why)
    } else {
        OutboundError::Connect(why)
    }
}

#[cfg(test)]
mod tests;
