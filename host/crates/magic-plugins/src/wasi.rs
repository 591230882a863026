//! WASI with nothing in it: no files, no environment, no arguments, no network, closed stdin, and a clock that stands at
//! 1970 unless the policy grants `clock`. The monotonic clock and random numbers are real: runtimes of other languages
//! cannot start without them, and they tell nothing. A driver's random numbers are drawn from its session's seed, so that
//! a replay draws the same. What a guest prints goes to the log, bounded.
use crate::component::Guest;
use crate::defaults;
use crate::host::Host;
use crate::lines;
use crate::state::State;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use tracing::Level;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{Deterministic, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// One call's WASI.
pub(crate) struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    printed: [Printed; 2],
}

/// What went to stdout or stderr; beyond the bound it is counted only.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Text>>);

#[derive(Default)]
struct Text {
    kept: Vec<u8>,
    dropped_bytes: usize,
}

/// The host's clock, for a component that may see it.
struct Granted(Arc<dyn Host>);

/// The clock of a component that may not.
struct Standing;

/// Bytes that look random and follow from the seed.
fn drawn(seed: u64) -> Vec<u8> {
    let blocks = (0..defaults::SEEDED_BYTES / 32).map(|block| {
        let block = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(block.to_le_bytes());
        block.finalize()
    });
    blocks.flatten().collect()
}

// === impl Wasi ===
impl Wasi {
    fn new(guest: &Guest, host: &Arc<dyn Host>, seed: Option<u64>) -> Self {
        let printed = [Printed::default(), Printed::default()];
        let [stdout, stderr] = printed.clone();
        let mut builder = WasiCtxBuilder::new();
        builder.stdout(stdout).stderr(stderr).allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        builder.max_random_size(defaults::WASI_RANDOM_BYTES_MAX);
        match guest.policy.clock {
            true => builder.wall_clock(Granted(Arc::clone(host))),
            false => builder.wall_clock(Standing),
        };
        if let Some(seed) = seed {
            let bytes = drawn(seed);
            builder.secure_random(Deterministic::new(bytes.clone())).insecure_random(Deterministic::new(bytes));
            builder.insecure_random_seed(u128::from(seed));
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(defaults::HANDLES_MAX);
        Self { ctx: builder.build(), table, printed }
    }

    /// Takes what was printed and logs it, line by line.
    pub(crate) fn log(&self, guest: &Guest, is_said_before: bool) {
        for (printed, level) in self.printed.iter().zip([Level::INFO, Level::WARN]) {
            let text = std::mem::take(&mut *printed.0.lock().unwrap_or_else(PoisonError::into_inner));
            if is_said_before {
                continue;
            }
            String::from_utf8_lossy(&text.kept).lines().for_each(|line| lines::say(guest, level, line));
            if text.dropped_bytes > 0 {
                lines::say(guest, level, &format!("{} more bytes printed", text.dropped_bytes));
            }
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Self { wasi, guest, host, seed, .. } = self;
        let wasi = wasi.get_or_insert_with(|| Box::new(Wasi::new(guest, host, *seed)));
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut wasi.table }
    }
}

// === impl Printed ===
impl Printed {
    fn take(&self, bytes: &[u8]) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = defaults::STDIO_BYTES_MAX.saturating_sub(text.kept.len());
        let (kept, dropped) = bytes.split_at(room.min(bytes.len()));
        text.kept.extend_from_slice(kept);
        text.dropped_bytes = text.dropped_bytes.saturating_add(dropped.len());
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    // Preview 3 and preview 1 would ask for this one; neither is linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(defaults::STDIO_BYTES_MAX)
    }
}

impl HostWallClock for Granted {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0.now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl HostWallClock for Standing {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}
