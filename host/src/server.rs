//! Accepts connections and speaks HTTP/1.1 on them: TCP_NODELAY, a head timeout against slow senders, a bound on open
//! connections, in all and of one address, TLS where the config says so, and a stop that lets answers in flight finish.
mod addresses;
mod peer;
mod stall;
mod tls;

pub(crate) use tls::{Tls, read as read_tls};

pub(crate) use peer::Peer;

use crate::http::Routes;
use crate::tasks::Tasks;
use addresses::Addresses;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use magic_config::{ListenerSettings, ServerSettings};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Of a connection's reading and of its writing side. The library's 400 KiB would be the gateway's memory under load.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// After a failed `accept` (mostly: out of file descriptors) a short rest keeps the loop from spinning.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Serves until the tasks are told to stop. Connections over `connections_max` wait in the kernel's backlog; those of an
/// address that holds too many are closed.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Routes,
    tasks: Tasks,
    tls: Arc<Tls>,
    settings: ServerSettings,
) {
    let ServerSettings { connections_max, listener: bounds, .. } = settings;
    let places = Arc::new(Semaphore::new(connections_max));
    let addresses = Addresses::new(bounds.connections_per_address_max, ListenerSettings::CONNECTIONS_PER_ADDRESS_MAX);
    let bounds = Arc::new(bounds);
    let stopping = tasks.stopping();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let Some(address) = addresses.enter(peer.address.ip()) else {
            tracing::debug!(peer = %peer.address, "{} holds all connections that it may (`server_settings.connections_per_address_max`)", peer.address);
            continue;
        };
        let (routes, stopping, tls, bounds) = (routes.clone(), tasks.stopping(), Arc::clone(&tls), Arc::clone(&bounds));
        tasks.spawn("connection", async move {
            welcome(stream, peer.address, routes, &tls, &bounds, stopping.cancelled()).await;
            drop((place, address));
        });
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, Peer, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, Peer { address, is_tls: false }, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted: {error}");
            tokio::time::sleep(ACCEPT_REST).await;
            None
        }
    }
}

async fn welcome(
    stream: TcpStream,
    address: SocketAddr,
    routes: Routes,
    tls: &Tls,
    bounds: &ListenerSettings,
    stopping: impl Future<Output = ()>,
) {
    // Without it a small frame waits for the client's delayed acknowledgement, 40 ms on loopback.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let stream = stall::Guarded::new(stream);
    match tls.acceptor() {
        None => converse(stream, Peer { address, is_tls: false }, routes, bounds, stopping).await,
        Some(acceptor) => {
            tokio::pin!(stopping);
            let stream = tokio::select! {
                stream = tls::shake_hands(acceptor, stream) => stream,
                // Nothing was asked for yet.
                () = &mut stopping => None,
            };
            if let Some(stream) = stream {
                converse(stream, Peer { address, is_tls: true }, routes, bounds, stopping).await;
            }
        }
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    peer: Peer,
    routes: Routes,
    bounds: &ListenerSettings,
    stopping: impl Future<Output = ()>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        // Of at most a hundred headers, which is the library's own bound.
        .max_header_size(bounds.header_bytes_max)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(peer::known(routes, peer)));
    tokio::pin!(connection, stopping);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = &mut stopping => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early: {error}");
    }
}
