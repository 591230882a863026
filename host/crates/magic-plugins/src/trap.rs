//! Why a call ended before its result: wasmtime's errors and our own limits as one closed list, each with a short text
//! for the model. Backtraces go to the log and never further.
use crate::component::Guest;
use crate::defaults;
use crate::lines;
use crate::state::State;
use magic_types::chat::ToolError;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("all places are taken")]
    Busy,
    #[error("{0}")]
    Denied(String),
    #[error("out of memory")]
    Memory,
    #[error("out of CPU time")]
    Cpu,
    #[error("out of wall time")]
    Wall,
    #[error("too many host calls")]
    HostCalls,
    #[error("too many bytes handed to the host")]
    HostBytes,
    #[error("stack exhausted")]
    Stack,
    #[error("exited with status {0}")]
    Exit(i32),
    /// The trap's own short text, without backtrace.
    #[error("{0}")]
    Trap(String),
    /// Everything else, already logged.
    #[error("the component could not be run")]
    Other,
}

/// Finds the reason and logs the details.
pub(crate) fn explain(error: &wasmtime::Error, state: &State) -> Stop {
    let stop = reason(error, state);
    let guest = &state.guest;
    let details = format!("{error:?}");
    let details = lines::cut(&details, defaults::TRAP_BYTES_MAX);
    let file = guest.file.as_str();
    tracing::warn!(component = file, kind = guest.kind.as_str(), "component `{file}` stopped: {stop}: {details}");
    stop
}

fn reason(error: &wasmtime::Error, state: &State) -> Stop {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stop.clone();
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Stop::Busy;
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        return Stop::Exit(*status);
    }
    // A guest whose allocator was refused aborts: the trap is the consequence, the limit the reason.
    if state.room.refused {
        return Stop::Memory;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Stop::Stack,
        Some(Trap::Interrupt) => Stop::Cpu,
        Some(trap) => Stop::Trap(trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
        None if error.to_string().contains("fuel") => Stop::HostBytes,
        None => Stop::Other,
    }
}

// === impl Stop ===
impl Stop {
    /// What the model reads: the limit by the key that raises it, where there is one.
    pub(crate) fn text(&self, guest: &Guest) -> String {
        let limits = guest.limits;
        match self {
            Self::Busy => "the component has no free place".to_owned(),
            Self::Denied(text) => text.clone(),
            Self::Memory => {
                format!("the component needs more memory than limits.memory_bytes_max ({})", limits.memory_bytes_max)
            }
            Self::Cpu => format!("the component computed longer than limits.cpu_ms_max ({} ms)", limits.cpu_ms_max),
            Self::Wall => format!("the component took longer than limits.wall_ms_max ({} ms)", limits.wall_ms_max),
            Self::HostCalls => {
                format!("the component made more host calls than limits.host_calls_max ({})", limits.host_calls_max)
            }
            Self::HostBytes => {
                format!(
                    "the component handed over more bytes than limits.output_bytes_max ({}) allows",
                    limits.output_bytes_max
                )
            }
            Self::Stack => "the component recursed too deeply".to_owned(),
            Self::Exit(status) => format!("the component exited with status {status}"),
            Self::Trap(text) => format!("the component crashed: {text}"),
            Self::Other => "the component could not be run".to_owned(),
        }
    }

    pub(crate) fn tool_error(&self, guest: &Guest) -> ToolError {
        match self {
            Self::Busy => ToolError::Busy(defaults::RETRY_MS),
            Self::Denied(text) => ToolError::Denied(text.clone()),
            Self::Wall => ToolError::TimedOut,
            Self::Memory
            | Self::Cpu
            | Self::HostCalls
            | Self::HostBytes
            | Self::Stack
            | Self::Exit(_)
            | Self::Trap(_)
            | Self::Other => ToolError::Failed(self.text(guest)),
        }
    }
}
