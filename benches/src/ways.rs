//! The ways through the gateway side by side: bytes passed on, translated from two other dialects, and replayed from the
//! cache. What each costs beside the first of them, and beside nginx.
use crate::contest::{DIRECT, Effort, GATEWAY, NGINX, Stage, Task, in_turns};
use crate::gateway::{ANTHROPIC, CACHED, CACHED_FLOOD, GOOGLE, Logs};
use crate::load::{self, Outcome};
use crate::numbers::{median, micros, percentile};
use crate::report::{Column, Report, Row, Table};
use crate::{progress, wire};
use anyhow::{Context as _, Result};

const WHOLE_CONNECTIONS: usize = 64;
const FLOOD_CONNECTIONS: usize = 16;

const PASSED: &str = "passed through";
/// Each way through the gateway, with its alias for a whole reply and the one for a stream.
const WAYS: [(&str, &str, &str); 4] = [
    (PASSED, "whole", "flood"),
    ("translated, Anthropic's", ANTHROPIC, ANTHROPIC),
    ("translated, Google's", GOOGLE, GOOGLE),
    ("from the cache", CACHED, CACHED_FLOOD),
];

const WHOLE: &[Column] = &[
    Column::new("p50 µs", "p50_us", 0),
    Column::new("requests/s", "requests_per_s", 0),
    Column::new("of passed through", "requests_share_of_passed", 2),
    Column::new("of nginx", "requests_share_of_nginx", 2),
    Column::new("CPU µs/request", "cpu_us_per_request", 1),
    Column::new("of passed through's", "cpu_of_passed", 2),
    Column::new("nginx's CPU/ours", "cpu_share_of_nginx", 2),
    Column::new("core busy", "busy", 2),
];
const FLOOD: &[Column] = &[
    Column::new("events/s", "events_per_s", 0),
    Column::new("of passed through", "events_share_of_passed", 2),
    Column::new("of nginx", "events_share_of_nginx", 2),
    Column::new("CPU µs/event", "cpu_us_per_event", 2),
    Column::new("of passed through's", "cpu_of_passed", 2),
    Column::new("nginx's CPU/ours", "cpu_share_of_nginx", 2),
    Column::new("core busy", "busy", 2),
];

/// Medians over the rounds; `rate` and `cpu` by the request or by the event.
struct Figures {
    p50: f64,
    rate: f64,
    cpu: f64,
    busy: f64,
}

pub(crate) async fn measure(stage: &Stage, effort: &Effort, report: &mut Report) -> Result<()> {
    progress("pass-through, translated, cached: whole replies");
    let whole = run(stage, effort, false).await?;
    report.push(Table {
        name: "ways_whole",
        title: "The ways through the gateway: whole replies of 1 KiB at 64 connections",
        rows_are: "way",
        columns: WHOLE,
        rows: rows(&whole, true),
        notes: vec![format!(
            "An OpenAI client throughout. `{NGINX}` passes on the OpenAI vendor's bytes in every comparison, as nothing \
             else translates; a hit of the cache asks no vendor."
        )],
    });
    progress("pass-through, translated, cached: streams");
    let flood = run(stage, effort, true).await?;
    report.push(Table {
        name: "ways_stream",
        title: "The ways through the gateway: a flood of events at 16 connections",
        rows_are: "way",
        columns: FLOOD,
        rows: rows(&flood, false),
        notes: vec!["Events are counted as the client gets them.".to_owned()],
    });
    Ok(())
}

async fn run(stage: &Stage, effort: &Effort, streams: bool) -> Result<Vec<(&'static str, Figures)>> {
    // Without the other build: it may not know these ways.
    let field = stage.field(&[Logs::Problems]).await?;
    let gateway = field.contestant(GATEWAY).context("no gateway takes part")?;
    let plain = if streams { "flood" } else { "whole" };
    let mut wanted: Vec<_> = [DIRECT, NGINX]
        .iter()
        .filter_map(|name| field.contestant(name))
        .map(|contestant| (contestant.name, contestant, wire::request(plain, streams)))
        .collect();
    wanted.extend(
        WAYS.map(|(name, whole, flood)| (name, gateway, wire::request(if streams { flood } else { whole }, streams))),
    );
    let mut entries = Vec::new();
    for (name, contestant, request) in &wanted {
        // Also puts into the cache what is to be found there.
        let events = if streams { load::events(contestant.address, request).await? } else { 0 };
        let connections = if streams { FLOOD_CONNECTIONS } else { WHOLE_CONNECTIONS };
        entries.push((*name, *contestant, Task { request, connections, events }));
    }
    let results = in_turns(&entries, effort).await?;
    Ok(results.iter().map(|(name, outcomes)| (*name, Figures::of(outcomes, streams))).collect())
}

fn rows(results: &[(&'static str, Figures)], with_latency: bool) -> Vec<Row> {
    let of = |wanted: &str| results.iter().find(|(name, _)| *name == wanted).map(|(_, figures)| figures);
    let (passed, nginx) = (of(PASSED), of(NGINX));
    let row = |(name, figures): &(&'static str, Figures)| {
        let beside = |share: Option<f64>| share.filter(|_| *name != DIRECT);
        let mut cells = if with_latency { vec![Some(figures.p50)] } else { Vec::new() };
        cells.extend([
            Some(figures.rate),
            beside(passed.map(|passed| figures.rate / passed.rate)),
            beside(nginx.map(|nginx| figures.rate / nginx.rate)),
            Some(figures.cpu),
            beside(passed.map(|passed| figures.cpu / passed.cpu)),
            beside(nginx.map(|nginx| nginx.cpu / figures.cpu)),
            Some(figures.busy),
        ]);
        Row::new(*name, cells)
    };
    results.iter().map(row).collect()
}

// === impl Figures ===
impl Figures {
    fn of(outcomes: &[Outcome], streams: bool) -> Self {
        let rate = |o: &Outcome| if streams { o.events_per_second() } else { o.requests_per_second() };
        let cpu = |o: &Outcome| if streams { o.cpu_micros_per_event() } else { o.cpu_micros_per_request() };
        Self {
            p50: median(outcomes.iter().map(|o| micros(percentile(&o.latencies, 50)))),
            rate: median(outcomes.iter().map(rate)),
            cpu: median(outcomes.iter().map(cpu)),
            busy: median(outcomes.iter().map(Outcome::busy)),
        }
    }
}
