//! What every request must pass before anything of it is looked at: the name that it calls the gateway by, and the length
//! of its URL. On the way out it adds the headers that keep browsers from guessing and storing.
use super::error::{self, Head};
use crate::app::App;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Uri, header};
use magic_config::ListenerSettings;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_admin = request.uri().path().starts_with("/admin");
    let listener = &app.live.load().config.server_settings.listener;
    let refused = check(&request, listener, app.door.listen);
    let mut response = match refused {
        Ok(()) => next.run(request).await,
        Err(refused) => error::refuse(refused),
    };
    let headers = response.headers_mut();
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(NOSNIFF);
    if is_admin {
        headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    }
    response
}

fn check(request: &Request, listener: &ListenerSettings, listen: SocketAddr) -> Result<(), Head> {
    let uri = request.uri();
    let bytes = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if bytes > listener.url_bytes_max {
        return Err(Head::UrlTooLong { bytes_max: listener.url_bytes_max });
    }
    names(uri, request.headers())?.iter().try_for_each(|name| {
        let allowed = is_allowed(name, &listener.allowed_hosts, listen);
        if allowed { Ok(()) } else { Err(Head::OtherHost { name: (*name).to_owned() }) }
    })
}

/// Every name by which the request calls the gateway. None is no browser's: HTTP/1.0's health checks have none.
fn names<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<Vec<&'a str>, Head> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.to_str().map_err(|_| Head::NoHost)).transpose()?;
    if hosts.next().is_some() {
        // Whoever stands in front of us may have read the other one.
        return Err(Head::NoHost);
    }
    Ok(uri.host().into_iter().chain(host).collect())
}

/// `listed` is in lower case. Without a list it is decided by where the gateway listens: what nobody else can own the name
/// of cannot be pointed here by a stranger.
fn is_allowed(host: &str, listed: &[String], listen: SocketAddr) -> bool {
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
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

#[cfg(test)]
mod tests;
