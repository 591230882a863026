//! What running it for a team costs: the same plain request to gateways that have more and more switched on.
use crate::contest::{Contestant, Effort, Stage, Task, in_turns};
use crate::gateway::Dress;
use crate::load::Outcome;
use crate::numbers::{median, micros, percentile};
use crate::report::{Column, Report, Row, Table};
use crate::{progress, wire};
use anyhow::{Context as _, Result};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

const CONNECTIONS: [usize; 2] = [16, 64];

/// In this order each has all that those before it have.
const DRESSES: [(&str, Dress); 5] = [
    ("nothing on", Dress::Bare),
    ("+ metrics (the default)", Dress::Plain),
    ("+ virtual key, limits, usage", Dress::Keys),
    ("+ traces, metrics, logs to a collector", Dress::Collector),
    ("+ a budget in money", Dress::Budget),
];

const COLUMNS: &[Column] = &[
    Column::new("p50 µs", "p50_us", 0),
    Column::new("p99 µs", "p99_us", 0),
    Column::new("requests/s", "requests_per_s", 0),
    Column::new("CPU µs/request", "cpu_us_per_request", 1),
    Column::new("added CPU µs", "added_cpu_us", 1),
    Column::new("core busy", "busy", 2),
];

pub(crate) async fn measure(stage: &Stage, effort: &Effort, report: &mut Report) -> Result<()> {
    let collector = collector()?;
    let mut gateways = Vec::new();
    for (name, dress) in DRESSES {
        let (gateway, key) = stage.dressed(dress, collector)?;
        let more = key.map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        gateways.push((name, gateway, wire::request_with("whole", false, &more)));
    }
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        progress(&format!("a team's gateway, {connections} connections"));
        let entries: Vec<_> = gateways
            .iter()
            .map(|(name, gateway, request)| {
                let contestant = Contestant { name, address: gateway.address, pid: gateway.process.id() };
                (*name, contestant, Task { request, connections, events: 0 })
            })
            .collect();
        let results = in_turns(&entries, effort).await?;
        let cpu = |outcomes: &[Outcome]| median(outcomes.iter().map(Outcome::cpu_micros_per_request));
        let bare = results.first().map_or(0.0, |(_, outcomes)| cpu(outcomes));
        rows.extend(results.iter().map(|(name, outcomes)| {
            let latency = |percent: usize| median(outcomes.iter().map(|o| micros(percentile(&o.latencies, percent))));
            let figures = [
                Some(latency(50)),
                Some(latency(99)),
                Some(median(outcomes.iter().map(Outcome::requests_per_second))),
                Some(cpu(outcomes)),
                Some(cpu(outcomes) - bare),
                Some(median(outcomes.iter().map(Outcome::busy))),
            ];
            Row::new(format!("{connections} · {name}"), figures)
        }));
    }
    report.push(Table {
        name: "team",
        title: "A team's gateway: 1 KiB reply, keep-alive, contestant on one core, logging problems only",
        rows_are: "connections · switched on",
        columns: COLUMNS,
        rows,
        notes: vec![
            "Every trace is recorded and none is sampled away; what the exporter cannot take in time it drops and counts. \
             A budget commits two rows of SQLite a request, before it is sent and after."
                .to_owned(),
        ],
    });
    Ok(())
}

/// Says 200 to whatever it is sent, on threads of this process, until that ends.
fn collector() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("listen as a collector")?;
    let address = listener.local_addr().context("read the collector's address")?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                // Whoever goes has its answer.
                let _gone = answer(stream);
            });
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut read = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let end = memchr::memmem::find(&read, b"\r\n\r\n").map(|at| at + 4);
        let whole = end.map(|end| end + length(read.get(..end).unwrap_or_default()));
        if let Some(whole) = whole.filter(|whole| read.len() >= *whole) {
            read.drain(..whole);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        let bytes = stream.read(&mut piece)?;
        if bytes == 0 {
            return Ok(());
        }
        read.extend_from_slice(piece.get(..bytes).unwrap_or_default());
    }
}

/// Of the body that a head announces.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}
