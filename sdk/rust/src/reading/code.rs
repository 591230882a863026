//! The program in a model's text. Refuses to run or to mend it.

use super::spoken;

/// What stands in the first fence that names `language`, else in the first fence; without a fence the whole text, if it
/// `looks_right`.
#[must_use]
pub fn code(text: &str, language: &str, looks_right: impl Fn(&str) -> bool) -> Option<String> {
    let text = spoken(text);
    let fences: Vec<(&str, &str)> = fences(text).collect();
    let named = fences.iter().find(|(info, _)| info.eq_ignore_ascii_case(language));
    let (_, body) = match named.or_else(|| fences.first()) {
        Some(fence) => *fence,
        None if looks_right(text) => ("", text),
        None => return None,
    };
    (!body.trim().is_empty()).then(|| body.trim_matches(['\n', '\r']).trim_end().into())
}

/// (first line, body) of every fence; one that is not closed ends with the text.
fn fences(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.map(|block| {
        let (info, body) = block.split_once('\n').unwrap_or(("", block));
        (info.trim(), body)
    })
}
