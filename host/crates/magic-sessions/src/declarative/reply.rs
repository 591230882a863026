//! Reads one reply of the model while it comes: what is thought, what is answer, what is to be done. Shows the first two
//! at once, hides the third, and stops reading where the model begins to invent results.
use magic_tags::{ACTION, FINAL_ANSWER, OBSERVATION, Parser, Piece, THOUGHT, Tags};
use magic_types::chat::{Message, Part};
use magic_types::directive::{Directive, Emit};

/// A reply under way.
pub(super) struct Reply {
    parser: Parser,
    reading: Reading,
    /// Some of the text came while it was generated.
    streamed: bool,
}

/// What a reply came to.
pub(super) struct Said {
    /// As it goes into the conversation: closed tags, nothing invented.
    pub(super) text: String,
    pub(super) thought: String,
    pub(super) answer: String,
    /// Text outside every tag; only kept apart where it may be the answer.
    pub(super) untagged: String,
    /// The contents of ACTION tags, empty ones left out.
    pub(super) actions: Vec<String>,
    /// A FINAL_ANSWER was opened, whatever stood in it.
    pub(super) answered: bool,
    /// An ACTION was empty.
    pub(super) paused: bool,
    /// Some tag was opened.
    pub(super) tagged: bool,
}

struct Reading {
    said: Said,
    /// Text outside every tag may be the answer: held until that is decided.
    holds_untagged: bool,
    at: At,
    thoughts: Trim,
    answers: Trim,
}

/// Where in the reply the reader is.
enum At {
    Outside,
    /// In a thought or in one of the pattern's own blocks.
    Thought,
    Answer {
        thinking: bool,
    },
    Action(String),
    /// What follows was invented: the model waited for nothing.
    Muted,
}

/// Drops white space before the first and after the last word, without holding back more than white space.
#[derive(Default)]
struct Trim {
    begun: bool,
    gap: String,
}

/// A reply's text up to its first action, which is kept apart from it.
pub(super) fn before_action(text: &str) -> &str {
    text.split_once(&["<", ACTION, ">"].concat()).map_or(text, |(before, _)| before).trim_end()
}

/// The text without the fence that it ends in the middle of.
pub(super) fn without_open_fence(text: &str) -> &str {
    match text.rsplit_once("```") {
        Some((before, label)) if label.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
            before.trim_end()
        }
        Some(_) | None => text.trim_end(),
    }
}

/// The words of a text whose tags do not count any more.
pub(super) fn words(text: &str, tags: Tags) -> String {
    let (mut parser, mut words) = (Parser::new(tags), String::new());
    let mut add = |piece: Piece<'_>| {
        if let Piece::Text { text, .. } = piece {
            words.push_str(text);
        }
    };
    parser.push(text, &mut add);
    parser.finish(&mut add);
    words
}

// === impl Reply ===

impl Reply {
    /// `is_first`: no thought was shown before. `may_answer_untagged`: text outside every tag may be the answer.
    pub(super) fn new(tags: Tags, is_first: bool, may_answer_untagged: bool) -> Self {
        Self { parser: Parser::new(tags), reading: Reading::new(is_first, may_answer_untagged), streamed: false }
    }

    pub(super) fn text(&mut self, text: &str, out: &mut Vec<Directive>) {
        self.streamed = true;
        let Self { parser, reading, .. } = self;
        parser.push(text, &mut |piece| reading.piece(piece, out));
    }

    /// The model's native reasoning.
    pub(super) fn reasoning(&mut self, text: &str, out: &mut Vec<Directive>) {
        self.streamed = true;
        self.reading.think(text, out);
    }

    /// `whole` is read if nothing was streamed.
    pub(super) fn finish(mut self, whole: &Message, out: &mut Vec<Directive>) -> Said {
        if !self.streamed {
            for part in &whole.parts {
                match part {
                    Part::Text(text) => self.text(text, out),
                    Part::Reasoning(text) => self.reasoning(text, out),
                    Part::Media(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
                }
            }
        }
        let Self { mut parser, mut reading, .. } = self;
        parser.finish(&mut |piece| reading.piece(piece, out));
        if whole.parts.iter().any(|part| matches!(part, Part::ToolCall(_))) {
            reading.release_untagged(out);
        }
        reading.said
    }
}

// === impl Reading ===

impl Reading {
    fn new(is_first: bool, holds_untagged: bool) -> Self {
        let said = Said {
            text: String::new(),
            thought: String::new(),
            answer: String::new(),
            untagged: String::new(),
            actions: Vec::new(),
            answered: false,
            paused: false,
            tagged: false,
        };
        let mut thoughts = Trim::default();
        if !is_first {
            thoughts.begun = true;
            thoughts.new_line();
        }
        Self { said, holds_untagged, at: At::Outside, thoughts, answers: Trim::default() }
    }

    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<Directive>) {
        match piece {
            Piece::Open(tag) => self.open(tag, out),
            Piece::Close(tag) => self.close(tag),
            Piece::Text { tag, text } => self.words(tag, text, out),
        }
    }

    fn open(&mut self, tag: &str, out: &mut Vec<Directive>) {
        let acted = !self.said.actions.is_empty();
        let done = acted && tag != ACTION || !self.said.answer.is_empty() && matches!(tag, ACTION | FINAL_ANSWER);
        if tag == OBSERVATION || done {
            self.at = At::Muted;
        }
        if matches!(self.at, At::Muted) {
            return;
        }
        self.said.text.extend(["<", tag, ">"]);
        self.said.tagged = true;
        self.release_untagged(out);
        self.at = match (tag, &self.at) {
            (ACTION, _) => At::Action(String::new()),
            (FINAL_ANSWER, _) => {
                self.said.answered = true;
                At::Answer { thinking: false }
            }
            (_, At::Answer { .. }) => At::Answer { thinking: tag == THOUGHT },
            (_, At::Outside | At::Thought | At::Action(_) | At::Muted) => {
                self.thoughts.new_line();
                At::Thought
            }
        };
    }

    fn close(&mut self, tag: &str) {
        if matches!(self.at, At::Muted) {
            return;
        }
        self.said.text.extend(["</", tag, ">"]);
        self.at = match (tag, std::mem::replace(&mut self.at, At::Outside)) {
            (FINAL_ANSWER, _) => At::Outside,
            (_, At::Answer { .. }) => At::Answer { thinking: false },
            (_, At::Action(text)) => {
                match text.trim().is_empty() {
                    true => self.said.paused = true,
                    false => self.said.actions.push(text),
                }
                At::Outside
            }
            (_, At::Outside | At::Thought | At::Muted) => At::Outside,
        };
        self.thoughts.new_line();
    }

    fn words(&mut self, tag: Option<&str>, text: &str, out: &mut Vec<Directive>) {
        let outside = tag.is_none();
        let over = !self.said.actions.is_empty() || !self.said.answer.is_empty();
        match &mut self.at {
            At::Muted => return,
            At::Outside if outside && over => {
                if !text.trim().is_empty() {
                    self.at = At::Muted;
                }
                return;
            }
            At::Action(action) => action.push_str(text),
            At::Answer { thinking: false } => {
                let shown = self.answers.show(text, out, Emit::Answer);
                self.said.answer.push_str(&shown);
            }
            At::Outside if outside && self.holds_untagged => self.said.untagged.push_str(text),
            At::Outside | At::Thought | At::Answer { thinking: true } => self.think(text, out),
        }
        self.said.text.push_str(text);
    }

    /// A tag or a native call follows, so what stood before it was not the answer.
    fn release_untagged(&mut self, out: &mut Vec<Directive>) {
        let untagged = std::mem::take(&mut self.said.untagged);
        self.think(&untagged, out);
    }

    fn think(&mut self, text: &str, out: &mut Vec<Directive>) {
        let shown = self.thoughts.show(text, out, Emit::Thought);
        self.said.thought.push_str(&shown);
    }
}

// === impl Trim ===

impl Trim {
    /// Shows what can be shown; returns it.
    fn show(&mut self, text: &str, out: &mut Vec<Directive>, emit: impl Fn(String) -> Emit) -> String {
        let text = if self.begun { text } else { text.trim_start() };
        let body = text.trim_end();
        if body.is_empty() {
            self.gap.push_str(text);
            return String::new();
        }
        self.begun = true;
        let mut shown = std::mem::take(&mut self.gap);
        shown.push_str(body);
        self.gap.push_str(text.strip_prefix(body).unwrap_or_default());
        out.push(Directive::Emit(emit(shown.clone())));
        shown
    }

    /// What comes next begins on a line of its own.
    fn new_line(&mut self) {
        if self.begun {
            "\n".clone_into(&mut self.gap);
        }
    }
}
