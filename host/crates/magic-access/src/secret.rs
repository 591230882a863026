//! What a client of ours shows: `sk-magic-<id>-<chance>`, how it is made, and what is kept of it. The text itself is seen
//! once, by whoever made it.
use crate::VirtualKeyId;
use magic_types::Secret;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use subtle::ConstantTimeEq as _;

const PREFIX: &str = "sk-magic-";
/// The id is public: it only must not occur twice.
const ID_BYTES: usize = 8;
/// 256 bits: as many as the digest has.
const CHANCE_BYTES: usize = 32;
/// What [`Issued::new`] wants from the system's source of chance.
pub const RANDOM_BYTES: usize = ID_BYTES + CHANCE_BYTES;

/// A secret that was just made.
pub struct Issued {
    pub id: VirtualKeyId,
    /// To be shown once, and forgotten.
    pub text: Secret,
    pub hash: Hash,
}

/// What a request showed: well formed, and not yet compared with anything.
pub struct Shown {
    pub id: VirtualKeyId,
    hash: Hash,
}

/// SHA-256 of the whole text, id and all. A plain hash is right here, unlike for passwords: behind it are 256 bits of
/// chance, so there is no list of likely texts to try, and a slow one would only let strangers burn our CPU.
#[derive(Clone, Copy)]
pub struct Hash([u8; 32]);

/// What is kept of a key's secrets.
#[derive(Clone)]
pub struct Stored {
    pub current: Hash,
    /// The one before, and until when it is still good.
    pub previous: Option<(Hash, u64)>,
}

// === impl Issued ===
impl Issued {
    /// A new key's.
    pub fn new(random: &[u8; RANDOM_BYTES]) -> Self {
        let id: String = random.iter().take(ID_BYTES).fold(String::new(), hex);
        Self::with(&id, random)
    }

    /// Another one for a key that is there already.
    pub fn again(id: &VirtualKeyId, random: &[u8; RANDOM_BYTES]) -> Self {
        Self::with(id.as_str().trim_start_matches(VirtualKeyId::PREFIX), random)
    }

    fn with(id: &str, random: &[u8; RANDOM_BYTES]) -> Self {
        let text = random.iter().skip(ID_BYTES).fold(format!("{PREFIX}{id}-"), hex);
        let hash = Hash::of(&text);
        Self { id: VirtualKeyId::new(format!("{}{id}", VirtualKeyId::PREFIX)), text: Secret::new(text), hash }
    }
}

// === impl Shown ===
impl Shown {
    /// `None`: none of ours, whatever it is.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, chance) = text.strip_prefix(PREFIX)?.split_once('-')?;
        let is_hex = |text: &str, bytes: usize| text.len() == 2 * bytes && text.bytes().all(|b| b.is_ascii_hexdigit());
        let is_ours = is_hex(id, ID_BYTES) && is_hex(chance, CHANCE_BYTES);
        is_ours.then(|| Self { id: VirtualKeyId::new(format!("{}{id}", VirtualKeyId::PREFIX)), hash: Hash::of(text) })
    }
}

// === impl Hash ===
impl Hash {
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// For the file.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From the file. `None`: not of a hash's length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// In the same time whatever the two have in common.
    fn is(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(&other.0))
    }
}

// === impl Stored ===
impl Stored {
    pub fn new(current: Hash) -> Self {
        Self { current, previous: None }
    }

    /// With a new secret; the one that was good until now stays so for `grace_ms`, an older one does not.
    #[must_use]
    pub fn rotated(&self, current: Hash, now_ms: u64, grace_ms: u64) -> Self {
        let until = now_ms.saturating_add(grace_ms);
        Self { current, previous: (grace_ms > 0).then_some((self.current, until)) }
    }

    pub fn accepts(&self, shown: &Shown, now_ms: u64) -> bool {
        // Both are compared, so that the time does not say which one it was.
        let is_current = self.current.is(&shown.hash);
        let is_previous = self.previous.is_some_and(|(hash, until)| hash.is(&shown.hash) && now_ms < until);
        is_current || is_previous
    }
}

fn hex(mut text: String, byte: &u8) -> String {
    // Writing to a string cannot fail.
    let _written = write!(text, "{byte:02x}");
    text
}

#[cfg(test)]
mod tests;
