//! The vendor's bytes for a client of the same dialect, whole events at a time, with an onlooker.
use super::{Source, cut_before_the_first, cut_off};
use crate::upstream::lease::Guard;
use bytes::{Bytes, BytesMut};
use magic_dialects::dialect::Dialect;
use magic_dialects::onlook::{self, Onlooker, too_long};
use magic_types::{Failure, Usage};
use std::collections::VecDeque;

pub(crate) struct ByteStream {
    source: Source,
    onlooker: Onlooker,
    /// Bytes that were read to see the first event.
    early: VecDeque<Bytes>,
    /// An event's beginning, held back until its end is there.
    held: BytesMut,
    /// The usage was asked for by us alone: the client does not see it.
    pub(in crate::upstream) hides_usage: bool,
    ended: bool,
}

impl ByteStream {
    /// Reads until the first event has been seen, or the reply turns out to be a failure.
    pub(in crate::upstream) async fn open(source: Source, dialect: Dialect) -> Result<Self, (Failure, Guard)> {
        let (onlooker, early, held) = (Onlooker::new(dialect), VecDeque::new(), BytesMut::new());
        let mut stream = Self { source, onlooker, early, held, hides_usage: false, ended: false };
        loop {
            let failure = match stream.source.first().await {
                Ok(Some(chunk)) => {
                    stream.take_in(chunk);
                    match stream.onlooker.failure.take() {
                        None if stream.onlooker.events > 0 => return Ok(stream),
                        None if stream.onlooker.overflowed => too_long(),
                        None => continue,
                        Some(failure) => failure,
                    }
                }
                Ok(None) => cut_before_the_first(),
                Err(failure) => failure,
            };
            return Err((failure, stream.source.into_guard()));
        }
    }

    pub(in crate::upstream) fn guard(&mut self) -> &mut Guard {
        &mut self.source.guard
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.onlooker.usage
    }

    /// Events in which something was answered.
    pub(crate) fn events(&self) -> u64 {
        self.onlooker.events
    }

    /// Whether the answer is whole and nothing was left out of it for length or policy.
    pub(crate) fn is_complete(&self) -> bool {
        self.onlooker.done && self.onlooker.failure.is_none() && !self.onlooker.truncated
    }

    /// The error that the vendor sent inside its stream, if it did: its bytes have reached the client like all others.
    pub(crate) fn vendors_error(&self) -> Option<&Failure> {
        self.onlooker.failure.as_ref()
    }

    /// The vendor's bytes, whole events at a time, as they came. After an error nothing follows.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        loop {
            if let Some(bytes) = self.early.pop_front() {
                return Some(Ok(if self.hides_usage { onlook::without_usage(bytes) } else { bytes }));
            }
            if self.ended {
                return None;
            }
            if self.onlooker.overflowed {
                return Some(Err(self.fail(too_long())));
            }
            match self.source.next(self.onlooker.done).await {
                Ok(Some(chunk)) => self.take_in(chunk),
                Ok(None) => {
                    self.onlooker.end();
                    return self.end(cut_off());
                }
                Err(failure) => return self.end(failure),
            }
        }
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
