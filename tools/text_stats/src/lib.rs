//! The tool `text_stats`: what can be counted in a text. Refuses to judge it.

use std::collections::HashSet;

use magic_sdk::{Error, Hints, Output, Tool};
use unicode_segmentation::UnicodeSegmentation as _;

/// Silent reading of English non-fiction, words a minute (Brysbaert 2019: 238).
const WORDS_PER_MINUTE: usize = 238;
/// The text comes out of a model: longer is a mistake, and the schema says so too.
const CHARS_MAX: usize = 200_000;

/// See [`Tool::DESCRIPTION`].
pub struct TextStats;

/// The arguments of one call.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// What to count in.
    pub text: String,
}

struct Stats {
    characters: usize,
    without_spaces: usize,
    words: usize,
    unique_words: usize,
    letters: usize,
    sentences: usize,
    lines: usize,
    paragraphs: usize,
}

impl Tool for TextStats {
    type Args = Args;
    const NAME: &str = "text_stats";
    const DESCRIPTION: &str = include_str!("../schema/description.md");
    const SCHEMA: &str = include_str!("../schema/arguments.json");
    const OUTPUT_SCHEMA: Option<&str> = Some(include_str!("../schema/output.json"));
    const HINTS: Hints = Hints::PURE;

    fn call(args: Args) -> Result<Output, Error> {
        let stats = Stats::of(&args.text);
        if stats.characters > CHARS_MAX {
            return Err(Error::InvalidArguments(format!(
                "`text` has more than {CHARS_MAX} characters: count it in parts"
            )));
        }
        Ok(Output { text: stats.text(), structured: Some(stats.json()) })
    }
}

magic_sdk::tool!(TextStats);

// === impl Stats ===
impl Stats {
    fn of(text: &str) -> Self {
        let words: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
        let blank = |line: &str| line.trim().is_empty();
        let lines: Vec<&str> = text.lines().collect();
        Self {
            characters: text.graphemes(true).count(),
            without_spaces: text.graphemes(true).filter(|character| !blank(character)).count(),
            words: words.len(),
            unique_words: words.iter().collect::<HashSet<_>>().len(),
            letters: words.iter().map(|word| word.graphemes(true).count()).sum(),
            sentences: text.unicode_sentences().count(),
            lines: lines.len(),
            paragraphs: lines.split(|line| blank(line)).filter(|block| !block.is_empty()).count(),
        }
    }

    /// Tenths of a character, rounded.
    fn average_word_length(&self) -> String {
        let tenths = (self.letters * 20 + self.words).checked_div(self.words * 2).unwrap_or(0);
        format!("{}.{}", tenths / 10, tenths % 10)
    }

    fn reading_seconds(&self) -> usize {
        (self.words * 60).div_ceil(WORDS_PER_MINUTE)
    }

    fn text(&self) -> String {
        let seconds = self.reading_seconds();
        let time =
            if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) };
        format!(
            "characters: {} ({} without spaces)\nwords: {} ({} unique)\nsentences: {}\nlines: {}\nparagraphs: {}\n\
             average word length: {} characters\nreading time: {time} at {WORDS_PER_MINUTE} words a minute",
            self.characters,
            self.without_spaces,
            self.words,
            self.unique_words,
            self.sentences,
            self.lines,
            self.paragraphs,
            self.average_word_length(),
        )
    }

    fn json(&self) -> String {
        format!(
            r#"{{"characters":{},"characters_without_spaces":{},"words":{},"unique_words":{},"sentences":{},"lines":{},"paragraphs":{},"average_word_length":{},"reading_seconds":{}}}"#,
            self.characters,
            self.without_spaces,
            self.words,
            self.unique_words,
            self.sentences,
            self.lines,
            self.paragraphs,
            self.average_word_length(),
            self.reading_seconds(),
        )
    }
}

#[cfg(test)]
mod tests;
