//! The HTTP side of `eval`: sends what any OpenAI client would, to our own gateway or to somebody's server. Never tries
//! twice: a failure is a result.
use anyhow::Context as _;
use magic_types::Secret;
use reqwest::Url;
use serde_json::Value;
use std::collections::HashSet;
use std::error::Error as _;
use std::time::Duration;
use tokio::time::Instant;

const CONNECT_MAX: Duration = Duration::from_secs(10);

pub(super) struct Client {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    key: Option<Secret>,
}

/// What came back for one question.
pub(super) struct Exchange {
    /// `None`: not even a head.
    pub(super) status: Option<u16>,
    /// The reply's JSON, or why there is none, in words.
    pub(super) reply: Result<Value, String>,
    /// The gateway took the answer from its cache.
    pub(super) cached: bool,
    pub(super) latency: Duration,
}

/// The value of the variable.
#[expect(clippy::disallowed_methods, reason = "a variable that the command line names; the config never sees it")]
pub(super) fn key(name: &str) -> Result<Secret, String> {
    let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    value
        .map(|value| Secret::new(value.trim().to_owned()))
        .ok_or_else(|| format!("--api-key-env {name}: the variable is not set"))
}

// === impl Client ===
impl Client {
    /// # Errors
    /// For a base that is no address.
    pub(super) fn new(base: &str, key: Option<Secret>, timeout: Duration) -> Result<Self, String> {
        // As the gateway does: with two TLS providers compiled in, one has to be named.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let base = base.trim_end_matches('/').to_owned();
        let url: Option<Url> = base.parse().ok().filter(|url: &Url| url.has_host());
        let url = url.ok_or_else(|| format!("--base {base}: write an address such as http://127.0.0.1:8001/v1"))?;
        Ok(Self { http: build(&url, timeout).map_err(told)?, base, key })
    }

    /// What the server says it serves; `None` when it does not say.
    pub(super) async fn models(&self) -> anyhow::Result<Option<Vec<String>>> {
        let url = format!("{}/models", self.base);
        let sent = self.with_key(self.http.get(&url)).send().await;
        let response = sent.map_err(|error| anyhow::anyhow!(told(error))).with_context(|| format!("ask {url}"))?;
        if !response.status().is_success() {
            return Ok(None);
        }
        let list: Value =
            serde_json::from_slice(&response.bytes().await.context("read the list of models")?).unwrap_or_default();
        let names =
            |list: &Vec<Value>| list.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect();
        Ok(list["data"].as_array().map(names))
    }

    /// The aliases that a Magic Proxy says reason; nobody for another server.
    pub(super) async fn reasoning(&self) -> HashSet<String> {
        let sent = self.with_key(self.http.get(format!("{}/models/all-runnable", self.base))).send().await;
        let Ok(response) = sent else { return HashSet::new() };
        let body = response.bytes().await.unwrap_or_default();
        let list: Vec<Value> = serde_json::from_slice(&body).unwrap_or_default();
        let agents = list.iter().filter(|alias| alias["is_agent"] == true);
        agents.filter_map(|alias| alias["id"].as_str().map(str::to_owned)).collect()
    }

    pub(super) async fn ask(&self, body: &Value) -> Exchange {
        let start = Instant::now();
        let request = self.http.post(format!("{}/chat/completions", self.base));
        let request = request.header(http::header::CONTENT_TYPE, "application/json").body(body.to_string());
        let (status, cached, reply) = match self.with_key(request).send().await {
            Err(error) => (None, false, Err(told(error))),
            Ok(response) => {
                let status = response.status().as_u16();
                let cached = response.headers().get("x-magic-cache").is_some_and(|value| value == "hit");
                (Some(status), cached, reply(response).await)
            }
        };
        Exchange { status, reply, cached, latency: start.elapsed() }
    }

    fn with_key(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        }
    }
}

async fn reply(response: reqwest::Response) -> Result<Value, String> {
    let status = response.status();
    let body = response.bytes().await.map_err(told)?;
    let json = serde_json::from_slice::<Value>(&body);
    match json {
        Ok(json) if status.is_success() && json["error"].is_null() => Ok(json),
        Ok(json) => {
            let words = json["error"]["message"].as_str().map_or_else(|| json.to_string(), str::to_owned);
            Err(format!("{}: {words}", status.as_u16()))
        }
        Err(_) => Err(format!("{}: the reply is not JSON", status.as_u16())),
    }
}

#[expect(clippy::disallowed_methods, reason = "a client of gateways, which is not the gateway's way to its vendors")]
fn build(base: &Url, timeout: Duration) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_MAX)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("magic-proxy-eval/", env!("CARGO_PKG_VERSION")));
    // A proxy of the environment could not reach this machine's loopback.
    let is_loopback = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if is_loopback { builder.no_proxy() } else { builder }.build()
}

/// With its causes, which are the useful part.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
