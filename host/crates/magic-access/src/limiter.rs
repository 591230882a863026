//! How fast an account may go: requests a minute, tokens a minute, requests at one time. Pure; one per account.
//!
//! A minute is a sliding one, counted in whole seconds: the second that runs and the sixty before it. So no sixty seconds
//! in a row hold more than the limit, wherever they begin; a bucket that refills would let twice as much through when a
//! burst meets a full one. Memory: at most 61 pairs of numbers per limit.
use crate::Grants;
use std::collections::VecDeque;
use std::time::Duration;

/// Whole seconds before the one that runs.
const SECONDS: u64 = 60;
/// A place among parallel requests comes free when one ends, which nobody knows.
const PARALLEL_RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Limiter {
    requests: Sliding,
    tokens: Sliding,
    parallel: u64,
}

/// What a request took: to be given back by [`Limiter::settle`] or [`Limiter::undo`].
#[derive(Debug)]
#[must_use]
pub struct Taken {
    second: u64,
    tokens: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    RequestsPerMinute,
    TokensPerMinute,
    RequestsParallel,
}

/// A limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    pub limit: Limit,
    pub max: u64,
    pub retry_after: Duration,
}

/// Sums by second.
#[derive(Debug, Default)]
struct Sliding {
    /// Oldest first, each with the second it is of.
    seconds: VecDeque<(u64, u64)>,
    sum: u64,
}

// === impl Limiter ===
impl Limiter {
    /// Counts a request in, with the tokens that it is thought to use, or counts nothing. One that is thought to use more
    /// than a whole minute's tokens is let through when none were used within the minute: else it never could be.
    pub fn take(&mut self, grants: &Grants, tokens: u64, now_ms: u64) -> Result<Taken, Full> {
        // A clock that was put back does not open what was full.
        let second = (now_ms / 1000).max(self.requests.last());
        if let Some(max) = grants.requests_parallel_max.filter(|max| self.parallel >= *max) {
            return Err(Full { limit: Limit::RequestsParallel, max, retry_after: PARALLEL_RETRY });
        }
        let full = |sliding: &mut Sliding, max: Option<u64>, more: u64, limit| match max {
            None => Ok(()),
            Some(max) => sliding.fits(more.min(max), max, second).map_err(|seconds| {
                let free_ms = second.saturating_add(seconds).saturating_mul(1000);
                Full { limit, max, retry_after: Duration::from_millis(free_ms.saturating_sub(now_ms).max(1)) }
            }),
        };
        full(&mut self.requests, grants.requests_per_minute_max, 1, Limit::RequestsPerMinute)?;
        full(&mut self.tokens, grants.tokens_per_minute_max, tokens, Limit::TokensPerMinute)?;
        self.requests.add(second, 1);
        self.tokens.add(second, tokens);
        self.parallel = self.parallel.saturating_add(1);
        Ok(Taken { second, tokens })
    }

    /// It is over: its place is free, and what was thought of its tokens becomes what they were.
    pub fn settle(&mut self, taken: Taken, tokens: u64) {
        self.parallel = self.parallel.saturating_sub(1);
        self.tokens.correct(taken.second, taken.tokens, tokens);
    }

    /// It was refused elsewhere: as if it had never been.
    pub fn undo(&mut self, taken: Taken) {
        self.requests.correct(taken.second, 1, 0);
        self.settle(taken, 0);
    }

    /// Requests under way.
    pub fn parallel(&self) -> u64 {
        self.parallel
    }
}

// === impl Sliding ===
impl Sliding {
    fn last(&self) -> u64 {
        self.seconds.back().map_or(0, |(second, _)| *second)
    }

    /// `Err`: in how many seconds it will.
    fn fits(&mut self, more: u64, max: u64, second: u64) -> Result<(), u64> {
        self.forget(second);
        let over = self.sum.saturating_add(more).saturating_sub(max);
        if over == 0 {
            return Ok(());
        }
        let mut gone = 0_u64;
        let enough = self.seconds.iter().find(|(_, count)| {
            gone = gone.saturating_add(*count);
            gone >= over
        });
        Err(enough.map_or(SECONDS, |(of, _)| of.saturating_add(SECONDS + 1).saturating_sub(second)))
    }

    fn add(&mut self, second: u64, count: u64) {
        self.forget(second);
        self.sum = self.sum.saturating_add(count);
        match self.seconds.back_mut() {
            Some((last, sum)) if *last >= second => *sum = sum.saturating_add(count),
            _ => self.seconds.push_back((second, count)),
        }
    }

    /// Where it was added: what has slid out of the minute since is nobody's any more.
    fn correct(&mut self, second: u64, before: u64, after: u64) {
        let Ok(at) = self.seconds.binary_search_by_key(&second, |(of, _)| *of) else { return };
        let Some((_, count)) = self.seconds.get_mut(at) else { return };
        *count = count.saturating_sub(before).saturating_add(after);
        self.sum = self.sum.saturating_sub(before).saturating_add(after);
    }

    fn forget(&mut self, second: u64) {
        while let Some((of, count)) = self.seconds.front().copied()
            && of.saturating_add(SECONDS) < second
        {
            self.seconds.pop_front();
            self.sum = self.sum.saturating_sub(count);
        }
    }
}

// === impl Limit ===
impl Limit {
    /// As the grant is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute_max",
            Self::TokensPerMinute => "tokens_per_minute_max",
            Self::RequestsParallel => "requests_parallel_max",
        }
    }
}

#[cfg(test)]
mod tests;
