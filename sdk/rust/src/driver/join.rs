//! Several things at once: all of them, or the first. Refuses an order of its own: children are polled as they stand.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Which of two came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for all; results in the order of the futures.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut children: Vec<Child<F>> = futures.into_iter().map(|future| Child::Running(Box::pin(future))).collect();
    std::future::poll_fn(|cx| {
        // Not `all`: every child is polled, so that all asks go out in one batch.
        let running = children.iter_mut().filter_map(|child| child.poll(cx).is_pending().then_some(())).count();
        if running > 0 { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    children.into_iter().filter_map(Child::into_output).collect()
}

/// The first to finish, with its place; of several at once the earliest. The others are dropped, which cancels what
/// they wait for. `None` where there are no futures.
pub async fn race<F: Future>(futures: impl IntoIterator<Item = F>) -> Option<(usize, F::Output)> {
    let mut children: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    if children.is_empty() {
        return None;
    }
    let won = std::future::poll_fn(|cx| {
        let mut first = None;
        for (place, child) in children.iter_mut().enumerate() {
            if let Poll::Ready(output) = child.as_mut().poll(cx) {
                first = Some((place, output));
                break;
            }
        }
        first.map_or(Poll::Pending, Poll::Ready)
    });
    Some(won.await)
}

/// The first of two to finish; of both at once the first. The other is dropped.
pub async fn either<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    let mut first = std::pin::pin!(first);
    let mut second = std::pin::pin!(second);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = first.as_mut().poll(cx) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

enum Child<F: Future> {
    Running(Pin<Box<F>>),
    Done(F::Output),
}

// === impl Child ===
impl<F: Future> Child<F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Running(future) = self {
            match future.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(output) => *self = Self::Done(output),
            }
        }
        Poll::Ready(())
    }

    fn into_output(self) -> Option<F::Output> {
        match self {
            Self::Running(_) => None,
            Self::Done(output) => Some(output),
        }
    }
}
