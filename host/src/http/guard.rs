//! What every request must pass before anything of it is looked at: the name that it calls the gateway by, and the length
//! of its URL. On the way out it adds the headers that keep browsers from guessing and storing.
use super::error::{self, Head};
use crate::app::App;
use axum::response::Response;
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, MapOk, Ready, ready};
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use magic_config::ListenerSettings;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// All routes behind it. Around the router, not a layer of it, which would box every request once more.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    app: Arc<App>,
    routes: S,
}

/// What it does to every response.
type Dress = fn(Response) -> Response;

fn dressed(mut response: Response) -> Response {
    response.headers_mut().entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(NOSNIFF);
    response
}

fn dressed_for_admins(response: Response) -> Response {
    let mut response = dressed(response);
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    response
}

fn check(uri: &Uri, headers: &HeaderMap, listener: &ListenerSettings, listen: SocketAddr) -> Result<(), Head> {
    let bytes = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if bytes > listener.url_bytes_max {
        return Err(Head::UrlTooLong { bytes_max: listener.url_bytes_max });
    }
    names(uri, headers)?.into_iter().flatten().try_for_each(|name| {
        let allowed = is_allowed(name, &listener.allowed_hosts, listen);
        if allowed { Ok(()) } else { Err(Head::OtherHost { name: name.to_owned() }) }
    })
}

/// Every name by which the request calls the gateway. None is no browser's: HTTP/1.0's health checks have none.
fn names<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<[Option<&'a str>; 2], Head> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.to_str().map_err(|_| Head::NoHost)).transpose()?;
    if hosts.next().is_some() {
        // Whoever stands in front of us may have read the other one.
        return Err(Head::NoHost);
    }
    Ok([uri.host(), host])
}

/// `listed` is in lower case. Without a list it is decided by where the gateway listens: what nobody else can own the name
/// of cannot be pointed here by a stranger.
fn is_allowed(host: &str, listed: &[String], listen: SocketAddr) -> bool {
    let name = lower(without_port(host).trim_end_matches('.'));
    if !listed.is_empty() {
        return listed.iter().any(|entry| covers(entry, &name));
    }
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let is_local = name == "localhost" || name.ends_with(".localhost");
    match (listen.ip().to_canonical().is_loopback(), address) {
        (true, Some(address)) => address.to_canonical().is_loopback(),
        (true, None) => is_local,
        (false, Some(_)) => true,
        (false, None) => is_local || !name.contains('.') && !name.is_empty(),
    }
}

/// Nearly every client writes it so.
fn lower(name: &str) -> Cow<'_, str> {
    let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) }
}

fn covers(entry: &str, name: &str) -> bool {
    match entry.strip_prefix('*') {
        Some("") => true,
        // `*.example.org` is what ends in `.example.org` and has something before it.
        Some(end) => name.strip_suffix(end).is_some_and(|before| !before.is_empty()),
        None => entry == name,
    }
}

/// `[::1]:8001` and `::1` keep their colons.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        Some(_) | None => host,
    }
}

// === impl Guarded ===
impl<S> Guarded<S> {
    pub(super) fn new(app: Arc<App>, routes: S) -> Self {
        Self { app, routes }
    }
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<MapOk<S::Future, Dress>, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.routes.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let dress: Dress = if request.uri().path().starts_with("/admin") { dressed_for_admins } else { dressed };
        let snapshot = self.app.live.load();
        let listener = &snapshot.config.server_settings.listener;
        match check(request.uri(), request.headers(), listener, self.app.door.listen) {
            Ok(()) => Either::Left(self.routes.call(request).map_ok(dress)),
            Err(refused) => Either::Right(ready(Ok(dress(error::refuse(refused))))),
        }
    }
}

#[cfg(test)]
mod tests;
