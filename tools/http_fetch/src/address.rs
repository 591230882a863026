//! Addresses: what may be asked for, and where a redirect or a link leads. Refuses anything but http and https.

use iri_string::types::{IriAbsoluteString, IriReferenceStr, IriStr, IriString};

/// The address as a URI, without its fragment; or why it is none.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let text = text.trim();
    let Ok(iri) = IriStr::new(text) else {
        let cure = if text.contains("://") {
            "spaces and brackets must be percent-encoded"
        } else {
            "write it in full, as in https://example.com/page"
        };
        return Err(format!("`{text}` is not an address: {cure}"));
    };
    checked(iri)
}

/// Where `reference`, found at `base`, leads.
pub(crate) fn resolve(base: &str, reference: &str) -> Result<String, String> {
    let no_address = || format!("`{reference}` is not an address");
    let base: IriAbsoluteString = IriStr::new(base).map_err(|_| no_address())?.to_absolute().to_owned();
    let reference = IriReferenceStr::new(reference.trim()).map_err(|_| no_address())?;
    let resolved: IriString = reference.resolve_against(&base).to_string().try_into().map_err(|_| no_address())?;
    checked(&resolved)
}

fn checked(iri: &IriStr) -> Result<String, String> {
    let scheme = iri.scheme_str();
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(format!("`{scheme}:` addresses cannot be fetched: use https:// or http://"));
    }
    let authority = iri.authority_components();
    if authority.is_none_or(|parts| parts.host().is_empty()) {
        return Err(format!("`{iri}` names no host: write it in full, as in https://example.com/page"));
    }
    if authority.is_some_and(|parts| parts.userinfo().is_some()) {
        return Err("an address with a user name or password in it is not fetched".into());
    }
    let uri = iri.encode_to_uri().to_string();
    Ok(uri.split('#').next().unwrap_or_default().to_owned())
}
