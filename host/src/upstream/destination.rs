//! Where a vendor may be: anywhere but at a link-local address or a cloud's metadata service. Who may write the config must
//! not get the machine's own credentials by it. A literal is looked at when the config is loaded, a name when it is resolved.
use magic_plugins::address_is_link_local;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};

const FORBIDDEN: &str = "`api_base` leads to a link-local address or a cloud's metadata service, where no vendor is \
                         (server_settings.allow_link_local_vendors)";

/// Names are resolved once, and connected to at exactly what passed.
pub(super) struct Checked;

/// # Errors
/// For a literal address, in whatever spelling, at which no vendor is. The address is not repeated.
pub(super) fn check_literal(base: &Url) -> Result<(), String> {
    let host = base.host_str().unwrap_or_default();
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) if address_is_link_local(address) => Err(FORBIDDEN.to_owned()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What of a name's addresses may be connected to.
fn permitted(found: impl Iterator<Item = SocketAddr>) -> std::io::Result<Vec<SocketAddr>> {
    let permitted: Vec<SocketAddr> = found.filter(|at| !address_is_link_local(at.ip())).collect();
    if permitted.is_empty() { Err(std::io::Error::other(FORBIDDEN)) } else { Ok(permitted) }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(permitted(found)?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
