//! Who is at the other end of a request's connection, told to the handlers as an extension of the request.
use http::Request;
use hyper::body::Incoming;
use std::net::SocketAddr;
use tower::{Service, ServiceExt as _};

#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) is_tls: bool,
}

/// The routes, for the requests of one connection.
pub(super) fn known<S>(
    routes: S,
    peer: Peer,
) -> impl Service<Request<Incoming>, Response = S::Response, Error = S::Error, Future = S::Future> + Clone
where
    S: Service<Request<Incoming>> + Clone,
{
    routes.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        request
    })
}
