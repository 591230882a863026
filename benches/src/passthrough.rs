//! Plain traffic: a reply of 1 KiB through the gateway, beside the vendor itself and nginx.
use crate::contest::{DIRECT, Effort, GATEWAY, LOGGING, NGINX, Stage, Task};
use crate::gateway::Logs;
use crate::load::Outcome;
use crate::numbers::{median, micros, percentile};
use crate::report::{Column, Report, Row, Table};
use crate::{progress, wire};
use anyhow::Result;

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Where the aim is set.
const AIM_AT: usize = 64;

const COLUMNS: &[Column] = &[
    Column::new("p50 µs", "p50_us", 0),
    Column::new("p99 µs", "p99_us", 0),
    Column::new("added p50 µs", "added_p50_us", 0),
    Column::new("added p99 µs", "added_p99_us", 0),
    Column::new("requests/s", "requests_per_s", 0),
    Column::new("of nginx", "requests_share_of_nginx", 2),
    Column::new("CPU µs/request", "cpu_us_per_request", 1),
    Column::new("nginx's CPU/ours", "cpu_share_of_nginx", 2),
    Column::new("core busy", "busy", 2),
];

/// Medians over the rounds.
struct Figures {
    p50: f64,
    p99: f64,
    requests: f64,
    cpu: f64,
    busy: f64,
}

pub(crate) async fn measure(stage: &Stage, effort: &Effort, report: &mut Report) -> Result<()> {
    let field = stage.field(&[Logs::Problems, Logs::Requests]).await?;
    let request = wire::request("whole", false);
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for connections in CONNECTIONS {
        progress(&format!("plain traffic, {connections} connections"));
        let results = field.meet(Task { request: &request, connections, events: 0 }, effort).await?;
        let figures: Vec<_> = results.iter().map(|(name, outcomes)| (*name, Figures::of(outcomes))).collect();
        let of = |wanted: &str| figures.iter().find(|(name, _)| *name == wanted).map(|(_, figures)| figures);
        let (direct, nginx) = (of(DIRECT), of(NGINX));
        rows.extend(figures.iter().map(|(name, figures)| row(connections, name, figures, direct, nginx)));
        if let (AIM_AT, Some(ours), Some(nginx)) = (connections, of(GATEWAY), nginx) {
            notes.push(format!(
                "On one core at {AIM_AT} connections: {:.2} of nginx's requests/s as measured, {:.2} by CPU time per \
                 request (aim: a third).",
                ours.requests / nginx.requests,
                nginx.cpu / ours.cpu
            ));
        }
    }
    notes.push(format!(
        "`{DIRECT}` is the vendor, which shares its core with the load, so its own requests/s are a floor. `{LOGGING}` is \
         the default; the row above it logs problems only, as nginx does here. Where `core busy` is under 1, the load was \
         the limit, and CPU per request is the figure to compare."
    ));
    report.push(Table {
        name: "passthrough",
        title: "Plain traffic: 1 KiB reply, keep-alive, contestant on one core",
        rows_are: "connections",
        columns: COLUMNS,
        rows,
        notes,
    });
    Ok(())
}

fn row(connections: usize, name: &str, figures: &Figures, direct: Option<&Figures>, nginx: Option<&Figures>) -> Row {
    let added = |ours: f64, theirs: Option<f64>| theirs.filter(|_| name != DIRECT).map(|theirs| ours - theirs);
    let share = |share: Option<f64>| share.filter(|_| name != DIRECT);
    Row::new(
        format!("{connections} · {name}"),
        [
            Some(figures.p50),
            Some(figures.p99),
            added(figures.p50, direct.map(|direct| direct.p50)),
            added(figures.p99, direct.map(|direct| direct.p99)),
            Some(figures.requests),
            share(nginx.map(|nginx| figures.requests / nginx.requests)),
            Some(figures.cpu),
            share(nginx.map(|nginx| nginx.cpu / figures.cpu)),
            Some(figures.busy),
        ],
    )
}

// === impl Figures ===
impl Figures {
    fn of(outcomes: &[Outcome]) -> Self {
        let latency = |percent: usize| median(outcomes.iter().map(|o| micros(percentile(&o.latencies, percent))));
        Self {
            p50: latency(50),
            p99: latency(99),
            requests: median(outcomes.iter().map(Outcome::requests_per_second)),
            cpu: median(outcomes.iter().map(Outcome::cpu_micros_per_request)),
            busy: median(outcomes.iter().map(Outcome::busy)),
        }
    }
}
