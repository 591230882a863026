//! How far it is, on standard error: one line that is written over on a terminal, a line now and then elsewhere.
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;
use tokio::time::Instant;

/// Of lines in a log.
const LINE_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Progress {
    total: usize,
    /// What earlier runs had answered.
    begun_with: usize,
    done: usize,
    /// Right, answered and failed, by alias.
    counts: Vec<(String, Counts)>,
    start: Instant,
    told: Instant,
    terminal: bool,
    width: usize,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) right: usize,
    pub(super) answered: usize,
    pub(super) errors: usize,
}

// === impl Progress ===
impl Progress {
    pub(super) fn new(total: usize, counts: Vec<(String, Counts)>, now: Instant) -> Self {
        let begun_with = counts.iter().map(|(_, counts)| counts.answered).sum();
        let terminal = std::io::stderr().is_terminal();
        Self { total, begun_with, done: begun_with, counts, start: now, told: now, terminal, width: 0 }
    }

    pub(super) fn add(&mut self, alias: usize, correct: Option<bool>, now: Instant) {
        self.done += 1;
        if let Some((_, counts)) = self.counts.get_mut(alias) {
            counts.right += usize::from(correct == Some(true));
            counts.answered += usize::from(correct.is_some());
            counts.errors += usize::from(correct.is_none());
        }
        let is_due = now.saturating_duration_since(self.told) >= LINE_EVERY;
        if self.terminal || is_due || self.done == self.total {
            self.told = now;
            self.show(now);
        }
    }

    /// Leaves the line that was written over as it is.
    pub(super) fn end(&self) {
        if self.terminal && self.width > 0 {
            tell("\n");
        }
    }

    fn show(&mut self, now: Instant) {
        let line = self.line(now);
        if self.terminal {
            // The longer line that stood there before is covered with spaces.
            let width = self.width;
            tell(&format!("\r{line:width$}"));
            self.width = line.chars().count();
        } else {
            tell(&format!("{line}\n"));
        }
    }

    fn line(&self, now: Instant) -> String {
        let shown = self.counts.iter().map(|(alias, counts)| {
            let percent = 100.0 * counts.right as f64 / counts.answered.max(1) as f64;
            let errors = if counts.errors > 0 { format!(" ({} errors)", counts.errors) } else { String::new() };
            format!("{alias} {percent:.1} %{errors}")
        });
        let left = self.left(now).map_or_else(String::new, |left| format!("  {left} left"));
        format!("{}/{}  {}{left}", self.done, self.total, shown.collect::<Vec<_>>().join("  "))
    }

    /// At the pace of this run.
    fn left(&self, now: Instant) -> Option<String> {
        let (done, rest) = (self.done - self.begun_with, self.total - self.done);
        if done == 0 || rest == 0 {
            return None;
        }
        let seconds = now.saturating_duration_since(self.start).as_secs_f64() / done as f64 * rest as f64;
        let seconds = seconds.ceil() as u64;
        Some(if seconds < 60 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) })
    }
}

pub(super) fn tell(text: &str) {
    // Progress that nobody can read stops nothing.
    let _written = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
