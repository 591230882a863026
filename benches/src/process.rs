//! Processes that are measured: started on their core, ended with their handle, asked for time and memory by /proc.
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Linux counts processor time for user space in hundredths of a second, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Who runs where. A contestant has a core of its own; vendor and load share the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pins {
    Apart {
        cores: usize,
    },
    /// One core only, or no `taskset`: ratios then say little.
    Nowhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Contestant,
    LoadSide,
    Anywhere,
}

impl Pins {
    /// Moves this process to the side of the load.
    pub(crate) fn take() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut taskset = Command::new("taskset");
        taskset.args(["-a", "-p", "-c", "1", &std::process::id().to_string()]);
        let moved = taskset.stdout(Stdio::null()).stderr(Stdio::null()).status();
        match moved {
            Ok(status) if cores > 1 && status.success() => Self::Apart { cores },
            _ => Self::Nowhere,
        }
    }

    /// A command that will run in its place.
    pub(crate) fn command(self, place: Place, program: &Path) -> Command {
        let cores = match (self, place) {
            (Self::Nowhere, _) => return Command::new(program),
            (Self::Apart { .. }, Place::Contestant) => "0".to_owned(),
            (Self::Apart { .. }, Place::LoadSide) => "1".to_owned(),
            (Self::Apart { cores }, Place::Anywhere) => format!("0-{}", cores - 1),
        };
        let mut command = Command::new("taskset");
        command.args(["-c", &cores]).arg(program);
        command
    }
}

/// Ends with its handle.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command.spawn().map(Self).with_context(|| format!("start `{}`", command.get_program().to_string_lossy()))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Asks it to end by itself, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.id().to_string()).status().context("run `kill`")?;
        ensure!(asked.success(), "`kill` does not reach process {}", self.id());
        let ended = self.0.wait().context("wait for a process")?;
        ensure!(ended.success(), "a process that was asked to end did so with {ended}");
        Ok(())
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Processor time that a process has used so far, all threads, user and system, in seconds.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("look at process {pid}"))?;
    // The name in brackets may hold anything; utime and stime are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_ascii_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_SECOND)
}

/// Memory of a process in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// The part that is its own: without the mapped program.
    pub(crate) anonymous: f64,
    pub(crate) peak: f64,
}

pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib =
            line.and_then(|rest| rest.trim_start_matches(':').split_ascii_whitespace().next()?.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).with_context(|| format!("{path} has no {name}"))
    };
    Ok(Memory { resident: mib("VmRSS")?, anonymous: mib("RssAnon")?, peak: mib("VmHWM")? })
}
