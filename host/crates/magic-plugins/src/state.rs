//! What one call owns: the store's data. Made for the call, or for a drive's instance, and dropped with it.
use crate::caller::{Caller, Writes};
use crate::component::Guest;
use crate::defaults;
use crate::host::Host;
use crate::kv;
use crate::limits::Room;
use crate::live::Guard;
use crate::trap::Stop;
use crate::wasi::Wasi;
use std::sync::Arc;
use wasmtime::UpdateDeadline;

pub(crate) struct State {
    pub(crate) guest: Arc<Guest>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) caller: Caller,
    pub(crate) writes: Writes,
    pub(crate) kv: kv::Stores,
    pub(crate) room: Room,
    /// Made when the guest first asks WASI for something; most never do.
    pub(crate) wasi: Option<Box<Wasi>>,
    /// Where random numbers come from that a replay must draw again; chance, where there is none.
    pub(crate) seed: Option<u64>,
    /// What the guest says now it has said before: not to be logged again.
    pub(crate) replaying: bool,
    host_calls: u32,
    ticks: u64,
    /// The guest waited for the host since the last tick, which is not its own time.
    waited: bool,
    _live: Guard,
}

// === impl State ===
impl State {
    pub(crate) fn new(guest: Arc<Guest>, host: Arc<dyn Host>, caller: Caller, kv: kv::Stores, live: Guard) -> Self {
        let room = Room::new(guest.limits.memory_bytes_max);
        Self {
            guest,
            host,
            caller,
            writes: Writes::default(),
            kv,
            room,
            wasi: None,
            seed: None,
            replaying: false,
            host_calls: 0,
            ticks: 0,
            waited: false,
            _live: live,
        }
    }

    /// As at the start of a call.
    pub(crate) fn rearm(&mut self) {
        (self.host_calls, self.ticks, self.waited, self.room.refused) = (0, 0, false, false);
    }

    /// What the guest has printed since the last time.
    pub(crate) fn log_printed(&self) {
        if let Some(wasi) = &self.wasi {
            wasi.log(&self.guest, self.replaying);
        }
    }

    /// Every import of ours begins with this.
    pub(crate) fn count_host_calls(&mut self, calls: usize) -> Result<(), Stop> {
        self.host_calls = self.host_calls.saturating_add(u32::try_from(calls).unwrap_or(u32::MAX));
        match self.host_calls > self.guest.limits.host_calls_max {
            true => Err(Stop::HostCalls),
            false => Ok(()),
        }
    }

    /// The host did something that takes time; the tick that this ran over is not counted.
    pub(crate) fn waited(&mut self) {
        self.waited = true;
    }

    /// Called at every epoch that passes in guest code: gives the thread to others, or ends the guest.
    pub(crate) fn tick(&mut self) -> Result<UpdateDeadline, Stop> {
        match std::mem::take(&mut self.waited) {
            true => {}
            false => self.ticks += 1,
        }
        let ticks_max = self.guest.limits.cpu_ms_max.div_ceil(defaults::TICK.as_millis() as u64);
        match self.ticks > ticks_max {
            true => Err(Stop::Cpu),
            // tokio's own yield lets the worker look at its sockets in between; a plain wake-up would not, and sixty
            // ticks of a loop would pass before they are served.
            false => Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))),
        }
    }
}
