//! Why a request is refused before it is sent, in words that its sender may read. Which status that is, is the host's.
use crate::{Account, Budget, Full, Limit, VirtualKeyId};
use magic_types::{Failure, Kind};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Malformed, unknown, or with a wrong secret: a stranger is not told which.
    #[error("the API key is not one of this gateway's: ask whoever runs it for a virtual key (`sk-magic-...`)")]
    NoSuchKey,
    #[error("the virtual key `{key}` has expired: ask for a new one")]
    Expired { key: VirtualKeyId },
    #[error("the virtual key `{key}` was revoked: ask for a new one")]
    Revoked { key: VirtualKeyId },
    #[error("{account} may not use the model `{alias}`")]
    Alias { account: Account, alias: String },
    #[error("{account} has reached its limit of {}", limit_text(.full))]
    Full { account: Account, full: Full },
    #[error("{account} has spent its budget of {budget}{}", again(*.retry_after))]
    BudgetSpent { account: Account, budget: Budget, retry_after: Option<Duration> },
    #[error(
        "what is left of the budget of {account} ({budget}) is held for its requests under way: try again when one of them has ended"
    )]
    BudgetHeld { account: Account, budget: Budget, retry_after: Duration },
    #[error(
        "{account} has a budget in money, and the model `{alias}` has no price: set one in the config, or give the key a budget in tokens"
    )]
    Unpriced { account: Account, alias: String },
    #[error("the file of accounts does not answer, and {account} has a budget: try again")]
    Unavailable { account: Account, retry_after: Duration },
}

impl Denied {
    /// With the fault it decides the status. A budget whose rest is only held is a limit to wait for, not an end.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoSuchKey | Self::Expired { .. } | Self::Revoked { .. } => Kind::Unauthenticated,
            Self::Alias { .. } | Self::Unpriced { .. } => Kind::Forbidden,
            Self::Full { .. } | Self::BudgetHeld { .. } => Kind::OverLimit,
            Self::BudgetSpent { .. } => Kind::OverBudget,
            Self::Unavailable { .. } => Kind::Overloaded,
        }
    }

    /// When it may be another story; `None`: never by itself.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NoSuchKey | Self::Expired { .. } | Self::Revoked { .. } => None,
            Self::Alias { .. } | Self::Unpriced { .. } => None,
            Self::Full { full, .. } => Some(full.retry_after),
            Self::BudgetSpent { retry_after, .. } => *retry_after,
            Self::BudgetHeld { retry_after, .. } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
        }
    }

    /// Whose grant it was; `None`: it was not about a grant.
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::NoSuchKey | Self::Expired { .. } | Self::Revoked { .. } => None,
            Self::Alias { account, .. }
            | Self::Full { account, .. }
            | Self::BudgetSpent { account, .. }
            | Self::BudgetHeld { account, .. }
            | Self::Unpriced { account, .. }
            | Self::Unavailable { account, .. } => Some(account),
        }
    }

    /// The word for logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoSuchKey => "invalid_api_key",
            Self::Expired { .. } => "key_expired",
            Self::Revoked { .. } => "key_revoked",
            Self::Alias { .. } => "model_not_allowed",
            Self::Full { full, .. } => match full.limit {
                Limit::RequestsPerMinute => "requests_per_minute",
                Limit::TokensPerMinute => "tokens_per_minute",
                Limit::RequestsParallel => "requests_parallel",
            },
            Self::BudgetSpent { .. } => "budget_spent",
            Self::BudgetHeld { .. } => "budget_held",
            Self::Unpriced { .. } => "no_price",
            Self::Unavailable { .. } => "accounts_unavailable",
        }
    }
}

impl From<&Denied> for Failure {
    fn from(denied: &Denied) -> Self {
        Self::new(denied.kind(), denied.to_string()).retry_after(denied.retry_after()).private(denied.as_str())
    }
}

fn limit_text(full: &Full) -> String {
    let Full { limit, max, retry_after } = full;
    match limit {
        Limit::RequestsPerMinute => format!("{max} requests a minute{}", again(Some(*retry_after))),
        Limit::TokensPerMinute => format!("{max} tokens a minute{}", again(Some(*retry_after))),
        Limit::RequestsParallel => format!("{max} requests at one time: try again when one of them has ended"),
    }
}

fn again(after: Option<Duration>) -> String {
    let Some(after) = after else { return String::new() };
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!(": try again in {seconds}s"),
        (0, 0, minutes, seconds) => format!(": try again in {minutes}m {seconds}s"),
        (0, hours, minutes, _) => format!(": try again in {hours}h {minutes}m"),
        (days, hours, ..) => format!(": try again in {days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests;
