//! Which URLs a policy's `http.hosts` lets a component reach, by name. Pure text; where the name leads (the address) is
//! `address.rs` and enforced at the socket.
use crate::defaults;
use std::fmt;
use url::{Host, Url};

/// One entry of `http.hosts`: `api.example.com`, `*.example.com` (below it, not itself), `*` (every name, no address),
/// `192.0.2.1` or `[2001:db8::1]`, each with `:8443` or `:*` after it. Without a port it means the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPattern {
    host: HostMatch,
    port: PortMatch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostMatch {
    Exactly(Host<String>),
    Below(String),
    AnyName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PortMatch {
    OfScheme,
    Exactly(u16),
    Any,
}

/// Why a URL is not for this component.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Not a URL that anything may be sent to.
    Invalid(String),
    /// A host, as it would stand in `http.hosts`, that no pattern covers.
    NotListed(String),
}

/// The URL in its one normal spelling, if a pattern covers it. What is sent is this, never the guest's own text, so
/// that nobody reads it differently later.
pub(crate) fn check(text: &str, hosts: &[HostPattern]) -> Result<Url, Refused> {
    if text.len() > defaults::HTTP_URL_BYTES_MAX {
        return Err(Refused::Invalid(format!("the URL is longer than {} bytes", defaults::HTTP_URL_BYTES_MAX)));
    }
    let mut url = Url::parse(text).map_err(|error| Refused::Invalid(format!("the URL cannot be read: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::Invalid(format!("the scheme `{}` is not `http` or `https`", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Invalid("a URL must not carry a user or password: use a header".to_owned()));
    }
    undot(&mut url)?;
    url.set_fragment(None);
    let host = url.host().map(|host| host.to_owned());
    let (Some(host), Some(port)) = (host, url.port_or_known_default()) else {
        return Err(Refused::Invalid("the URL has no host".to_owned()));
    };
    match hosts.iter().any(|pattern| pattern.covers(&host, port, url.port().is_none())) {
        true => Ok(url),
        false => Err(Refused::NotListed(listing(&host, url.port()))),
    }
}

/// The URL for a log line: no query, which may hold what nobody should read.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.into()
}

/// `example.com.` is `example.com` with another spelling; one of them would slip past a pattern or a certificate.
fn undot(url: &mut Url) -> Result<(), Refused> {
    let Some(bare) = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned) else { return Ok(()) };
    let is_name = !bare.is_empty() && !bare.ends_with('.');
    match is_name && url.set_host(Some(&bare)).is_ok() {
        true => Ok(()),
        false => Err(Refused::Invalid("the URL's host is not a name".to_owned())),
    }
}

fn listing(host: &Host<String>, port: Option<u16>) -> String {
    match port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    }
}

// === impl HostPattern ===
impl HostPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = split_port(text.trim())?;
        let host = match host.strip_prefix("*.") {
            _ if host == "*" => HostMatch::AnyName,
            Some(base) => HostMatch::Below(name(base, text)?),
            None => HostMatch::Exactly(parsed(host, text)?),
        };
        Ok(Self { host, port })
    }

    fn covers(&self, host: &Host<String>, port: u16, is_default_port: bool) -> bool {
        let fits_port = match self.port {
            PortMatch::OfScheme => is_default_port,
            PortMatch::Exactly(given) => given == port,
            PortMatch::Any => true,
        };
        fits_port && self.covers_host(host)
    }

    fn covers_host(&self, host: &Host<String>) -> bool {
        match (&self.host, host) {
            (HostMatch::Exactly(given), host) => given == host,
            (HostMatch::AnyName, Host::Domain(_)) => true,
            (HostMatch::Below(base), Host::Domain(name)) => {
                name.strip_suffix(base.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (HostMatch::AnyName | HostMatch::Below(_), Host::Ipv4(_) | Host::Ipv6(_)) => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostMatch::Exactly(host) => write!(f, "{host}")?,
            HostMatch::Below(base) => write!(f, "*.{base}")?,
            HostMatch::AnyName => write!(f, "*")?,
        }
        match self.port {
            PortMatch::OfScheme => Ok(()),
            PortMatch::Exactly(port) => write!(f, ":{port}"),
            PortMatch::Any => write!(f, ":*"),
        }
    }
}

/// The host and the port after it. An IPv6 address stands in brackets, so that its colons are not taken for the port's.
fn split_port(text: &str) -> Result<(&str, PortMatch), String> {
    if text.contains("://") || text.contains('/') || text.contains('@') {
        return Err(format!("`{text}` is not a host: leave out scheme, user and path"));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let port = match port {
        None => PortMatch::OfScheme,
        Some("*") => PortMatch::Any,
        Some(digits) => {
            PortMatch::Exactly(digits.parse().map_err(|_| format!("`{digits}` is not a port (IPv6: use [brackets])"))?)
        }
    };
    Ok((host, port))
}

fn parsed(host: &str, text: &str) -> Result<Host<String>, String> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.contains('*') {
        return Err(format!("`{text}`: a `*` stands alone or as the first label, `*.example.com`"));
    }
    Host::parse(host).map_err(|error| format!("`{text}` is not a host: {error}"))
}

fn name(base: &str, text: &str) -> Result<String, String> {
    match parsed(base, text)? {
        Host::Domain(name) => Ok(name),
        Host::Ipv4(_) | Host::Ipv6(_) => Err(format!("`{text}`: an address has nothing below it")),
    }
}

#[cfg(test)]
mod tests;
