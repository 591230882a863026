//! Keeps other sites' pages out: a browser lets any page post to a gateway on this machine, and the keys would pay for it.
use http::{HeaderMap, header};
use magic_types::{Failure, Kind};

/// Passes what comes from no page at all, or from the gateway's own.
///
/// # Errors
/// `InvalidRequest` for a page of another origin.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let own = |scheme: &[u8]| origin.as_bytes().strip_prefix(scheme).is_some_and(|from| from == host);
    if own(b"http://") || own(b"https://") {
        return Ok(());
    }
    Err(Failure::new(Kind::InvalidRequest, "a page of another origin may not use this gateway"))
}

#[cfg(test)]
mod tests;
