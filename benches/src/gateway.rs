//! The gateway under measurement: the built binary with a config of its own, in a process of its own.
use crate::process::{Pins, Place, Process};
use crate::scratch::Scratch;
use anyhow::{Context as _, Result};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// What is logged while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logs {
    /// As nginx with `access_log off`.
    Problems,
    /// The default: one line a request, into a file.
    Requests,
}

/// Whose binary it is. Another build may be older, and is only asked for what every build can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    Ours,
    Other,
}

/// What is switched on beside plain proxying; each has all that those before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dress {
    /// Nothing: not even counting.
    Bare,
    /// As it comes: metrics are counted.
    Plain,
    /// A virtual key with limits, and usage.
    Keys,
    /// Traces, metrics and logs go to a collector.
    Collector,
    /// A budget in money.
    Budget,
}

/// Aliases beside those that have the vendor's own names for models.
pub(crate) const ANTHROPIC: &str = "anthropic";
pub(crate) const GOOGLE: &str = "google";
pub(crate) const CACHED: &str = "cached";
pub(crate) const CACHED_FLOOD: &str = "cached_flood";

pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its word that it listens.
    pub(crate) started: Duration,
    /// Kept open, so that the gateway does not write into a closed pipe.
    _stdout: BufReader<ChildStdout>,
}

pub(crate) struct Setup<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) build: Build,
    pub(crate) pins: Pins,
    pub(crate) place: Place,
    pub(crate) logs: Logs,
    pub(crate) dress: Dress,
    pub(crate) vendor: SocketAddr,
    /// Takes what is exported.
    pub(crate) collector: Option<SocketAddr>,
}

impl Gateway {
    /// Components are those of the working folder; everything else lies in the scratch folder. The compile cache is
    /// kept there from start to start.
    pub(crate) fn start(setup: &Setup<'_>, scratch: &Scratch) -> Result<Self> {
        let tail = setup.tail();
        let text = config(setup.vendor, setup.build) + &setup.telemetry();
        let config = scratch.write(&format!("config{tail}/proxy_config.yaml"), &text)?;
        // Not beside the config: that folder is watched, and each line would be looked at.
        let log_path = scratch.path().join("gateway.log");
        let mut command = setup.pins.command(setup.place, setup.binary);
        command.arg("serve").args(["--listen", "127.0.0.1:0"]).arg("--config").arg(config);
        for part in ["data", "keys", "env"] {
            command.arg(format!("--{part}")).arg(scratch.path().join(format!("{part}{tail}")));
        }
        command.env(
            "RUST_LOG",
            match setup.logs {
                Logs::Problems => "warn",
                Logs::Requests => "info",
            },
        );
        if setup.place == Place::Contestant {
            command.env("TOKIO_WORKER_THREADS", "1");
        }
        Self::listening(command, &log_path)
    }

    /// Starts what the command says and waits for its greeting; what it logs goes to a file.
    pub(crate) fn listening(mut command: Command, log_path: &Path) -> Result<Self> {
        let log = std::fs::File::create(log_path).context("make the gateway's log")?;
        let began = Instant::now();
        let mut process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log))?;
        let stdout = process.child().stdout.take().context("the gateway has no standard output")?;
        let mut stdout = BufReader::new(stdout);
        let address = address(&mut stdout).with_context(|| {
            let log = std::fs::read_to_string(log_path).unwrap_or_default();
            format!("the gateway did not start:\n{log}")
        })?;
        Ok(Self { process, address, started: began.elapsed(), _stdout: stdout })
    }
}

// === impl Setup ===
impl Setup<'_> {
    /// Of its folders: a database that two builds shared, or two that are dressed otherwise, would be a fault of ours.
    fn tail(&self) -> String {
        match (self.build, self.dress) {
            (Build::Other, _) => "-other".to_owned(),
            (Build::Ours, Dress::Plain) => String::new(),
            (Build::Ours, dress) => format!("-{dress:?}").to_lowercase(),
        }
    }

    fn telemetry(&self) -> String {
        match (self.dress, self.collector) {
            (Dress::Bare, _) => "telemetry_settings: { prometheus: false }\n".to_owned(),
            (Dress::Collector | Dress::Budget, Some(collector)) => {
                format!("telemetry_settings: {{ otlp_endpoint: \"http://{collector}\" }}\n")
            }
            (Dress::Plain | Dress::Keys | Dress::Collector | Dress::Budget, _) => String::new(),
        }
    }

    /// A virtual key whose limits are looked at and never reached; before the gateway starts.
    pub(crate) fn make_key(&self, scratch: &Scratch) -> Result<Option<String>> {
        let budget: &[&str] = match self.dress {
            Dress::Bare | Dress::Plain => return Ok(None),
            Dress::Keys | Dress::Collector => &[],
            Dress::Budget => &["--budget", "1000000/total"],
        };
        let mut command = Command::new(self.binary);
        command.args(["virtual-keys", "create", "--name", "bench", "--requests-per-minute", "1000000000"]);
        command.args(["--tokens-per-minute", "1000000000000", "--parallel", "100000"]).args(budget);
        command.arg("--data").arg(scratch.path().join(format!("data{}", self.tail())));
        let made = command.output().context("make a virtual key")?;
        anyhow::ensure!(made.status.success(), "make a virtual key: {}", String::from_utf8_lossy(&made.stderr));
        Ok(Some(String::from_utf8(made.stdout).context("a virtual key is text")?.trim().to_owned()))
    }
}

/// Its greeting says where it listens, once it does.
fn address(stdout: &mut BufReader<ChildStdout>) -> Result<SocketAddr> {
    let mut line = String::new();
    while stdout.read_line(&mut line).context("read the gateway's greeting")? > 0 {
        if let Some((_, address)) = line.trim().split_once(" serves http://") {
            return address.parse().with_context(|| format!("`{address}` is no address"));
        }
        line.clear();
    }
    anyhow::bail!("it ended without a greeting")
}

/// The gateway's own name for what the vendor plays, and how it gets there.
#[derive(Clone, Copy)]
struct Alias {
    name: &'static str,
    model: &'static str,
    dialect: Option<&'static str>,
}

/// What it takes a build that knows dialects and the cache to serve.
const FURTHER: [Alias; 4] = [
    Alias { name: ANTHROPIC, model: "whole", dialect: Some("anthropic") },
    Alias { name: GOOGLE, model: "whole", dialect: Some("google") },
    Alias { name: CACHED, model: "whole", dialect: None },
    Alias { name: CACHED_FLOOD, model: "flood", dialect: None },
];

fn config(vendor: SocketAddr, build: Build) -> String {
    let plain = crate::vendor::MODELS.map(|model| Alias { name: model, model, dialect: None });
    let further: &[Alias] = match build {
        Build::Ours => &FURTHER,
        Build::Other => &[],
    };
    let (mut profiles, mut aliases) = (String::new(), String::new());
    for Alias { name, model, dialect } in plain.iter().chain(further) {
        let agent =
            if *model == "react" { "{ reasoning_mode: standard_gemini_react, tools: [calculator] }" } else { "{}" };
        let dialect = dialect.map(|dialect| format!("      dialect: {dialect}\n")).unwrap_or_default();
        profiles += &format!(
            "  - model_name: vendor_{name}\n    provider: local\n    model_params:\n      model: {model}\n      \
             api_base: http://{vendor}/v1\n{dialect}      agent_settings: {agent}\n"
        );
        aliases += &format!("    {name}: [vendor_{name}]\n");
    }
    let cache = match build {
        Build::Ours => format!(
            "cache_settings:\n  enabled: true\n  rules:\n    - {{ model_names: [vendor_{CACHED}, vendor_{CACHED_FLOOD}], \
             include_in_key: [messages], ttl_seconds: 1h }}\n"
        ),
        Build::Other => String::new(),
    };
    format!(
        "model_list:\n{profiles}router_settings:\n  model_group_alias:\n{aliases}agent_settings: {{ max_steps: 16 }}\n{cache}"
    )
}
