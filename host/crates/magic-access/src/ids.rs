//! Names of keys and teams as types, and the account that a budget is counted on. Holds no secret.
use crate::Error;
use std::fmt;
use std::sync::Arc;

const NAME_BYTES_MAX: usize = 64;

/// The public name of a virtual key, e.g. `vk_3f9ac2d1e8b74c05`. It is in logs, usage and the client's own secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VirtualKeyId(Arc<str>);

/// What a team is called; unique, and it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TeamName(Arc<str>);

/// What a budget or a limit is counted on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    Key(VirtualKeyId),
    Team(TeamName),
}

// === impl VirtualKeyId ===
impl VirtualKeyId {
    pub const PREFIX: &str = "vk_";

    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VirtualKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for VirtualKeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

// === impl TeamName ===
impl TeamName {
    /// One that was checked before, as a file has it.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// A name as somebody wrote it: it stands in paths, logs and tables.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts_well && text.len() <= NAME_BYTES_MAX && text.chars().all(is_plain) {
            Ok(Self(text.into()))
        } else {
            Err(Error::Name { text: text.chars().take(NAME_BYTES_MAX).collect() })
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TeamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for TeamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

// === impl Account ===
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key `{id}`"),
            Self::Team(name) => write!(f, "team `{name}`"),
        }
    }
}
