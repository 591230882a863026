//! A reply as canonical events: for a client of another dialect, for pacing, or for a session.
use super::{Source, cut_before_the_first};
use crate::upstream::lease::Guard;
use magic_dialects::dialect::Decoder;
use magic_types::Failure;
use magic_types::stream::ChatEvent;

pub(crate) struct EventStream {
    source: Source,
    decoder: Box<dyn Decoder>,
    /// Events that are there already, and the failure behind them.
    early: Vec<ChatEvent>,
    failed: Option<Failure>,
    ended: bool,
}

impl EventStream {
    /// Reads until the first event, or the reply turns out to be a failure.
    pub(in crate::upstream) async fn open(
        mut source: Source,
        mut decoder: Box<dyn Decoder>,
    ) -> Result<Self, (Failure, Guard)> {
        let mut early = Vec::new();
        loop {
            let (read, ended) = match source.first().await {
                Ok(Some(chunk)) => (decoder.push(&chunk, &mut early), false),
                Ok(None) => (decoder.end(&mut early), true),
                Err(failure) => (Err(failure), true),
            };
            let failure = match read {
                // What a prompt cost is not an answer yet.
                _ if early.iter().any(|event| !matches!(event, ChatEvent::Usage(_))) => {
                    return Ok(Self { source, decoder, early, failed: read.err(), ended });
                }
                Ok(()) if !ended => continue,
                Ok(()) => cut_before_the_first(),
                Err(failure) => failure,
            };
            return Err((failure, source.into_guard()));
        }
    }

    pub(in crate::upstream) fn guard(&mut self) -> &mut Guard {
        &mut self.source.guard
    }

    /// A batch for each piece that arrived; an empty one is nothing to worry about. After a failure nothing follows.
    pub(crate) async fn next(&mut self) -> Option<Result<Vec<ChatEvent>, Failure>> {
        if !self.early.is_empty() {
            return Some(Ok(std::mem::take(&mut self.early)));
        }
        if let Some(failure) = self.failed.take() {
            self.ended = true;
            return Some(Err(failure));
        }
        if self.ended {
            return None;
        }
        let mut events = Vec::new();
        let read = match self.source.next(self.decoder.is_done()).await {
            Ok(Some(chunk)) => self.decoder.push(&chunk, &mut events),
            // The vendor has said its last word: how the connection ends is nobody's business any more.
            Ok(None) | Err(_) if self.decoder.is_done() => self.over(),
            Ok(None) => {
                let ended = self.decoder.end(&mut events);
                ended.and_then(|()| self.over())
            }
            Err(failure) => Err(failure),
        };
        match read {
            Ok(()) => Some(Ok(events)),
            Err(failure) if events.is_empty() => {
                self.ended = true;
                Some(Err(failure))
            }
            Err(failure) => {
                self.failed = Some(failure);
                Some(Ok(events))
            }
        }
    }

    fn over(&mut self) -> Result<(), Failure> {
        self.ended = true;
        Ok(())
    }
}
