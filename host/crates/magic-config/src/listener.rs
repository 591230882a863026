//! `server_settings`, the part that is about connections: who is let in by which name, TLS, and how much a head may hold.
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Names that clients may call the gateway by, in lower case, without a port; `*.` in front covers what is below.
    /// Empty: decided by where it listens.
    pub allowed_hosts: Vec<String>,
    pub tls: Option<TlsSettings>,
    /// `None`: the default, which does not hold for this machine's own addresses.
    pub connections_per_address_max: Option<usize>,
    /// For a request's head, from the moment when a connection is free for it.
    pub head: Duration,
    pub header_bytes_max: usize,
    pub url_bytes_max: usize,
}

/// Files as the config names them: relative to its own folder, or absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The chain, the gateway's own certificate first.
    pub certificate: String,
    pub key: String,
    /// Clients must show a certificate of one of these.
    pub client_ca: Option<String>,
}

// === impl ListenerSettings ===
impl ListenerSettings {
    /// Of one client address that is not this machine's own. A quarter of the default of `connections_max`.
    pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 256;
}

// === impl TlsSettings ===
impl TlsSettings {
    pub fn files(&self) -> impl Iterator<Item = &str> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).map(String::as_str)
    }
}
