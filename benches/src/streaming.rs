//! Streamed replies: how much later the first event comes, and what each event costs, at a flood and at a model's pace.
use crate::contest::{DIRECT, Effort, GATEWAY, NGINX, Stage, Task};
use crate::gateway::Logs;
use crate::load::Outcome;
use crate::numbers::{median, micros, percentile};
use crate::report::{Column, Report, Row, Table};
use crate::vendor::{FLOOD_EVENTS, PACED_EVENTS, PACED_GAP};
use crate::{progress, wire};
use anyhow::Result;

/// With the finish reason, the usage and `[DONE]`.
pub(crate) const FLOOD: u64 = FLOOD_EVENTS as u64 + 3;
pub(crate) const PACED: u64 = PACED_EVENTS + 3;

const SCENES: [(&str, u64, usize); 4] =
    [("flood", FLOOD, 1), ("flood", FLOOD, 16), ("paced", PACED, 16), ("paced", PACED, 64)];

const COLUMNS: &[Column] = &[
    Column::new("first event p50 µs", "first_event_p50_us", 0),
    Column::new("p99 µs", "first_event_p99_us", 0),
    Column::new("added p50 µs", "added_first_event_p50_us", 0),
    Column::new("events/s", "events_per_s", 0),
    Column::new("CPU µs/event", "cpu_us_per_event", 2),
    Column::new("nginx's CPU/ours", "cpu_share_of_nginx", 2),
    Column::new("core busy", "busy", 2),
];

struct Figures {
    first_p50: f64,
    first_p99: f64,
    events: f64,
    cpu: f64,
    busy: f64,
}

pub(crate) async fn measure(stage: &Stage, effort: &Effort, report: &mut Report) -> Result<()> {
    let field = stage.field(&[Logs::Problems]).await?;
    let mut rows = Vec::new();
    for (model, events, connections) in SCENES {
        progress(&format!("streams, {model}, {connections} connections"));
        let request = wire::request(model, true);
        let results = field.meet(Task { request: &request, connections, events }, effort).await?;
        let figures: Vec<_> = results.iter().map(|(name, outcomes)| (*name, Figures::of(outcomes))).collect();
        let of = |wanted: &str| figures.iter().find(|(name, _)| *name == wanted).map(|(_, figures)| figures);
        let (direct, nginx) = (of(DIRECT), of(NGINX));
        rows.extend(figures.iter().map(|(name, figures)| {
            let label = format!("{model} × {connections} · {name}");
            Row::new(
                label,
                [
                    Some(figures.first_p50),
                    Some(figures.first_p99),
                    direct.filter(|_| *name != DIRECT).map(|direct| figures.first_p50 - direct.first_p50),
                    Some(figures.events),
                    Some(figures.cpu),
                    nginx.filter(|_| *name != DIRECT).map(|nginx| nginx.cpu / figures.cpu),
                    Some(figures.busy),
                ],
            )
        }));
    }
    let gap = PACED_GAP.as_millis();
    report.push(Table {
        name: "streaming",
        title: "Streams: small events, a chunk each, contestant on one core",
        rows_are: "scene",
        columns: COLUMNS,
        rows,
        notes: vec![format!(
            "`flood` is {FLOOD_EVENTS} events as fast as the line takes them, 16 in a write; `paced` is {PACED_EVENTS} \
             events, one every {gap} ms, so that each costs the {GATEWAY} a read and a write of its own. Time to the first \
             event is to be read from `paced`: in a flood it is mostly the queue of what comes behind it."
        )],
    });
    Ok(())
}

// === impl Figures ===
impl Figures {
    fn of(outcomes: &[Outcome]) -> Self {
        let first = |percent: usize| median(outcomes.iter().map(|o| micros(percentile(&o.first_events, percent))));
        Self {
            first_p50: first(50),
            first_p99: first(99),
            events: median(outcomes.iter().map(Outcome::events_per_second)),
            cpu: median(outcomes.iter().map(Outcome::cpu_micros_per_event)),
            busy: median(outcomes.iter().map(Outcome::busy)),
        }
    }
}
