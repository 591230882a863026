//! The letter that an answer to a multiple-choice question chooses.
use super::said;

const LETTERS: std::ops::RangeInclusive<char> = 'A'..='E';

pub(super) fn wanted(answer: &str) -> Result<char, String> {
    let mut letters = answer.trim().chars();
    match (letters.next().map(|letter| letter.to_ascii_uppercase()), letters.next()) {
        (Some(letter), None) if LETTERS.contains(&letter) => Ok(letter),
        _ => Err(format!("`answer` is `{answer}`: the checker `choice` wants a letter from A to E")),
    }
}

/// Where a model says which: in a box, after "the answer is", at the start of the text, as a line of its own, or as the
/// last letter in parentheses or behind "option". A letter in running text ("A train …") is none.
pub(super) fn answer(text: &str) -> Option<char> {
    let text = text.replace("**", "");
    let boxed = said::boxed(&text).and_then(first);
    let named = || said::after_the_answer_is(&text).and_then(first);
    let alone = || text.lines().rev().find_map(whole);
    let marked = || marked(&text);
    boxed.or_else(named).or_else(|| opening(&text)).or_else(alone).or_else(marked)
}

/// `B`, `(B)`, `option B` and the like at the start of a phrase.
fn first(phrase: &str) -> Option<char> {
    let phrase = phrase.trim_start();
    let behind =
        ["option ", "choice ", "Option ", "Choice ", "\\text{"].iter().find_map(|word| phrase.strip_prefix(*word));
    let phrase = behind.unwrap_or(phrase).trim_start_matches(['(', '[', '"', '\'', '`', '$']);
    standing_alone(phrase)
}

/// `B) because …`, `(B) …`, `B. …`, `B: …`.
fn opening(text: &str) -> Option<char> {
    let text = text.trim_start();
    let inside = text.strip_prefix('(').unwrap_or(text);
    let letter = standing_alone(inside)?;
    inside.chars().nth(1).filter(|next| [')', '.', ':'].contains(next)).map(|_| letter)
}

/// A line that is the letter, and perhaps a mark or two.
fn whole(line: &str) -> Option<char> {
    let line = line.trim_matches([' ', '(', ')', '.', '"', '\'', '`', ':', '[', ']', '$']);
    let mut letters = line.chars();
    letters.next().filter(|letter| LETTERS.contains(letter) && letters.next().is_none())
}

/// The last `(B)`, or letter behind "option" or "choice".
fn marked(text: &str) -> Option<char> {
    let pieces = [("(", true), ("option ", false), ("Option ", false), ("choice ", false), ("Choice ", false)];
    let found =
        pieces.iter().flat_map(|(mark, closed)| text.match_indices(mark).map(move |(at, _)| (at, *mark, *closed)));
    let hits = found.filter_map(|(at, mark, closed)| {
        let rest = text.get(at + mark.len()..)?;
        let letter = standing_alone(rest)?;
        (!closed || rest.chars().nth(1) == Some(')')).then_some((at, letter))
    });
    hits.max_by_key(|(at, _)| *at).map(|(_, letter)| letter)
}

fn standing_alone(text: &str) -> Option<char> {
    let mut letters = text.chars();
    let letter = letters.next().filter(|letter| LETTERS.contains(letter))?;
    letters.next().is_none_or(|next| !next.is_alphanumeric() && next != '\'').then_some(letter)
}
