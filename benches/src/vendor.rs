//! The scripted vendor: a process of its own that answers at once with what the model's name asks for. Its own time is
//! small, the same for every contestant, and for sessions it is counted, so that it can be taken off.
mod script;

use crate::numbers::nanos;
use crate::process::{Pins, Place, Process};
use crate::wire::{self, Head, Length};
use crate::{load, say};
use anyhow::{Context as _, Result};
use memchr::memmem;
use script::{Reply, Script};
use std::cell::Cell;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use script::{Both, FLOOD_EVENTS, PACED_EVENTS, PACED_GAP, STEPS};
pub(crate) use script::{SLOW_ACTS, SLOW_GAP, SLOW_PIECES, SLOW_STEPS, SLOW_THINKS};

/// What a vendor's process is asked to play, by the model's name.
pub(crate) const MODELS: [&str; 4] = ["whole", "flood", "paced", "react"];

/// A running vendor.
pub(crate) struct Vendor {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

/// What it spent so far on the steps of sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    pub(crate) asks: u64,
    pub(crate) busy: Duration,
    /// Asks over which it is thinking now.
    pub(crate) waiting: u64,
}

// === impl Vendor ===
impl Vendor {
    pub(crate) fn start(pins: Pins) -> Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let mut command = pins.command(Place::LoadSide, &program);
        let mut process = Process::start(command.arg("vendor").stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let stdout = process.child().stdout.take().context("the vendor has no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("read the vendor's address")?;
        let address = line.trim().parse().with_context(|| format!("the vendor said `{}`", line.trim()))?;
        Ok(Self { process, address })
    }

    pub(crate) async fn spent(&self) -> Result<Spent> {
        let (_, body) = load::once(self.address, b"GET /spent HTTP/1.1\r\nhost: vendor.local\r\n\r\n").await?;
        let json: serde_json::Value = serde_json::from_slice(&body).context("read what the vendor spent")?;
        let number = |name: &str| json.get(name).and_then(serde_json::Value::as_u64).context("a figure is missing");
        let busy = Duration::from_nanos(number("busy_ns")?);
        Ok(Spent { asks: number("asks")?, busy, waiting: number("waiting")? })
    }
}

// === the process ===

struct Shared {
    script: Script,
    asks: Cell<u64>,
    busy: Cell<Duration>,
    waiting: Cell<u64>,
}

/// Serves on a free port of loopback, which is the one line it prints, until it is killed.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen on loopback")?;
    say(&format!("{}\n", listener.local_addr()?));
    let shared = Rc::new(Shared {
        script: Script::new(),
        asks: Cell::default(),
        busy: Cell::default(),
        waiting: Cell::default(),
    });
    let tasks = tokio::task::LocalSet::new();
    let accepting = async {
        loop {
            let (stream, _) = listener.accept().await.context("accept a connection")?;
            let shared = Rc::clone(&shared);
            tokio::task::spawn_local(async move {
                // A peer that leaves in the middle is done with us.
                let _ended = converse(stream, &shared).await;
            });
        }
    };
    tasks.run_until(accepting).await
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let Some(head) = request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let Length::Known(length) = head.length else { anyhow::bail!("a chunked request") };
        let body = buffer.get(head.bytes..head.bytes + length).unwrap_or_default();
        let whole = Instant::now();
        if buffer.starts_with(b"GET ") {
            stream.write_all(&spent(shared)).await?;
        } else {
            let line = buffer.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let reply = shared.script.reply(line, body);
            let is_step = matches!(reply, Reply::Slow(_)) || memmem::find(body, b"\"model\":\"react\"").is_some();
            answer(&mut stream, reply, &shared.waiting).await?;
            if is_step {
                shared.asks.set(shared.asks.get() + 1);
                shared.busy.set(shared.busy.get() + whole.elapsed());
            }
        }
        buffer.drain(..head.bytes + length);
    }
}

/// Reads until one request is whole; `None` when the peer has left between two.
pub(crate) async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Head>> {
    loop {
        if let Some(head) = wire::head(buffer)? {
            let length = match head.length {
                Length::Known(length) => length,
                Length::Chunked => 0,
            };
            if buffer.len() >= head.bytes + length {
                return Ok(Some(head));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

async fn answer(stream: &mut TcpStream, reply: Reply<'_>, waiting: &Cell<u64>) -> Result<()> {
    match reply {
        Reply::AtOnce(bytes) => stream.write_all(bytes).await?,
        Reply::InPieces(pieces) => {
            for piece in pieces {
                stream.write_all(piece).await?;
            }
        }
        Reply::Paced(pieces) => paced(stream, pieces, PACED_GAP).await?,
        Reply::Slow(pieces) => {
            waiting.set(waiting.get() + 1);
            tokio::time::sleep(SLOW_THINKS).await;
            waiting.set(waiting.get() - 1);
            paced(stream, pieces, SLOW_GAP).await?;
        }
    }
    Ok(())
}

async fn paced(stream: &mut TcpStream, pieces: &[Vec<u8>], gap: Duration) -> Result<()> {
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + gap, gap);
    for (number, piece) in pieces.iter().enumerate() {
        // The first at once: a timer's grain would be most of the time to the first event.
        if number > 0 {
            tick.tick().await;
        }
        stream.write_all(piece).await?;
    }
    Ok(())
}

fn spent(shared: &Shared) -> Vec<u8> {
    let body = format!(
        "{{\"asks\":{},\"busy_ns\":{},\"waiting\":{}}}",
        shared.asks.get(),
        nanos(shared.busy.get()),
        shared.waiting.get()
    );
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
