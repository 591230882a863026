//! Feeds the tag parser texts from a seed, and damage done to those that read unlike any before, until the time is over:
//! `cargo run --release -p magic-tags --example fuzz -- --seconds 600 [--seed N]`. The first text that breaks a promise of
//! the parser ends it, with the text and the seed.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which is no part of the gateway"
)]

use documents::{Dice, cut, damaged, document, fragments};
use magic_tags::{Parser, Piece, Tags};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[path = "../src/parser/tests/documents.rs"]
mod documents;

/// Texts that are kept to be damaged further.
const KEPT_MAX: usize = 4096;

/// What was read: adjacent text joined, since only that may differ with the cuts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Read {
    Open(String),
    Text(Option<String>, String),
    Close(String),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let (Some(seconds), seed) = (number("--seconds"), number("--seed").unwrap_or(1)) else {
        println!("usage: fuzz --seconds N [--seed N]");
        return ExitCode::from(2);
    };
    match fuzz(Duration::from_secs(seconds), seed) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(found) => {
            println!("seed {seed}: {found}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(time: Duration, seed: u64) -> Result<String, String> {
    let (begun, mut dice, mut kept, mut shapes) = (Instant::now(), Dice(seed), Vec::<String>::new(), HashSet::new());
    let (mut texts, mut bytes, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    while begun.elapsed() < time {
        let text = match (dice.roll(4), kept.len()) {
            (0, _) | (_, 0) => document(&mut dice),
            (1, _) => fragments(&mut dice, 40),
            (_, some) => {
                let at = dice.roll(some);
                damaged(&mut dice, &kept[at])
            }
        };
        let started = Instant::now();
        let shape = check(&mut dice, &text)?;
        let took = started.elapsed();
        if shapes.insert(shape) {
            match kept.len() {
                KEPT_MAX => {
                    let at = dice.roll(KEPT_MAX);
                    kept[at].clone_from(&text);
                }
                _ => kept.push(text.clone()),
            }
        }
        (texts, bytes, slowest) = (texts + 1, bytes + text.len() as u64, slowest.max(took));
    }
    let shapes = shapes.len();
    Ok(format!("{texts} texts of {bytes} bytes, {shapes} shapes, slowest {slowest:?}, in {time:?}: nothing found"))
}

/// Every promise of the parser and of `escape`, for one text; its shape, by which texts are told apart.
fn check(dice: &mut Dice, text: &str) -> Result<u64, String> {
    let tags = Tags::new(["plan", "DRAFT", "SYNTHESIS"]);
    let whole = read(&tags, [text]);
    for _ in 0..3 {
        let pieces = cut(dice, text);
        if read(&tags, pieces.iter().copied()) != whole {
            return Err(format!("reads otherwise when cut: {pieces:?}"));
        }
    }
    nests(&whole).ok_or_else(|| format!("does not nest: {text:?}"))?;
    let escaped = tags.escape(text);
    if read(&tags, [escaped.as_ref()]) != as_text(&escaped) {
        return Err(format!("speaks though escaped: {text:?}"));
    }
    if tags.escape(&escaped) != escaped {
        return Err(format!("escapes twice: {text:?}"));
    }
    let mut hasher = DefaultHasher::new();
    for read in &whole {
        match read {
            Read::Open(tag) => (0, tag).hash(&mut hasher),
            Read::Text(tag, text) => (1, tag, text.len().min(2)).hash(&mut hasher),
            Read::Close(tag) => (2, tag).hash(&mut hasher),
        }
    }
    Ok(hasher.finish())
}

fn as_text(text: &str) -> Vec<Read> {
    if text.is_empty() { Vec::new() } else { vec![Read::Text(None, text.to_owned())] }
}

fn read<'t>(tags: &Tags, pieces: impl IntoIterator<Item = &'t str>) -> Vec<Read> {
    let mut parser = Parser::new(tags.clone());
    let mut seen: Vec<Read> = Vec::new();
    let mut out = |piece: Piece<'_>| match piece {
        Piece::Open(tag) => seen.push(Read::Open(tag.to_owned())),
        Piece::Close(tag) => seen.push(Read::Close(tag.to_owned())),
        Piece::Text { tag, text } => match seen.last_mut() {
            Some(Read::Text(_, before)) => before.push_str(text),
            _ => seen.push(Read::Text(tag.map(str::to_owned), text.to_owned())),
        },
    };
    for piece in pieces {
        parser.push(piece, &mut out);
    }
    parser.finish(&mut out);
    seen
}

/// What opens is closed, in order, and text belongs to the innermost tag.
fn nests(read: &[Read]) -> Option<()> {
    let mut open: Vec<&str> = Vec::new();
    for read in read {
        match read {
            Read::Open(tag) => open.push(tag),
            Read::Close(tag) => drop(open.pop().filter(|open| open == tag)?),
            Read::Text(tag, _) => drop((tag.as_deref() == open.last().copied()).then_some(())?),
        }
    }
    open.is_empty().then_some(())
}
