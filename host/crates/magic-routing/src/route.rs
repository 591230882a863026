//! What became of every leg of a request, for the header `x-magic-route`, the log and `POST /admin/explain`. Tells only;
//! decides nothing.
use std::fmt::{self, Write as _};

use magic_types::{KeyId, Kind, ProfileName};

use crate::keys::NoKey;
use crate::plan::Lane;
use crate::strategy::Chosen;

/// Proxies before the client take 4 to 8 KiB of header in all.
const HEADER_BYTES_MAX: usize = 1024;

/// What became of a request's legs, and why they stood in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// `None`: the chain as it stands. Boxed, since most have none.
    pub chosen: Option<Box<Chosen>>,
    pub legs: Vec<Considered>,
}

/// One try, or one leg to which nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// Its place in `plan.legs`.
    pub leg: usize,
    pub profile: ProfileName,
    pub lane: Lane,
    pub became: Became,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It spoke first.
    Served {
        key_id: Option<KeyId>,
    },
    Failed {
        kind: Kind,
        key_id: Option<KeyId>,
    },
    /// Nothing was sent to it.
    Skipped(Skip),
    /// Nothing was sent to it, for nothing had to be.
    NotReached,
    /// It was under way when another leg spoke first.
    Hedged {
        key_id: Option<KeyId>,
    },
    UnderWay {
        key_id: Option<KeyId>,
    },
    /// Nobody waited for it any longer, or nobody said what came of it.
    Abandoned {
        key_id: Option<KeyId>,
    },
}

/// Why a leg was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    NoKey,
    KeysRetired,
    KeysResting,
    BreakerOpen,
    /// Not known to have a larger context window than the leg for which the request was too long.
    SmallerWindow,
    /// It cannot serve this operation, and why.
    Unfit(&'static str),
    /// The request never came into its lane, or left it.
    OtherLane,
}

/// The value of `x-magic-route`: the strategy, if there is one, and the legs that were considered, in the order of the trail.
/// Printable ASCII, at most 1 KiB.
pub fn route_header(trail: &Trail) -> String {
    let was_considered =
        |one: &&Considered| !matches!(one.became, Became::NotReached | Became::Skipped(Skip::OtherLane));
    let mut told = trail.chosen.as_ref().map_or_else(String::new, |chosen| format!("strategy={chosen}"));
    for one in trail.legs.iter().filter(was_considered) {
        let one = one.to_string();
        if told.len() + one.len() + ", ...".len() > HEADER_BYTES_MAX {
            told.push_str(if told.is_empty() { "..." } else { ", ..." });
            return told;
        }
        if !told.is_empty() {
            told.push_str(", ");
        }
        told.push_str(&one);
    }
    told
}

// === impl Considered ===
impl Considered {
    /// Whether a request went out to it.
    pub fn was_sent(&self) -> bool {
        !matches!(self.became, Became::Skipped(_) | Became::NotReached)
    }
}

/// `openai_main=rate_limited(openai-3f9ac2d1)`
impl fmt::Display for Considered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", Plain(self.profile.as_str()), self.became)
    }
}

// === impl Became ===
impl fmt::Display for Became {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Which key served is the log's to say; what a failure did to which key is what people ask.
            Self::Served { .. } => f.write_str("served"),
            Self::Failed { kind, key_id: Some(key) } => write!(f, "{}({})", kind.as_str(), Plain(key.as_str())),
            Self::Failed { kind, key_id: None } => f.write_str(kind.as_str()),
            Self::Skipped(skip) => skip.fmt(f),
            Self::NotReached => f.write_str("not_reached"),
            Self::Hedged { .. } => f.write_str("hedged"),
            Self::UnderWay { .. } => f.write_str("under_way"),
            Self::Abandoned { .. } => f.write_str("abandoned"),
        }
    }
}

// === impl Skip ===
impl Skip {
    /// `None`: its keys have all been tried, which is no reason of its own.
    pub(crate) fn of(none: NoKey) -> Option<Self> {
        match none {
            NoKey::Empty => Some(Self::NoKey),
            NoKey::Retired => Some(Self::KeysRetired),
            NoKey::Resting { .. } => Some(Self::KeysResting),
            NoKey::Tried => None,
        }
    }

    /// The word for headers, logs and admin answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::KeysRetired => "keys_retired",
            Self::KeysResting => "keys_resting",
            Self::BreakerOpen => "breaker_open",
            Self::SmallerWindow => "smaller_window",
            Self::Unfit(_) => "unfit",
            Self::OtherLane => "other_lane",
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Unfit(why) => write!(f, "({})", Plain(why)),
            Self::NoKey
            | Self::KeysRetired
            | Self::KeysResting
            | Self::BreakerOpen
            | Self::SmallerWindow
            | Self::OtherLane => Ok(()),
        }
    }
}

/// Text that cannot be mistaken for the header's own punctuation, nor break the header.
struct Plain<'a>(&'a str);

// === impl Plain ===
impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| {
            let plain = (char.is_ascii_graphic() || char == ' ') && !matches!(char, ',' | '=' | '(' | ')');
            f.write_char(if plain { char } else { '_' })
        })
    }
}

#[cfg(test)]
mod tests;
