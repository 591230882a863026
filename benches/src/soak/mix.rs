//! What the soak's requests are, in which proportions, and what may become of each. The seed makes two runs the same.
use super::client::Ended;

/// A kind of request. The vendor finds its word in the conversation, so it reaches every dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) word: &'static str,
    /// Of a thousand requests.
    pub(super) share: u64,
    pub(super) alias: &'static str,
    pub(super) form: Form,
    pub(super) streams: bool,
    /// How often another request asks the same.
    pub(super) questions: u64,
    pub(super) may_end: &'static [Ended],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Chat,
    Messages,
    Responses,
}

const UNIQUE: u64 = u64::MAX;
/// More than the soak's cache has room for.
const ASKED_AGAIN: u64 = 400;

const fn good(share: u64, alias: &'static str, form: Form, streams: bool, questions: u64) -> Sort {
    Sort { word: "good", share, alias, form, streams, questions, may_end: &[Ended::Whole] }
}

/// A fault that the first profile of the alias has; the second has none.
const fn fault(word: &'static str, share: u64, streams: bool, may_end: &'static [Ended]) -> Sort {
    Sort { word, share, alias: word, form: Form::Chat, streams, questions: UNIQUE, may_end }
}

/// A stream that has begun cannot be mended; one whose profile is left alone at that moment is good.
const AFTER_THE_FIRST: &[Ended] = &[Ended::Broken, Ended::Whole];

pub(super) const SORTS: [Sort; 22] = [
    good(180, "plain", Form::Chat, false, UNIQUE),
    good(150, "plain", Form::Chat, true, UNIQUE),
    good(60, "anthropic", Form::Chat, false, UNIQUE),
    good(60, "anthropic", Form::Chat, true, UNIQUE),
    good(30, "google", Form::Chat, false, UNIQUE),
    good(30, "google", Form::Chat, true, UNIQUE),
    good(30, "plain", Form::Messages, true, UNIQUE),
    good(30, "anthropic", Form::Messages, false, UNIQUE),
    good(20, "plain", Form::Responses, true, UNIQUE),
    good(10, "anthropic", Form::Responses, false, UNIQUE),
    good(60, "cached", Form::Chat, false, ASKED_AGAIN),
    good(40, "cached", Form::Chat, true, ASKED_AGAIN),
    fault("rejected", 30, false, &[Ended::Whole]),
    fault("limited", 40, true, &[Ended::Whole]),
    fault("failing", 50, false, &[Ended::Whole]),
    fault("cut_early", 30, false, &[Ended::Whole]),
    fault("cut", 30, true, AFTER_THE_FIRST),
    fault("in_band", 30, true, AFTER_THE_FIRST),
    fault("slow", 20, true, &[Ended::Whole]),
    fault("hedged", 30, true, &[Ended::Whole]),
    fault("left_early", 20, false, &[Ended::Left]),
    fault("left", 20, true, &[Ended::Left]),
];

/// Steele, Lea and Flood's SplitMix64: small, and good enough to deal cards.
pub(super) struct Dealer(u64);

// === impl Dealer ===
impl Dealer {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The place of the next request's sort, and what tells it from others.
    pub(super) fn deal(&mut self) -> (usize, &'static Sort, u64) {
        let whole: u64 = SORTS.iter().map(|sort| sort.share).sum();
        let mut at = self.next() % whole;
        let question = self.next();
        for (place, sort) in SORTS.iter().enumerate() {
            match at.checked_sub(sort.share) {
                Some(left) => at = left,
                None => return (place, sort, question % sort.questions),
            }
        }
        (0, &SORTS[0], question)
    }
}

// === impl Sort ===
impl Sort {
    pub(super) fn label(&self) -> String {
        let form = match self.form {
            Form::Chat => "chat",
            Form::Messages => "messages",
            Form::Responses => "responses",
        };
        let how = if self.streams { "stream" } else { "whole" };
        format!("{} · {form}, {how}", self.alias)
    }

    pub(super) fn request(&self, question: u64) -> Vec<u8> {
        let Self { word, alias, streams, .. } = self;
        let text = format!("[[{word}]] This is question {question} of a long day. Please keep the answer short.");
        let (path, body) = match self.form {
            Form::Chat => (
                "chat/completions",
                format!(
                    r#"{{"model":"{alias}","stream":{streams},"messages":[{{"role":"user","content":"{text}"}}]}}"#
                ),
            ),
            Form::Messages => (
                "messages",
                format!(
                    r#"{{"model":"{alias}","stream":{streams},"max_tokens":64,"messages":[{{"role":"user","content":"{text}"}}]}}"#
                ),
            ),
            Form::Responses => ("responses", format!(r#"{{"model":"{alias}","stream":{streams},"input":"{text}"}}"#)),
        };
        format!(
            "POST /v1/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests;
