//! A driver's instance on its store, and the two calls that it takes. Keeps no history and judges no answer.
use crate::bindings::driver::exports::magic::proxy::driver as wit;
use crate::convert;
use crate::kinds::driver::Driver;
use crate::state::State;
use magic_types::Usage;
use magic_types::directive::{Event, SessionContext};
use wasmtime::Store;
use wasmtime::component::ResourceAny;

pub(super) use wit::Directive;

pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) session: Session,
}

/// The guest's `session` and the functions to call it by.
pub(super) struct Session {
    guest: wit::Guest,
    session: ResourceAny,
}

// === impl Session ===
impl Session {
    pub(super) async fn start(
        driver: &Driver,
        store: &mut Store<State>,
        ctx: &SessionContext,
    ) -> wasmtime::Result<Self> {
        let instance = driver.pre.instantiate_async(&mut *store).await?;
        let guest = driver.indices.load(&mut *store, &instance)?;
        let session = guest.session().call_constructor(store, &convert::context(ctx)).await?;
        Ok(Self { guest, session })
    }

    pub(super) async fn next(
        &self,
        store: &mut Store<State>,
        events: &[Event],
        spent: &Usage,
    ) -> wasmtime::Result<Vec<Directive>> {
        let (events, spent) = (convert::events(events), convert::usage(spent));
        self.guest.session().call_next(store, self.session, &events, spent).await
    }
}
