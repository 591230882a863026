//! Finds calls that a model wrote into its prose or into a fence instead of where they belong. Takes only what cannot be
//! meant otherwise: an object that names a tool that there is and holds its arguments apart.
use super::{ARGUMENTS, Call, Fields, NAMES, call};
use serde_json::value::RawValue;

/// Calls side by side, and where the first of them begins.
pub(crate) struct Found {
    pub(crate) calls: Vec<Call>,
    pub(crate) at: usize,
}

/// So many braces are looked at: a text full of them is no call, and each look may read to the text's end.
const LOOKS_MAX: usize = 64;

/// `knows` says whether there is a tool of this name. Only the first run of calls counts: what comes behind it was written
/// without having waited for the result.
pub(crate) fn find(text: &str, knows: impl Fn(&str) -> bool) -> Option<Found> {
    let braces = text.char_indices().filter(|(_, c)| *c == '{').take(LOOKS_MAX);
    braces.map(|(at, _)| at).find_map(|at| {
        let calls = run(text.get(at..)?, &knows);
        (!calls.is_empty()).then_some(Found { calls, at })
    })
}

/// The calls with which the text begins, with nothing but a list's punctuation between them.
fn run(text: &str, knows: &impl Fn(&str) -> bool) -> Vec<Call> {
    let (mut rest, mut calls) = (text, Vec::new());
    while let Some((call, len)) = one(rest, knows) {
        calls.push(call);
        rest = rest.get(len..).unwrap_or_default().trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    calls
}

fn one(text: &str, knows: &impl Fn(&str) -> bool) -> Option<(Call, usize)> {
    if !text.starts_with('{') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let object = values.next()?.ok()?.get();
    let found = call(object).ok().filter(|call| knows(&call.name) && is_call(object))?;
    Some((found, values.byte_offset()))
}

/// A record that merely has a name is none: `{"name": "clock", "price": 3}`.
fn is_call(object: &str) -> bool {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(object) else { return false };
    let has = |keys: &[&str]| keys.iter().any(|key| fields.contains_key(*key));
    fields.contains_key("function") || has(&NAMES) && has(&ARGUMENTS)
}

#[cfg(test)]
mod tests;
