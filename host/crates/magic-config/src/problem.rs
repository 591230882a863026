//! What is wrong in a config, where, and what would mend it. Decides nothing: the checks do.
use std::fmt;

/// Longest piece of the user's own text that a problem repeats, in characters: enough to recognise it by.
const QUOTE_CHARS_MAX: usize = 60;
/// Known words that a hint lists: two lines of a terminal.
const KNOWN_LISTED_MAX: usize = 16;

/// One fault of a config file. `path` reads like `model_list[3].provider`; it is empty where the whole file is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: String,
    pub message: String,
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// The user's text in back quotes, made fit to be shown.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}

/// Cut to a sensible length and without control characters, because a problem ends up on terminals and in web pages.
fn shown(text: &str) -> String {
    let escaped = |char: char| if char.is_control() { char.escape_default().to_string() } else { char.to_string() };
    let mut shown: String = text.chars().take(QUOTE_CHARS_MAX).map(escaped).collect();
    if text.chars().nth(QUOTE_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// The known word that was probably meant: at most a third of its letters wrong, swaps counting once.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.chars().nth(QUOTE_CHARS_MAX).is_some() {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let scored = known.iter().map(|known| (strsim::osa_distance(&word, &known.to_ascii_lowercase()), *known));
    let (distance, best) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= (best.chars().count() / 3).max(1)).then_some(best)
}

/// "did you mean `x`? known: a, b, c", or only the second half. A long list of known words is cut.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    let mut listed: Vec<String> = known.iter().take(KNOWN_LISTED_MAX).map(|known| shown(known)).collect();
    match known.len().checked_sub(KNOWN_LISTED_MAX) {
        _ if known.is_empty() => listed.push("none".to_owned()),
        Some(more) if more > 0 => listed.push(format!("{more} more")),
        Some(_) | None => {}
    }
    let listed = listed.join(", ");
    match nearest(word, known) {
        Some(best) => format!("did you mean {}? known: {listed}", quoted(best)),
        None => format!("known: {listed}"),
    }
}

#[cfg(test)]
mod tests;
