//! What the slow vendor says: it thinks for seconds, and then writes piece by piece.
use super::{chunk, delta, end, said, steps_done, stream_head};
use memchr::memmem;
use std::time::Duration;

/// Tool calls of a session; its answer comes one round later.
pub(crate) const SLOW_STEPS: usize = 3;
/// Model calls of a session of `sonata_react`.
pub(crate) const SLOW_ACTS: usize = 3;
/// Of text, in each reply.
pub(crate) const SLOW_PIECES: usize = 20;
/// Between two pieces: a reply takes two seconds to write.
pub(crate) const SLOW_GAP: Duration = Duration::from_millis(100);
/// Before the first: as long as it takes for all sessions to come to wait at the same time.
pub(crate) const SLOW_THINKS: Duration = Duration::from_secs(6);

/// Replies by the model's name.
pub(super) struct Slow {
    /// `slow`: to each ask of a session, in order.
    rounds: Vec<Vec<Vec<u8>>>,
    /// `slow_whole`: the same in one piece.
    whole: Vec<Vec<Vec<u8>>>,
    /// `slow_acts`: text without form.
    act: Vec<Vec<u8>>,
}

// === impl Slow ===
impl Slow {
    pub(super) fn new() -> Self {
        let rounds = |pieces| (1..=SLOW_STEPS + 1).map(|step| written(&said(step, SLOW_STEPS), pieces)).collect();
        let act = "Seen from here the numbers are all there, and the work is done. ".repeat(3) + "The work is done.";
        Self { rounds: rounds(SLOW_PIECES), whole: rounds(1), act: written(&act, SLOW_PIECES) }
    }

    /// `None` where another model is asked for.
    pub(super) fn reply(&self, body: &[u8]) -> Option<&[Vec<u8>]> {
        let asks_for = |model: &[u8]| memmem::find(body, model).is_some();
        let rounds = if asks_for(b"\"model\":\"slow\"") {
            &self.rounds
        } else if asks_for(b"\"model\":\"slow_whole\"") {
            &self.whole
        } else {
            return asks_for(b"\"model\":\"slow_acts\"").then_some(self.act.as_slice());
        };
        rounds.get(steps_done(body)).map(Vec::as_slice)
    }
}

/// The head with the first piece, the end with the last.
fn written(text: &str, pieces: usize) -> Vec<Vec<u8>> {
    let characters: Vec<char> = text.chars().collect();
    let at = |piece: usize| piece * characters.len() / pieces;
    let part = |piece| characters.get(at(piece)..at(piece + 1)).unwrap_or_default().iter().collect::<String>();
    let mut written: Vec<String> = (0..pieces).map(|piece| chunk(&delta(&part(piece)))).collect();
    if let Some(first) = written.first_mut() {
        first.insert_str(0, &stream_head());
    }
    if let Some(last) = written.last_mut() {
        last.push_str(&end("stop"));
    }
    written.into_iter().map(String::into_bytes).collect()
}
