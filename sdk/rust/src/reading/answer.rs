//! The answer in a model's text, and what two answers have in common when they say the same. Refuses to judge them.

use magic_tags::{FINAL_ANSWER, Parser, Piece, Tags};

use super::spoken;

/// Reasoning and answer. The answer stands in FINAL_ANSWER, in `\boxed{}` or behind the last `Answer:` that begins a
/// line; where there is no such mark the whole text is the answer.
#[must_use]
pub fn answer(text: &str) -> (String, String) {
    let text = spoken(text);
    let (thought, answer) =
        tagged(text).or_else(|| marked(text)).or_else(|| boxed(text)).unwrap_or(("".into(), text.into()));
    (thought.trim().into(), answer.trim().into())
}

fn tagged(text: &str) -> Option<(String, String)> {
    let (mut thought, mut answer, mut seen) = (String::new(), String::new(), false);
    let mut read = |piece: Piece<'_>| match piece {
        Piece::Open(FINAL_ANSWER) => seen = true,
        Piece::Text { tag: Some(FINAL_ANSWER), text } => answer.push_str(text),
        Piece::Text { text, .. } => thought.push_str(text),
        Piece::Open(_) | Piece::Close(_) => {}
    };
    let mut parser = Parser::new(Tags::default());
    parser.push(text, &mut read);
    parser.finish(&mut read);
    (seen && !answer.trim().is_empty()).then_some((thought, answer))
}

const MARKS: [&str; 3] = ["final answer:", "the answer is", "answer:"];

fn marked(text: &str) -> Option<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let (at, first) = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, behind_mark(line)?)))?;
    let rest = lines.iter().skip(at + 1);
    let answer: Vec<&str> = std::iter::once(first).chain(rest.copied()).collect();
    let answer = answer.join("\n");
    let thought = lines.iter().take(at).copied().collect::<Vec<_>>().join("\n");
    (!answer.trim().is_empty()).then_some((thought, answer))
}

fn behind_mark(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '#' | '_' | '>'));
    let mark = MARKS.iter().find(|mark| line.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark)))?;
    Some(line.get(mark.len()..)?.trim_start_matches([' ', '*', '_', ':']).trim_end_matches([' ', '*', '_']))
}

fn boxed(text: &str) -> Option<(String, String)> {
    let (before, rest) = text.rsplit_once("\\boxed{")?;
    let mut depth = 1;
    let end = rest.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (depth == 0).then_some(at)
    })?;
    Some((before.into(), rest.get(..end)?.into()))
}

/// What answers that say the same have in common: case, marks around and behind, a unit behind a number and the ways to
/// write a number make no difference. For counting votes, not for reading.
#[must_use]
pub fn normalised(answer: &str) -> String {
    let lower = answer.to_lowercase();
    let bare = lower
        .trim_matches(|c: char| {
            c.is_whitespace() || matches!(c, '*' | '_' | '`' | '"' | '\'' | '“' | '”' | '(' | ')' | '$' | '€' | '£')
        })
        .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '*'));
    let mut words = bare.split_whitespace();
    let first = words.next().unwrap_or_default();
    let alone = words.next().is_none() || words.next().is_none();
    match number(first) {
        Some(number) if alone => number,
        _ => bare.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// `1,000.50` as `1000.5`.
fn number(text: &str) -> Option<String> {
    let text = text.trim_end_matches('%');
    // `1. Paris` begins a list.
    if text.ends_with('.') {
        return None;
    }
    let (negative, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.trim_start_matches(['$', '€', '£']);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split([',', '_']);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let grouped = groups.all(|group| group.len() == 3 && digits(group));
    if first.is_empty() || !digits(first) || !grouped || !digits(fraction) {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative && (whole != "0" || !fraction.is_empty()) { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    Some([sign, whole, point, fraction].concat())
}

/// The first number behind the last `mark` (in any case), or the first in the text where there is no mark.
#[must_use]
pub fn number_after(mark: &str, text: &str) -> Option<f64> {
    let lower = spoken(text).to_lowercase();
    let rest = lower.rsplit_once(mark).map_or(lower.as_str(), |(_, rest)| rest);
    let mut words = rest.split(|c: char| !c.is_ascii_digit() && c != '.' && c != '-');
    words.find_map(|word| word.trim_matches('.').parse().ok())
}
