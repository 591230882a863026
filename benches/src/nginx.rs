//! nginx as a reverse proxy before the same vendor, where it is installed: what a gateway could cost that looks at nothing.
use crate::process::{Pins, Place, Process};
use crate::scratch::Scratch;
use anyhow::{Context as _, Result, bail};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

/// Connection attempts until it listens, and the rest between two.
const ATTEMPTS: usize = 100;
const REST: Duration = Duration::from_millis(20);

pub(crate) struct Nginx {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Nginx {
    /// `None` where it is not installed.
    pub(crate) async fn start(pins: Pins, vendor: SocketAddr, scratch: &Scratch) -> Result<Option<Self>> {
        let Some(program) = installed() else { return Ok(None) };
        // The port could be taken by somebody else in between; then nginx says so and the run ends.
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).context("find a free port")?;
        let folder = scratch.path();
        let config = scratch.write("nginx.conf", &config(address, vendor, &folder.display().to_string()))?;
        let mut command = pins.command(Place::Contestant, &program);
        command.arg("-p").arg(folder).arg("-c").arg(config).arg("-e").arg(folder.join("nginx.log"));
        let process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
        for _ in 0..ATTEMPTS {
            if TcpStream::connect(address).is_ok() {
                return Ok(Some(Self { process, address }));
            }
            tokio::time::sleep(REST).await;
        }
        bail!("nginx did not start:\n{}", std::fs::read_to_string(folder.join("nginx.log")).unwrap_or_default())
    }
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian's place for it is not on everybody's path.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("nginx")).find(|program| program.is_file())
}

/// As an operator would tune it: one worker, connections to the vendor kept, no log. One process without a master, so
/// that its processor time is in one place.
fn config(address: SocketAddr, vendor: SocketAddr, folder: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/nginx_{kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {folder}/nginx.pid;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  tcp_nodelay on;\n  keepalive_requests 100000000;\n{temporary}\
         \x20 upstream vendor {{ server {vendor}; keepalive 1024; keepalive_requests 100000000; }}\n\
         \x20 server {{\n    listen {address} backlog=4096;\n    location / {{\n      proxy_pass http://vendor;\n      \
         proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n    }}\n  }}\n}}\n"
    )
}
