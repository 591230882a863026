//! THE TABLE: what a failure means for the key that was used and for the request. No other place decides this.
use std::time::Duration;

use magic_config::KeyManagementSettings;
use magic_types::{Failure, Fault, Kind};

use crate::keys::Fate;

/// A vendor that asks for more than a day is believed for a day: a typing error there must not cost a key here.
const REST_MAX: Duration = Duration::from_secs(24 * 3600);
/// A vendor that asks for none at all would be asked again at once.
const REST_MIN: Duration = Duration::from_secs(1);

/// What the request does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client gets the failure as it is.
    Fail,
    NextKey,
    NextLeg,
    /// The alias's lane for what is too long; where it has none, the next leg whose model is known to have a larger
    /// window. Where nothing is left the client gets the failure.
    ContextWindowLane,
    /// The alias's lane for what a content policy refuses; where it has none, the client gets the failure.
    ContentPolicyLane,
}

/// What happens to the key, before times are filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Untouched,
    Retire,
    /// For as long as the vendor said, else the configured time.
    Rest,
    /// For the configured time, or longer if the vendor said so.
    RestLong,
}

/// The table of PRODUCT.md, section 2.
pub fn rule(kind: Kind) -> (Verdict, Rule) {
    match kind {
        Kind::KeyRejected => (Verdict::NextKey, Rule::Retire),
        Kind::QuotaExhausted => (Verdict::NextKey, Rule::RestLong),
        Kind::RateLimited => (Verdict::NextKey, Rule::Rest),
        // `CutOff` comes here only if it happened before the first event: after it nothing is tried again.
        Kind::ServerError | Kind::Unreachable | Kind::TimedOut | Kind::BadReply | Kind::CutOff => {
            (Verdict::NextLeg, Rule::Untouched)
        }
        Kind::ContextTooLong => (Verdict::ContextWindowLane, Rule::Untouched),
        Kind::ContentPolicy => (Verdict::ContentPolicyLane, Rule::Untouched),
        Kind::InvalidRequest | Kind::NotFound | Kind::TooLarge => (Verdict::Fail, Rule::Untouched),
        // Not a vendor's doing: another vendor would not mend them.
        Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::OverLimit
        | Kind::OverBudget
        | Kind::Cancelled
        | Kind::Component
        | Kind::NothingLeft
        | Kind::Overloaded
        | Kind::LimitReached
        | Kind::Internal => (Verdict::Fail, Rule::Untouched),
    }
}

/// The rule for a failure with its times filled in.
pub(crate) fn fate(failure: &Failure, settings: &KeyManagementSettings) -> Fate {
    let why = failure.kind;
    let asked = failure.retry_after.map(|time| time.clamp(REST_MIN, REST_MAX));
    match rule(why).1 {
        Rule::Untouched => Fate::Untouched,
        Rule::Retire => Fate::Retire { why },
        Rule::Rest | Rule::RestLong if !settings.enable_quarantine => Fate::Untouched,
        Rule::Rest => Fate::Rest { time: asked.unwrap_or(settings.quarantine_duration), why },
        Rule::RestLong => {
            let time = asked.map_or(settings.quota_quarantine, |asked| asked.max(settings.quota_quarantine));
            Fate::Rest { time, why }
        }
    }
}

/// For a key whose vendor took the request and said with the reply that it was the last for this long.
pub(crate) fn exhausted(time: Duration, settings: &KeyManagementSettings) -> Fate {
    if settings.enable_quarantine {
        Fate::Rest { time: time.clamp(REST_MIN, REST_MAX), why: Kind::RateLimited }
    } else {
        Fate::Untouched
    }
}

/// Whether a profile's breaker counts it.
pub(crate) fn is_providers(failure: &Failure) -> bool {
    failure.fault() == Fault::Provider
}

#[cfg(test)]
mod tests;
