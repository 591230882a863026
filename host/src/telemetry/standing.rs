//! What stands still until it is looked at, as families: keys, breakers, sessions, the cache, and the process itself. Looked
//! up when somebody asks, so it costs no request anything.
use super::export::Signal;
use super::metrics::{Family, Point, Unit};
use super::{Telemetry, logs};
use crate::app::App;
use magic_routing::{BreakerStanding, PoolState};
use std::collections::BTreeMap;

pub(super) fn families(app: &App, telemetry: &Telemetry) -> Vec<Family> {
    let mut all = of_vendors(app);
    all.extend(of_sessions(app));
    all.extend(of_process(app, telemetry));
    all
}

fn of_vendors(app: &App) -> Vec<Family> {
    let breakers = app.upstream.breaker_states();
    let breakers = breakers.iter().map(|breaker| {
        let state = match breaker.standing {
            BreakerStanding::Closed { .. } => 0,
            BreakerStanding::HalfOpen { .. } => 1,
            BreakerStanding::Open { .. } => 2,
        };
        Point::number(&[("profile", breaker.profile.as_str())], state)
    });
    let pools = app.upstream.key_states();
    let keys = pools.iter().filter(|pool| !pool.keys.is_empty()).flat_map(of_pool);
    let (replies, bytes, _) = app.cache.held();
    vec![
        Family::gauge("magic.breaker.state", "0 closed, 1 half open, 2 open.", breakers.collect()),
        Family::gauge("magic.keys", "Keys of a pool by how they stand.", keys.collect()),
        Family::gauge("magic.cache.replies", "Replies in the cache's memory.", one(replies)),
        Family::gauge("magic.cache.size", "What they take.", one(bytes)).of(Unit::Bytes),
    ]
}

fn of_pool(pool: &PoolState) -> Vec<Point> {
    let mut counts = BTreeMap::from([("available", 0), ("quarantined", 0), ("retired", 0)]);
    for key in &pool.keys {
        *counts.entry(key.standing.words().0).or_insert(0) += 1;
    }
    let point =
        |(state, count): (&&str, &u64)| Point::number(&[("pool", pool.pool.as_str()), ("state", state)], *count);
    counts.iter().map(point).collect()
}

fn of_sessions(app: &App) -> Vec<Family> {
    let (running, waiting, places) = app.sessions.standing();
    let sums = app.sessions.tally.get();
    let state = |word, count: usize| Point::number(&[("state", word)], count as u64);
    let outcome = |word, count| Point::number(&[("outcome", word)], count);
    let rungs = sums.rungs.iter().flat_map(|(protocol, rungs)| {
        let point =
            move |(rung, count): (&&str, &u64)| Point::number(&[("protocol", protocol), ("rung", rung)], *count);
        rungs.iter().map(point)
    });
    vec![
        Family::gauge(
            "magic.sessions",
            "Sessions of this process.",
            vec![state("running", running), state("waiting", waiting)],
        ),
        Family::gauge("magic.sessions.places", "Sessions that may run at once.", one(places)),
        Family::counter(
            "magic.sessions.ended",
            "Sessions by how they ended.",
            vec![
                outcome("answered", sums.answered),
                outcome("failed", sums.failed),
                outcome("cancelled", sums.cancelled),
            ],
        ),
        Family::counter("magic.session.rungs", "Replies of models by how they were read.", rungs.collect()),
    ]
}

fn of_process(app: &App, telemetry: &Telemetry) -> Vec<Family> {
    let live = app.live.load();
    let components = app.runtime.live();
    let settings = &live.config.server_settings;
    let in_flight = settings.requests_in_flight_max.saturating_sub(app.places.available_permits());
    let seen = app.status.get();
    let failed = seen.rows.iter().filter(|row| row.problem.is_some()).count();
    let problem = |word, count: usize| Point::number(&[("of", word)], count as u64);
    let dropped = telemetry.exporter().into_iter().flat_map(|exporter| {
        Signal::ALL.map(|signal| Point::number(&[("signal", signal.as_str())], exporter.dropped(signal)))
    });
    vec![
        Family::gauge("magic.requests.in_flight", "Plain requests at work.", one(in_flight)),
        Family::gauge(
            "magic.config.generation",
            "Counts the reloads; 1 is what was started with.",
            vec![Point::number(&[], live.generation)],
        ),
        Family::gauge(
            "magic.config.problems",
            "What keeps the newest files from being served.",
            vec![problem("config", seen.problems.len()), problem("components", failed)],
        ),
        Family::gauge(
            "magic.components",
            "Loaded components, replaced ones among them while they are used.",
            one(components.components),
        ),
        Family::gauge("magic.component.instances", "Calls of components under way.", one(components.instances)),
        Family::counter(
            "magic.component.stopped",
            "Calls that a limit or a trap ended.",
            vec![Point::number(&[], components.stopped)],
        ),
        Family::counter(
            "magic.store.writes_lost",
            "Writes that the store refused.",
            vec![Point::number(&[], app.store.lost())],
        ),
        Family::counter(
            "magic.log.lines_dropped",
            "Log lines that nobody read fast enough.",
            vec![Point::number(&[], logs::dropped())],
        ),
        Family::counter(
            "magic.telemetry.dropped",
            "Spans, lines and exports that no collector got.",
            dropped.collect(),
        ),
        Family::gauge("magic.tasks", "Tasks alive.", one(app.tasks.len())),
        Family::gauge(
            "magic.build.info",
            "Always 1.",
            vec![Point::number(&[("version", env!("CARGO_PKG_VERSION"))], 1)],
        ),
        Family::gauge("process.start_time", "When it started, in Unix time.", vec![Point::number(&[], app.started_at)])
            .of(Unit::Seconds),
    ]
}

fn one(count: usize) -> Vec<Point> {
    vec![Point::number(&[], count as u64)]
}
