//! Texts of models, made comparable. Knows no checker.

/// Some servers leave the thinking in the text; what is judged is what comes after it.
pub(super) fn without_thinking(text: &str) -> &str {
    text.rsplit_once("</think>").map_or(text, |(_, answer)| answer)
}

/// In lower case, with single spaces, without a full stop at the end.
pub(super) fn normalised(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

/// What stands in the last `\boxed{…}`.
pub(super) fn boxed(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("\\boxed{")?;
    let mut depth = 1_u32;
    for (at, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return rest.get(..at);
        }
    }
    None
}

/// The rest of the sentence after the last "the answer is" or its kin.
pub(super) fn after_the_answer_is(text: &str) -> Option<&str> {
    // In ASCII, so that every place in it is one in the text.
    let lower = text.to_ascii_lowercase();
    let ends = ["answer is", "answer:", "answer =", "answer would be"]
        .iter()
        .filter_map(|words| Some(lower.rfind(words)? + words.len()));
    let rest = text.get(ends.max()?..)?;
    let rest = rest.trim_start_matches([':', ' ', '\n']);
    let end = [". ", "\n"].iter().filter_map(|mark| rest.find(mark)).min();
    rest.get(..end.unwrap_or(rest.len()))
}
