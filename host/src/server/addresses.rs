//! How many connections each client address holds, within a bound. Counts addresses that hold some, and forgets the others.
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Cheap to clone; all clones count together.
#[derive(Clone)]
pub(super) struct Addresses {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
    /// This machine's own count, too: clients behind a proxy on it all come from there.
    own_count: bool,
}

/// One connection's place, given back when it is dropped.
pub(super) struct Place {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

// === impl Addresses ===
impl Addresses {
    /// At most so many each; without a number the default, which this machine's own addresses are exempt from.
    pub(super) fn new(max: Option<usize>, default: usize) -> Self {
        Self { held: Arc::default(), max: max.unwrap_or(default), own_count: max.is_some() }
    }

    /// `None` when the address holds all that it may.
    pub(super) fn enter(&self, peer: IpAddr) -> Option<Place> {
        let address = whose(peer);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_insert(0);
        if *count >= self.max && (self.own_count || !address.is_loopback()) {
            return None;
        }
        *count += 1;
        Some(Place { held: Arc::clone(&self.held), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// Whoever has one IPv6 address mostly has the 2^64 beside it.
fn whose(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests;
