//! What a developer runs by hand: the gateway with its model, the model alone, benchmarks and soak. Tests are `ci`'s.
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
    thread,
};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    components,
    model::{self, Server},
    shell,
};

/// Where the gateway's `local` profile finds the model's server.
pub(crate) const LOCAL_API_BASE: &str = "MAGIC_LOCAL_API_BASE";
/// One is enough to read along, and leaves the gateway a core.
const MODEL_THREADS: u32 = 1;

#[derive(Args)]
pub(crate) struct Run {
    /// Where the gateway listens; 127.0.0.1:8001 unless the gateway is told otherwise.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The configuration; proxy_config.yaml unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Start no local model: its aliases then answer with an error.
    #[arg(long)]
    no_model: bool,
    /// Handed on to `magic-proxy serve`.
    #[arg(last = true)]
    args: Vec<OsString>,
}

/// Prepares everything at once, then runs the gateway in the foreground. Its exit code is ours.
pub(crate) fn run(root: &Path, run: &Run) -> Result<ExitCode> {
    // The model's download waits on the network and the builds on the processor: together they take as long as the
    // longer one.
    let (built, guests, server) = thread::scope(|scope| {
        let guests = scope.spawn(|| components::build(root).context("build the components"));
        let server = scope.spawn(|| wants_model(run).then(|| start_model(root)));
        let built = shell::run(shell::cargo(root).args(["build", "--release", "-p", "magic-proxy"]));
        (built, joined(guests.join()), server.join())
    });
    built?;
    guests?;
    let server = match joined(server.map(Ok)) {
        Ok(Some(Ok(server))) => Some(server),
        Ok(None) => None,
        Ok(Some(Err(why))) | Err(why) => {
            eprintln!("{}", absent(&why));
            None
        }
    };
    let code = foreground(&mut gateway(root, run, server.as_ref()))?;
    // Only now: what the gateway still answered while it drained may have needed the model.
    drop(server);
    Ok(code)
}

/// Serves the model until ctrl-c.
pub(crate) fn serve_model(root: &Path) -> Result<()> {
    let server = start_model(root)?;
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    println!("{}", server.base);
    shell::say(&format!("the model is served; ctrl-c ends it. For a gateway: export {LOCAL_API_BASE}={}", server.base));
    signals.forever().next();
    Ok(())
}

pub(crate) fn bench(root: &Path, args: &[String]) -> Result<()> {
    components::build(root).context("build the components")?;
    benches(root, &[], args)
}

/// The soak needs no components.
pub(crate) fn soak(root: &Path, args: &[String]) -> Result<()> {
    benches(root, &["soak"], args)
}

fn benches(root: &Path, role: &[&str], args: &[String]) -> Result<()> {
    // In one call, so that both see the same features and nothing is compiled twice.
    shell::run(shell::cargo(root).args(["build", "--release", "-p", "magic-proxy", "-p", "magic-benches"]))?;
    shell::run(Command::new(shell::target(root).join("release/magic-benches")).args(role).args(args).current_dir(root))
}

// === the model ===

fn wants_model(run: &Run) -> bool {
    // A server that is named already is the one to use.
    !run.no_model && std::env::var_os(LOCAL_API_BASE).is_none()
}

fn start_model(root: &Path) -> Result<Server> {
    let model = model::ensure(root)?;
    model::start(&model, MODEL_THREADS)
}

/// The block that says what the gateway will do without.
fn absent(why: &anyhow::Error) -> String {
    let rule = "-".repeat(76);
    format!(
        "{rule}\nThe small local model is missing. The gateway starts all the same, but the aliases\n\
         served by it (`local`, `local-react`) will answer with an error.\n\n  why:  {why:#}\n\n\
         Put that right and start again, or leave the model out with `cargo xtask run --no-model`.\n{rule}"
    )
}

// === the gateway ===

fn gateway(root: &Path, run: &Run, server: Option<&Server>) -> Command {
    let mut gateway = Command::new(shell::target(root).join("release/magic-proxy"));
    gateway.current_dir(root).arg("serve");
    if let Some(listen) = &run.listen {
        gateway.arg("--listen").arg(listen);
    }
    if let Some(config) = &run.config {
        gateway.arg("--config").arg(config);
    }
    if let Some(server) = server {
        gateway.env(LOCAL_API_BASE, &server.base);
    }
    gateway.args(&run.args);
    gateway
}

/// Runs a child to its end, handing it every SIGINT and SIGTERM that we get.
fn foreground(command: &mut Command) -> Result<ExitCode> {
    // A group of its own: a terminal sends ctrl-c to the whole group, and the child would see it twice.
    std::os::unix::process::CommandExt::process_group(command, 0);
    // Before the child starts, so that no signal falls between the two.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let mut child =
        command.stdin(Stdio::null()).spawn().with_context(|| format!("start `{}`", shell::typed(command)))?;
    let pid = child.id();
    let handle = signals.handle();
    let status = thread::scope(|scope| {
        scope.spawn(|| signals.forever().for_each(|signal| forward(signal, pid)));
        let status = child.wait();
        handle.close();
        status
    })?;
    Ok(code(status))
}

fn forward(signal: i32, pid: u32) {
    let name = if signal == SIGINT { "INT" } else { "TERM" };
    // The shell's own `kill`: there on every machine, and no unsafe call.
    if !shell::works(Command::new("sh").args(["-c", &format!("kill -{name} {pid}")])) {
        shell::say(&format!("could not hand SIG{name} to the gateway, process {pid}"));
    }
}

fn code(status: ExitStatus) -> ExitCode {
    // A child that died of a signal has no code: that is a failure.
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn joined<T>(result: thread::Result<Result<T>>) -> Result<T> {
    result.unwrap_or_else(|_| Err(anyhow!("a thread of the preparation panicked; its message is above")))
}

#[cfg(test)]
mod tests;
