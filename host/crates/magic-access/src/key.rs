//! A virtual key and a team as values, and whether a key is good at a moment.
use crate::{Denied, Grants, Scope, Shown, Stored, TeamName, VirtualKeyId};

#[derive(Clone)]
pub struct VirtualKey {
    pub id: VirtualKeyId,
    /// For people; need not be unique.
    pub name: String,
    pub team: Option<TeamName>,
    pub scope: Scope,
    pub grants: Grants,
    pub created_ms: u64,
    /// The first moment at which it is no longer good.
    pub expires_ms: Option<u64>,
    pub revoked_ms: Option<u64>,
    pub secrets: Stored,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub name: TeamName,
    pub grants: Grants,
    pub created_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Active,
    Expired,
    Revoked,
}

// === impl VirtualKey ===
impl VirtualKey {
    pub fn standing(&self, now_ms: u64) -> Standing {
        if self.revoked_ms.is_some() {
            Standing::Revoked
        } else if self.expires_ms.is_some_and(|end| now_ms >= end) {
            Standing::Expired
        } else {
            Standing::Active
        }
    }

    /// Whoever shows a wrong secret learns nothing, not even whether there is such a key.
    pub fn admits(&self, shown: &Shown, now_ms: u64) -> Result<(), Denied> {
        if !self.secrets.accepts(shown, now_ms) {
            return Err(Denied::NoSuchKey);
        }
        self.is_good(now_ms)
    }

    /// Whether it may be used, whoever holds it.
    pub fn is_good(&self, now_ms: u64) -> Result<(), Denied> {
        match self.standing(now_ms) {
            Standing::Active => Ok(()),
            Standing::Expired => Err(Denied::Expired { key: self.id.clone() }),
            Standing::Revoked => Err(Denied::Revoked { key: self.id.clone() }),
        }
    }
}

// === impl Standing ===
impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

#[cfg(test)]
mod tests;
