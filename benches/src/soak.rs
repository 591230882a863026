//! `cargo xtask soak`: very many requests of every sort, faults among them, to the gateway as a process. Fails where its
//! memory grows with the requests, where a reply ends as it must not, and where anything is left over afterwards.
mod client;
mod mix;
mod slope;
mod vendor;

use crate::gateway::Gateway;
use crate::load;
use crate::process::{Pins, Place, memory};
use crate::report::{Column, Report, Row, Table};
use crate::scratch::Scratch;
use crate::{folder, machine, progress, say};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use client::{Client, Ended};
use futures_util::future::try_join_all;
use mix::{Dealer, SORTS};
use serde_json::Value;
use slope::{FROM, Line, Sample};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use vendor::Vendor;

const SAMPLE_EVERY: u64 = 4_000;
const TOLD_EVERY: u64 = 20_000;
/// The gateway's kept connections last 4 s, its spare threads 10 s.
const IDLE_MAX: Duration = Duration::from_secs(30);
const IDLE_STEP: Duration = Duration::from_millis(500);
/// Descriptors and threads beyond those before the first request: what is opened once, when it is first needed.
const SPARE_MAX: usize = 4;

#[derive(Args)]
pub(crate) struct Options {
    #[arg(long, default_value_t = 200_000)]
    requests: u64,
    /// Clients at the same time.
    #[arg(long, default_value_t = 48)]
    clients: usize,
    /// The same requests again, in the order in which they are dealt.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The gateway's binary; the one beside this program unless given.
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
}

/// What all clients share.
struct Course {
    requests: u64,
    pid: u32,
    dealer: RefCell<Dealer>,
    dealt: Cell<u64>,
    ended: Cell<u64>,
    samples: RefCell<Vec<Sample>>,
    /// By sort and end.
    ends: RefCell<BTreeMap<(usize, Ended), u64>>,
}

/// What a process and its admin page say is under way.
#[derive(Clone, Copy, Debug, Default)]
struct Leftovers {
    leases: u64,
    recordings: u64,
    at_the_vendor: u64,
    descriptors: usize,
    threads: usize,
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let local = tokio::task::LocalSet::new();
    local.run_until(soak(options)).await
}

async fn soak(options: &Options) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen on loopback")?;
    let address = listener.local_addr()?;
    let vendor = Vendor::new();
    tokio::task::spawn_local(Rc::clone(&vendor).serve(listener));
    let scratch = Scratch::new()?;
    let gateway = start(options, address, &scratch)?;
    let pid = gateway.process.id();
    let before = leftovers(&gateway, &vendor).await?;
    let course = Course::new(options, pid);
    let began = Instant::now();
    try_join_all((0..options.clients).map(|_| course.walk(gateway.address))).await?;
    let seconds = began.elapsed().as_secs_f64();
    course.sample()?;
    progress(&format!("soak: {:.0} requests/s; waiting for what is under way", options.requests as f64 / seconds));
    let after = idle(&gateway, &vendor, before).await?;
    let findings = course.findings(before, after);
    say(&course.report(&vendor, &findings, before, after));
    if findings.is_empty() { Ok(()) } else { bail!("the soak has found: {}", findings.join("; ")) }
}

fn start(options: &Options, vendor: SocketAddr, scratch: &Scratch) -> Result<Gateway> {
    let binary = match &options.gateway {
        Some(binary) => binary.clone(),
        None => folder()?.join("magic-proxy"),
    };
    let config = scratch.write("config/proxy_config.yaml", &config(vendor))?;
    for provider in ["groq", "together"] {
        let keys: String = (0..KEYS).map(|key| format!("soak-{provider}-key-{key:04}\n")).collect();
        scratch.write(&format!("keys/keys_pool_{provider}.env"), &keys)?;
    }
    let mut command = Pins::Nowhere.command(Place::Anywhere, &binary);
    command.arg("serve").args(["--listen", "127.0.0.1:0"]).arg("--config").arg(config);
    for part in ["data", "keys", "env", "patterns", "tools"] {
        command.arg(format!("--{part}")).arg(scratch.path().join(part));
    }
    // Keys that rest and profiles that break are problems to a log; here they are the daily bread.
    command.env("RUST_LOG", "off").env("SOAK_KEY", "soak-key-of-its-own");
    Gateway::listening(command, &scratch.path().join("gateway.log"))
}

/// Of each pool that loses keys, each for a second. Fewer than one request may try, or its fallback has no turn.
const KEYS: usize = 12;

/// Every profile has a key, so that every lease can be seen.
fn config(vendor: SocketAddr) -> String {
    let own = "      api_key: \"${SOAK_KEY}\"\n";
    let mut profiles = String::new();
    let mut profile = |name: &str, provider: &str, rest: &str| {
        let _written = write!(
            profiles,
            "  - model_name: {name}\n    provider: {provider}\n    model_params:\n      model: {name}\n      \
             api_base: http://{vendor}/v1\n{rest}"
        );
    };
    profile("plain", "local", own);
    profile("steady", "local", own);
    profile("cached", "local", own);
    profile("anthropic", "local", &format!("      dialect: anthropic\n{own}"));
    profile("google", "local", &format!("      dialect: google\n{own}"));
    profile("rejected", "groq", "");
    profile("limited", "together", "");
    let faults = ["failing", "cut_early", "cut", "in_band", "slow", "hedged", "left", "left_early"];
    for name in faults {
        profile(name, "local", own);
    }
    let mut aliases = String::new();
    for name in ["plain", "cached", "anthropic", "google", "left", "left_early"] {
        let _written = writeln!(aliases, "    {name}: [{name}]");
    }
    for name in ["rejected", "limited", "failing", "cut_early", "cut", "in_band", "slow"] {
        let _written = writeln!(aliases, "    {name}: [{name}, steady]");
    }
    format!(
        "model_list:\n{profiles}router_settings:\n  model_group_alias:\n{aliases}    \
         hedged: {{ chain: [hedged, steady], hedge_after_seconds: 10ms }}\n\
         hedging_settings: {{ budget_percent: 50 }}\n\
         key_management_settings: {{ quarantine_duration_seconds: 1, recheck_seconds: 1 }}\n\
         breaker_settings: {{ failures: 5, open_seconds: 20ms, open_seconds_max: 20ms }}\n\
         server_settings: {{ responses_kept_max: 200 }}\n\
         cache_settings:\n  enabled: true\n  bytes_max: 512KiB\n  rules:\n    \
         - {{ model_names: [cached], include_in_key: [messages], ttl_seconds: 5s }}\n"
    )
}

// === impl Course ===
impl Course {
    fn new(options: &Options, pid: u32) -> Self {
        Self {
            requests: options.requests,
            pid,
            dealer: RefCell::new(Dealer::new(options.seed)),
            dealt: Cell::new(0),
            ended: Cell::new(0),
            samples: RefCell::default(),
            ends: RefCell::default(),
        }
    }

    /// One client, until all requests are dealt.
    async fn walk(&self, address: SocketAddr) -> Result<()> {
        let mut client = Client::new(address);
        while self.dealt.get() < self.requests {
            self.dealt.set(self.dealt.get() + 1);
            let (place, sort, question) = self.dealer.borrow_mut().deal();
            let ended = client.ask(sort, question).await?;
            *self.ends.borrow_mut().entry((place, ended)).or_default() += 1;
            self.ended.set(self.ended.get() + 1);
            if self.ended.get().is_multiple_of(SAMPLE_EVERY) {
                self.sample()?;
            }
        }
        Ok(())
    }

    fn sample(&self) -> Result<()> {
        let sample = Sample { requests: self.ended.get(), mib: memory(self.pid)?.resident };
        if sample.requests.is_multiple_of(TOLD_EVERY) {
            progress(&format!("soak: {} requests, {:.1} MiB", sample.requests, sample.mib));
        }
        self.samples.borrow_mut().push(sample);
        Ok(())
    }

    /// What the gateway must not do, a line each.
    fn findings(&self, before: Leftovers, after: Leftovers) -> Vec<String> {
        let mut findings = after.beyond(before);
        for ((place, ended), count) in self.ends.borrow().iter() {
            let Some(sort) = SORTS.get(*place) else { continue };
            if !sort.may_end.contains(ended) {
                findings.push(format!("{count} of `{}` ended as {ended:?}", sort.label()));
            }
        }
        if let Some(line) = Line::through(&self.samples.borrow()).filter(|line| !line.is_flat()) {
            let Line { growth, growth_max } = line;
            findings.push(format!("memory grows by {growth:.2} MiB in 100000 requests (at most {growth_max:.2})"));
        }
        findings
    }

    fn report(&self, vendor: &Vendor, findings: &[String], before: Leftovers, after: Leftovers) -> String {
        let mut report = Report::new(machine::describe(&Pins::Nowhere));
        report.push(self.memory(findings));
        report.push(self.outcomes());
        let done = vendor.done();
        report.push(counts(
            "soak_vendor",
            "What the vendor did",
            "deed",
            done.iter().map(|(deed, count)| (*deed, *count)),
        ));
        let row = |label: &str, left: Leftovers| {
            Row::new(
                label,
                [left.leases, left.recordings, left.at_the_vendor, left.descriptors as u64, left.threads as u64]
                    .map(|count| Some(count as f64)),
            )
        };
        report.push(Table {
            name: "soak_leftovers",
            title: "What is open",
            rows_are: "when",
            columns: LEFT,
            rows: vec![row("before the first request", before), row("after the last, idle", after)],
            notes: Vec::new(),
        });
        report.text()
    }

    fn memory(&self, findings: &[String]) -> Table {
        let samples = self.samples.borrow();
        let told = |sample: &&Sample| sample.requests.is_multiple_of(TOLD_EVERY) || sample.requests == self.requests;
        let mut rows: Vec<Row> = samples
            .iter()
            .filter(told)
            .map(|sample| Row::new(sample.requests.to_string(), [Some(sample.mib)]))
            .collect();
        rows.dedup_by(|one, other| one.label == other.label);
        let slope = match Line::through(&samples) {
            Some(line) => format!(
                "By least squares over the samples from {FROM} requests on, 100 000 requests add {:+.2} MiB; at most \
                 {:.2} are taken for level.",
                line.growth, line.growth_max
            ),
            None => "Too short for a word on the slope.".to_owned(),
        };
        let verdict = if findings.is_empty() { "Nothing found.".to_owned() } else { findings.join("\n") };
        Table {
            name: "soak_memory",
            title: "Soak: resident memory",
            rows_are: "requests",
            columns: MEMORY,
            rows,
            notes: vec![slope, verdict],
        }
    }

    fn outcomes(&self) -> Table {
        let ends = self.ends.borrow();
        let labels = ends.iter().filter_map(|((place, ended), count)| {
            let sort = SORTS.get(*place)?;
            Some((format!("{} · {ended:?}", sort.label()), *count))
        });
        counts("soak_ends", "How the replies ended", "request and end", labels)
    }
}

const MEMORY: &[Column] = &[Column::new("resident MiB", "resident_mib", 1)];
const COUNT: &[Column] = &[Column::new("count", "count", 0)];
const LEFT: &[Column] = &[
    Column::new("leases", "leases", 0),
    Column::new("recordings", "recordings", 0),
    Column::new("connections at the vendor", "at_the_vendor", 0),
    Column::new("descriptors", "descriptors", 0),
    Column::new("threads", "threads", 0),
];

fn counts(
    name: &'static str,
    title: &'static str,
    rows_are: &'static str,
    counts: impl Iterator<Item = (impl Into<String>, u64)>,
) -> Table {
    let rows = counts.map(|(label, count)| Row::new(label, [Some(count as f64)])).collect();
    Table { name, title, rows_are, columns: COUNT, rows, notes: Vec::new() }
}

// === leftovers ===

/// Waits until nothing is left, or for as long as something may take to end by itself.
async fn idle(gateway: &Gateway, vendor: &Vendor, before: Leftovers) -> Result<Leftovers> {
    let began = Instant::now();
    loop {
        let left = leftovers(gateway, vendor).await?;
        if left.beyond(before).is_empty() || began.elapsed() > IDLE_MAX {
            return Ok(left);
        }
        tokio::time::sleep(IDLE_STEP).await;
    }
}

async fn leftovers(gateway: &Gateway, vendor: &Vendor) -> Result<Leftovers> {
    let keys = admin(gateway.address, "keys").await?;
    let cache = admin(gateway.address, "cache").await?;
    let pid = gateway.process.id();
    Ok(Leftovers {
        leases: in_flight(&keys),
        recordings: cache
            .get("under_way")
            .and_then(Value::as_u64)
            .context("the cache does not say what is under way")?,
        at_the_vendor: vendor.open(),
        descriptors: entries(pid, "fd")?,
        threads: entries(pid, "task")?,
    })
}

fn in_flight(keys: &Value) -> u64 {
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let all = list(keys, "pools").into_iter().flat_map(|pool| list(&pool, "keys"));
    all.filter_map(|key| key.get("in_flight")?.as_u64()).sum()
}

async fn admin(address: SocketAddr, page: &str) -> Result<Value> {
    let request = format!("GET /admin/{page} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let (_, body) = load::once(address, request.as_bytes()).await?;
    serde_json::from_slice(&body).with_context(|| format!("read /admin/{page}"))
}

fn entries(pid: u32, folder: &str) -> Result<usize> {
    let path = format!("/proc/{pid}/{folder}");
    Ok(std::fs::read_dir(&path).with_context(|| format!("look into {path}"))?.count())
}

// === impl Leftovers ===
impl Leftovers {
    /// What is more than there may be.
    fn beyond(self, before: Self) -> Vec<String> {
        let checks = [
            ("leases", self.leases, 0),
            ("recordings of the cache", self.recordings, 0),
            ("connections at the vendor", self.at_the_vendor, 0),
            ("descriptors", self.descriptors as u64, (before.descriptors + SPARE_MAX) as u64),
            ("threads", self.threads as u64, (before.threads + SPARE_MAX) as u64),
        ];
        let over = checks.iter().filter(|(_, count, most)| count > most);
        over.map(|(what, count, most)| format!("{count} {what} are left, at most {most} may be")).collect()
    }
}
