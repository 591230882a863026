//! HTTPS for our own listener: certificates from files, swapped for new connections when the files change. Who cannot
//! finish a handshake in time is let go. Speaks HTTP/1.1 only, and says so.
use crate::app::Paths;
use arc_swap::ArcSwapOption;
use magic_config::TlsSettings;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Two round trips and one signature: ten seconds survive a few lost packets.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
const HTTP_1: &[u8] = b"http/1.1";

/// What new connections speak: TLS with the newest good certificate, or plain HTTP.
#[derive(Default)]
pub(crate) struct Tls(ArcSwapOption<ServerConfig>);

// === impl Tls ===
impl Tls {
    /// At the start: whether it is TLS at all is decided here.
    #[expect(clippy::disallowed_methods, reason = "the certificate's swap point, called by reload alone")]
    pub(crate) fn set(&self, first: Option<Arc<ServerConfig>>) {
        self.0.store(first);
    }

    /// For connections from now on. A port that speaks TLS does not begin to speak plain HTTP, nor the other way round:
    /// its clients would tell their keys to the network, or be shut out.
    pub(crate) fn renew(&self, newest: Option<Arc<ServerConfig>>) {
        if self.is_on() && newest.is_some() {
            self.set(newest);
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load().is_some()
    }

    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.0.load_full().map(TlsAcceptor::from)
    }
}

/// `None` for a client that is no TLS client, shows no certificate where it must, or is too slow.
pub(super) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: TlsAcceptor,
    stream: S,
) -> Option<TlsStream<S>> {
    match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed: {error}");
            None
        }
        Err(_) => {
            tracing::debug!("a TLS handshake took longer than {HANDSHAKE_MAX:?}");
            None
        }
    }
}

/// Reads the files. Blocks.
///
/// # Errors
/// Which file cannot be used, and why; nothing of what it holds.
pub(crate) fn read(paths: &Paths, settings: &TlsSettings) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| format!("server_settings.tls: {error}"))?;
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots =
                roots(&certificates(paths, "client_ca", file)?).map_err(|error| unusable("client_ca", file, &error))?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| unusable("client_ca", file, &error))?)
        }
    };
    let chain = certificates(paths, "certificate", &settings.certificate)?;
    let key = private_key(&paths.beside_config(&settings.key)).map_err(|why| unusable("key", &settings.key, &why))?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("server_settings.tls: `{}` with `{}`: {error}", settings.certificate, settings.key))?;
    config.alpn_protocols = vec![HTTP_1.to_vec()];
    Ok(Arc::new(config))
}

fn certificates(paths: &Paths, key: &str, file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(paths.beside_config(file)).and_then(Iterator::collect);
    let chain: Vec<_> = read.map_err(|error| unusable(key, file, &error))?;
    if chain.is_empty() {
        return Err(unusable(key, file, &"holds no certificate in PEM"));
    }
    Ok(chain)
}

/// What is wrong with a key is told by kind alone: the parser's own words could quote the file.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    use rustls::pki_types::pem::Error;
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        Error::Io(error) => error.to_string(),
        Error::NoItemsFound => "holds no private key in PEM".to_owned(),
        _ => "is no PEM file".to_owned(),
    })
}

fn roots(authorities: &[CertificateDer<'static>]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    authorities.iter().try_for_each(|authority| roots.add(authority.clone()))?;
    Ok(roots)
}

fn unusable(key: &str, file: &str, why: &dyn std::fmt::Display) -> String {
    format!("server_settings.tls.{key}: `{file}`: {why}")
}
