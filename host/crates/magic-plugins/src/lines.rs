//! What guests say, on its way to the log: one line each, bounded in length and in number, control characters out.
use crate::component::Guest;
use crate::defaults;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::Level;

/// How much one component has said within the present second.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    began: Option<Instant>,
    said: u32,
    dropped: u32,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Dropped,
    /// It is said, and so is how many were dropped before it.
    Said {
        dropped_before: u32,
    },
}

/// The longest start of `text` that has at most `bytes_max` bytes.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

/// Writes one line of a guest's.
pub(crate) fn say(guest: &Guest, level: Level, text: &str) {
    let Fate::Said { dropped_before } = guest.lines.fate(Instant::now()) else { return };
    let component = guest.file.as_str();
    if dropped_before > 0 {
        tracing::warn!(target: "magic_plugins::guest", component, lines = dropped_before, "component `{component}` says too much: {dropped_before} lines dropped");
    }
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = cut(text, defaults::LOG_LINE_BYTES_MAX).chars().map(clean).collect();
    match level {
        Level::ERROR => tracing::error!(target: "magic_plugins::guest", component, "{line}"),
        Level::WARN => tracing::warn!(target: "magic_plugins::guest", component, "{line}"),
        Level::INFO => tracing::info!(target: "magic_plugins::guest", component, "{line}"),
        Level::DEBUG => tracing::debug!(target: "magic_plugins::guest", component, "{line}"),
        Level::TRACE => tracing::trace!(target: "magic_plugins::guest", component, "{line}"),
    }
}

// === impl Lines ===
impl Lines {
    /// How many were dropped within the present second.
    #[cfg(test)]
    pub(crate) fn dropped(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }

    fn fate(&self, now: Instant) -> Fate {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = second.began.is_none_or(|began| now.duration_since(began) >= Duration::from_secs(1));
        if is_over {
            let dropped_before = second.dropped;
            *second = Second { began: Some(now), said: 1, dropped: 0 };
            return Fate::Said { dropped_before };
        }
        if second.said >= defaults::LOG_LINES_PER_SECOND {
            second.dropped = second.dropped.saturating_add(1);
            return Fate::Dropped;
        }
        second.said += 1;
        Fate::Said { dropped_before: 0 }
    }
}

#[cfg(test)]
mod tests;
