//! Data sets of our own: questions whose answers are computed, the same for the same seed on every machine. From what a
//! model of a hundred million parameters can do up to what a large one gets wrong in its head.
mod arithmetic;
mod random;
mod words;

use random::Random;
use serde_json::Value;
use std::collections::HashSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bare expressions, in four steps of difficulty.
    Arithmetic,
    /// Problems in words, of one step and of two.
    Words,
}

/// A question with its answer, which is a whole number or one of few places.
struct Question {
    text: String,
    answer: String,
}

/// Stops the search for a question that is not there yet, should somebody ask for more than there are.
const TRIES_MAX: u32 = 10_000;

/// A data set of `count` different questions as JSON lines; fewer only when there are no more.
pub fn generate(kind: Kind, count: usize, seed: u64) -> String {
    let mut random = Random::new(seed);
    let (mut seen, mut lines) = (HashSet::new(), String::new());
    let mut tries = 0;
    while seen.len() < count && tries < TRIES_MAX {
        let level = seen.len();
        let (name, question) = match kind {
            Kind::Arithmetic => ("arithmetic", arithmetic::question(level, &mut random)),
            Kind::Words => ("words", words::question(level, &mut random)),
        };
        tries += 1;
        if seen.insert(question.text.clone()) {
            tries = 0;
            let id = format!("{name}-{:04}", seen.len());
            lines.push_str(&line(&id, &question));
        }
    }
    lines
}

/// Its keys in this order, whatever order an object of this build keeps.
fn line(id: &str, question: &Question) -> String {
    let [id, text, answer] = [id, &question.text, &question.answer].map(Value::from);
    format!("{{\"id\": {id}, \"question\": {text}, \"answer\": {answer}, \"checker\": \"number\"}}\n")
}

#[cfg(test)]
mod tests;
