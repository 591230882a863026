//! The time that a budget is for: which one a moment lies in, and when that one begins and ends. UTC throughout.
use crate::Error;
use std::fmt;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// 1970-01-01 was a Thursday: weeks begin on Mondays, three days before.
const THURSDAY: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Never again.
    Total,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
    /// Every so many milliseconds since 1970.
    Every(u64),
}

/// One of a window's turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start_ms: u64,
    /// The first moment of the next one; `None`: there is none.
    pub end_ms: Option<u64>,
}

// === impl Window ===
impl Window {
    /// `total`, `day`, `week`, `month`, or a time like `5h`.
    pub fn parse(word: &str) -> Result<Self, Error> {
        match word {
            "total" => Ok(Self::Total),
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            time => {
                let every = duration_ms(time).ok().filter(|ms| (MINUTE..=366 * DAY).contains(ms));
                every.map(Self::Every).ok_or_else(|| Error::Window { word: word.chars().take(32).collect() })
            }
        }
    }

    /// The number of the turn that `now_ms` lies in. Turns have rising numbers, and one moment lies in one.
    pub fn index(self, now_ms: u64) -> u64 {
        match self {
            Self::Total => 0,
            Self::Day => now_ms / DAY,
            Self::Week => (now_ms / DAY + THURSDAY) / 7,
            Self::Month => month_of(now_ms / DAY),
            Self::Every(ms) => now_ms / ms.max(1),
        }
    }

    pub fn span(self, index: u64) -> Span {
        let (start, end) = match self {
            Self::Total => return Span { start_ms: 0, end_ms: None },
            Self::Day => (index.saturating_mul(DAY), index.saturating_add(1).saturating_mul(DAY)),
            Self::Week => (monday(index), monday(index.saturating_add(1))),
            Self::Month => (first_of(index).saturating_mul(DAY), first_of(index.saturating_add(1)).saturating_mul(DAY)),
            Self::Every(ms) => (index.saturating_mul(ms), index.saturating_add(1).saturating_mul(ms)),
        };
        Span { start_ms: start, end_ms: Some(end) }
    }

    /// The first moment of the next turn.
    pub fn ends_ms(self, now_ms: u64) -> Option<u64> {
        self.span(self.index(now_ms)).end_ms
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str("total"),
            Self::Day => f.write_str("day"),
            Self::Week => f.write_str("week"),
            Self::Month => f.write_str("month"),
            Self::Every(ms) => f.write_str(&duration_text(*ms)),
        }
    }
}

/// `90s`, `5m`, `2h`, `30d`, `1w` in milliseconds.
pub fn duration_ms(text: &str) -> Result<u64, Error> {
    let wrong = || Error::Duration { text: text.chars().take(32).collect() };
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(end);
    let unit = match unit {
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => WEEK,
        _ => return Err(wrong()),
    };
    count.parse().ok().and_then(|count: u64| count.checked_mul(unit)).ok_or_else(wrong)
}

/// In the largest unit that says it exactly; what is less than a second is left out.
pub fn duration_text(ms: u64) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")];
    let exact = units.into_iter().find(|(unit, _)| ms >= *unit && ms.is_multiple_of(*unit));
    let (unit, letter) = exact.unwrap_or((SECOND, "s"));
    format!("{}{letter}", ms / unit)
}

fn monday(week: u64) -> u64 {
    week.saturating_mul(7).saturating_sub(THURSDAY).saturating_mul(DAY)
}

/// Months since January 1970 of a day since 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn month_of(day: u64) -> u64 {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Counted from March, as is the year.
    let from_march = (5 * of_year + 2) / 153;
    ((era * 400 + year_of_era) * 12 + from_march + 2) - 1970 * 12
}

/// The first day of a month since January 1970, in days since 1970-01-01 (his `days_from_civil`).
fn first_of(month: u64) -> u64 {
    // The year 10 000 is far enough: beyond it there is no next month.
    let from_march = month.min(8030 * 12) + 1970 * 12 - 2;
    let (year, month) = (from_march / 12, from_march % 12);
    let (era, year_of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    (era * 146_097 + of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests;
