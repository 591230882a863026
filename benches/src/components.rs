//! The component runtime in this process: compiling, loading, and calls on fresh instances, through its public API.
use crate::contest::Effort;
use crate::numbers::{median, micros, nanos, percentile};
use crate::progress;
use crate::report::{Column, Report, Row, Table};
use crate::scratch::Scratch;
use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use magic_plugins::{
    Caller, Component, Host, Inbound, Kind, Options, Outbound, OutboundError, Policy, Runtime, Source,
};
use magic_types::Secret;
use magic_types::chat::ToolCall;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const LOADS: &[Column] = &[
    Column::new("KiB", "kib", 0),
    Column::new("compiled ms", "compile_ms", 1),
    Column::new("loaded ms", "load_ms", 1),
    Column::new("from the cache ms", "compile_cached_ms", 2),
    Column::new("loaded from it ms", "load_cached_ms", 2),
];
const CALLS: &[Column] =
    &[Column::new("first µs", "first_us", 0), Column::new("p50 µs", "p50_us", 1), Column::new("p99 µs", "p99_us", 1)];
const FILES: [(&str, Kind); 4] = [
    ("calculator", Kind::Tool),
    ("text_stats", Kind::Tool),
    ("basic_react", Kind::Pattern),
    ("standard_gemini_react", Kind::Pattern),
];

/// Denies everything; the tools that are measured ask for nothing.
struct NoHost;

pub(crate) async fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    progress("components");
    let scratch = Scratch::new()?;
    let rounds = effort.rounds;
    let mut rows = Vec::new();
    for (name, kind) in FILES {
        rows.push(loads(name, kind, rounds, &scratch).await?);
    }
    report.push(Table {
        name: "component_loads",
        title: "Components: compile and load",
        rows_are: "component",
        columns: LOADS,
        rows,
        notes: vec![
            "To load is to classify, to compile or take from the cache, and to probe: a pattern is asked for its \
                     structure, a tool for its definitions, which are checked."
                .to_owned(),
        ],
    });
    let stats = serde_json::json!({ "text": "The quick brown fox. ".repeat(50) }).to_string();
    let work = [("calculator", r#"{"expression": "17 * 23"}"#), ("text_stats", stats.as_str())];
    let mut rows = Vec::new();
    for (name, arguments) in work {
        rows.push(calls(name, arguments, effort.calls).await?);
    }
    report.push(Table {
        name: "component_calls",
        title: "Tool calls, each on a fresh instance",
        rows_are: "tool",
        columns: CALLS,
        rows,
        notes: vec![
            "Arguments checked against the schema, limits set, instance made, called and thrown away. `text_stats` \
                     reads 1 KiB. Aim: under 50 µs."
                .to_owned(),
        ],
    });
    Ok(())
}

/// A runtime for each load, as a start of the gateway has it.
async fn loads(name: &str, kind: Kind, rounds: usize, scratch: &Scratch) -> Result<Row> {
    let bytes = read(name, kind)?;
    let cache = scratch.path().join(name);
    // Once for the cache, and for what a first load in this process pays for all.
    load(name, kind, &bytes, Some(&cache)).await?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (component, took, _) = load(name, kind, &bytes, None).await?;
        cold.push((component.compile, took));
        let (component, took, runtime) = load(name, kind, &bytes, Some(&cache)).await?;
        anyhow::ensure!(runtime.is_from_cache(), "`{name}` was not taken from the cache");
        warm.push((component.compile, took));
    }
    let ms = |times: &[(Duration, Duration)], of: fn(&(Duration, Duration)) -> Duration| {
        Some(median(times.iter().map(|both| of(both).as_secs_f64() * 1e3)))
    };
    let figures = [
        Some(bytes.len() as f64 / 1024.0),
        ms(&cold, |both| both.0),
        ms(&cold, |both| both.1),
        ms(&warm, |both| both.0),
        ms(&warm, |both| both.1),
    ];
    Ok(Row::new(format!("{name} ({kind})"), figures))
}

async fn calls(name: &str, arguments: &str, calls: usize) -> Result<Row> {
    let (component, _, runtime) = load(name, Kind::Tool, &read(name, Kind::Tool)?, None).await?;
    anyhow::ensure!(runtime.is_pooling(), "no address space for the instance pool: calls would cost more");
    let tool = component.tools().first().map(|tool| tool.name.clone()).context("a component without a tool")?;
    let call = ToolCall { id: "1".to_owned(), name: tool, arguments_json: arguments.to_owned() };
    let host: Arc<dyn Host> = Arc::new(NoHost);
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let began = Instant::now();
        let called = component.call(&call, Caller::default(), Arc::clone(&host)).await;
        times.push(nanos(began.elapsed()));
        called.map_err(|error| anyhow!("`{name}` failed: {error}"))?;
    }
    let first = times.first().copied().unwrap_or(0);
    times.sort_unstable();
    let figures = [first, percentile(&times, 50), percentile(&times, 99)];
    Ok(Row::new(name, figures.map(|ns| Some(micros(ns)))))
}

async fn load(
    name: &str,
    kind: Kind,
    bytes: &Bytes,
    cache: Option<&Path>,
) -> Result<(Arc<Component>, Duration, Arc<Runtime>)> {
    let runtime = Runtime::new(Options { cache_dir: cache.map(Path::to_owned), ..Options::default() })?;
    let source = Source { name: name.to_owned(), kind: Some(kind), bytes: bytes.clone(), policy: Policy::default() };
    let began = Instant::now();
    let component = runtime.load(source).await.with_context(|| format!("load `{name}`"))?;
    Ok((component, began.elapsed(), runtime))
}

fn read(name: &str, kind: Kind) -> Result<Bytes> {
    let path = PathBuf::from(kind.folder()).join(format!("{name}.wasm"));
    let read = std::fs::read(&path);
    Ok(read.with_context(|| format!("read `{}`: `cargo xtask components` builds it", path.display()))?.into())
}

// === impl NoHost ===
impl Host for NoHost {
    fn http<'a>(&'a self, _component: &'a str, _request: Outbound) -> BoxFuture<'a, Result<Inbound, OutboundError>> {
        std::future::ready(Err(OutboundError::Denied("this is a benchmark".to_owned()))).boxed()
    }

    fn secret(&self, _component: &str, _name: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
