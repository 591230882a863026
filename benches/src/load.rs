//! The load: keep-alive connections that each send their next request when the last reply is whole. Own code on bare
//! sockets, since a client library would cost more than what is measured.
use crate::numbers::{nanos, percentile};
use crate::process::cpu_seconds;
use crate::say;
use crate::wire::{self, CHUNKED_END, Length};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use futures_util::future::try_join_all;
use memchr::memmem;
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Beyond the time asked for: a reply that takes longer than that hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const BUFFER_BYTES: usize = 64 << 10;

/// One run against one address.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) request: &'a [u8],
    pub(crate) connections: usize,
    /// Not counted: connections open, pools fill, the clock of the processor rises.
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
    /// Events of a streamed reply, its end included; 0 where it does not stream.
    pub(crate) events: u64,
    /// Whose processor time is taken over the counted part.
    pub(crate) pid: u32,
}

/// The load alone, for a profiler.
#[derive(Args)]
pub(crate) struct Alone {
    /// Where to.
    address: SocketAddr,
    /// The process whose time is taken.
    pid: u32,
    #[arg(long, default_value = "whole")]
    model: String,
    /// Whether to ask for streams.
    #[arg(long)]
    streams: bool,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// What a run saw, of its counted part alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    /// Whole replies: from the request's first byte to the reply's last. Sorted.
    pub(crate) latencies: Vec<u64>,
    /// Streamed replies: to the end of the first event. Sorted.
    pub(crate) first_events: Vec<u64>,
    pub(crate) events: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmingUp,
    Counting,
    Over,
}

// === impl Outcome ===
impl Outcome {
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    pub(crate) fn cpu_micros_per_request(&self) -> f64 {
        self.cpu_seconds * 1e6 / (self.latencies.len().max(1) as f64)
    }

    pub(crate) fn events_per_second(&self) -> f64 {
        self.events as f64 / self.seconds
    }

    pub(crate) fn cpu_micros_per_event(&self) -> f64 {
        self.cpu_seconds * 1e6 / (self.events.max(1) as f64)
    }

    /// Share of one core.
    pub(crate) fn busy(&self) -> f64 {
        self.cpu_seconds / self.seconds
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.first_events.extend(other.first_events);
        self.events += other.events;
    }
}

/// # Errors
/// For any reply that is not a 200 with as many events as expected, and for one that hangs.
pub(crate) async fn run(plan: Plan<'_>) -> Result<Outcome> {
    let phase = Cell::new(Phase::WarmingUp);
    let conversations = try_join_all((0..plan.connections).map(|_| converse(plan, &phase)));
    let all = async { tokio::try_join!(conversations, conduct(plan, &phase)) };
    let within = plan.warmup + plan.duration + PATIENCE;
    let (parts, (seconds, cpu_seconds)) =
        tokio::time::timeout(within, all).await.with_context(|| format!("{} hangs", plan.address))??;
    let mut outcome = Outcome { seconds, cpu_seconds, ..Outcome::default() };
    for part in parts {
        outcome.add(part);
    }
    outcome.latencies.sort_unstable();
    outcome.first_events.sort_unstable();
    Ok(outcome)
}

/// Tells the connections when to count, and takes the time.
async fn conduct(plan: Plan<'_>, phase: &Cell<Phase>) -> Result<(f64, f64)> {
    tokio::time::sleep(plan.warmup).await;
    let (start, cpu_before) = (Instant::now(), cpu_seconds(plan.pid)?);
    phase.set(Phase::Counting);
    tokio::time::sleep(plan.duration).await;
    phase.set(Phase::Over);
    Ok((start.elapsed().as_secs_f64(), cpu_seconds(plan.pid)? - cpu_before))
}

async fn converse(plan: Plan<'_>, phase: &Cell<Phase>) -> Result<Outcome> {
    let mut connection = Connection::open(plan.address).await?;
    let mut outcome = Outcome::default();
    while phase.get() != Phase::Over {
        let mut seen = 0;
        let sent = Instant::now();
        connection.stream.write_all(plan.request).await.context("send a request")?;
        let ended = connection
            .reply(|events| {
                if phase.get() == Phase::Counting {
                    outcome.events += events;
                    if seen == 0 {
                        outcome.first_events.push(nanos(sent.elapsed()));
                    }
                }
                seen += events;
                phase.get() != Phase::Over
            })
            .await?;
        if !ended {
            break;
        }
        if seen != plan.events {
            bail!("a reply of {} had {seen} events instead of {}", plan.address, plan.events);
        }
        if phase.get() == Phase::Counting {
            outcome.latencies.push(nanos(sent.elapsed()));
        }
    }
    Ok(outcome)
}

/// One request on a connection of its own: how long it took, and the body of its 200.
pub(crate) async fn once(address: SocketAddr, request: &[u8]) -> Result<(Duration, Vec<u8>)> {
    let mut connection = Connection::open(address).await?;
    connection.ask(request).await
}

/// How many events the reply to a request has, its end included.
pub(crate) async fn events(address: SocketAddr, request: &[u8]) -> Result<u64> {
    let mut connection = Connection::open(address).await?;
    connection.stream.write_all(request).await.context("send a request")?;
    let mut seen = 0;
    let counted = connection.reply(|events| {
        seen += events;
        true
    });
    tokio::time::timeout(PATIENCE, counted).await.context("a reply hangs")??;
    Ok(seen)
}

// === connections ===

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// A reply with a length, for those who want to read it.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<(Duration, Vec<u8>)> {
        let sent = Instant::now();
        self.stream.write_all(request).await.context("send a request")?;
        let asked = async {
            let head = self.head().await?;
            match head.length {
                Length::Known(bytes) => self.take(bytes).await,
                Length::Chunked => bail!("a streamed reply where a whole one was asked for"),
            }
        };
        let body = tokio::time::timeout(PATIENCE, asked).await.context("a reply hangs")??;
        Ok((sent.elapsed(), body))
    }

    /// A streamed reply as it came, chunk heads and all. As long as the vendor is slow: patience is the caller's.
    pub(crate) async fn stream_of(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.stream.write_all(request).await.context("send a request")?;
        match self.head().await?.length {
            Length::Known(_) => bail!("a whole reply where a stream was asked for"),
            Length::Chunked => {}
        }
        while !self.buffer.ends_with(CHUNKED_END) {
            self.read().await?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Reads one reply and tells how many events each piece of it ended. False when it was told to stop early.
    async fn reply(&mut self, mut on_events: impl FnMut(u64) -> bool) -> Result<bool> {
        let head = self.head().await?;
        if let Length::Known(bytes) = head.length {
            self.skip(bytes).await?;
            return Ok(true);
        }
        // What was looked at already stays in the buffer, as an event or the end may be cut in two.
        let mut looked_at = 0;
        loop {
            let from = usize::saturating_sub(looked_at, 1);
            let events = memmem::find_iter(self.buffer.get(from..).unwrap_or_default(), b"\n\n").count() as u64;
            if events > 0 && !on_events(events) {
                return Ok(false);
            }
            if self.buffer.ends_with(CHUNKED_END) {
                self.buffer.clear();
                return Ok(true);
            }
            let kept = self.buffer.len().min(CHUNKED_END.len());
            self.buffer.drain(..self.buffer.len() - kept);
            looked_at = kept;
            self.read().await?;
        }
    }

    async fn head(&mut self) -> Result<wire::Head> {
        loop {
            if let Some(head) = wire::head(&self.buffer)? {
                if head.status != Some(200) {
                    bail!("a reply that is no 200: {}", String::from_utf8_lossy(&self.buffer));
                }
                self.buffer.drain(..head.bytes);
                return Ok(head);
            }
            self.read().await?;
        }
    }

    async fn skip(&mut self, bytes: usize) -> Result<()> {
        while self.buffer.len() < bytes {
            self.read().await?;
        }
        self.buffer.drain(..bytes);
        Ok(())
    }

    async fn take(&mut self, bytes: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < bytes {
            self.read().await?;
        }
        Ok(self.buffer.drain(..bytes).collect())
    }

    async fn read(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await.context("read a reply")? == 0 {
            bail!("the connection ended in the middle of a reply");
        }
        Ok(())
    }
}

/// Runs until the time is over and prints one line.
pub(crate) async fn alone(options: &Alone) -> Result<()> {
    let request = wire::request(&options.model, options.streams);
    let events = if options.streams { events(options.address, &request).await? } else { 0 };
    let outcome = run(Plan {
        address: options.address,
        request: &request,
        connections: options.connections,
        warmup: Duration::from_millis(500),
        duration: Duration::from_secs(options.seconds),
        events,
        pid: options.pid,
    })
    .await?;
    say(&format!(
        "{:.0} requests/s, {:.0} events/s, p50 {} us, p99 {} us, {:.1} us of CPU a request, {:.2} cores\n",
        outcome.requests_per_second(),
        outcome.events_per_second(),
        percentile(&outcome.latencies, 50) / 1000,
        percentile(&outcome.latencies, 99) / 1000,
        outcome.cpu_micros_per_request(),
        outcome.busy(),
    ));
    Ok(())
}
