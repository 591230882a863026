//! The component's settings, from `config:` in its policy file. Refuses secrets: those never reach a guest.

use std::str::FromStr;

use crate::Error;

/// The setting's text, where it is set.
#[must_use]
pub fn get(key: &str) -> Option<String> {
    crate::bindings::tool::magic::proxy::config::get(key)
}

/// The setting read as `T`, or `default` where it is absent; a value that does not read fails the call, naming the key.
pub fn get_or<T: FromStr>(key: &str, default: T) -> Result<T, Error> {
    match get(key) {
        None => Ok(default),
        Some(text) => text.trim().parse().map_err(|_| {
            Error::Failed(format!("the setting `{key}` in the policy file is `{text}`, which does not read"))
        }),
    }
}
