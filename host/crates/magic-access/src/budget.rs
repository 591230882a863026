//! The arithmetic of budgets: what is left, who may still begin, and how much is held for them. Where sums are kept, and
//! that two do not read them at one time, is the host's business.
use crate::{Error, Window};
use std::fmt;

/// Millionths in one unit of the file's currency.
pub const MICROS: u64 = 1_000_000;

/// Millionths of the file's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Money(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    Money(Money),
    /// In and out together.
    Tokens(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    Money,
    Tokens,
}

/// So much, over and over again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    pub amount: Amount,
    pub window: Window,
}

/// What a request is thought to cost, or did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    pub money: Money,
    pub tokens: u64,
}

/// How a budget stands in one turn of its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// By requests that are over.
    pub spent: u64,
    /// For requests under way.
    pub held: u64,
}

/// Why nothing may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Until the next turn of the window.
    Spent,
    /// What is left is held for requests under way; some of it may come back.
    Held,
}

// === impl Room ===
impl Room {
    /// What to hold for a request that is thought to cost `estimate`: that, or what is left if it is less, and never
    /// nothing. A request begins while anything is left, so the last one may cost more than its hold: a budget is
    /// overdrawn by what requests cost over their holds, and by nothing else.
    pub fn hold(self, estimate: u64, amount: u64) -> Result<u64, Refusal> {
        let left = amount.saturating_sub(self.spent).saturating_sub(self.held);
        match left {
            0 if self.spent >= amount => Err(Refusal::Spent),
            0 => Err(Refusal::Held),
            left => Ok(estimate.clamp(1, left)),
        }
    }

    /// A hold becomes what it cost.
    #[must_use]
    pub fn settled(self, hold: u64, cost: u64) -> Self {
        Self { spent: self.spent.saturating_add(cost), held: self.held.saturating_sub(hold) }
    }
}

// === impl Budget ===
impl Budget {
    pub fn unit(&self) -> Unit {
        match self.amount {
            Amount::Money(_) => Unit::Money,
            Amount::Tokens(_) => Unit::Tokens,
        }
    }

    pub fn value(&self) -> u64 {
        match self.amount {
            Amount::Money(Money(micros)) => micros,
            Amount::Tokens(tokens) => tokens,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.amount {
            Amount::Money(money) => write!(f, "{money}")?,
            Amount::Tokens(tokens) => write!(f, "{tokens} tokens")?,
        }
        match self.window {
            Window::Total => f.write_str(" in total"),
            window @ (Window::Day | Window::Week | Window::Month) => write!(f, " a {window}"),
            window @ Window::Every(_) => write!(f, " every {window}"),
        }
    }
}

// === impl Charge ===
impl Charge {
    pub fn of(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Money => self.money.0,
            Unit::Tokens => self.tokens,
        }
    }
}

// === impl Unit ===
impl Unit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Tokens => "tokens",
        }
    }
}

// === impl Money ===
impl Money {
    /// `12`, `12.5`, `0.000001`: exact, and more than nothing.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Money { text: text.chars().take(32).collect() };
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > 6 {
            return Err(wrong());
        }
        let whole = whole.parse().ok().and_then(|whole: u64| whole.checked_mul(MICROS)).ok_or_else(wrong)?;
        let part: u64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
        whole.checked_add(part).filter(|micros| *micros > 0).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:06}", self.0 % MICROS);
        write!(f, "{}", self.0 / MICROS)?;
        match part.trim_end_matches('0') {
            "" => Ok(()),
            part => write!(f, ".{part}"),
        }
    }
}

#[cfg(test)]
mod tests;
