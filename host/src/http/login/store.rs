//! Who is signed in at the page: sessions of browsers, in memory. Pure: time and chance come in.
//!
//! A cookie is the right to act as somebody, and a browser sends it along with whatever any page asks it to send. So an
//! unsafe request must also show a token that only our own page can know.
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

/// Bytes of chance in a cookie.
pub(crate) const RANDOM_BYTES: usize = 32;
/// A working day.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(8 * 3600);
const IDLE_MAX: Duration = Duration::from_secs(3600);
/// Of all, at 200 bytes each; and of one person with several browsers.
const SESSIONS_MAX: usize = 1024;
const SESSIONS_OF_ONE_MAX: usize = 16;

/// `P` is who is signed in.
pub(crate) struct Logins<P>(Mutex<HashMap<Hash, Session<P>>>);

/// Only this of a cookie is kept: whoever reads our memory has signed in nowhere.
type Hash = [u8; 32];

struct Session<P> {
    who: P,
    began: Instant,
    seen: Instant,
}

/// What the browser is given.
pub(crate) struct Begun {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

/// Whether a request can change anything (RFC 9110, section 9.2.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Safe,
    Unsafe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Never begun, ended, or too old.
    SignedOut,
    /// The token is missing or another session's.
    Token,
}

impl<P> Default for Logins<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

// === impl Logins ===
impl<P: Clone + PartialEq> Logins<P> {
    /// The one that was used least recently makes room, of the same person or of all.
    pub(crate) fn begin(&self, who: P, chance: [u8; RANDOM_BYTES], now: Instant) -> Begun {
        let cookie = hex(&chance);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.is_good(now));
        let own = sessions.values().filter(|session| session.who == who).count();
        let oldest = match (own >= SESSIONS_OF_ONE_MAX, sessions.len() >= SESSIONS_MAX) {
            (true, _) => oldest(&sessions, |session| session.who == who),
            (false, true) => oldest(&sessions, |_| true),
            (false, false) => None,
        };
        if let Some(oldest) = oldest {
            sessions.remove(&oldest);
        }
        sessions.insert(hash(&cookie), Session { who, began: now, seen: now });
        Begun { csrf: csrf(&cookie), cookie }
    }

    /// Who that is. Every request keeps the session from going idle.
    ///
    /// # Errors
    /// Where nobody is signed in with that cookie, or an unsafe request does not show its token.
    pub(crate) fn find(&self, cookie: &str, token: Option<&str>, method: Method, now: Instant) -> Result<P, Refused> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session =
            sessions.get_mut(&hash(cookie)).filter(|session| session.is_good(now)).ok_or(Refused::SignedOut)?;
        if method == Method::Unsafe && !token.is_some_and(|token| is_equal(token, &csrf(cookie))) {
            return Err(Refused::Token);
        }
        session.seen = now;
        Ok(session.who.clone())
    }

    pub(crate) fn end(&self, cookie: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(cookie));
    }
}

// === impl Session ===
impl<P> Session<P> {
    fn is_good(&self, now: Instant) -> bool {
        now.duration_since(self.began) < LIFE_MAX && now.duration_since(self.seen) < IDLE_MAX
    }
}

/// The token that goes with a cookie: whoever has the one can make the other, and no script can read the cookie.
pub(crate) fn csrf(cookie: &str) -> String {
    let digest = Sha256::new().chain_update(b"magic-proxy csrf\0").chain_update(cookie.as_bytes()).finalize();
    hex(&digest)
}

fn oldest<P>(sessions: &HashMap<Hash, Session<P>>, of: impl Fn(&Session<P>) -> bool) -> Option<Hash> {
    sessions.iter().filter(|(_, session)| of(session)).min_by_key(|(_, session)| session.seen).map(|(hash, _)| *hash)
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// In a time that tells nothing of where they differ: what is compared is what they hash to, all of it.
fn is_equal(one: &str, other: &str) -> bool {
    hash(one).ct_eq(&hash(other)).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
