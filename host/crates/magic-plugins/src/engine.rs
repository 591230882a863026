//! The one engine: every knob with its reason, and the thread that ticks its epochs. Knows no component.
use crate::cache;
use crate::defaults::{self, Options};
use crate::error::Error;
use std::thread;
use wasmtime::{Cache, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

pub(crate) struct Built {
    pub(crate) engine: Engine,
    pub(crate) pooling: bool,
    pub(crate) cache: Option<Cache>,
}

/// Tries the pool first. It reserves address space at once, so where there is too little this fails here and not at a
/// call; then instances are allocated on demand.
#[expect(clippy::disallowed_methods, reason = "the one engine of the process")]
pub(crate) fn build(options: &Options) -> Result<Built, Error> {
    let cache = options.cache_dir.as_deref().and_then(cache::open);
    let mut config = config();
    config.cache(cache.clone());
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    match Engine::new(&config) {
        Ok(engine) => Ok(Built { engine, pooling: true, cache }),
        Err(error) => {
            tracing::warn!("no address space for the instance pool, allocating on demand: {error:#}");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            let engine = Engine::new(&config).map_err(|error| Error::Engine(format!("{error:#}")))?;
            Ok(Built { engine, pooling: false, cache })
        }
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    // CPU time is bounded by epochs: a load and a compare at loop heads, where fuel would count every instruction.
    config.epoch_interruption(true);
    config.max_wasm_stack(defaults::WASM_STACK_BYTES);
    config.async_stack_size(defaults::ASYNC_STACK_BYTES);
    // A fresh instance maps the module's data copy-on-write instead of copying it.
    config.memory_init_cow(true);
    // Trap messages for the log name functions; they never reach a model.
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    config
}

fn pool(options: &Options) -> PoolingAllocationConfig {
    // One more than may be called: the first call of a new file has its own place. Drivers have theirs beside the tools.
    let instances = options.instances_max.max(1).saturating_add(1).saturating_add(options.drives_live_max());
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    pool.total_core_instances(instances.saturating_mul(defaults::CORE_INSTANCES_PER_INSTANCE));
    pool.total_memories(instances.saturating_mul(defaults::MEMORIES_PER_INSTANCE).max(defaults::MEMORIES_MAX));
    pool.total_tables(instances.saturating_mul(defaults::TABLES_PER_INSTANCE).max(defaults::TABLES_MAX));
    pool.total_stacks(instances);
    pool.max_memory_size(defaults::MEMORY_BYTES_CEILING);
    pool.table_elements(defaults::TABLE_ELEMENTS_MAX);
    pool.max_component_instance_size(defaults::INSTANCE_BYTES_MAX);
    pool.max_core_instance_size(defaults::INSTANCE_BYTES_MAX);
    pool.max_core_instances_per_component(defaults::CORE_INSTANCES_MAX);
    pool.max_memories_per_component(defaults::MEMORIES_MAX);
    pool.max_tables_per_component(defaults::TABLES_MAX);
    pool.linear_memory_keep_resident(defaults::KEEP_RESIDENT_BYTES);
    pool.table_keep_resident(defaults::KEEP_RESIDENT_BYTES);
    pool.max_unused_warm_slots(defaults::WARM_SLOTS.min(instances));
    pool
}

/// The ticker holds the engine weakly and ends within one tick of its end.
pub(crate) fn start_ticker(engine: &Engine) -> Result<(), Error> {
    let weak = engine.weak();
    let tick = move || {
        loop {
            thread::sleep(defaults::TICK);
            match weak.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    };
    thread::Builder::new().name("magic-epoch".to_owned()).spawn(tick).map(drop).map_err(Error::Ticker)
}
