//! Starts other programs and tells how far they are. Knows nothing of what they do.
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// Whatever takes longer than this says so while it goes on.
const REPORT_EVERY: Duration = Duration::from_secs(2);
const POLL_EVERY: Duration = Duration::from_millis(20);
const TAIL_LINES: usize = 15;

/// The repository: the folder above this crate.
pub(crate) fn root() -> PathBuf {
    // Asked of the environment first: the checkout may have moved since this was compiled.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// One line of progress.
pub(crate) fn say(text: &str) {
    // Progress that nobody can read is no reason to stop.
    drop(writeln!(std::io::stderr(), "xtask: {text}"));
}

/// Cargo, in the repository, without what the cargo that runs this program set for itself.
pub(crate) fn cargo(root: &Path) -> Command {
    // Some build scripts (ring's) watch these: left in, they are run again whenever cargo is called another way.
    const SET_BY_CARGO_RUN: [&str; 5] =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if SET_BY_CARGO_RUN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Where cargo leaves what it builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// The command as one would type it.
pub(crate) fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_else(|| command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs to the end with our own inputs and outputs; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start `{}`", typed(command)))?;
    succeeded(command, status)
}

/// Runs to the end and hands every line of its standard output to `each`.
pub(crate) fn lines(command: &mut Command, mut each: impl FnMut(&str)) -> Result<()> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("start `{}`", typed(command)))?;
    if let Some(out) = child.stdout.take() {
        // By bytes: a test may print what is no UTF-8, and that must not end the run.
        for line in BufReader::new(out).split(b'\n') {
            each(&String::from_utf8_lossy(&line?));
        }
    }
    let status = child.wait()?;
    succeeded(command, status)
}

/// Whether the command can be started at all and ends well. Its output goes nowhere.
pub(crate) fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|exit| exit.success())
}

/// Runs a noisy command with its output in `log`, telling the time it takes; a failure quotes the log's last lines.
pub(crate) fn quietly(command: &mut Command, what: &str, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("create `{}`", log.display()))?;
    let begun = Instant::now();
    let mut reported = begun;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("start `{}`", typed(command)))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            say(&format!("{what}, {}s", begun.elapsed().as_secs()));
        }
        std::thread::sleep(POLL_EVERY);
    };
    succeeded(command, status).with_context(|| tail(log))
}

/// The program of this name on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Seconds as a person reads them: `4.2s`, `3m 05s`.
pub(crate) fn spell(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1}s", time.as_secs_f32()),
        secs => format!("{}m {:02}s", secs / 60, secs % 60),
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", typed(command));
    }
    Ok(())
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    format!("the last lines of `{}`:\n{}\n", log.display(), last.join("\n"))
}

#[cfg(test)]
mod tests;
