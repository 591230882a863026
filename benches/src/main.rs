//! `cargo xtask bench`: what the gateway adds, in time, processor and memory, against a scripted vendor and, where it is
//! installed, nginx in the same run. Prints tables and writes JSON; asserts nothing, so a slow machine fails nothing.
mod components;
mod contest;
mod footprint;
mod gateway;
mod load;
mod machine;
mod nginx;
mod numbers;
mod passthrough;
mod process;
mod reasoning;
mod report;
mod scratch;
mod sessions;
mod soak;
mod streaming;
mod team;
mod vendor;
mod ways;
mod wire;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use contest::Effort;
use report::Report;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Measures the gateway. Takes about five minutes; a quiet machine is worth more than a long run.
#[derive(Parser)]
#[command(name = "magic-benches", about, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Role {
    /// The scripted vendor alone, until it is killed: for a profiler. Prints its address.
    Vendor,
    /// The load alone, against anything that speaks to the scripted vendor: for a profiler.
    Load(load::Alone),
    /// Very many requests with faults among them: fails where memory grows or anything is left over.
    Soak(soak::Options),
}

#[derive(Args)]
struct Options {
    /// One minute instead of five: fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
    /// Only this part; may be given several times.
    #[arg(long, value_name = "NAME", value_enum)]
    only: Vec<Part>,
    /// Where the figures go as JSON; beside the build (target/bench.json) unless given.
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Another build of the gateway, measured beside this one in `passthrough` and `streaming`.
    #[arg(long, value_name = "PATH")]
    beside: Option<PathBuf>,
    /// The gateway's binary; the one beside this program unless given.
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Added latency, requests/s and CPU per request at 1, 16, 64 and 256 connections.
    Passthrough,
    /// Time to the first event, events/s and CPU per event.
    Streaming,
    /// Pass-through, translated and cached, side by side: requests/s, events/s and CPU of each.
    Wire,
    /// Compiling, loading and calling components, in this process.
    Components,
    /// What a team's gateway costs beside a bare one: virtual keys, limits, usage, metrics, traces, budgets.
    Team,
    /// Resident memory and start time.
    Footprint,
    /// Engine time for each step of a reasoning session.
    Reasoning,
    /// A thousand sessions at the same time with a slow vendor: memory, CPU and disk of each.
    Sessions,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match cli.role {
        Some(Role::Vendor) => runtime.block_on(vendor::serve()),
        Some(Role::Load(alone)) => runtime.block_on(load::alone(&alone)),
        Some(Role::Soak(options)) => runtime.block_on(soak::run(&options)),
        None => runtime.block_on(measure(&cli.options)),
    }
}

async fn measure(options: &Options) -> Result<()> {
    let folder = folder()?;
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let gateway = options.gateway.clone().unwrap_or_else(|| folder.join("magic-proxy"));
    let json = options.json.clone().unwrap_or_else(|| folder.parent().unwrap_or(&folder).join("bench.json"));
    let wanted = |part: Part| options.only.is_empty() || options.only.contains(&part);

    let pins = process::Pins::take();
    let mut report = Report::new(machine::describe(&pins));
    if wanted(Part::Components) {
        components::measure(&effort, &mut report).await?;
    }
    let stage = contest::Stage::set(gateway, options.beside.clone(), pins)?;
    if wanted(Part::Footprint) {
        footprint::measure(&stage, &effort, &mut report).await?;
    }
    if wanted(Part::Passthrough) {
        passthrough::measure(&stage, &effort, &mut report).await?;
    }
    if wanted(Part::Streaming) {
        streaming::measure(&stage, &effort, &mut report).await?;
    }
    if wanted(Part::Wire) {
        ways::measure(&stage, &effort, &mut report).await?;
    }
    if wanted(Part::Team) {
        team::measure(&stage, &effort, &mut report).await?;
    }
    if wanted(Part::Reasoning) {
        reasoning::measure(&stage, &effort, &mut report).await?;
    }
    if wanted(Part::Sessions) {
        sessions::measure(&stage, &mut report).await?;
    }
    say(&report.text());
    std::fs::write(&json, report.json()).with_context(|| format!("write `{}`", json.display()))?;
    progress(&format!("the figures are in {}", json.display()));
    Ok(())
}

/// Where this program lies, and the gateway's beside it.
fn folder() -> Result<PathBuf> {
    let here = std::env::current_exe().context("find this program's own folder")?;
    Ok(here.parent().unwrap_or_else(|| Path::new(".")).to_owned())
}

/// A line of progress. A closed standard error is the reader's choice.
fn progress(text: &str) {
    let _written = writeln!(std::io::stderr(), "bench: {text}");
}

fn say(text: &str) {
    let _written = std::io::stdout().write_all(text.as_bytes());
}
