//! Where a session that is taken up again meets what its log has said already: of a reply that was cut off in the middle, the
//! client has read a part. The new reply's text is held against that part; where it goes on as before nobody notices, and
//! where it does not, the log says from where on its text is void.
use crate::event::{Record, SessionEvent};
use serde_json::json;
use std::collections::VecDeque;

/// The kind of the `Progress` that makes text void: records from `void_from` up to it are to be forgotten.
pub const RESTARTED: &str = "restarted";

/// The kind of the `Progress` that says which version of a pattern goes on. Nobody replays it: the host says it.
pub const MIGRATED: &str = "migrated";

/// Text on the log that the machine has not said again yet.
#[derive(Debug, Default)]
pub struct Seam {
    left: VecDeque<Piece>,
    /// What of it was said again, to be said anew when the rest turns out otherwise.
    met: Vec<SessionEvent>,
    void_from: u64,
}

#[derive(Debug)]
struct Piece {
    is_answer: bool,
    text: String,
}

// === impl Seam ===

impl Seam {
    /// `log` holds a session's records behind record 0, `replayed` what a replay says. Also returns what the replay says and
    /// the log lacks: the gateway went down between two writes that belong together.
    pub fn new(log: &[Record], replayed: &[SessionEvent]) -> (Self, Vec<SessionEvent>) {
        let log = without_void(log);
        let mut log = log.into_iter().peekable();
        // How much of the text of the log's next record was met.
        let mut met = 0;
        for (index, event) in replayed.iter().enumerate() {
            let Some((is_answer, mut text)) = shown(event) else {
                match log.next() {
                    Some(record) if record.event == *event => continue,
                    // A part of another reply stands in between: it is begun anew, behind what happened beside it.
                    Some(record) if shown(&record.event).is_some() => {
                        let said_again = replayed.iter().skip(index).filter(|event| shown(event).is_some()).cloned();
                        return (Self::default(), std::iter::once(restarted(record.seq)).chain(said_again).collect());
                    }
                    Some(_) => return (Self::default(), Vec::new()),
                    None => return (Self::default(), replayed.iter().skip(index).cloned().collect()),
                }
            };
            while !text.is_empty() {
                let Some(record) = log.peek() else {
                    let mut missing = vec![text_event(is_answer, text)];
                    missing.extend(replayed.iter().skip(index + 1).cloned());
                    return (Self::default(), missing);
                };
                let ahead = shown(&record.event).filter(|(kind, _)| *kind == is_answer);
                let Some(ahead) = ahead.and_then(|(_, ahead)| ahead.get(met..)) else {
                    return (Self::default(), Vec::new());
                };
                if let Some(rest) = text.strip_prefix(ahead) {
                    (text, met) = (rest, 0);
                    log.next();
                } else if ahead.starts_with(text) {
                    met += text.len();
                    text = "";
                } else {
                    return (Self::default(), Vec::new());
                }
            }
        }
        let mut seam = Self::default();
        for record in log {
            let piece = shown(&record.event).and_then(|(is_answer, text)| Some((is_answer, text.get(met..)?)));
            let Some((is_answer, text)) = piece.filter(|(_, text)| !text.is_empty()) else { continue };
            if seam.left.is_empty() {
                seam.void_from = record.seq;
            }
            seam.left.push_back(Piece { is_answer, text: text.to_owned() });
            met = 0;
        }
        (seam, Vec::new())
    }

    pub fn is_closed(&self) -> bool {
        self.left.is_empty()
    }

    /// What of an event is still to be put on the log.
    pub fn pass(&mut self, event: SessionEvent, out: &mut Vec<SessionEvent>) {
        if self.is_closed() {
            return out.push(event);
        }
        let Some((is_answer, text)) = shown(&event) else { return self.part(event, out) };
        let mut rest = text;
        while let Some(piece) = self.left.front_mut() {
            if piece.is_answer != is_answer {
                return self.part(event, out);
            }
            if let Some(behind) = rest.strip_prefix(piece.text.as_str()) {
                rest = behind;
                self.left.pop_front();
                if rest.is_empty() {
                    break;
                }
                continue;
            }
            let Some(behind) = piece.text.strip_prefix(rest) else { return self.part(event, out) };
            piece.text = behind.to_owned();
            rest = "";
            break;
        }
        if self.is_closed() {
            self.met.clear();
            if !rest.is_empty() {
                out.push(text_event(is_answer, rest));
            }
        } else {
            self.met.push(event);
        }
    }

    /// The new reply is another one.
    fn part(&mut self, event: SessionEvent, out: &mut Vec<SessionEvent>) {
        self.left.clear();
        out.push(restarted(self.void_from));
        out.append(&mut self.met);
        out.push(event);
    }
}

/// A log as a reader should have it: text that became void left out, with the word that made it so.
pub fn without_void(log: &[Record]) -> Vec<&Record> {
    let mut kept: Vec<&Record> = Vec::with_capacity(log.len());
    for record in log.iter().filter(|record| !is_migration(&record.event)) {
        match void_from(&record.event) {
            Some(from) => kept.retain(|before| before.seq < from || shown(&before.event).is_none()),
            None => kept.push(record),
        }
    }
    kept
}

fn restarted(void_from: u64) -> SessionEvent {
    let payload = json!({ "void_from": void_from }).to_string();
    SessionEvent::Progress { kind: RESTARTED.to_owned(), payload }
}

fn is_migration(event: &SessionEvent) -> bool {
    matches!(event, SessionEvent::Progress { kind, .. } if kind == MIGRATED)
}

fn void_from(event: &SessionEvent) -> Option<u64> {
    match event {
        SessionEvent::Progress { kind, payload } if kind == RESTARTED => {
            let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
            payload.get("void_from")?.as_u64()
        }
        _ => None,
    }
}

fn shown(event: &SessionEvent) -> Option<(bool, &str)> {
    match event {
        SessionEvent::AgentThoughtStream { text } => Some((false, text)),
        SessionEvent::FinalAnswerStream { text } => Some((true, text)),
        _ => None,
    }
}

fn text_event(is_answer: bool, text: &str) -> SessionEvent {
    let text = text.to_owned();
    match is_answer {
        true => SessionEvent::FinalAnswerStream { text },
        false => SessionEvent::AgentThoughtStream { text },
    }
}

#[cfg(test)]
mod tests;
