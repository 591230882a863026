//! How many requests may be sent twice at once: a share of those that could be, over the last minute. Pure: time comes in
//! as `now`. Knows no legs.
use std::time::{Duration, Instant};

/// Long enough that a share of a quiet gateway's requests is more than nothing, short enough that a bad minute's budget
/// is not spent on the next.
const WINDOW: Duration = Duration::from_secs(60);
const BUCKETS: usize = 12;

/// What was sent within the window, in buckets of five seconds.
#[derive(Default)]
pub struct HedgeBudget {
    start: Option<Instant>,
    buckets: [Bucket; BUCKETS],
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Number of its time since the start.
    number: u128,
    requests: u64,
    hedges: u64,
}

// === impl HedgeBudget ===
impl HedgeBudget {
    /// Counts a request that could be hedged.
    pub(crate) fn request(&mut self, now: Instant) {
        self.bucket(now).requests += 1;
    }

    /// One hedge is always allowed in a window, unless `percent` is zero; beyond it their share counts.
    pub(crate) fn allows(&self, percent: u32, now: Instant) -> bool {
        let number = self.number(now);
        let within = self.buckets.iter().filter(|bucket| bucket.number + (BUCKETS as u128) > number);
        let (requests, hedges) =
            within.fold((0, 0), |(requests, hedges), bucket| (requests + bucket.requests, hedges + bucket.hedges));
        percent > 0 && (hedges == 0 || (hedges + 1) * 100 <= requests.saturating_mul(u64::from(percent)))
    }

    pub(crate) fn spend(&mut self, now: Instant) {
        self.bucket(now).hedges += 1;
    }

    fn number(&self, now: Instant) -> u128 {
        let since = self.start.map_or(Duration::ZERO, |start| now.saturating_duration_since(start));
        since.as_millis() / (WINDOW.as_millis() / BUCKETS as u128)
    }

    fn bucket(&mut self, now: Instant) -> &mut Bucket {
        self.start.get_or_insert(now);
        let number = self.number(now);
        let index = (number % BUCKETS as u128) as usize;
        let bucket = &mut self.buckets[index];
        if bucket.number != number {
            *bucket = Bucket { number, requests: 0, hedges: 0 };
        }
        bucket
    }
}

#[cfg(test)]
mod tests;
