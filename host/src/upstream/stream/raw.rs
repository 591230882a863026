//! A body nobody looks into, e.g. sound: passed on as it comes.
use super::{Source, cut_before_the_first};
use crate::upstream::lease::Guard;
use bytes::Bytes;
use magic_types::Failure;

pub(crate) struct RawStream {
    source: Source,
    early: Option<Bytes>,
    ended: bool,
}

impl RawStream {
    /// Reads the first piece.
    pub(in crate::upstream) async fn open(mut source: Source) -> Result<Self, (Failure, Guard)> {
        match source.first().await {
            Ok(Some(chunk)) => Ok(Self { source, early: Some(chunk), ended: false }),
            Ok(None) => Err((cut_before_the_first(), source.into_guard())),
            Err(failure) => Err((failure, source.into_guard())),
        }
    }

    pub(in crate::upstream) fn guard(&mut self) -> &mut Guard {
        &mut self.source.guard
    }

    /// After a failure nothing follows.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        if let Some(early) = self.early.take() {
            return Some(Ok(early));
        }
        if self.ended {
            return None;
        }
        let read = self.source.next(false).await;
        self.ended = !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}
