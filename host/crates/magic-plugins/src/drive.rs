//! A session of a driver pattern: its context, what it was told so far, and an instance while there is one. The instance
//! may go at any time between two calls; the next call builds it again from the history and sees that it says the same.
//! Carries out no directive.
use crate::call;
use crate::caller::Caller;
use crate::component::{Component, Shape};
use crate::convert::{self, Said, Wrong};
use crate::kinds::Nothing;
use crate::kinds::driver::Driver;
use crate::live::Counted;
use crate::state::State;
use crate::trap::Stop;
use magic_types::Usage;
use magic_types::directive::{Directive, Event, SessionContext};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;
use wasmtime::Store;

mod instance;
mod seats;

use instance::{Instance, Session};
pub(crate) use seats::Seats;

/// One session of a driver. Pinned to the version of the component that it began with.
pub struct Drive {
    component: Arc<Component>,
    ctx: SessionContext,
    history: Vec<Told>,
    /// Whose instance is whose, among all drives of the runtime.
    id: u64,
}

/// One call that came to its end. Calls are never merged, not even those that only bring streamed text: a guest may
/// count them.
struct Told {
    events: Vec<Event>,
    spent: Usage,
    /// The fingerprint of what was said.
    said: u64,
}

/// Why a driver did not say what to do. Ends the session; the texts may be read by a stranger, details are in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriveError {
    /// It trapped, looped, overran a limit, or found no free place in time.
    #[error("the pattern failed: {0}")]
    Component(String),
    /// It ran, but what it said is not what a driver may say.
    #[error("the pattern broke its contract: {0}")]
    Contract(String),
}

// === impl Drive ===
impl Drive {
    pub(crate) fn new(component: Arc<Component>, ctx: SessionContext) -> Self {
        let id = component.runtime.seats.next_id();
        Self { component, ctx, history: Vec::new(), id }
    }

    /// Tells the driver what happened and what was spent so far, and returns what it wants done. Streamed reasoning is
    /// not told; where nothing else happened, nothing is called. Whatever the guest does, this returns within twice its
    /// `wall_ms_max` (once to build the instance again, once for the call) and the bounded wait for a place. After an
    /// error, and when the future is dropped, the call has not happened: it may be made again.
    pub async fn next(&mut self, events: &[Event], spent: &Usage) -> Result<Vec<Directive>, DriveError> {
        let events: Vec<Event> = events.iter().filter(|event| convert::is_for_guests(event)).cloned().collect();
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let component = Arc::clone(&self.component);
        let Shape::Driver(driver) = &component.shape else {
            return Err(DriveError::Component("the component is not a driver".to_owned()));
        };
        let runtime = &component.runtime;
        let busy = |_| DriveError::Component(Stop::Busy.text(&component.guest));
        let _own = component.guest.gate.enter(&runtime.counters).await.map_err(busy)?;
        let _all = runtime.seats.gate.enter(&runtime.counters).await.map_err(busy)?;
        let mut seat = runtime.seats.take(self.id);
        let mut instance = match seat.instance.take() {
            Some(instance) => instance,
            None => self.build(driver).await?,
        };
        runtime.counters.calls.fetch_add(1, Ordering::Relaxed);
        let said = self.call(&mut instance, &events, spent).await?;
        self.history.push(Told { events, spent: *spent, said: said.fingerprint });
        seat.give_back(instance);
        Ok(said.directives)
    }

    /// Lets the instance go, as the runtime does when others need its seat. The next call builds it again.
    pub fn evict(&mut self) {
        self.component.runtime.seats.evict(self.id);
    }

    async fn call(&self, instance: &mut Instance, events: &[Event], spent: &Usage) -> Result<Said, DriveError> {
        let Instance { store, session } = instance;
        call::rearm(store);
        let ended = timeout(self.wall_max(), session.next(store, events, spent)).await;
        let said = call::explained(&self.component.runtime, store, ended).map_err(|stop| self.stopped(&stop))?;
        self.checked(said)
    }

    /// A fresh instance that has been told all that was told before. Takes no longer than one call may.
    async fn build(&self, driver: &Driver) -> Result<Instance, DriveError> {
        let Component { runtime, guest, .. } = &*self.component;
        if !self.history.is_empty() {
            runtime.counters.rebuilds.fetch_add(1, Ordering::Relaxed);
        }
        let mut store = call::store(runtime, guest, Arc::new(Nothing), Caller::default(), Counted::Driver);
        store.data_mut().seed = Some(self.ctx.seed);
        store.data_mut().replaying = !self.history.is_empty();
        let ended = timeout(self.wall_max(), self.replay(driver, &mut store)).await;
        let session = call::explained(runtime, &store, ended).map_err(|stop| self.stopped(&stop))??;
        store.data_mut().replaying = false;
        Ok(Instance { store, session })
    }

    /// The outer error is the guest's end, the inner one what it said.
    async fn replay(&self, driver: &Driver, store: &mut Store<State>) -> wasmtime::Result<Result<Session, DriveError>> {
        let session = Session::start(driver, store, &self.ctx).await?;
        for (at, told) in self.history.iter().enumerate() {
            call::rearm(store);
            let said = session.next(store, &told.events, &told.spent).await?;
            match self.checked(said) {
                Ok(said) if said.fingerprint == told.said => {}
                Ok(_) | Err(_) => return Ok(Err(self.strayed(at))),
            }
        }
        Ok(Ok(session))
    }

    fn strayed(&self, at: usize) -> DriveError {
        let (call, calls) = (at + 1, self.history.len());
        DriveError::Contract(format!(
            "the pattern is not deterministic: told the same again, it said something else at call {call} of {calls}"
        ))
    }

    fn checked(&self, said: Vec<instance::Directive>) -> Result<Said, DriveError> {
        let bytes_max = self.component.guest.limits.output_bytes_max;
        convert::directives(said, bytes_max).map_err(|wrong| match wrong {
            Wrong::TooLarge(bytes) => DriveError::Component(format!(
                "its directives are {bytes} bytes, more than limits.output_bytes_max ({bytes_max})"
            )),
            Wrong::Broken(text) => DriveError::Contract(text),
        })
    }

    fn stopped(&self, stop: &Stop) -> DriveError {
        DriveError::Component(stop.text(&self.component.guest))
    }

    fn wall_max(&self) -> Duration {
        Duration::from_millis(self.component.guest.limits.wall_ms_max)
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        self.evict();
    }
}

#[cfg(test)]
mod tests;
