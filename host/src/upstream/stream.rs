//! A streamed reply after its first event: bytes for the client as they come, or canonical events for a session. Both
//! end honestly: with the vendor's own end, or with a failure.
use super::client::Incoming;
use super::lease::Guard;
use bytes::{Bytes, BytesMut};
use magic_dialects::openai::stream::{Decoder, Onlooker, too_long};
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind, Usage};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

const AFTER_DONE: Duration = Duration::from_secs(1);

/// Dropping it closes the vendor's connection.
pub(crate) struct ChatStream {
    incoming: Incoming,
    /// The key counts as in use until the stream is over.
    guard: Guard,
    onlooker: Onlooker,
    /// Bytes that were read to see the first event.
    early: VecDeque<Bytes>,
    /// An event's beginning, held back until its end is there.
    held: BytesMut,
    idle: Duration,
    deadline: Instant,
    ended: bool,
}

impl ChatStream {
    /// Reads until the first event has been seen, or the reply turns out to be a failure.
    pub(super) async fn open(
        incoming: Incoming,
        guard: Guard,
        idle: Duration,
        deadline: Instant,
    ) -> Result<Self, (Failure, Guard)> {
        let mut stream = Self {
            incoming,
            guard,
            onlooker: Onlooker::default(),
            early: VecDeque::new(),
            held: BytesMut::new(),
            idle,
            deadline,
            ended: false,
        };
        loop {
            let failure = match stream.incoming.chunk().await {
                Ok(Some(chunk)) => {
                    stream.take_in(chunk);
                    match stream.onlooker.failure.take() {
                        None if stream.onlooker.events > 0 => return Ok(stream),
                        None if stream.onlooker.overflowed => too_long(),
                        None => continue,
                        Some(failure) => failure,
                    }
                }
                Ok(None) => Failure::new(Kind::CutOff, "the model's vendor ended its reply before the first event"),
                Err(failure) => failure,
            };
            return Err((failure, stream.guard));
        }
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.onlooker.usage
    }

    /// The error that the vendor sent inside its stream, if it did: its bytes have reached the client like all others.
    pub(crate) fn vendors_error(&self) -> Option<&Failure> {
        self.onlooker.failure.as_ref()
    }

    /// The vendor's bytes, whole events at a time, as they came. After an error nothing follows.
    pub(crate) async fn next_bytes(&mut self) -> Option<Result<Bytes, Failure>> {
        loop {
            if let Some(bytes) = self.early.pop_front() {
                return Some(Ok(bytes));
            }
            if self.ended {
                return None;
            }
            if self.onlooker.overflowed {
                return Some(Err(self.fail(too_long())));
            }
            match self.read().await {
                Ok(Some(chunk)) => self.take_in(chunk),
                Ok(None) => {
                    self.onlooker.end();
                    return self.end(cut_off());
                }
                Err(failure) => return self.end(failure),
            }
        }
    }

    /// The same as canonical events, a batch for each piece that arrived. An empty batch is nothing to worry about.
    pub(crate) async fn next_events(&mut self, decoder: &mut Decoder) -> Option<Result<Vec<ChatEvent>, Failure>> {
        let bytes = match self.next_bytes().await? {
            Ok(bytes) => bytes,
            Err(failure) => return Some(Err(failure)),
        };
        let mut events = Vec::new();
        match decoder.push(&bytes, &mut events) {
            Ok(()) => Some(Ok(events)),
            Err(failure) => Some(Err(self.fail(failure))),
        }
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        // Behind the vendor's own end there is only the body's: it is waited for so that the connection can be used again.
        let patience = if self.onlooker.done { AFTER_DONE } else { self.idle };
        let until = self.deadline.min(Instant::now() + patience);
        tokio::time::timeout_at(until, self.incoming.chunk()).await.unwrap_or_else(|_| {
            Err(Failure::new(Kind::TimedOut, "the model's vendor stopped in the middle of its reply"))
        })
    }

    fn take_in(&mut self, chunk: Bytes) {
        let settled = self.onlooker.push(&chunk);
        let mut chunk = chunk;
        let tail = chunk.split_off(settled);
        if !chunk.is_empty() {
            if self.held.is_empty() {
                self.early.push_back(chunk);
            } else {
                self.held.extend_from_slice(&chunk);
                self.early.push_back(self.held.split().freeze());
            }
        }
        self.held.extend_from_slice(&tail);
    }

    /// Nothing more comes. That is good if the vendor has said its last word, be it an error; else it is the failure.
    fn end(&mut self, failure: Failure) -> Option<Result<Bytes, Failure>> {
        if !self.onlooker.done && self.onlooker.failure.is_none() {
            return Some(Err(self.fail(failure)));
        }
        self.ended = true;
        // A vendor may end without the last blank line: the bytes are the client's all the same.
        let rest = self.held.split().freeze();
        (!rest.is_empty()).then_some(Ok(rest))
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.ended = true;
        self.early.clear();
        self.held.clear();
        failure
    }
}

fn cut_off() -> Failure {
    Failure::new(Kind::CutOff, "the model's vendor ended its reply in the middle")
}
