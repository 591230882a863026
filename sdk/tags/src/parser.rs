//! Reads tags out of text that arrives in pieces. Holds back only what may still turn out to be a tag.
mod scan;

use crate::names::{ACTION, Role, TagId, Tags};
use scan::{Markup, Scan, scan};

/// One thing read. However the text is cut, the same pieces come out, but for where a run of text is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The tag's name in capitals.
    Open(&'a str),
    /// `tag` is the innermost open one. Never empty.
    Text {
        tag: Option<&'a str>,
        text: &'a str,
    },
    Close(&'a str),
}

/// Invariant: `held` is empty or begins with a `<` about which nothing is decided, and is at most some 300 bytes.
#[derive(Clone, Debug)]
pub struct Parser {
    tags: Tags,
    /// Outermost first; a tag stands in it at most once.
    open: Vec<TagId>,
    held: String,
    before: Before,
    /// Tags that were mentioned as opening tags, so that their closing ones are mentions too.
    mentioned: Vec<TagId>,
}

/// What stands before the point of reading.
#[derive(Clone, Copy, Debug)]
struct Before {
    /// Only white space since the start, a line's start or a tag.
    fresh: bool,
    /// The last character that is not white space ends a sentence.
    sentence: bool,
    last: Option<char>,
}

/// What a `<` turned out to begin.
enum Verdict {
    /// So many bytes are plain text.
    Text(usize),
    /// A mention of an opening tag, in so many bytes.
    Mention(TagId, usize),
    Open(TagId, usize),
    /// `<NAME/>`
    OpenClose(TagId, usize),
    Close(TagId, usize),
    /// A closing tag of nothing open.
    Stray(usize),
    /// More text is needed.
    Undecided,
}

/// White space between `<ACTION>` and its JSON; bounds what is held back.
const GAP_BYTES_MAX: usize = 16;

// === impl Parser ===

impl Parser {
    pub fn new(tags: Tags) -> Self {
        Self { tags, open: Vec::new(), held: String::new(), before: Before::START, mentioned: Vec::new() }
    }

    /// Reads on. What cannot be decided yet is kept for the next call.
    pub fn push(&mut self, text: &str, out: &mut impl FnMut(Piece<'_>)) {
        if self.held.is_empty() {
            return self.read(text, false, out);
        }
        let mut held = std::mem::take(&mut self.held);
        held.push_str(text);
        self.read(&held, false, out);
    }

    /// Decides what was held back, closes what is open and leaves the parser as new.
    pub fn finish(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        self.read(&held, true, out);
        self.close_from(0, out);
        self.before = Before::START;
        self.mentioned.clear();
    }

    fn read(&mut self, text: &str, at_end: bool, out: &mut impl FnMut(Piece<'_>)) {
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            let (plain, tail) = split(rest, at);
            self.text(plain, out);
            let len = match self.judge(tail, at_end) {
                Verdict::Undecided => {
                    self.held.push_str(tail);
                    return;
                }
                Verdict::Text(len) => {
                    self.text(split(tail, len).0, out);
                    len
                }
                Verdict::Mention(id, len) => {
                    self.mention(id);
                    self.text(split(tail, len).0, out);
                    len
                }
                Verdict::Open(id, len) => {
                    self.open(id, out);
                    len
                }
                Verdict::OpenClose(id, len) => {
                    self.open(id, out);
                    self.close(id, out);
                    len
                }
                Verdict::Close(id, len) => {
                    self.close(id, out);
                    len
                }
                Verdict::Stray(len) => {
                    self.before = Before::START;
                    len
                }
            };
            rest = split(tail, len).1;
        }
        self.text(rest, out);
    }

    /// `tail` begins with `<`.
    fn judge(&self, tail: &str, at_end: bool) -> Verdict {
        let top = self.open.last().copied();
        let raw = top.filter(|top| self.tags.role(*top) == Role::Raw);
        let markup = match scan(tail, &self.tags) {
            Scan::NoTag => return Verdict::Text(1),
            Scan::Undecided if at_end => return Verdict::Text(1),
            Scan::Undecided => return Verdict::Undecided,
            Scan::Markup(markup) => markup,
        };
        match raw {
            Some(top) if markup.closing && markup.id == top => Verdict::Close(top, markup.len),
            Some(_) => Verdict::Text(markup.len),
            None if markup.closing => self.judge_close(&markup, tail, at_end),
            None => self.judge_open(&markup, tail, at_end),
        }
    }

    fn judge_close(&self, markup: &Markup, tail: &str, at_end: bool) -> Verdict {
        let &Markup { id, len, .. } = markup;
        if self.open.contains(&id) {
            if self.before.last != Some('`') {
                return Verdict::Close(id, len);
            }
            return match split(tail, len).1.chars().next() {
                None if !at_end => Verdict::Undecided,
                Some('`') => Verdict::Text(len),
                None | Some(_) => Verdict::Close(id, len),
            };
        }
        let glued = self.before.last.is_some_and(|last| !last.is_whitespace() && !is_quote(last));
        let counts = self.before.fresh || self.before.sentence || glued;
        if counts && !self.in_answer() && !self.mentioned.contains(&id) {
            Verdict::Stray(len)
        } else {
            Verdict::Text(len)
        }
    }

    fn judge_open(&self, markup: &Markup, tail: &str, at_end: bool) -> Verdict {
        let &Markup { id, len, .. } = markup;
        if self.in_answer() && self.tags.role(id) == Role::Raw {
            return Verdict::Mention(id, len);
        }
        let opens = if markup.empty { Verdict::OpenClose(id, len) } else { Verdict::Open(id, len) };
        let quoted = self.before.last.is_some_and(is_quote);
        if self.before.fresh || self.before.sentence {
            return opens;
        }
        if quoted || markup.empty || self.tags.name(id) != ACTION {
            return Verdict::Mention(id, len);
        }
        let rest = split(tail, len).1;
        let body = rest.trim_start();
        match body.bytes().next() {
            _ if rest.len() - body.len() > GAP_BYTES_MAX => Verdict::Mention(id, len),
            Some(b'{' | b'[') => opens,
            None if !at_end => Verdict::Undecided,
            None | Some(_) => Verdict::Mention(id, len),
        }
    }

    fn in_answer(&self) -> bool {
        self.open.iter().any(|id| self.tags.role(*id) == Role::Answer)
    }

    fn mention(&mut self, id: TagId) {
        if !self.mentioned.contains(&id) {
            self.mentioned.push(id);
        }
    }

    fn text(&mut self, text: &str, out: &mut impl FnMut(Piece<'_>)) {
        if text.is_empty() {
            return;
        }
        self.before.advance(text);
        out(Piece::Text { tag: self.open.last().map(|id| self.tags.name(*id)), text });
    }

    fn open(&mut self, id: TagId, out: &mut impl FnMut(Piece<'_>)) {
        let again = self.open.iter().position(|open| *open == id);
        let keep = match self.tags.role(id) {
            Role::Raw | Role::Answer => 0,
            Role::Block => again.unwrap_or(self.open.len()),
        };
        self.close_from(keep, out);
        self.open.push(id);
        self.before = Before::START;
        out(Piece::Open(self.tags.name(id)));
    }

    fn close(&mut self, id: TagId, out: &mut impl FnMut(Piece<'_>)) {
        if let Some(at) = self.open.iter().position(|open| *open == id) {
            self.close_from(at, out);
        }
    }

    fn close_from(&mut self, keep: usize, out: &mut impl FnMut(Piece<'_>)) {
        while self.open.len() > keep {
            if let Some(id) = self.open.pop() {
                out(Piece::Close(self.tags.name(id)));
            }
            self.before = Before::START;
        }
    }
}

// === impl Before ===

impl Before {
    const START: Self = Self { fresh: true, sentence: false, last: None };

    fn advance(&mut self, text: &str) {
        self.last = text.chars().next_back().or(self.last);
        let solid = text.chars().rev().find(|c| *c == '\n' || !c.is_whitespace());
        match solid {
            None => {}
            Some('\n') => self.fresh = true,
            Some(c) => {
                self.fresh = false;
                self.sentence = matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？');
            }
        }
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '`' | '"' | '\'')
}

/// Total where `split_at` panics; `at` is always a boundary here.
fn split(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests;
