//! Measures what a component costs: compile, load from the cache, first call, fresh-instance call. For people, no
//! assertions: `cargo run --release -p magic-plugins --example call_cost -- tools/text_stats.wasm text_stats '{"text":"a b"}'`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement prints and reads the real clock")]
use bytes::Bytes;
use futures_util::future::BoxFuture;
use magic_plugins::{Caller, Host, Inbound, Options, Outbound, OutboundError, Policy, Runtime, Source};
use magic_types::Secret;
use magic_types::chat::ToolCall;
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
    let [path, tool, arguments_json] = arguments.as_slice() else {
        return Err("usage: call_cost FILE.wasm TOOL ARGUMENTS_JSON".into());
    };
    let bytes = Bytes::from(std::fs::read(path)?);
    let cache_dir = std::env::temp_dir().join(format!("magic-plugins-call-cost-{}", std::process::id()));
    for from in ["compiled", "from cache"] {
        let runtime = Runtime::new(Options { cache_dir: Some(cache_dir.clone()), ..Options::default() })?;
        let policy = Policy::parse("clock: true")?;
        let began = Instant::now();
        let source = Source { name: "measured".to_owned(), kind: None, bytes: bytes.clone(), policy };
        let component = runtime.load(source).await?;
        let loaded = began.elapsed();
        let call = ToolCall { id: "c".to_owned(), name: tool.clone(), arguments_json: arguments_json.clone() };
        let host: Arc<dyn Host> = Arc::new(Alone);
        let mut took = Vec::new();
        for _ in 0..20_000 {
            let began = Instant::now();
            component.call(&call, Caller::default(), Arc::clone(&host)).await?;
            took.push(began.elapsed());
        }
        let first = took.first().copied().unwrap_or_default();
        took.sort_unstable();
        let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or_default();
        println!(
            "{from}: {} bytes, pool {}, {:?} to compile, {loaded:?} to load; call: first {first:?}, p50 {:?}, p90 {:?}, p99 {:?}",
            bytes.len(),
            runtime.is_pooling(),
            component.compile,
            at(0.5),
            at(0.9),
            at(0.99)
        );
        // The cache is written by a thread of its own.
        std::thread::sleep(Duration::from_secs(1));
    }
    std::fs::remove_dir_all(cache_dir)?;
    Ok(())
}
