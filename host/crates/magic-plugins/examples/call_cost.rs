//! Measures what a component costs. For people, no assertions. A tool: compile, load from the cache, first call,
//! fresh-instance call. A driver: a call on its instance, the same when the instance is to be built again, live memory.
//! `cargo run --release -p magic-plugins --example call_cost -- tools/text_stats.wasm text_stats '{"text":"a b"}'`
//! `cargo run --release -p magic-plugins --example call_cost -- patterns/sonata_react.wasm`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement prints and reads the real clock")]
use bytes::Bytes;
use futures_util::future::BoxFuture;
use magic_plugins::{
    Caller, Drive, DriveError, Host, Inbound, Options, Outbound, OutboundError, Policy, Runtime, Source,
};
use magic_types::chat::{Message, Role, ToolCall};
use magic_types::directive::{Event, Limits, SessionContext};
use magic_types::{Secret, Usage};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

struct Alone;

impl Host for Alone {
    fn http<'a>(&'a self, _: &'a str, _: Outbound) -> BoxFuture<'a, Result<Inbound, OutboundError>> {
        Box::pin(std::future::ready(Err(OutboundError::Denied("a measurement asks nobody".to_owned()))))
    }

    fn secret(&self, _: &str, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [path, tool, arguments_json] => tool_cost(Bytes::from(std::fs::read(path)?), tool, arguments_json).await,
        [path] => driver_cost(Bytes::from(std::fs::read(path)?)).await,
        _ => Err("usage: call_cost TOOL.wasm NAME ARGUMENTS_JSON | call_cost DRIVER.wasm".into()),
    }
}

async fn tool_cost(bytes: Bytes, tool: &str, arguments_json: &str) -> Result<(), Box<dyn Error>> {
    let cache_dir = std::env::temp_dir().join(format!("magic-plugins-call-cost-{}", std::process::id()));
    for from in ["compiled", "from cache"] {
        let runtime = Runtime::new(Options { cache_dir: Some(cache_dir.clone()), ..Options::default() })?;
        let policy = Policy::parse("clock: true")?;
        let began = Instant::now();
        let source = Source { name: "measured".to_owned(), kind: None, bytes: bytes.clone(), policy };
        let component = runtime.load(source).await?;
        let loaded = began.elapsed();
        let call = ToolCall { id: "c".to_owned(), name: tool.to_owned(), arguments_json: arguments_json.to_owned() };
        let host: Arc<dyn Host> = Arc::new(Alone);
        let mut took = Vec::new();
        for _ in 0..20_000 {
            let began = Instant::now();
            component.call(&call, Caller::default(), Arc::clone(&host)).await?;
            took.push(began.elapsed());
        }
        println!(
            "{from}: {} bytes, pool {}, {:?} to compile, {loaded:?} to load; call: {}",
            bytes.len(),
            runtime.is_pooling(),
            component.compile,
            spread(took)
        );
        // The cache is written by a thread of its own.
        std::thread::sleep(Duration::from_secs(1));
    }
    std::fs::remove_dir_all(cache_dir)?;
    Ok(())
}

/// The first call and the two after it are told that the session starts, which every driver understands; what they say
/// is not carried out.
async fn driver_cost(bytes: Bytes) -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new(Options::default())?;
    let source = Source { name: "measured".to_owned(), kind: None, bytes, policy: Policy::default() };
    let component = runtime.load(source).await?;
    let (mut first, mut warm, mut rebuilt) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5_000 {
        let mut drive = component.drive(context());
        first.push(timed(&mut drive).await?);
        warm.push(timed(&mut drive).await?);
        drive.evict();
        rebuilt.push(timed(&mut drive).await?);
    }
    println!("first call, with its instance: {}", spread(first));
    println!("on its instance: {}", spread(warm));
    println!("after two calls, instance built again: {}", spread(rebuilt));
    let mut long = component.drive(context());
    let mut after_many = Vec::new();
    for call in 0..200 {
        if call >= 100 {
            long.evict();
        }
        let took = timed(&mut long).await?;
        after_many.extend((call >= 100).then_some(took));
    }
    println!("after 100 to 200 calls, instance built again: {}", spread(after_many));
    let resident_before = resident_kib()?;
    let mut drives = Vec::new();
    for _ in 0..16 {
        let mut drive = component.drive(context());
        timed(&mut drive).await?;
        drives.push(drive);
    }
    let (resident, drivers) = (resident_kib()?, runtime.live().drivers);
    println!("{drivers} live instances: {} KiB more than before", resident.saturating_sub(resident_before));
    Ok(())
}

async fn timed(drive: &mut Drive) -> Result<Duration, DriveError> {
    let began = Instant::now();
    // A driver that minds to be started twice says so; that is as long a way.
    match drive.next(&[Event::Start], &Usage::default()).await {
        Ok(_) | Err(DriveError::Contract(_)) => Ok(began.elapsed()),
        Err(error) => Err(error),
    }
}

fn context() -> SessionContext {
    SessionContext {
        session_id: "measured".to_owned(),
        messages: vec![Message::text(Role::User, "How many legs have three cats and two hens? ".repeat(10))],
        tools: Vec::new(),
        agents: Vec::new(),
        limits: Limits {
            steps_max: 10,
            llm_calls_max: 22,
            tool_calls_max: 40,
            total_tokens_max: None,
            cost_micros_max: None,
            wall_max: Duration::from_secs(300),
            parallel_max: 4,
            depth_max: 0,
        },
        options: "{}".to_owned(),
        seed: 1,
        extra: Vec::new(),
    }
}

fn spread(mut took: Vec<Duration>) -> String {
    let first = took.first().copied().unwrap_or_default();
    took.sort_unstable();
    let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or_default();
    format!("first {first:?}, p50 {:?}, p90 {:?}, p99 {:?}", at(0.5), at(0.9), at(0.99))
}

/// Linux only: elsewhere there is nothing to read, and the figure is 0.
fn resident_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.map_or("0", |line| line.trim().trim_end_matches(" kB")).parse()?)
}
