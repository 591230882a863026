//! Texts that nobody would write, from a seed: fragments of tags, nested documents, and damage done to them. Also read by
//! `examples/fuzz.rs`.

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap_or(0)
    }
}

const FRAGMENTS: &[&str] = &[
    "<",
    ">",
    "/",
    "</",
    "<THOUGHT",
    "<THOUGHT>",
    "</THOUGHT>",
    "<think>",
    "</think>",
    "<ACTION>",
    "</ACTION>",
    "<ACTION/>",
    "<ACTION",
    "<OBSERVATION>",
    "</OBSERVATION>",
    "<FINAL_ANSWER>",
    "</FINAL_ANSWER>",
    "<FINAL_",
    "ANSWER>",
    "<PLAN a=\"b\">",
    "</plan >",
    "<Draft>",
    "</DRAFT>",
    "<foo>",
    "`",
    "\"",
    "{",
    "}",
    "[",
    " ",
    "\n",
    "\t",
    "                  ",
    ".",
    "!",
    "a",
    "é",
    "漢",
    "🙂",
    "＜",
    "ſ",
    "\u{200b}",
    "the ",
    "=",
    "|",
    "<|im_start|>",
    "&lt;",
];

/// Fragments in any order.
pub(crate) fn fragments(dice: &mut Dice, fragments_max: usize) -> String {
    (0..=dice.roll(fragments_max)).map(|_| FRAGMENTS[dice.roll(FRAGMENTS.len())]).collect()
}

const NAMES: &[&str] =
    &["THOUGHT", "think", "ACTION", "OBSERVATION", "FINAL_ANSWER", "PLAN", "draft", "Synthesis", "other"];

/// A document as a model might write it, tags in tags, and then as it should not.
pub(crate) fn document(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..=dice.roll(4) {
        nest(dice, 0, &mut text);
    }
    for _ in 0..dice.roll(4) {
        text = damaged(dice, &text);
    }
    text
}

fn nest(dice: &mut Dice, depth: usize, text: &mut String) {
    let name = NAMES[dice.roll(NAMES.len())];
    text.push_str(&["<", name, if dice.roll(8) == 0 { " k=\"é\">" } else { ">" }].concat());
    text.push_str(&fragments(dice, 4));
    for _ in 0..dice.roll(3) {
        if depth < 5 {
            nest(dice, depth + 1, text);
        }
        text.push_str(&fragments(dice, 2));
    }
    text.push_str(&["</", name, ">"].concat());
}

/// The text with a piece cut out, moved, doubled, or with something put in; always at characters' borders.
pub(crate) fn damaged(dice: &mut Dice, text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (one, two) = (dice.roll(characters.len() + 1), dice.roll(characters.len() + 1));
    let (from, to) = (one.min(two), one.max(two));
    let (head, middle, tail) = (&characters[..from], &characters[from..to], &characters[to..]);
    let stranger: Vec<char> = FRAGMENTS[dice.roll(FRAGMENTS.len())].chars().collect();
    let parts: Vec<&[char]> = match dice.roll(5) {
        0 => vec![head, tail],
        1 => vec![head, middle, middle, tail],
        2 => vec![middle, head, tail],
        3 => vec![head, &stranger, middle, &stranger, tail],
        _ => vec![head, &stranger, tail],
    };
    parts.concat().into_iter().take(4_000).collect()
}

/// The text in pieces, some of them empty.
pub(crate) fn cut<'t>(dice: &mut Dice, text: &'t str) -> Vec<&'t str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let ends: Vec<usize> = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).take(24).collect();
        let (piece, after) = rest.split_at(ends[dice.roll(ends.len())]);
        pieces.push(piece);
        rest = after;
    }
    pieces
}
