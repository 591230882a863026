//! A reply that is still coming, after its first event: as the vendor's bytes, as canonical events, or as bytes nobody
//! looks into. All end honestly: with the vendor's own end, or with a failure.
mod bytes;
mod events;
mod raw;

pub(crate) use bytes::ByteStream;
pub(crate) use events::EventStream;
pub(crate) use raw::RawStream;

use super::client::Incoming;
use super::lease::Guard;
use ::bytes::Bytes;
use magic_types::{Failure, Kind};
use std::time::Duration;
use tokio::time::Instant;

/// Behind the vendor's own end there is only the body's: it is waited for so that the connection can be used again.
const AFTER_DONE: Duration = Duration::from_secs(1);

/// What all of them read from. Dropping it closes the vendor's connection.
pub(super) struct Source {
    incoming: Incoming,
    /// The key counts as in use until the stream is over.
    guard: Guard,
    times: Times,
    last: Instant,
}

/// How long a reply may take.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// Until its first event.
    pub(super) first: Instant,
    /// Between two pieces after it.
    pub(super) idle: Duration,
    /// Until its end.
    pub(super) total: Instant,
}

impl Source {
    pub(super) fn new(incoming: Incoming, guard: Guard, times: Times) -> Self {
        Self { incoming, guard, times, last: Instant::now() }
    }

    pub(super) fn into_guard(self) -> Guard {
        self.guard
    }

    /// The next piece, as long as the first event is waited for.
    async fn first(&mut self) -> Result<Option<Bytes>, Failure> {
        let read = within(self.times.first, self.incoming.chunk()).await;
        self.last = Instant::now();
        read
    }

    /// The next piece within the bounds of a stream. Dropping the future loses nothing, nor does it give the vendor more time.
    async fn next(&mut self, done: bool) -> Result<Option<Bytes>, Failure> {
        let patience = if done { AFTER_DONE } else { self.times.idle };
        let until = self.times.total.min(self.last + patience);
        let read = tokio::time::timeout_at(until, self.incoming.chunk()).await.unwrap_or_else(|_| {
            Err(Failure::new(Kind::TimedOut, "the model's vendor stopped in the middle of its reply"))
        });
        self.last = Instant::now();
        read
    }
}

/// The work's result, or a vendor's failure to answer in time.
pub(super) async fn within<T>(deadline: Instant, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = || Failure::new(Kind::TimedOut, "the model's vendor did not answer in time");
    tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_| Err(late()))
}

fn cut_off() -> Failure {
    Failure::new(Kind::CutOff, "the model's vendor ended its reply in the middle")
}

fn cut_before_the_first() -> Failure {
    Failure::new(Kind::CutOff, "the model's vendor ended its reply before the first event")
}
