//! What the gateway takes before it does anything: memory idle and after load, and time to listening.
use crate::contest::{Effort, Stage};
use crate::gateway::Logs;
use crate::load::{self, Plan};
use crate::numbers::median;
use crate::process::{Memory, Place, memory};
use crate::report::{Column, Report, Row, Table};
use crate::{progress, wire};
use anyhow::{Context as _, Result};
use std::time::Duration;

/// Until threads that only served the start have ended.
const SETTLING: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 256;

const COLUMNS: &[Column] = &[
    Column::new("resident MiB", "resident_mib", 1),
    Column::new("of it its own", "anonymous_mib", 1),
    Column::new("peak MiB", "peak_mib", 1),
    Column::new("ms to listening", "start_ms", 0),
];

pub(crate) async fn measure(stage: &Stage, effort: &Effort, report: &mut Report) -> Result<()> {
    progress("memory and start");
    let cache = stage.scratch.path().join("data");
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..effort.starts {
        if cache.exists() {
            std::fs::remove_dir_all(&cache).context("empty the compile cache")?;
        }
        cold.push(start(stage)?);
        warm.push(start(stage)?);
    }
    let gateway = stage.gateway(Place::Contestant, Logs::Problems)?;
    tokio::time::sleep(SETTLING).await;
    let idle = memory(gateway.process.id())?;
    let (whole, flood) = (wire::request("whole", false), wire::request("flood", true));
    for (request, events) in [(&whole, 0), (&flood, crate::streaming::FLOOD)] {
        load::run(Plan {
            address: gateway.address,
            request,
            connections: CONNECTIONS,
            warmup: effort.warmup,
            duration: effort.duration * 2,
            events,
            pid: gateway.process.id(),
        })
        .await?;
    }
    let loaded = memory(gateway.process.id())?;
    let starts = |label: &str, ms: Vec<f64>| Row::new(label, [None, None, None, Some(median(ms))]);
    report.push(Table {
        name: "footprint",
        title: "Memory and start, with every pattern and tool of this checkout loaded",
        rows_are: "state",
        columns: COLUMNS,
        rows: vec![
            row("idle", idle),
            row("after 256 connections of plain traffic and of streams", loaded),
            starts("start, compile cache empty", cold),
            starts("start, compile cache full", warm),
        ],
        notes: vec!["Aim: under 40 MiB resident when idle, without the model.".to_owned()],
    });
    Ok(())
}

/// Milliseconds.
fn start(stage: &Stage) -> Result<f64> {
    Ok(stage.gateway(Place::Anywhere, Logs::Problems)?.started.as_secs_f64() * 1e3)
}

fn row(label: &str, memory: Memory) -> Row {
    Row::new(label, [Some(memory.resident), Some(memory.anonymous), Some(memory.peak), None])
}
