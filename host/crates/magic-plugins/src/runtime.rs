//! One engine, one linker, one pool for the process; and the way from a file's bytes to a loaded component. Changes
//! nothing that is running: the caller swaps registries.
use crate::classify::{self, Export, Found};
use crate::component::{Component, Door, Guest, Kind};
use crate::defaults::{self, Limits, Options};
use crate::drive::Seats;
use crate::engine;
use crate::error::{Error, LoadError, short, told};
use crate::gate::Gate;
use crate::kinds::{driver, pattern, toolbox};
use crate::kv;
use crate::lines::Lines;
use crate::live::{Counted, Counters, Guard, Live};
use crate::policy::Policy;
use crate::state::State;
use bytes::Bytes;
use magic_types::Digest;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Cache, Engine};

/// The engine and what belongs to it. Shared by every component; ends, with its ticker, when the last one goes.
pub struct Runtime {
    pub(crate) engine: Engine,
    linker: Linker<State>,
    drivers_linker: Linker<State>,
    pub(crate) options: Options,
    pub(crate) gate: Gate,
    /// One place beside the pool, for first calls.
    pub(crate) probe_gate: Gate,
    /// Instances of drives, beside the pool of tools.
    pub(crate) seats: Seats,
    pub(crate) counters: Arc<Counters>,
    pub(crate) kv: kv::Stores,
    /// Held while something compiles, also after the wait for it was given up.
    compiling: Arc<Semaphore>,
    pooling: bool,
    cache: Option<Cache>,
}

/// A file to load.
pub struct Source {
    /// The file's name without `.wasm`: also the name of what it holds, unless it says otherwise.
    pub name: String,
    /// By the folder it lies in; `None` takes either.
    pub kind: Option<Kind>,
    pub bytes: Bytes,
    pub policy: Policy,
}

struct Compiled {
    found: Found,
    digest: Digest,
    pre: InstancePre<State>,
    compile: Duration,
}

// === impl Runtime ===
impl Runtime {
    /// Reserves the pool's address space (where that fails, instances are allocated on demand, with a warning) and
    /// starts the ticker's thread. A cache directory that cannot be used is a warning, not an error.
    pub fn new(options: Options) -> Result<Arc<Self>, Error> {
        let engine::Built { engine, pooling, cache } = engine::build(&options)?;
        engine::start_ticker(&engine)?;
        let told = |error| Error::Engine(format!("{error:#}"));
        let linker = crate::imports::linker(&engine).map_err(told)?;
        let drivers_linker = crate::imports::drivers_linker(&engine).map_err(told)?;
        let gate = Gate::new(options.instances_max, options.waiting_max.saturating_mul(4), options.wait_max);
        let probe_gate = Gate::new(1, u32::MAX, options.compile_wall_max);
        Ok(Arc::new(Self {
            engine,
            linker,
            drivers_linker,
            gate,
            probe_gate,
            seats: Seats::new(options.drives_live_max()),
            options,
            counters: Arc::default(),
            kv: kv::Stores::default(),
            compiling: Arc::new(Semaphore::new(1)),
            pooling,
            cache,
        }))
    }

    /// Classifies, compiles, probes and checks one file. To be awaited on a tokio runtime with time enabled; the work
    /// is done on the blocking pool, one file at a time. Nothing is registered.
    pub async fn load(self: &Arc<Self>, source: Source) -> Result<Arc<Component>, LoadError> {
        let wall_max = self.options.compile_wall_max;
        match timeout(wall_max, self.load_unbounded(source)).await {
            Ok(loaded) => loaded,
            Err(_) => Err(LoadError::CompileTimedOut { seconds: wall_max.as_secs() }),
        }
    }

    async fn load_unbounded(self: &Arc<Self>, source: Source) -> Result<Arc<Component>, LoadError> {
        let Source { name: file, kind: folder, bytes, policy } = source;
        let size = bytes.len();
        let Compiled { found, digest, pre, compile } = self.compile(bytes, folder).await?;
        let kind = found.export.kind();
        let guest = Arc::new(self.guest(&file, found.export, policy));
        let probed = match found.export {
            Export::Structure => pattern::probe(self, &guest, &found, pre).await?,
            Export::Driver => driver::probe(self, &guest, &found, pre).await?,
            Export::Toolbox => toolbox::probe(self, &guest, pre).await?,
        };
        let compile_ms = u64::try_from(compile.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(component = %file, digest = %short(digest), bytes = size, compile_ms, "{kind} `{file}` compiled");
        Ok(Arc::new(Component {
            name: probed.name.unwrap_or_else(|| file.clone()),
            file,
            kind,
            digest,
            bytes: size,
            version: probed.version,
            description: probed.description,
            compile,
            shape: probed.shape,
            guest,
            runtime: Arc::clone(self),
            _live: Guard::new(&self.counters, Counted::Component),
        }))
    }

    fn guest(&self, file: &str, export: Export, policy: Policy) -> Guest {
        let options = &self.options;
        let (policy, limits, gate) = match export {
            Export::Structure | Export::Toolbox => {
                let limits = policy.limits(options.defaults);
                let gate = Gate::new(limits.concurrency_max, options.waiting_max, options.wait_max);
                (policy, limits, gate)
            }
            Export::Driver => {
                let output_bytes_max = options.defaults.output_bytes_max.max(defaults::DRIVER_OUTPUT_BYTES_MAX);
                let limits = policy.limits(Limits { output_bytes_max, ..options.defaults });
                // Half of the seats, so that one driver that loops cannot stop the sessions of the others.
                let places = limits.concurrency_max.min(options.drives_live_max() / 2);
                // No grant: what a driver learned outside, no replay would tell it again.
                (Policy::default(), limits, Gate::new(places, u32::MAX, defaults::DRIVE_WAIT_MAX))
            }
        };
        let (file, kind) = (file.to_owned(), export.kind());
        Guest { file, kind, policy, limits, gate, door: Door::Pool, lines: Lines::default() }
    }

    /// A compile cannot be interrupted: its thread holds the permit until it is done, whoever still waits.
    async fn compile(self: &Arc<Self>, bytes: Bytes, folder: Option<Kind>) -> Result<Compiled, LoadError> {
        let permit = Arc::clone(&self.compiling).acquire_owned().await;
        let permit = permit.map_err(|error| LoadError::Internal(error.to_string()))?;
        let runtime = Arc::clone(self);
        let compiling = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            runtime.compile_here(&bytes, folder)
        });
        compiling.await.map_err(|error| LoadError::Internal(error.to_string()))?
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that compiles, on the blocking pool")]
    fn compile_here(&self, bytes: &[u8], folder: Option<Kind>) -> Result<Compiled, LoadError> {
        let encoded = classify::component(bytes, self.options.component_bytes_max)?;
        let found = classify::shape(&encoded, folder)?;
        let digest = Digest(Sha256::digest(bytes).into());
        let began = Instant::now();
        let component = wasmtime::component::Component::new(&self.engine, &encoded);
        let component = component.map_err(|error| LoadError::Compile(told(&error)))?;
        let compile = began.elapsed();
        let linker = match found.export {
            Export::Structure | Export::Toolbox => &self.linker,
            Export::Driver => &self.drivers_linker,
        };
        let pre = linker.instantiate_pre(&component).map_err(|error| LoadError::UnknownImport(told(&error)))?;
        Ok(Compiled { found, digest, pre, compile })
    }

    pub(crate) fn door(&self, door: Door) -> &Gate {
        match door {
            Door::Pool => &self.gate,
            Door::Probe => &self.probe_gate,
        }
    }

    /// What is alive right now.
    pub fn live(&self) -> Live {
        self.counters.read()
    }

    /// Whether any component was taken from the cache instead of being compiled.
    pub fn is_from_cache(&self) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.cache_hits() > 0)
    }

    /// Whether instances come from the pool. `false` means there was no address space for it: calls cost more.
    pub fn is_pooling(&self) -> bool {
        self.pooling
    }
}
