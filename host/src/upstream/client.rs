//! The pooled HTTP clients towards vendors: the one place where they are built and where a key's secret is written.
use super::form::Upload;
use super::{destination, fresh};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use magic_dialects::vendor::Auth;
use magic_types::{Failure, Kind, Secret};
use std::collections::HashMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tower::util::MapResponseLayer;

/// Idle connections are closed by us first, so that a request is never sent into one that the server is just closing.
/// Vendors behind load balancers keep them for 60 s and more; what is spoken to in plain HTTP (llama.cpp, uvicorn and so
/// vLLM, Node) for 5 s.
const POOL_IDLE_TLS: Duration = Duration::from_secs(55);
const POOL_IDLE_PLAIN: Duration = Duration::from_secs(4);
/// A server that restarts kills all its kept connections at once.
const KEPT_TRIES_MAX: u32 = 3;
/// A dead connection shows within a round trip or two; one that breaks later had the vendor at work on the request.
const KEPT_MAX: Duration = Duration::from_secs(2);
/// As many as a gateway of one machine has requests in flight (`server_settings.requests_in_flight_max`).
const IDLE_PER_HOST_MAX: usize = 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Replies that do not stream are held whole, so that a cut one can still be answered by the next leg.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// One client for each manner of going somewhere, since that is a client's own setting. Connections are pooled within each.
#[derive(Default)]
pub(crate) struct Clients(Mutex<HashMap<Manner, Client>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Manner {
    connect: Duration,
    pool_idle: Duration,
    /// Past a proxy of the environment, which could not reach this machine's loopback.
    direct: bool,
    /// Also to link-local addresses and metadata services.
    link_local: bool,
}

/// What goes to one vendor: cheap to clone, all clones share their connections.
#[derive(Clone)]
pub(super) struct Client(reqwest::Client);

pub(super) use reqwest::Url;

/// A body, which may have to be sent more than once.
pub(super) enum Outgoing {
    Json(Bytes),
    Form(Upload),
}

/// A reply whose head has arrived.
pub(crate) struct Incoming(reqwest::Response);

impl Clients {
    /// # Errors
    /// When the system's TLS roots cannot be read, or no vendor may be at that address.
    pub(super) fn client(&self, base: &Url, connect: Duration, link_local: bool) -> Result<Client, String> {
        if !link_local {
            destination::check_literal(base)?;
        }
        let pool_idle = if base.scheme() == "http" { POOL_IDLE_PLAIN } else { POOL_IDLE_TLS };
        let manner = Manner { connect, pool_idle, direct: is_loopback(base), link_local };
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&manner) {
            return Ok(client.clone());
        }
        let client = Client(build(manner).map_err(|error| error.to_string())?);
        clients.insert(manner, client.clone());
        Ok(client)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that builds clients towards vendors")]
fn build(manner: Manner) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(manner.connect)
        .pool_idle_timeout(manner.pool_idle)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        // One connection a request: HTTP/2 would put all requests to a vendor on one, and its limit of streams over them.
        .http1_only()
        .connector_layer(MapResponseLayer::new(|connection| {
            fresh::opened();
            connection
        }))
        .user_agent(concat!("magic-proxy/", env!("CARGO_PKG_VERSION")));
    let builder = if manner.direct { builder.no_proxy() } else { builder };
    if manner.link_local { builder } else { builder.dns_resolver(Arc::new(destination::Checked)) }.build()
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Client {
    /// Sends and waits for the head. A request that dies on a kept connection before a byte came back was never tried, as
    /// far as anybody can tell: it goes out again on another. Dropping the future closes the connection.
    pub(super) async fn post(
        &self,
        url: &Url,
        key: Option<HeaderPair>,
        headers: HeaderMap,
        body: Outgoing,
    ) -> Result<Incoming, Failure> {
        let (mut kept, start) = (0, Instant::now());
        loop {
            let request = self.0.post(url.clone()).headers(headers.clone());
            let request = match &body {
                Outgoing::Json(bytes) => request.header(header::CONTENT_TYPE, JSON).body(bytes.clone()),
                Outgoing::Form(upload) => {
                    request.header(header::CONTENT_TYPE, upload.content_type()).body(upload.body())
                }
            };
            let (sent, opened) = fresh::watch(with_key(request, key.as_ref()).send()).await;
            match sent {
                Ok(response) => return Ok(Incoming(response)),
                Err(error) if !opened && kept < KEPT_TRIES_MAX && start.elapsed() < KEPT_MAX && broke(&error) => {
                    kept += 1
                }
                Err(error) => return Err(failure(error)),
            }
        }
    }

    /// The status of a `GET`, for the check of a key.
    pub(super) async fn get_status(
        &self,
        url: &Url,
        key: HeaderPair,
        headers: HeaderMap,
    ) -> Result<StatusCode, Failure> {
        let request = with_key(self.0.get(url.clone()).headers(headers), Some(&key));
        request.send().await.map(|response| response.status()).map_err(failure)
    }
}

/// The header that carries a key.
pub(super) type HeaderPair = (HeaderName, HeaderValue);

fn with_key(request: reqwest::RequestBuilder, key: Option<&HeaderPair>) -> reqwest::RequestBuilder {
    match key {
        Some((name, value)) => request.header(name.clone(), value.clone()),
        None => request,
    }
}

/// # Errors
/// For a key that no header can carry.
pub(super) fn key_header(auth: Auth, key: &Secret) -> Result<HeaderPair, Failure> {
    let (name, text) = match auth {
        Auth::Bearer => (header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", key.expose()))),
        Auth::Header(name) => (HeaderName::from_static(name), HeaderValue::from_str(key.expose())),
    };
    let unusable = |_| Failure::new(Kind::KeyRejected, "a key holds characters that no HTTP header can carry");
    let mut value = text.map_err(unusable)?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn broke(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_timeout() && !error.is_connect()
}

impl Incoming {
    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Leaves none behind: they go on to the client.
    pub(super) fn take_headers(&mut self) -> HeaderMap {
        std::mem::take(self.0.headers_mut())
    }

    /// The next piece, or `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        self.0.chunk().await.map_err(failure)
    }

    /// The rest of the body within a bound.
    pub(super) async fn collect(mut self) -> Result<Bytes, Failure> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut whole = BytesMut::with_capacity((first.len() + second.len()) * 2);
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            if whole.len() + chunk.len() > REPLY_BYTES_MAX {
                return Err(Failure::new(Kind::BadReply, "the model's vendor sent a reply of more than 64 MiB"));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

/// The causes are the useful part. The URL is left out: an `api_base` may hold what `${NAME}` put in.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string cannot fail.
        let _written = write!(why, ": {cause}");
        source = cause.source();
    }
    let (kind, public) = if error.is_timeout() && !error.is_connect() {
        (Kind::TimedOut, "the model's vendor did not answer in time")
    } else if error.is_connect() {
        (Kind::Unreachable, "the model's vendor cannot be reached")
    } else {
        (Kind::Unreachable, "the connection to the model's vendor broke")
    };
    Failure::new(kind, public).private(why)
}
