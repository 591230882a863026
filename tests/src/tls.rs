//! A client of a gateway that speaks TLS, and the certificates of tests/data/tls.
use crate::folder::repository;
use crate::wait::within;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whom a client trusts, and as whom it comes.
#[derive(Clone, Copy)]
pub struct Trust {
    /// The name of a certificate in tests/data/tls.
    pub server: &'static str,
    pub client: Option<&'static str>,
}

/// A file of tests/data/tls, e.g. `first.key`.
///
/// # Panics
/// When there is no such file.
pub fn pem(name: &str) -> Vec<u8> {
    std::fs::read(repository().join(format!("tests/data/tls/{name}.pem"))).expect("a file of tests/data/tls")
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&pem(name)).expect("a certificate")
}

/// Shakes hands, offering HTTP/2 as well, with these versions of TLS.
///
/// # Errors
/// Why the two do not come together.
///
/// # Panics
/// When nobody listens, or the handshake takes for ever.
pub async fn tls_connect(
    address: SocketAddr,
    trust: Trust,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<TlsStream<TcpStream>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(trust.server)).expect("a certificate");
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_protocol_versions(versions).expect("versions").with_root_certificates(roots);
    let mut config = match trust.client {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let key = PrivateKeyDer::from_pem_slice(&pem(&format!("{name}.key"))).expect("a key");
            builder.with_client_auth_cert(vec![certificate(name)], key).expect("they belong together")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await.expect("the gateway listens");
    let name = ServerName::try_from("localhost").expect("a name");
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream);
    within("the handshake ends", shaken).await.map_err(|error| error.to_string())
}

/// One `GET` on it: everything that came back.
///
/// # Errors
/// What broke.
pub async fn tls_get(stream: &mut TlsStream<TcpStream>, path: &str) -> Result<String, String> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut reply = Vec::new();
    within("the reply", stream.read_to_end(&mut reply)).await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}
