//! A whole reply (`stream: false`) read just as far as the gateway must: it is JSON, it is no error, what it cost, and
//! whether the model got to its end. One pass, and the content is skipped.
use super::CUT_SHORT;
use super::usage::ENDED;
use crate::dialect::Dialect;
use crate::errors;
use crate::usage::{Anthropic, OpenAi};
use magic_types::{Failure, Usage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// What a whole reply says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    pub usage: Option<Usage>,
    /// The model said its last word by itself: neither a bound nor a filter cut it short. Only then may it be kept.
    pub is_complete: bool,
}

/// Reads what the bytes path must know of a whole reply of `dialect`.
///
/// # Errors
/// `BadReply` for what is not JSON of an object, the vendor's failure for a 200 with an error inside.
pub fn inspect_whole(dialect: Dialect, json: &[u8]) -> Result<Whole, Failure> {
    match dialect {
        Dialect::Chat | Dialect::Completions => chat(json),
        Dialect::Responses => response(json),
        Dialect::Messages => message(json),
        // Its replies never pass, so nothing is ever kept of them.
        Dialect::Gemini => chat(json).map(|whole| Whole { is_complete: false, ..whole }),
    }
}

fn chat(json: &[u8]) -> Result<Whole, Failure> {
    #[derive(Deserialize)]
    struct Reply<'a> {
        #[serde(default)]
        usage: Option<OpenAi>,
        #[serde(default)]
        error: Option<IgnoredAny>,
        #[serde(borrow, default)]
        choices: Option<Vec<Choice<'a>>>,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow, default)]
        finish_reason: Option<Cow<'a, str>>,
    }
    let reply: Reply<'_> = read(json)?;
    refuse_error(reply.error.is_some(), json)?;
    let ended = |choice: &Choice<'_>| match choice.finish_reason.as_deref() {
        None => false,
        Some(reason) => !CUT_SHORT.contains(&reason),
    };
    let is_complete = reply.choices.is_some_and(|choices| !choices.is_empty() && choices.iter().all(ended));
    Ok(Whole { usage: reply.usage.map(OpenAi::into_usage), is_complete })
}

fn response(json: &[u8]) -> Result<Whole, Failure> {
    #[derive(Deserialize)]
    struct Reply<'a> {
        #[serde(default)]
        usage: Option<OpenAi>,
        #[serde(default)]
        error: Option<IgnoredAny>,
        #[serde(borrow, default)]
        status: Option<Cow<'a, str>>,
    }
    let reply: Reply<'_> = read(json)?;
    let status = reply.status.as_deref();
    refuse_error(reply.error.is_some(), json)?;
    if status == Some("failed") {
        return Err(errors::in_band(json));
    }
    Ok(Whole { usage: reply.usage.map(OpenAi::into_usage), is_complete: status == Some("completed") })
}

fn message(json: &[u8]) -> Result<Whole, Failure> {
    #[derive(Deserialize)]
    struct Reply<'a> {
        #[serde(default)]
        usage: Option<Anthropic>,
        #[serde(default)]
        error: Option<IgnoredAny>,
        #[serde(borrow, default)]
        stop_reason: Option<Cow<'a, str>>,
    }
    let reply: Reply<'_> = read(json)?;
    refuse_error(reply.error.is_some(), json)?;
    let is_complete = reply.stop_reason.as_deref().is_some_and(|reason| ENDED.contains(&reason));
    Ok(Whole { usage: reply.usage.map(|usage| usage.over(Usage::default())), is_complete })
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(errors::bad_reply)
}

/// `has_error` is false for `"error": null`, which is how most say that there is none.
fn refuse_error(has_error: bool, json: &[u8]) -> Result<(), Failure> {
    if !has_error {
        return Ok(());
    }
    errors::found_in(json).map_or(Ok(()), Err)
}
