//! Accepts connections and speaks HTTP/1.1 on them: TCP_NODELAY, a head timeout against slow senders, a bound on open
//! connections, and a stop that lets answers in flight finish.
mod peer;
mod stall;

pub(crate) use peer::Peer;

use crate::tasks::Tasks;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// A client that has not sent its request's head by then is slow on purpose or gone.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Of a connection's reading and of its writing side. The library's 400 KiB would be the gateway's memory under load.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// After a failed `accept` (mostly: out of file descriptors) a short rest keeps the loop from spinning.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Serves until the tasks are told to stop. Connections over `connections_max` wait in the kernel's backlog.
pub(crate) async fn serve(listener: TcpListener, router: Router, tasks: Tasks, connections_max: usize) {
    let places = Arc::new(Semaphore::new(connections_max));
    let stopping = tasks.stopping();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let (router, stopping) = (router.clone(), tasks.stopping());
        tasks.spawn("connection", async move {
            converse(stream, peer, router, stopping.cancelled()).await;
            drop(place);
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

async fn converse(stream: TcpStream, peer: Peer, router: Router, stopping: impl Future<Output = ()>) {
    // Without it a small frame waits for the client's delayed acknowledgement, 40 ms on loopback.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(
            TokioIo::new(stall::Guarded::new(stream)),
            TowerToHyperService::new(peer::known(router, peer)),
        );
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
