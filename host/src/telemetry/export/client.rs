//! The HTTP client towards a collector: one address, one kind of body. It is not the one towards vendors, whose pools and
//! keys are none of its business.
use super::Signal;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use magic_config::OtlpSettings;
use std::error::Error as _;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(3);
/// As OpenTelemetry's exporters wait.
const TOTAL: Duration = Duration::from_secs(10);
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

pub(super) struct Client {
    inner: reqwest::Client,
    /// In the order of [`Signal`].
    urls: [reqwest::Url; 3],
    headers: HeaderMap,
}

/// Why a collector was not told.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(super) struct SendError {
    why: String,
    /// The same may be taken later.
    pub(super) is_passing: bool,
}

// === impl Client ===
impl Client {
    #[expect(clippy::disallowed_methods, reason = "the one place that builds a client towards a collector")]
    pub(super) fn new(settings: &OtlpSettings) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder();
        // A proxy of the environment could not reach this machine's own loopback.
        let builder = if is_loopback(&settings.endpoint) { builder.no_proxy() } else { builder };
        let inner = builder
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .user_agent(concat!("magic-proxy/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let url = |signal: Signal| format!("{}/v1/{}", settings.endpoint, signal.as_str()).parse();
        let [traces, metrics, logs] = Signal::ALL.map(url);
        let mut headers = HeaderMap::new();
        for header in &settings.headers {
            let mut value = HeaderValue::from_str(header.value.expose())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::try_from(header.name.as_str())?, value);
        }
        headers.insert(header::CONTENT_TYPE, PROTOBUF);
        Ok(Self { inner, urls: [traces?, metrics?, logs?], headers })
    }

    pub(super) async fn send(&self, signal: Signal, body: Bytes) -> Result<(), SendError> {
        let [traces, metrics, logs] = &self.urls;
        let url = match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
        };
        let request = self.inner.post(url.clone()).headers(self.headers.clone()).body(body);
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        // Read to its end, so that the connection can be used again; what it says is not looked at.
        while response.chunk().await.map_err(broken)?.is_some() {}
        if status.is_success() {
            return Ok(());
        }
        // Those that OTLP says may be tried again.
        let is_passing = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err(SendError { why: format!("it answered {} to {}", status.as_u16(), signal.as_str()), is_passing })
    }
}

fn is_loopback(endpoint: &str) -> bool {
    let Ok(url) = endpoint.parse::<reqwest::Url>() else { return false };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Without the address, which may hold what `${NAME}` put in.
fn broken(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    let why = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    SendError { why, is_passing: true }
}
