//! Counts what passed and what failed, from the lines that cargo's and node's test runners end with.
use std::fmt;

/// What passed and what failed. A step that counts nothing itself counts as one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

// === impl Tally ===
impl Tally {
    /// Adds what a line of output reports, if it reports anything.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(result) = line.strip_prefix("test result: ") {
            // `ok. 12 passed; 0 failed; 0 ignored; ..`
            let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
            for count in counts.split(';').map(str::trim) {
                match count.split_once(' ') {
                    Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                    Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                    _ => {}
                }
            }
        } else if let Some(count) = line.strip_prefix("ℹ ") {
            match count.split_once(' ') {
                Some(("pass", number)) => self.passed += number.parse().unwrap_or(0),
                Some(("fail" | "cancelled", number)) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }

    /// Makes the count agree with how the step ended: what failed has at least one failure, also where no test ran.
    pub(crate) fn settle(&mut self, good: bool) {
        match good {
            true if self.passed == 0 => self.passed = 1,
            false if self.failed == 0 => self.failed = 1,
            _ => {}
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests;
