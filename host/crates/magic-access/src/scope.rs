//! What kind of requests a key may make at all, from the least to the most. Which route needs which is the host's table.
use crate::Error;
use std::fmt;

/// Each may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Asks models.
    User,
    /// Also sees how the gateway stands.
    Viewer,
    /// Also keeps it running: components, breakers, keys' states, sessions of others.
    Operator,
    /// Also changes config, keys and teams.
    Admin,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::User, Self::Viewer, Self::Operator, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    pub fn parse(word: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == word);
        found.ok_or_else(|| Error::Scope { word: word.chars().take(32).collect() })
    }

    /// Whether whoever has this one may do what needs the other.
    pub fn covers(self, needed: Self) -> bool {
        self >= needed
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
