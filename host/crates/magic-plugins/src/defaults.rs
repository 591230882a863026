//! Every number of this crate: value, unit, reason. Nothing else chooses one.
use std::path::PathBuf;
use std::time::Duration;

/// What the runtime as a whole may spend. Built from the host's configuration; `Options::default()` serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where compiled components are kept between starts. The directory is ours alone (0700); `None` compiles anew.
    pub cache_dir: Option<PathBuf>,
    /// Instances of tools alive at the same time over all components; beyond it calls wait, then are `Busy`.
    pub instances_max: u32,
    /// A larger file is refused unread by the compiler.
    pub component_bytes_max: usize,
    /// A compile, with the wait for the one before it, that takes longer is reported as failed. It cannot be
    /// interrupted: it runs out on its thread, and the next compile waits for it.
    pub compile_wall_max: Duration,
    /// Calls of one component that may wait for a place; more are `Busy` at once.
    pub waiting_max: u32,
    /// How long a call waits for a place before it is `Busy`.
    pub wait_max: Duration,
    /// What one call may spend where the component's policy says nothing.
    pub defaults: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_dir: None,
            instances_max: INSTANCES_MAX,
            component_bytes_max: COMPONENT_BYTES_MAX,
            compile_wall_max: COMPILE_WALL_MAX,
            waiting_max: WAITING_MAX,
            wait_max: WAIT_MAX,
            defaults: Limits::default(),
        }
    }
}

// === impl Options ===
impl Options {
    /// Live instances of drivers: never more than half of what tools may have.
    pub(crate) fn drives_live_max(&self) -> u32 {
        DRIVES_LIVE_MAX.min(self.instances_max / 2).max(1)
    }
}

/// What one call may spend. A policy file's `limits` replaces single numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories of the instance together.
    pub memory_bytes_max: usize,
    /// From the first instruction to the result, waiting for the host included.
    pub wall_ms_max: u64,
    /// Time in guest code, counted in epochs of [`TICK`]; waiting for the host is free.
    pub cpu_ms_max: u64,
    /// Text and structured output together.
    pub output_bytes_max: usize,
    /// Calls of our own imports (not WASI's, which are bounded by time and memory).
    pub host_calls_max: u32,
    /// Calls of this component at the same time.
    pub concurrency_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // 64 MiB: a Python guest idles at 30 MiB; an answer for a model needs kilobytes.
            memory_bytes_max: 64 << 20,
            // 30 s: a model waits for it, and so does a user; slow sites answer in 10 s or not at all.
            wall_ms_max: 30_000,
            // 5 s: a Python guest starts in 1 ms and computes for milliseconds; seconds mean it is lost.
            cpu_ms_max: 5_000,
            // 256 KiB is about 64 000 tokens, more than a model should be told at once.
            output_bytes_max: 256 << 10,
            // 1000: a paged fetch with logging makes tens.
            host_calls_max: 1_000,
            // 32: half of the default pool, so that one component alone cannot starve the others.
            concurrency_max: 32,
        }
    }
}

/// 64: the pool reserves address space for each; a tool call lasts 50 µs to some seconds, and a gateway of one machine
/// has tens under way. Each live one may touch its memory limit, so this times 64 MiB is the worst case.
pub(crate) const INSTANCES_MAX: u32 = 64;
/// 64 MiB: Python components are 18 MB, StarlingMonkey's 12 MB.
pub(crate) const COMPONENT_BYTES_MAX: usize = 64 << 20;
/// 120 s: an 18 MB component compiles in 10 s on an idle core, and the core is rarely idle.
pub(crate) const COMPILE_WALL_MAX: Duration = Duration::from_secs(120);
/// 256 calls: at 50 µs each they drain in milliseconds; when they do not, more would not help.
pub(crate) const WAITING_MAX: u32 = 256;
/// 2 s: longer, and the model is better told to go on without.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(2);
/// What `Busy` suggests, in milliseconds.
pub(crate) const RETRY_MS: u32 = 250;

/// 10 ms: how often epochs tick. Shorter costs wake-ups on an idle machine, longer lets a loop hold its thread longer.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// 256 MiB: no policy may grant more memory than the pool's slots are wide.
pub(crate) const MEMORY_BYTES_CEILING: usize = 256 << 20;
/// 10 min: no policy may grant more time to one call.
pub(crate) const TIME_MS_CEILING: u64 = 600_000;
/// 64 MiB: no policy may let one call hand the host more than this.
pub(crate) const BYTES_CEILING: usize = 64 << 20;
/// 1 000 000 host calls: no policy may grant more.
pub(crate) const HOST_CALLS_CEILING: u32 = 1_000_000;
/// 10 000 calls of one component at once: far beyond any pool; it only keeps the number a sane one.
pub(crate) const CONCURRENCY_CEILING: u32 = 10_000;

// Driver patterns.
/// 16 live instances over all drives, beside the pool, so that tools keep all their places. An instance is needed while a
/// call lasts, far below a millisecond for most, and is rebuilt in little more: two cores are never short of them. Each
/// may hold its memory limit while its session waits, so this is small: a Rust pattern holds 80 KiB, a Python one 30 MiB.
pub(crate) const DRIVES_LIVE_MAX: u32 = 16;
/// 30 s for one: whoever waits is a session that the host has let in, and would end if it were turned away.
pub(crate) const DRIVE_WAIT_MAX: Duration = Duration::from_secs(30);
/// 16 MiB of one call's directives: each `ask` carries the whole conversation, images and all, and a batch has several.
pub(crate) const DRIVER_OUTPUT_BYTES_MAX: usize = 16 << 20;
/// 256 directives of one call: samples and branches of a search are tens.
pub(crate) const DIRECTIVES_MAX: usize = 256;
/// 256 bytes of a name that a driver gives: an alias, a key, a kind of progress.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// What an element of a list weighs beside its texts.
pub(crate) const ELEMENT_BYTES: usize = 16;
/// 64 KiB of options of one session.
pub(crate) const OPTIONS_BYTES_MAX: usize = 64 << 10;
/// 4 KiB of random bytes are drawn from a session's seed, and then again: Python seeds itself with 2.5 KiB.
pub(crate) const SEEDED_BYTES: usize = 4 << 10;

// What one component may consist of, taken from measured Python, JavaScript and Go guests.
/// Table elements of one table: Python needs tens of thousands.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;
/// Bytes of a component's or core instance's own bookkeeping.
pub(crate) const INSTANCE_BYTES_MAX: usize = 8 << 20;
pub(crate) const CORE_INSTANCES_MAX: u32 = 100;
pub(crate) const MEMORIES_MAX: u32 = 20;
pub(crate) const TABLES_MAX: u32 = 20;
/// Average shares in the pool: a plain component has one memory, a WASI one with an adapter two tables and six core
/// instances. Where big ones use the averages up, a call is `Busy`, not wrong.
pub(crate) const MEMORIES_PER_INSTANCE: u32 = 2;
pub(crate) const TABLES_PER_INSTANCE: u32 = 3;
pub(crate) const CORE_INSTANCES_PER_INSTANCE: u32 = 12;
/// 64 KiB kept per pooled memory over calls: saves the page faults of a small guest.
pub(crate) const KEEP_RESIDENT_BYTES: usize = 64 << 10;
/// Slots that keep it: 32 × 64 KiB = 2 MiB at most.
pub(crate) const WARM_SLOTS: u32 = 32;

/// 1 MiB of the guest's stack: Python and JavaScript recurse deeply; endless recursion ends within a millisecond.
pub(crate) const WASM_STACK_BYTES: usize = 1 << 20;
/// 2 MiB: the guest's stack and as much again for host functions, which run on the same fibre.
pub(crate) const ASYNC_STACK_BYTES: usize = 2 << 20;
/// 1000 handles of resources (WASI streams and the like) at once.
pub(crate) const HANDLES_MAX: usize = 1_000;
/// What a guest may hand the host in one go beyond output and request bodies: names, headers, log lines.
pub(crate) const HOSTCALL_SLACK_BYTES: usize = 1 << 20;

/// 1 MiB of arguments for one call.
pub(crate) const ARGUMENTS_BYTES_MAX: usize = 1 << 20;
/// 8 KiB of a guest's own error text reach the model.
pub(crate) const ERROR_BYTES_MAX: usize = 8 << 10;
/// Violations of a schema told to the model at once.
pub(crate) const VIOLATIONS_MAX: usize = 20;

/// 1 KiB of an error about a file, and 4 KiB of a trap with its backtrace in the log.
pub(crate) const PROBLEM_BYTES_MAX: usize = 1 << 10;
pub(crate) const TRAP_BYTES_MAX: usize = 4 << 10;

// What a component may say of itself.
/// 256 KiB of prompt in all blocks together.
pub(crate) const STRUCTURE_BYTES_MAX: usize = 256 << 10;
pub(crate) const STRUCTURE_STEPS_MAX: usize = 64;
/// 64 tools of one component.
pub(crate) const TOOLS_MAX: usize = 64;
/// 8 KiB: a description is paid for in every prompt.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 8 << 10;
/// 64 KiB of one schema.
pub(crate) const SCHEMA_BYTES_MAX: usize = 64 << 10;
/// 50 000 sub-schemas, each `$ref` counted with all that it pulls in: a schema may not explode while it is checked.
pub(crate) const SCHEMA_COST_MAX: u64 = 50_000;
/// 1 000 000 tries of sub-schemas for one set of arguments: below a second.
pub(crate) const SCHEMA_TRIES_MAX: u64 = 1_000_000;
/// 512 KiB of schemas of one component together.
pub(crate) const SCHEMAS_BYTES_MAX: usize = 512 << 10;
/// 256 KiB of one compiled pattern: enough for a UUID or a date, too little to be slow to compile.
pub(crate) const PATTERN_BYTES_MAX: usize = 256 << 10;
/// 4 MiB: what a component may say of itself, all in all, whatever its policy lets a call return.
pub(crate) const DESCRIBE_BYTES_MAX: usize = 4 << 20;
/// The probe of a new file: less than a call gets, since it only describes itself; time enough for Python to start.
pub(crate) const PROBE_CPU_MS_MAX: u64 = 5_000;
pub(crate) const PROBE_WALL_MS_MAX: u64 = 10_000;
pub(crate) const PROBE_HOST_CALLS_MAX: u32 = 100;

// HTTP of a component, where its policy grants it.
/// 15 s for one request.
pub(crate) const HTTP_TIMEOUT_MS: u64 = 15_000;
/// 2 MiB of response: a page of HTML with inlined pictures.
pub(crate) const HTTP_RESPONSE_BYTES_MAX: usize = 2 << 20;
/// 256 KiB of request body.
pub(crate) const HTTP_REQUEST_BYTES_MAX: usize = 256 << 10;
pub(crate) const HTTP_URL_BYTES_MAX: usize = 8 << 10;
pub(crate) const HTTP_HEADERS_MAX: usize = 64;
pub(crate) const HTTP_HEADER_BYTES_MAX: usize = 16 << 10;
/// Requests of one `send-all`, and how many of them at the same time.
pub(crate) const HTTP_BATCH_MAX: usize = 32;
pub(crate) const HTTP_PARALLEL_MAX: usize = 8;

// The key-value store of a component.
/// 1 MiB, keys and values together, where the policy grants `kv` and says no number.
pub(crate) const KV_BYTES_MAX: usize = 1 << 20;
pub(crate) const KV_KEY_BYTES_MAX: usize = 512;
/// What an entry costs beside its bytes, so that empty values are not free.
pub(crate) const KV_ENTRY_BYTES: usize = 64;
pub(crate) const KV_LIST_MAX: usize = 1_000;

// Logging of a component.
/// 2 KiB a line; the rest is cut off.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 2 << 10;
/// 50 lines a second and component; the rest is counted and told in one line.
pub(crate) const LOG_LINES_PER_SECOND: u32 = 50;
/// 16 KiB of a WASI guest's stdout and stderr, each, of one call.
pub(crate) const STDIO_BYTES_MAX: usize = 16 << 10;
/// 64 KiB of random bytes in one go: seeds are tens.
pub(crate) const WASI_RANDOM_BYTES_MAX: u64 = 64 << 10;
