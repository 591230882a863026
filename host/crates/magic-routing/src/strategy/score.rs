//! How hard a request looks, in thousandths, for strategy `complexity`: a sum of marks that cost nothing to see. It reads no
//! meaning; it tells a greeting from a proof, not a good question from a bad one. docs/ROUTING.md has the table.
use super::{Facts, Needs};

/// Of a turn of the user: marks are looked for in so much of it, all its parts together, which bounds the work.
const LOOKED_AT_BYTES: usize = 16 << 10;

const LENGTH: u32 = 250;
/// Tokens (at four bytes each) from which on length counts, and at which it counts in full; in between by its logarithm.
const LENGTH_FROM: f64 = 50.0;
const LENGTH_TO: f64 = 8000.0;

const CODE: u32 = 150;
const CODE_MARKS: [&str; 16] = [
    "```",
    "fn ",
    "def ",
    "class ",
    "function ",
    "import ",
    "#include",
    "select ",
    "public static",
    "=> ",
    "();",
    "{\n",
    "traceback",
    "exception",
    "stack trace",
    "regex",
];
const MATH: u32 = 150;
const MATH_MARKS: [&str; 16] = [
    "\\frac",
    "\\sum",
    "\\int",
    "∫",
    "∑",
    "√",
    "≤",
    "≥",
    "theorem",
    "equation",
    "integral",
    "derivative",
    "probability",
    "polynomial",
    "modulo",
    "prime number",
];
/// Each word once.
const WORD: u32 = 50;
const WORDS_MAX: u32 = 200;
const WORDS: [&str; 16] = [
    "why ",
    "explain",
    "compare",
    "analy",
    "design",
    "step by step",
    "trade-off",
    "optimi",
    "debug",
    "refactor",
    "prove",
    "plan ",
    "evaluate",
    "strategy",
    "architect",
    "reason",
];
/// Each question after the first.
const QUESTION: u32 = 25;
const QUESTIONS_MAX: u32 = 75;
/// Each turn of the user after the first.
const TURN: u32 = 15;
const TURNS_MAX: u32 = 75;
const TOOLS: u32 = 100;
const TOOL: u32 = 10;
const TOOLS_MAX: u32 = 150;
const IMAGE: u32 = 50;
const SCHEMA: u32 = 50;

/// A request as it is walked through, from its first message to its last.
#[derive(Clone, Debug, Default)]
pub struct Sketch {
    needs: Needs,
    tools: u32,
    /// Of what users and tools said; what the operator or the model said is no question.
    bytes: u64,
    turns: u32,
    /// Marks, words and questions of the last turn: of the part that has most.
    last: u32,
    /// Bytes of that turn that were searched.
    searched: usize,
}

// === impl Sketch ===
impl Sketch {
    /// A tool that the model may call.
    pub fn tool(&mut self) {
        self.needs.tools = true;
        self.tools = self.tools.saturating_add(1);
    }

    /// An image among the messages.
    pub fn image(&mut self) {
        self.needs.vision = true;
    }

    /// The answer is to keep to a schema.
    pub fn schema(&mut self) {
        self.needs.json_schema = true;
    }

    /// A turn of the user begins.
    pub fn turn(&mut self) {
        self.turns = self.turns.saturating_add(1);
        self.last = 0;
        self.searched = 0;
    }

    /// Some of what the user says in this turn. Of an earlier turn than the last, [`Self::read`] says as much for less.
    pub fn said(&mut self, text: &str) {
        self.read(text);
        let end = text.floor_char_boundary(LOOKED_AT_BYTES.saturating_sub(self.searched));
        if end > 0 {
            self.searched += end;
            self.last = self.last.max(marks(text.get(..end).unwrap_or(text)));
        }
    }

    /// What counts by its length only, such as a tool's result.
    pub fn read(&mut self, text: &str) {
        self.bytes = self.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
    }

    /// `input_tokens` is the whole request's, estimated by whoever can.
    pub fn facts(&self, input_tokens: u64, output_tokens_max: Option<u64>) -> Facts {
        Facts { needs: self.needs, input_tokens, output_tokens_max, score: self.score() }
    }

    /// In thousandths, at most 1000.
    pub fn score(&self) -> u32 {
        let turns = self.turns.saturating_sub(1).saturating_mul(TURN).min(TURNS_MAX);
        let tools = match self.tools {
            0 => 0,
            tools => (tools - 1).saturating_mul(TOOL).saturating_add(TOOLS).min(TOOLS_MAX),
        };
        let image = if self.needs.vision { IMAGE } else { 0 };
        let schema = if self.needs.json_schema { SCHEMA } else { 0 };
        (length(self.bytes) + self.last + turns + tools + image + schema).min(1000)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of LENGTH between 0 and 1; bytes beyond 2^53 are no request"
)]
fn length(bytes: u64) -> u32 {
    let tokens = bytes as f64 / 4.0;
    let share = (tokens / LENGTH_FROM).log2() / (LENGTH_TO / LENGTH_FROM).log2();
    (f64::from(LENGTH) * share.clamp(0.0, 1.0)) as u32
}

fn marks(text: &str) -> u32 {
    let text = text.to_lowercase();
    let has = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    let code = if has(&CODE_MARKS) { CODE } else { 0 };
    let math = if has(&MATH_MARKS) { MATH } else { 0 };
    let words = WORDS.iter().filter(|word| text.contains(*word)).fold(0, |sum, _| sum + WORD).min(WORDS_MAX);
    let questions = text.matches(['?', '？']).skip(1).take(16).fold(0, |sum, _| sum + QUESTION).min(QUESTIONS_MAX);
    code + math + words + questions
}

#[cfg(test)]
mod tests;
