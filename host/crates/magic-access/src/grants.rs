//! What a key or a team may do. A key is bound by its own grants and by its team's, each for itself: nothing is merged.
use crate::{Budget, Error};
use std::fmt;
use std::sync::Arc;

/// Rules are looked through for every request.
pub const ALIASES_MAX: usize = 256;
/// Each costs a row read and written for every request.
pub const BUDGETS_MAX: usize = 8;
const ALIAS_BYTES_MAX: usize = 256;

/// `None` is no limit, and the default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// `None`: all of them. An empty list: none.
    pub aliases: Option<Vec<AliasRule>>,
    pub requests_per_minute_max: Option<u64>,
    pub tokens_per_minute_max: Option<u64>,
    pub requests_parallel_max: Option<u64>,
    pub budgets: Vec<Budget>,
}

/// An alias by its name, or all whose names begin so (`gpt-*`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AliasRule {
    Exact(Arc<str>),
    Prefix(Arc<str>),
}

// === impl Grants ===
impl Grants {
    /// Says what in it cannot be meant.
    pub fn check(&self) -> Result<(), Error> {
        let limits = [
            ("requests_per_minute_max", self.requests_per_minute_max),
            ("tokens_per_minute_max", self.tokens_per_minute_max),
            ("requests_parallel_max", self.requests_parallel_max),
        ];
        if let Some((name, _)) = limits.into_iter().find(|(_, limit)| *limit == Some(0)) {
            return Err(Error::Zero { name });
        }
        let aliases = self.aliases.as_ref().map_or(0, Vec::len);
        if aliases > ALIASES_MAX {
            return Err(Error::TooMany { what: "aliases", found: aliases, max: ALIASES_MAX });
        }
        if self.budgets.len() > BUDGETS_MAX {
            return Err(Error::TooMany { what: "budgets", found: self.budgets.len(), max: BUDGETS_MAX });
        }
        if self.budgets.iter().any(|budget| budget.value() == 0) {
            return Err(Error::Zero { name: "budgets[].amount" });
        }
        let twin = self.budgets.iter().enumerate().find(|(at, budget)| {
            let mut before = self.budgets.iter().take(*at);
            before.any(|other| (other.unit(), other.window) == (budget.unit(), budget.window))
        });
        twin.map_or(Ok(()), |(_, twin)| Err(Error::Twice { unit: twin.unit().as_str(), window: twin.window }))
    }

    pub fn allows(&self, alias: &str) -> bool {
        self.aliases.as_ref().is_none_or(|rules| rules.iter().any(|rule| rule.allows(alias)))
    }

    /// Whether there is anything that a [`crate::Limiter`] counts.
    pub fn is_limited(&self) -> bool {
        self.requests_per_minute_max.is_some()
            || self.tokens_per_minute_max.is_some()
            || self.requests_parallel_max.is_some()
    }
}

// === impl AliasRule ===
impl AliasRule {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, is_prefix) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let is_empty = name.is_empty() && !is_prefix;
        if is_empty || name.contains('*') || name.len() > ALIAS_BYTES_MAX {
            return Err(Error::Alias { text: text.chars().take(64).collect() });
        }
        Ok(if is_prefix { Self::Prefix(name.into()) } else { Self::Exact(name.into()) })
    }

    pub fn allows(&self, alias: &str) -> bool {
        match self {
            Self::Exact(name) => **name == *alias,
            Self::Prefix(beginning) => alias.starts_with(&**beginning),
        }
    }
}

impl fmt::Display for AliasRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Prefix(beginning) => write!(f, "{beginning}*"),
        }
    }
}

#[cfg(test)]
mod tests;
