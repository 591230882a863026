//! On whose behalf a tool is called: the session, the call's name for ever, and the key each of its requests carries.
//! Pure; imports/ asks.
use std::hash::{DefaultHasher, Hash, Hasher};

/// On whose behalf a tool is called. The default is nobody's: a call outside a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    pub session_id: Option<String>,
    /// Names the call for ever, also when it is repeated after a crash.
    pub idempotency_key: Option<String>,
}

/// The distinct requests of one call that may change something, in the order in which they were first sent.
#[derive(Debug, Default)]
pub(crate) struct Writes(Vec<u64>);

// === impl Writes ===
impl Writes {
    /// The value of `idempotency-key` for a request: a string as draft-ietf-httpapi-idempotency-key-header has it, that
    /// is, in quotes. A request sent again has the key it had, for the guest tries again; another one must have another,
    /// for a service refuses a key that comes back with something else. The first has the call's own key.
    pub(crate) fn key_of(&mut self, call: &str, method: &str, url: &str, body: &[u8]) -> Option<String> {
        let is_safe = method.eq_ignore_ascii_case("get") || method.eq_ignore_ascii_case("head");
        if is_safe || !call.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (method.to_ascii_uppercase(), url, body).hash(&mut hasher);
        let request = hasher.finish();
        let at = self.0.iter().position(|sent| *sent == request).unwrap_or_else(|| {
            self.0.push(request);
            self.0.len() - 1
        });
        match at {
            0 => Some(format!("\"{call}\"")),
            at => Some(format!("\"{call}-{}\"", at + 1)),
        }
    }
}

#[cfg(test)]
mod tests;
