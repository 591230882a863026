//! Why a leg came first, for headers, logs and admin answers.
use std::fmt;
use std::time::Duration;

use super::Needs;

/// A strategy's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its word in the config.
    pub strategy: &'static str,
    pub why: Why,
}

/// Of the leg that came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    AsItStands,
    /// Its weight among those of all that could be drawn, in millionths.
    Weight {
        weight: u64,
        of: u64,
    },
    InFlight(u32),
    /// The expected time to the first event.
    Expected(Duration),
    /// Nothing is known of it lately, so it was its turn to show.
    Explored,
    /// Nothing is known of anybody, and others are finding out.
    Unknown,
    /// The estimated cost, in millionths.
    Micros(u64),
    Unpriced,
    /// What the request needs of a model.
    Needs(Needs),
    /// The score in thousandths, and the tier, from 1.
    Tier {
        score: u32,
        tier: usize,
    },
}

// === impl Chosen ===

/// `lowest_latency(120ms)`. Printable ASCII without the header's own punctuation inside the brackets.
impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.strategy, self.why)
    }
}

// === impl Why ===
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsItStands => f.write_str("as it stands"),
            Self::Weight { weight, of } => write!(f, "{} of {}", Millionths(*weight), Millionths(*of)),
            Self::InFlight(count) => write!(f, "{count} in flight"),
            Self::Expected(time) => write!(f, "{}ms", time.as_millis()),
            Self::Explored => f.write_str("explored"),
            Self::Unknown => f.write_str("unknown"),
            Self::Micros(micros) => write!(f, "{micros} micros"),
            Self::Unpriced => f.write_str("no price"),
            Self::Needs(needs) => needs.fmt(f),
            Self::Tier { score, tier } => write!(f, "{} tier {tier}", Millionths(u64::from(*score) * 1000)),
        }
    }
}

// === impl Needs ===
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.tools, "tools"), (self.vision, "vision"), (self.json_schema, "json_schema")];
        let mut needed = words.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, word)| word);
        f.write_str(needed.next().unwrap_or("nothing special"))?;
        needed.try_for_each(|word| write!(f, " {word}"))
    }
}

/// 2 500 000 as `2.5`.
struct Millionths(u64);

// === impl Millionths ===
impl fmt::Display for Millionths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{rest:06}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}
