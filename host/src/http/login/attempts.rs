//! How often an address may try to sign in. Pure: time comes in. What is counted are failures: who knows a key gets in.
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A person mistypes three times; a key has too much chance in it to be guessed at any rate.
const FAILURES_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that failed within the window. More at once is an attack from everywhere, and then all wait.
const ADDRESSES_MAX: usize = 4096;

#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<IpAddr, Failures>>);

struct Failures {
    since: Instant,
    count: u32,
}

// === impl Attempts ===
impl Attempts {
    /// Whether another try may be made now.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn may(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |failures: &Failures| WINDOW.saturating_sub(now.duration_since(failures.since));
        match failed.get(&network(from)) {
            Some(failures) if failures.count >= FAILURES_MAX && !left(failures).is_zero() => Err(left(failures)),
            Some(_) => Ok(()),
            None if failed.len() < ADDRESSES_MAX => Ok(()),
            None => {
                failed.retain(|_, failures| !left(failures).is_zero());
                if failed.len() < ADDRESSES_MAX { Ok(()) } else { Err(WINDOW) }
            }
        }
    }

    pub(crate) fn failed(&self, from: IpAddr, now: Instant) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = failed.entry(network(from)).or_insert(Failures { since: now, count: 0 });
        if now.duration_since(failures.since) >= WINDOW {
            *failures = Failures { since: now, count: 0 };
        }
        failures.count += 1;
    }
}

/// What one machine can have many of counts as one: an IPv6 host owns its 64 low bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests;
