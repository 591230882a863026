use super::*;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server on this machine that sends whoever asks to another address, and counts them.
async fn redirects() -> (SocketAddr, tokio::task::JoinHandle<usize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's own server")]
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let bytes = stream.read(&mut head).await.unwrap();
        let reply = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://{address}/again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(reply.as_bytes()).await.unwrap();
        bytes
    });
    (address, server)
}

fn to(url: String, allow_private: bool) -> Outbound {
    Outbound {
        method: "GET".to_owned(),
        shown_url: url.clone(),
        url,
        headers: Vec::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(30),
        response_bytes_max: 1000,
        allow_private,
    }
}

async fn send(url: String, allow_private: bool) -> Result<Inbound, OutboundError> {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    Egress::new().unwrap().send(to(url, allow_private)).await
}

#[tokio::test]
async fn a_private_address_is_refused_in_every_spelling_and_by_name() {
    let (address, server) = redirects().await;
    let port = address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "localhost",
    ] {
        let refused = send(format!("http://{host}:{port}/"), false).await;
        assert!(matches!(refused, Err(OutboundError::Denied(_))), "{host}: {refused:?}");
    }
    assert!(!server.is_finished(), "nobody was connected");
    server.abort();
}

#[tokio::test]
async fn a_metadata_service_is_refused_even_where_private_addresses_are_allowed() {
    for host in ["169.254.169.254", "2852039166", "[fd00:ec2::254]", "[::ffff:a9fe:a9fe]"] {
        let refused = send(format!("http://{host}/latest/meta-data/"), true).await;
        assert!(matches!(refused, Err(OutboundError::Denied(_))), "{host}: {refused:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_the_answer_and_is_not_followed() {
    let (address, server) = redirects().await;
    let reply = send(format!("http://localhost:{}/", address.port()), true).await.unwrap();
    assert_eq!(reply.status, 302);
    assert!(server.await.unwrap() > 0);
}

#[tokio::test]
async fn a_name_is_resolved_and_checked_where_the_socket_is_opened() {
    let name = || "localhost".parse::<Name>().unwrap();
    assert!(Checked { allow_private: false }.resolve(name()).await.is_err(), "it is this machine's");
    let found: Vec<SocketAddr> = Checked { allow_private: true }.resolve(name()).await.unwrap().collect();
    assert!(!found.is_empty() && found.iter().all(|at| at.ip().is_loopback()), "exactly what was checked: {found:?}");
}
