//! What can be asked of a component, one file for each world of wit/: the first call of a new file, the checks of what
//! it says of itself, the calls after that.
use crate::component::{Door, Guest, Shape};
use crate::defaults;
use crate::error::LoadError;
use crate::gate::Gate;
use crate::host::{Host, Inbound, Outbound, OutboundError};
use crate::lines::Lines;
use crate::policy::Policy;
use futures_util::future::BoxFuture;
use magic_types::Secret;
use std::sync::Arc;
use std::time::SystemTime;

pub(crate) mod driver;
mod info;
pub(crate) mod pattern;
pub(crate) mod toolbox;

/// What the first call made of a component.
pub(crate) struct Probed {
    /// The name it gives itself.
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) shape: Shape,
}

/// The host of a first call, and of a driver: there is nothing.
pub(crate) struct Nothing;

/// The component as its first call sees it: the same memory, less time, no grant.
fn denied(guest: &Guest) -> Arc<Guest> {
    let mut limits = guest.limits;
    limits.cpu_ms_max = limits.cpu_ms_max.min(defaults::PROBE_CPU_MS_MAX);
    limits.wall_ms_max = limits.wall_ms_max.min(defaults::PROBE_WALL_MS_MAX);
    limits.host_calls_max = limits.host_calls_max.min(defaults::PROBE_HOST_CALLS_MAX);
    limits.output_bytes_max = limits.output_bytes_max.max(defaults::DESCRIBE_BYTES_MAX);
    Arc::new(Guest {
        file: guest.file.clone(),
        kind: guest.kind,
        policy: Policy::default(),
        limits,
        gate: Gate::new(1, 0, defaults::WAIT_MAX),
        door: Door::Probe,
        lines: Lines::default(),
    })
}

/// Turns the end of a first call into the problem of its file.
fn probe_failed(function: &'static str, stop: &crate::trap::Stop, guest: &Guest) -> LoadError {
    LoadError::Probe { function, why: stop.text(guest) }
}

// === impl Nothing ===
impl Host for Nothing {
    fn http<'a>(&'a self, _: &'a str, _: Outbound) -> BoxFuture<'a, Result<Inbound, OutboundError>> {
        Box::pin(std::future::ready(Err(OutboundError::Denied("not while it is loaded".to_owned()))))
    }

    fn secret(&self, _: &str, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}
