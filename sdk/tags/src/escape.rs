//! Keeps text of strangers from opening or closing a tag. Wider than the parser on purpose: a model also reads what
//! only looks like a tag.
use crate::names::{NAME_BYTES_MAX, Tags};
use std::borrow::Cow;

const ESCAPED: &str = "&lt;";

/// [`Tags::escape`] with the engine's own tags.
pub fn escape(text: &str) -> Cow<'_, str> {
    Tags::default().escape(text)
}

// === impl Tags ===

impl Tags {
    /// Writes `&lt;` for every `<`, or character that looks like it, that begins a tag of these names, opening or
    /// closing, with spaces, invisible characters or look-alike letters in between; likewise for `<|`, with which chat
    /// templates begin their own marks. The end of the text counts as "may go on": joined pieces form no tag either.
    /// Escaping twice changes nothing more.
    pub fn escape<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut copied = 0;
        for (at, opener) in text.char_indices().filter(|(_, c)| looks_like_less_than(*c)) {
            let after = at + opener.len_utf8();
            if !text.get(after..).is_some_and(|rest| self.threatens(rest)) {
                continue;
            }
            out.push_str(text.get(copied..at).unwrap_or_default());
            out.push_str(ESCAPED);
            copied = after;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Whether what follows a `<` makes it a tag, or may when more text is joined to it.
    fn threatens(&self, rest: &str) -> bool {
        let mut chars = rest.chars().filter(|c| !is_invisible(*c)).skip_while(|c| c.is_whitespace()).peekable();
        if chars.peek() == Some(&'|') {
            chars.next();
            return chars.next().is_none_or(char::is_alphabetic);
        }
        while chars.next_if(|c| matches!(c, '/' | '\\' | '／' | '⁄' | '∕') || c.is_whitespace()).is_some() {}
        let mut name = String::new();
        while name.len() <= NAME_BYTES_MAX {
            match chars.next().map(folded) {
                None => return self.begins(&name),
                Some(c) if c.is_ascii_alphanumeric() || c == '_' => name.push(c),
                Some(_) => return self.find(&name).is_some(),
            }
        }
        false
    }
}

fn looks_like_less_than(c: char) -> bool {
    matches!(c, '<' | '＜' | '﹤' | '‹' | '〈' | '⟨')
}

/// Characters that take no place: joined to letters they hide a name from a comparison, not from a reader.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        || c.is_control() && !c.is_whitespace()
}

/// The ASCII capital that a character folds to or is a wide form of, if any.
fn folded(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    };
    // Lower then upper: the Kelvin sign folds downwards only, `ſ` and `ı` upwards only.
    let lower = narrow.to_lowercase().next().unwrap_or(narrow);
    lower.to_uppercase().next().unwrap_or(lower)
}

#[cfg(test)]
mod tests;
