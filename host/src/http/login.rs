//! Signing in at the page: a virtual key is shown once and becomes a cookie that no script can read, with a token that
//! unsafe requests must show. Everything that a cookie may do, the key may do.
mod attempts;
mod store;

pub(crate) use attempts::Attempts;
pub(crate) use store::{Logins, Method, RANDOM_BYTES};

use super::auth::Caller;
use super::error::Refusal;
use super::{reply, sessions};
use crate::accounts::Principal;
use crate::app::{App, wall_clock};
use crate::server::Peer;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use magic_access::{Scope, VirtualKeyId};
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::time::Instant;

const COOKIE: &str = "magic_admin";
pub(super) const CSRF: HeaderName = HeaderName::from_static("x-magic-csrf");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What signing in needs to remember.
#[derive(Default)]
pub(crate) struct Desk {
    logins: Logins<VirtualKeyId>,
    attempts: Attempts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    key: String,
}

/// Begins a session. The cookie is for this gateway's own pages only.
pub(crate) async fn login(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let peer = request.extensions().get::<Peer>().cloned();
    // Without an address (which only a test has not) all are one.
    let from = peer.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address.ip());
    let is_secure = peer.is_some_and(|peer| peer.is_tls) || is_forwarded_https(request.headers());
    if let Err(wait) = app.desk.attempts.may(from, Instant::now()) {
        let text = "too many failed attempts to sign in from your address: wait a minute";
        return Err(Failure::new(Kind::OverLimit, text).retry_after(Some(wait)).into());
    }
    let Body { key } = sessions::body(&app, &app.live.load(), request).await?;
    let principal = app.accounts.authenticate(key.trim(), wall_clock()).map_err(|denied| {
        app.desk.attempts.failed(from, Instant::now());
        tracing::warn!(address = %from, "a sign-in from {from} failed");
        Failure::from(&denied)
    })?;
    if !principal.scope.covers(Scope::Viewer) {
        let text = format!(
            "the page's admin view needs a virtual key of scope `viewer` or above; yours has `{}`",
            principal.scope
        );
        return Err(Failure::new(Kind::Forbidden, text).into());
    }
    let begun = app.desk.logins.begin(principal.key.clone(), chance()?, Instant::now());
    tracing::info!(who = %principal.key, address = %from, "{} has signed in from {from}", principal.key);
    let mut response = reply::json(&told(&principal, Some(&begun.csrf)));
    let secure = if is_secure { "; Secure" } else { "" };
    let life = store::LIFE_MAX.as_secs();
    set_cookie(
        &mut response,
        &format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={life}{secure}", begun.cookie),
    );
    Ok(response)
}

/// Ends the session, if there is one. Wherever it is asked from: it takes nothing but a session away.
pub(crate) async fn logout(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    super::origin::check(&headers)?;
    if let Some(cookie) = cookie(&headers) {
        app.desk.logins.end(cookie);
    }
    let mut response = reply::json(&json!({ "signed_in": false }));
    set_cookie(&mut response, &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
    Ok(response)
}

/// Who asks, and for a page that was loaded anew the token of its session.
pub(crate) async fn whoami(caller: Caller, headers: HeaderMap) -> Response {
    let csrf = if caller.is_signed_in { cookie(&headers).map(store::csrf) } else { None };
    let mut json = told(&caller.principal, csrf.as_deref());
    if let Some(object) = json.as_object_mut() {
        object.insert("scope".to_owned(), json!(caller.scope.as_str()));
    }
    let mut response = reply::json(&json);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whoever the request's cookie stands for; `None` where it has none, or one whose session is over.
///
/// # Errors
/// Where the key is no longer good, or where an unsafe request does not show the token.
pub(super) fn signed_in(
    app: &App,
    method: &http::Method,
    headers: &HeaderMap,
) -> Result<Option<Arc<Principal>>, Failure> {
    let Some(cookie) = cookie(headers) else { return Ok(None) };
    let token = headers.get(CSRF).and_then(|token| token.to_str().ok());
    let method = if method.is_safe() { Method::Safe } else { Method::Unsafe };
    let key = match app.desk.logins.find(cookie, token, method, Instant::now()) {
        Ok(key) => key,
        // As without a cookie: where nobody has to sign in, an old one must not be in the way.
        Err(store::Refused::SignedOut) => return Ok(None),
        Err(store::Refused::Token) => {
            let text = "a request of a signed-in page must bear its session's token as `x-magic-csrf`";
            return Err(Failure::new(Kind::Forbidden, text));
        }
    };
    // Asked each time: a key that is revoked takes its sessions with it.
    app.accounts.still(&key, wall_clock()).map(Some).map_err(|denied| Failure::from(&denied))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn told(principal: &Principal, csrf: Option<&str>) -> Value {
    json!({
        "name": principal.name,
        "key": principal.key.as_str(),
        "team": principal.team.as_ref().map(ToString::to_string),
        "scope": principal.scope.as_str(),
        "signed_in": csrf.is_some(),
        "csrf": csrf,
    })
}

/// A proxy in front that speaks TLS says so; who lies about it only hides its own cookie from plain HTTP.
fn is_forwarded_https(headers: &HeaderMap) -> bool {
    headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

fn chance() -> Result<[u8; RANDOM_BYTES], Failure> {
    let mut bytes = [0; RANDOM_BYTES];
    let filled = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| Failure::new(Kind::Internal, "the system has no random numbers to give"))?;
    Ok(bytes)
}
