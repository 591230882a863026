//! Votes by equal answers. Refuses to know where they come from.

use magic_sdk::reading;

/// Samples by answer, in the order in which each answer first came.
#[derive(Default)]
pub(crate) struct Ballot(Vec<Candidate>);

/// One answer, as the first sample that gave it wrote it.
pub(crate) struct Candidate {
    key: String,
    votes: usize,
    pub(crate) thought: String,
    pub(crate) answer: String,
}

// === impl Ballot ===
impl Ballot {
    /// A sample without an answer is no vote.
    pub(crate) fn cast(&mut self, text: &str) {
        let (thought, answer) = reading::answer(text);
        let key = reading::normalised(&answer);
        match self.0.iter_mut().find(|candidate| candidate.key == key) {
            _ if key.is_empty() => {}
            Some(candidate) => candidate.votes += 1,
            None => self.0.push(Candidate { key, votes: 1, thought, answer }),
        }
    }

    /// Most votes; of equals the one that came first.
    pub(crate) fn leader(&self) -> Option<&Candidate> {
        self.0.iter().rev().max_by_key(|candidate| candidate.votes)
    }

    pub(crate) fn candidates(&self) -> Vec<&Candidate> {
        self.0.iter().collect()
    }

    /// `5 samples: 3 for 42, 2 for 41`
    pub(crate) fn summary(&self) -> String {
        let votes: usize = self.0.iter().map(|candidate| candidate.votes).sum();
        let each = self.0.iter().map(|candidate| format!("{} for {}", candidate.votes, start(&candidate.answer)));
        format!("{votes} samples: {}", each.collect::<Vec<_>>().join(", "))
    }
}

/// Long answers are told apart by how they begin.
fn start(answer: &str) -> String {
    const CHARS_MAX: usize = 60;
    let line = answer.lines().next().unwrap_or_default();
    let start: String = line.chars().take(CHARS_MAX).collect();
    if start.len() < answer.len() { start + "…" } else { start }
}
