//! One little model behind three vendors' APIs: OpenAI's, Anthropic's and Google's. What it says depends on a word in the
//! user's last message ([`model`]) and is the same in every dialect, so that clients can be compared over all of them.
//! Each vendor is strict about its own rules and refuses what the real one would.
mod anthropic;
mod google;
mod media;
mod model;
mod openai;
mod responses;

pub use model::GREETING;

use crate::provider::{Call, Provider, Script};
use serde_json::Value;
use std::sync::Mutex;

/// A vendor of every dialect: which one is asked for is in the path.
pub async fn little_model() -> Provider {
    let provider = Provider::start().await;
    provider.little_model();
    provider
}

impl Provider {
    /// The little model answers whatever no earlier rule is for.
    pub fn little_model(&self) -> &Self {
        let stored = Mutex::new(responses::Stored::default());
        self.answers(move |call| answer(call, &stored))
    }
}

fn answer(call: &Call, stored: &Mutex<responses::Stored>) -> Script {
    let path = call.path.split('?').next().unwrap_or_default();
    let Some(at) = path.find("/v1/") else { return openai::no_such_path(call) };
    let (_, path) = path.split_at(at + "/v1".len());
    if let Some(answer) = responses::answer(call, path, stored) {
        return answer;
    }
    if path.starts_with("/messages") {
        return anthropic::answer(call, path);
    }
    if path.starts_with("/models/") && path.contains(':') {
        return google::answer(call, path);
    }
    if path == "/chat/completions" {
        return openai::answer(call);
    }
    media::answer(call, path).unwrap_or_else(|| openai::no_such_path(call))
}

/// The request as JSON; `Null` where it is none.
fn json_of(call: &Call) -> Value {
    serde_json::from_slice(&call.body).unwrap_or_default()
}

/// A stream in pieces that no frame, field or character keeps to.
fn in_odd_pieces(frames: &str) -> Script {
    pieces(frames).end()
}

/// The same, of which nothing more comes; it never ends by itself.
fn and_then_silence(frames: &str) -> Script {
    pieces(frames).hang()
}

fn pieces(frames: &str) -> Script {
    let mut rest = frames.as_bytes();
    let mut script = Script::stream();
    for size in [7, 1, 64, 3, 200, 2, 31].into_iter().cycle() {
        let (piece, left) = rest.split_at(size.min(rest.len()));
        script = script.piece(piece);
        rest = left;
        if rest.is_empty() {
            break;
        }
    }
    script
}

/// Pieces of a text of so many characters.
fn pieces_of(text: &str, chars: usize) -> Vec<String> {
    let all: Vec<char> = text.chars().collect();
    all.chunks(chars).map(|piece| piece.iter().collect()).collect()
}
