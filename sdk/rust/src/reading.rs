//! What several patterns read out of a model's text: a JSON list, an answer, a number, a program, an action. Tolerant in
//! form, never in meaning; what does not read comes back as a sentence for the model.

mod action;
mod answer;
mod code;
mod json;

pub use action::{Acting, acting};
pub use answer::{answer, normalised, number_after};
pub use code::code;
pub use json::json_list;

/// The text behind a model's own thinking, where that is part of the text.
pub(crate) fn spoken(text: &str) -> &str {
    text.rsplit_once("</think>").map_or(text, |(_, spoken)| spoken).trim()
}

#[cfg(test)]
mod tests;
