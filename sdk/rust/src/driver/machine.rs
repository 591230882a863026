//! The executor: one future, polled once for every batch of events. Refuses wakers and threads: news comes only from
//! outside, and whatever it makes ready is found by polling everything again.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::{
    Answer, Ctx, Error, SessionContext, Usage,
    awaited::{Shared, State},
    wit,
};

type Run = Pin<Box<dyn Future<Output = Result<Answer, Error>>>>;

/// One session at work.
pub struct Machine {
    shared: Rc<Shared>,
    /// `None` once it has ended.
    run: RefCell<Option<Run>>,
}

// === impl Machine ===
impl Machine {
    /// Nothing of the author's code runs before the first event.
    pub fn new<F>(context: SessionContext, run: impl FnOnce(Ctx) -> F) -> Self
    where
        F: Future<Output = Result<Answer, Error>> + 'static,
    {
        let state = RefCell::new(State::new(context.seed));
        let shared = Rc::new(Shared { context, state });
        let run: Run = Box::pin(run(Ctx::new(Rc::clone(&shared))));
        Self { shared, run: RefCell::new(Some(run)) }
    }

    /// Takes a batch of events to the directives that follow from it.
    pub fn next(&self, events: Vec<wit::Event>, spent: Usage) -> Vec<wit::Directive> {
        {
            let mut state = self.shared.state.borrow_mut();
            state.spent = spent;
            events.into_iter().for_each(|event| state.take_in(event));
        }
        let mut run = self.run.borrow_mut();
        let polled = run.as_mut().map(|run| run.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        if let Some(Poll::Ready(ended)) = polled {
            // Dropped first: what it still waited for is cancelled before the end is said.
            *run = None;
            let last = match ended {
                Ok(answer) => wit::Directive::Finish(answer.into_message()),
                Err(error) => wit::Directive::Fail(error.into_text()),
            };
            self.shared.state.borrow_mut().out.push(last);
        }
        std::mem::take(&mut self.shared.state.borrow_mut().out)
    }
}
