//! One call, always in this order: a place, a store, its limits, its deadline, an instance, the call. Whatever ends it,
//! the store is thrown away; a drive alone keeps its store from one call to the next.
use crate::caller::Caller;
use crate::component::Guest;
use crate::defaults;
use crate::host::Host;
use crate::live::{Counted, Guard};
use crate::runtime::Runtime;
use crate::state::State;
use crate::trap::{self, Stop};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{error::Elapsed, timeout};
use wasmtime::Store;

/// What is done with a store: instantiate and call one export.
pub(crate) trait Errand {
    type Outcome;
    fn run(self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<Self::Outcome>> + Send;
}

/// Runs one errand, with everything set before it and everything explained after it.
pub(crate) async fn run<E: Errand>(
    runtime: &Runtime,
    guest: &Arc<Guest>,
    host: Arc<dyn Host>,
    caller: Caller,
    errand: E,
) -> Result<E::Outcome, Stop> {
    let _own = guest.gate.enter(&runtime.counters).await.map_err(|_| Stop::Busy)?;
    let _pool = runtime.door(guest.door).enter(&runtime.counters).await.map_err(|_| Stop::Busy)?;
    runtime.counters.calls.fetch_add(1, Ordering::Relaxed);
    let mut store = store(runtime, guest, host, caller, Counted::Instance);
    let wall_max = Duration::from_millis(guest.limits.wall_ms_max);
    // Epochs cannot interrupt a host call or a wait, so the wall clock bounds the whole from outside.
    let ended = timeout(wall_max, errand.run(&mut store)).await;
    explained(runtime, &store, ended)
}

/// Gives the next call on this store all of its time and host calls. Memory is the store's, for as long as it lives.
pub(crate) fn rearm(store: &mut Store<State>) {
    store.data_mut().rearm();
    store.set_epoch_deadline(1);
}

/// The result, or why there is none; what the guest printed goes to the log.
pub(crate) fn explained<T>(
    runtime: &Runtime,
    store: &Store<State>,
    ended: Result<wasmtime::Result<T>, Elapsed>,
) -> Result<T, Stop> {
    store.data().log_printed();
    let stop = match ended {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => trap::explain(&error, store.data()),
        Err(_) => Stop::Wall,
    };
    if stop != Stop::Busy {
        runtime.counters.stopped.fetch_add(1, Ordering::Relaxed);
    }
    Err(stop)
}

/// A fresh store under its limits, its deadline set.
pub(crate) fn store(
    runtime: &Runtime,
    guest: &Arc<Guest>,
    host: Arc<dyn Host>,
    caller: Caller,
    counted: Counted,
) -> Store<State> {
    let live = Guard::new(&runtime.counters, counted);
    let state = State::new(Arc::clone(guest), host, caller, runtime.kv.clone(), live);
    let mut store = Store::new(&runtime.engine, state);
    store.limiter(|state| &mut state.room);
    store.set_hostcall_fuel(guest.policy.hostcall_bytes_max(guest.limits));
    store.set_max_component_handles(defaults::HANDLES_MAX);
    store.epoch_deadline_callback(|mut store| Ok(store.data_mut().tick()?));
    rearm(&mut store);
    store
}
