//! A thousand reasoning sessions at the same time with a vendor that thinks for seconds and writes slowly: whether all end,
//! and what each holds while it waits, what a step costs, and what is left of it on disk.
use crate::contest::Stage;
use crate::gateway::Gateway;
use crate::load::Connection;
use crate::process::{Place, cpu_seconds, memory};
use crate::progress;
use crate::report::{Column, Report, Row, Table};
use crate::vendor::{SLOW_ACTS, SLOW_GAP, SLOW_PIECES, SLOW_STEPS, SLOW_THINKS};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use memchr::memmem;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

const SESSIONS: u64 = 1_000;
/// One after another, quick ones: the code is there and the pools are made, but no room for many.
const WARMUP: usize = 5;
/// For all sessions to come to wait at the same time, and for a step of all of them beyond the vendor's own time.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What came in last has settled.
const SETTLED: Duration = Duration::from_millis(500);

struct Scene {
    label: &'static str,
    alias: &'static str,
    warm: &'static str,
    /// Model calls of a session, one after another.
    steps: u64,
    pieces: u64,
}

const SCENES: [Scene; 3] = [
    Scene {
        label: "standard_gemini_react, steps in 20 pieces",
        alias: "slow",
        warm: "react",
        steps: SLOW_STEPS as u64 + 1,
        pieces: SLOW_PIECES as u64,
    },
    Scene {
        label: "standard_gemini_react, steps in one piece",
        alias: "slow_whole",
        warm: "react",
        steps: SLOW_STEPS as u64 + 1,
        pieces: 1,
    },
    Scene {
        label: "sonata_react (a driver), acts in 20 pieces",
        alias: "slow_acts",
        warm: "whole",
        steps: SLOW_ACTS as u64,
        pieces: SLOW_PIECES as u64,
    },
];

const COLUMNS: &[Column] = &[
    Column::new("ended well", "ended_well", 0),
    Column::new("seconds", "seconds", 1),
    Column::new("of it the vendor's", "vendor_seconds", 1),
    Column::new("resident MiB before", "resident_mib_before", 1),
    Column::new("all waiting", "resident_mib_waiting", 1),
    Column::new("peak", "resident_mib_peak", 1),
    Column::new("KiB/waiting session", "kib_per_waiting_session", 1),
    Column::new("CPU ms/begun session", "cpu_ms_per_begun_session", 3),
    Column::new("CPU ms/step", "cpu_ms_per_step", 3),
    Column::new("KiB of file/session", "file_kib_per_session", 1),
];

/// What a scene came to.
struct Seen {
    ended_well: u64,
    seconds: f64,
    before: f64,
    waiting: f64,
    peak: f64,
    begun_cpu: f64,
    cpu: f64,
    file_bytes: u64,
}

pub(crate) async fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let mut seen = Vec::with_capacity(SCENES.len());
    for scene in &SCENES {
        progress(&format!("a thousand sessions: {}", scene.label));
        seen.push(play(stage, scene).await?);
    }
    let rows = SCENES.iter().zip(&seen).map(|(scene, seen)| Row::new(scene.label, seen.figures(scene).map(Some)));
    let mut notes = vec![format!(
        "{SESSIONS} clients, a session and a stream each, begun at once; the vendor thinks for {} s and then writes a piece \
         every {} ms. The gateway has both cores and shares one with vendor and load. Aims: 50 kB for a waiting session, 1 ms \
         of CPU for a step.",
        SLOW_THINKS.as_secs(),
        SLOW_GAP.as_millis()
    )];
    if let ([many, one, ..], [in_many, in_one, ..]) = (SCENES.as_slice(), seen.as_slice()) {
        let further = (many.pieces - one.pieces) * many.steps * SESSIONS;
        notes.push(format!(
            "By the first two rows a further piece of text costs {:.0} µs of CPU, from the vendor through log and file to the \
             client.",
            (in_many.cpu - in_one.cpu) * 1e6 / further as f64
        ));
    }
    report.push(Table {
        name: "sessions",
        title: "A thousand sessions at the same time",
        rows_are: "pattern",
        columns: COLUMNS,
        rows: rows.collect(),
        notes,
    });
    Ok(())
}

/// On a gateway and a file of its own.
async fn play(stage: &Stage, scene: &Scene) -> Result<Seen> {
    let folder = format!("sessions/{}", scene.alias);
    let mut gateway = start(stage, &folder)?;
    let (address, pid) = (gateway.address, gateway.process.id());
    for _ in 0..WARMUP {
        ensure!(session(address, &request(scene, true)).await?, "a quick session came to no answer");
    }
    let (asks, before, cpu) = (stage.vendor.spent().await?.asks, memory(pid)?.resident, cpu_seconds(pid)?);
    let began = Instant::now();
    let request = request(scene, false);
    let sessions = try_join_all((0..SESSIONS).map(|_| session(address, &request)));
    let (ended, (waiting, begun_cpu)) = tokio::try_join!(sessions, all_wait(stage, pid))?;
    let (seconds, spent) = (began.elapsed().as_secs_f64(), cpu_seconds(pid)? - cpu);
    let (asked, peak) = (stage.vendor.spent().await?.asks - asks, memory(pid)?.peak);
    let ended_well = ended.iter().filter(|well| **well).count() as u64;
    ensure!(ended_well == SESSIONS, "{} of {SESSIONS} sessions came to no answer", SESSIONS - ended_well);
    ensure!(asked == SESSIONS * scene.steps, "{SESSIONS} sessions of {} steps asked {asked} times", scene.steps);
    // What is still beside the file goes into it.
    gateway.process.stop()?;
    let file = stage.scratch.path().join(folder).join("data/sessions.db");
    let file_bytes = file.metadata().with_context(|| format!("look at `{}`", file.display()))?.len();
    Ok(Seen { ended_well, seconds, before, waiting, peak, begun_cpu: begun_cpu - cpu, cpu: spent, file_bytes })
}

/// Whether it came to an answer.
async fn session(address: SocketAddr, request: &[u8]) -> Result<bool> {
    let body = Connection::open(address).await?.stream_of(request).await?;
    let has = |name: &[u8]| memmem::find(&body, name).is_some();
    Ok(has(b"\nevent: FinalAnswerStreamEnd\n") && !has(b"\nevent: SessionFailed\n"))
}

/// What the gateway holds, in MiB, and what it has spent when every session waits for the vendor's first word.
async fn all_wait(stage: &Stage, pid: u32) -> Result<(f64, f64)> {
    let waiting = async {
        while stage.vendor.spent().await?.waiting < SESSIONS {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, waiting).await.context("the sessions do not come to wait at the same time")??;
    tokio::time::sleep(SETTLED).await;
    Ok((memory(pid)?.resident, cpu_seconds(pid)?))
}

// === impl Seen ===
impl Seen {
    fn figures(&self, scene: &Scene) -> [f64; 10] {
        let sessions = SESSIONS as f64;
        let each = SLOW_THINKS + SLOW_GAP * u32::try_from(scene.pieces - 1).unwrap_or(0);
        [
            self.ended_well as f64,
            self.seconds,
            each.as_secs_f64() * scene.steps as f64,
            self.before,
            self.waiting,
            self.peak,
            (self.waiting - self.before) * 1024.0 / sessions,
            self.begun_cpu * 1e3 / sessions,
            self.cpu * 1e3 / (sessions * scene.steps as f64),
            self.file_bytes as f64 / 1024.0 / sessions,
        ]
    }
}

// === the gateway ===

const COMPONENTS: [&str; 3] =
    ["patterns/standard_gemini_react.wasm", "patterns/sonata_react.wasm", "tools/calculator.wasm"];

/// With the components that take part and no others.
fn start(stage: &Stage, folder: &str) -> Result<Gateway> {
    let config = stage.scratch.write(&format!("{folder}/config/proxy_config.yaml"), &config(stage.vendor.address))?;
    let home = stage.scratch.path().join(folder);
    for component in COMPONENTS {
        let (from, to) = (Path::new(component), home.join(component));
        let parent = to.parent().context("a component lies in no folder")?;
        std::fs::create_dir_all(parent).with_context(|| format!("make the folder `{}`", parent.display()))?;
        std::fs::copy(from, &to).with_context(|| format!("copy `{component}`"))?;
    }
    let mut command = stage.pins.command(Place::Anywhere, &stage.gateway);
    command.arg("serve").args(["--listen", "127.0.0.1:0"]).arg("--config").arg(config);
    for part in ["data", "keys", "env", "patterns", "tools"] {
        command.arg(format!("--{part}")).arg(home.join(part));
    }
    command.env("RUST_LOG", "warn");
    Gateway::listening(command, &home.join("gateway.log"))
}

fn config(vendor: SocketAddr) -> String {
    let react = "{ reasoning_mode: standard_gemini_react, tools: [calculator] }";
    let sonata = "{ reasoning_mode: sonata_react }";
    let (mut profiles, mut aliases) = (String::new(), String::new());
    for (model, agent) in
        [("slow", react), ("slow_whole", react), ("slow_acts", sonata), ("react", react), ("whole", sonata)]
    {
        // Writing to a string cannot fail.
        let _written = write!(
            profiles,
            "  - model_name: {model}\n    provider: local\n    model_params:\n      model: {model}\n      \
             api_base: http://{vendor}/v1\n      agent_settings: {agent}\n"
        );
        let _written = writeln!(aliases, "    {model}: [{model}]");
    }
    format!(
        "model_list:\n{profiles}router_settings:\n  model_group_alias:\n{aliases}agent_settings: {{ max_steps: 16 }}\n\
         server_settings: {{ sessions_parallel_max: {SESSIONS}, sessions_queued_max: {SESSIONS}, connections_max: 4096 }}\n"
    )
}

fn request(scene: &Scene, warms: bool) -> Vec<u8> {
    let alias = if warms { scene.warm } else { scene.alias };
    let body = format!(
        "{{\"model_alias\":\"{alias}\",\"user_query\":\"What is the sum of 1 * (17.25 + 4) / 8 and its two successors?\"}}"
    );
    let head = "POST /v1/react/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
