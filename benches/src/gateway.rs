//! The gateway under measurement: the built binary with a config of its own, in a process of its own.
use crate::process::{Pins, Place, Process};
use crate::scratch::Scratch;
use anyhow::{Context as _, Result};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

/// What is logged while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logs {
    /// As nginx with `access_log off`.
    Problems,
    /// The default: one line a request, into a file.
    Requests,
}

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
    pub(crate) pins: Pins,
    pub(crate) place: Place,
    pub(crate) logs: Logs,
    pub(crate) vendor: SocketAddr,
}

impl Gateway {
    /// Components are those of the working folder; everything else lies in the scratch folder. The compile cache is
    /// kept there from start to start.
    pub(crate) fn start(setup: &Setup<'_>, scratch: &Scratch) -> Result<Self> {
        let config = scratch.write("config/proxy_config.yaml", &config(setup.vendor))?;
        // Not beside the config: that folder is watched, and each line would be looked at.
        let log_path = scratch.path().join("gateway.log");
        let log = std::fs::File::create(&log_path).context("make the gateway's log")?;
        let mut command = setup.pins.command(setup.place, setup.binary);
        command.arg("serve").args(["--listen", "127.0.0.1:0"]).arg("--config").arg(config);
        for folder in ["data", "keys", "env"] {
            command.arg(format!("--{folder}")).arg(scratch.path().join(folder));
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
        let began = Instant::now();
        let mut process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log))?;
        let stdout = process.child().stdout.take().context("the gateway has no standard output")?;
        let mut stdout = BufReader::new(stdout);
        let address = address(&mut stdout).with_context(|| {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            format!("the gateway `{}` did not start:\n{log}", setup.binary.display())
        })?;
        Ok(Self { process, address, started: began.elapsed(), _stdout: stdout })
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

/// An alias for each thing the vendor plays, under the same name.
fn config(vendor: SocketAddr) -> String {
    let mut profiles = String::new();
    let mut aliases = String::new();
    for model in crate::vendor::MODELS {
        let agent =
            if model == "react" { "{ reasoning_mode: standard_gemini_react, tools: [calculator] }" } else { "{}" };
        profiles += &format!(
            "  - model_name: vendor_{model}\n    provider: local\n    model_params:\n      model: {model}\n      \
             api_base: http://{vendor}/v1\n      agent_settings: {agent}\n"
        );
        aliases += &format!("    {model}: [vendor_{model}]\n");
    }
    format!(
        "model_list:\n{profiles}router_settings:\n  model_group_alias:\n{aliases}agent_settings: {{ max_steps: 16 }}\n"
    )
}
