//! Puts secrets into a request that the policy has let through: where a header or query value reads `{{secret:NAME}}`.
//! Only names the policy lists, only over TLS (or to private hosts that are allowed). Nothing here is ever formatted.
use magic_types::Secret;
use std::borrow::Cow;
use url::{Url, form_urlencoded};

const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// Why a secret was not put in. The names are the guest's own text, never a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Ungranted(String),
    Unset(String),
    /// The value cannot stand in a header.
    Unprintable(String),
}

/// Whether anything is to be put in at all.
pub(super) fn are_asked_for(url: &Url, headers: &[(String, String)]) -> bool {
    headers.iter().any(|(_, value)| value.contains(OPEN)) || url.query_pairs().any(|(_, value)| value.contains(OPEN))
}

pub(super) fn put_in_header(value: &str, find: &impl Fn(&str) -> Result<Secret, Refused>) -> Result<String, Refused> {
    put_in(value, find)
}

/// Leaves the pairs without a placeholder as they are, to the byte.
pub(super) fn put_in_query(url: &mut Url, find: &impl Fn(&str) -> Result<Secret, Refused>) -> Result<(), Refused> {
    let Some(query) = url.query() else { return Ok(()) };
    let mut pairs = Vec::new();
    for pair in query.split('&') {
        let decoded = form_urlencoded::parse(pair.as_bytes()).next();
        match decoded {
            Some((name, value)) if value.contains(OPEN) => {
                let value = put_in(&value, find)?;
                let mut written = form_urlencoded::Serializer::new(String::new());
                pairs.push(Cow::Owned(written.append_pair(&name, &value).finish()));
            }
            Some(_) | None => pairs.push(Cow::Borrowed(pair)),
        }
    }
    let query = pairs.join("&");
    url.set_query(Some(&query));
    Ok(())
}

fn put_in(text: &str, find: &impl Fn(&str) -> Result<Secret, Refused>) -> Result<String, Refused> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(OPEN) {
        let Some((name, after)) = from.split_once(CLOSE) else { break };
        let secret = find(name)?;
        if secret.expose().chars().any(char::is_control) {
            return Err(Refused::Unprintable(name.to_owned()));
        }
        out.push_str(before);
        out.push_str(secret.expose());
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests;
