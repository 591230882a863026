//! Reasoning sessions against a model that needs no time: what is left is the engine's own time, step by step.
use crate::contest::{Effort, Stage};
use crate::gateway::Logs;
use crate::load::Connection;
use crate::numbers::{median, nanos, percentile};
use crate::process::{Place, cpu_seconds};
use crate::report::{Column, Report, Row, Table};
use crate::vendor::STEPS;
use crate::{progress, wire};
use anyhow::{Result, bail, ensure};
use memchr::memmem;

/// Each step is one ask of the model; the answer is one more.
const ROUNDS: u64 = STEPS as u64 + 1;
const WARMUP: usize = 5;

const COLUMNS: &[Column] = &[
    Column::new("session p50 ms", "session_p50_ms", 2),
    Column::new("session p99 ms", "session_p99_ms", 2),
    Column::new("vendor ms", "vendor_ms", 2),
    Column::new("engine ms/step", "engine_ms_per_step", 3),
    Column::new("CPU ms/step", "cpu_ms_per_step", 3),
];

pub(crate) async fn measure(stage: &Stage, effort: &Effort, report: &mut Report) -> Result<()> {
    progress("reasoning sessions");
    let gateway = stage.gateway(Place::Contestant, Logs::Problems)?;
    let request = wire::request("react", false);
    let mut connection = Connection::open(gateway.address).await?;
    for _ in 0..WARMUP {
        answered(&connection.ask(&request).await?.1)?;
    }
    let (before, cpu_before) = (stage.vendor.spent().await?, cpu_seconds(gateway.process.id())?);
    let mut times = Vec::with_capacity(effort.sessions);
    for _ in 0..effort.sessions {
        let (took, body) = connection.ask(&request).await?;
        answered(&body)?;
        times.push(nanos(took));
    }
    let (after, cpu_after) = (stage.vendor.spent().await?, cpu_seconds(gateway.process.id())?);
    times.sort_unstable();
    let sessions = effort.sessions as u64;
    let asks = after.asks - before.asks;
    ensure!(asks == sessions * ROUNDS, "{sessions} sessions of {ROUNDS} rounds asked the vendor {asks} times");

    let per_step = |seconds: f64| seconds * 1e3 / (sessions * ROUNDS) as f64;
    let vendor = (after.busy - before.busy).as_secs_f64() * 1e3 / sessions as f64;
    let session = median(times.iter().map(|ns| *ns as f64 / 1e6));
    let figures = [
        session,
        percentile(&times, 99) as f64 / 1e6,
        vendor,
        (session - vendor) / ROUNDS as f64,
        per_step(cpu_after - cpu_before),
    ];
    report.push(Table {
        name: "reasoning",
        title: "Reasoning: sessions of ten calculator calls and an answer, one after another",
        rows_are: "pattern",
        columns: COLUMNS,
        rows: vec![Row::new("standard_gemini_react", figures.map(Some))],
        notes: vec![
            "The engine's step is everything but the vendor's own time: prompt, request, stream, parsing, checked tool call \
             on a fresh instance, log, and both ways over loopback. Aim: under 1 ms."
                .to_owned(),
        ],
    });
    Ok(())
}

fn answered(body: &[u8]) -> Result<()> {
    if memmem::find(body, b"The work is done.").is_none() {
        bail!("a session did not come to its answer: {}", String::from_utf8_lossy(body));
    }
    Ok(())
}
