//! Where contestants meet: one vendor, one load, and everybody in turn, round by round, so that a slow minute of the
//! machine falls on all of them.
use crate::gateway::{Build, Dress, Gateway, Logs, Setup};
use crate::load::{self, Outcome, Plan};
use crate::nginx::Nginx;
use crate::process::{Pins, Place};
use crate::progress;
use crate::scratch::Scratch;
use crate::vendor::Vendor;
use anyhow::Result;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long it may take.
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
    /// Of components, per round of calls.
    pub(crate) calls: usize,
    /// Starts of the gateway.
    pub(crate) starts: usize,
    /// Reasoning sessions, one after another.
    pub(crate) sessions: usize,
}

/// What all scenarios share.
pub(crate) struct Stage {
    pub(crate) scratch: Scratch,
    pub(crate) vendor: Vendor,
    pub(crate) pins: Pins,
    pub(crate) gateway: PathBuf,
    /// Another build, to be measured beside ours.
    beside: Option<PathBuf>,
}

#[derive(Clone, Copy)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
}

/// One row of work: the same request to everybody.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) request: &'a [u8],
    pub(crate) connections: usize,
    pub(crate) events: u64,
}

/// Everybody who takes part; they run until this is dropped.
pub(crate) struct Field {
    contestants: Vec<Contestant>,
    _gateways: Vec<Gateway>,
    _nginx: Option<Nginx>,
}

pub(crate) const DIRECT: &str = "direct";
pub(crate) const GATEWAY: &str = "gateway";
pub(crate) const LOGGING: &str = "gateway, a log line each";
pub(crate) const OTHER: &str = "the other build";
pub(crate) const NGINX: &str = "nginx";

// === impl Effort ===
impl Effort {
    pub(crate) const FULL: Self = Self {
        rounds: 5,
        warmup: Duration::from_millis(300),
        duration: Duration::from_millis(1200),
        calls: 20_000,
        starts: 9,
        sessions: 200,
    };
    pub(crate) const QUICK: Self = Self {
        rounds: 3,
        warmup: Duration::from_millis(150),
        duration: Duration::from_millis(500),
        calls: 3_000,
        starts: 3,
        sessions: 40,
    };
}

// === impl Stage ===
impl Stage {
    pub(crate) fn set(gateway: PathBuf, beside: Option<PathBuf>, pins: Pins) -> Result<Self> {
        Ok(Self { scratch: Scratch::new()?, vendor: Vendor::start(pins)?, pins, gateway, beside })
    }

    pub(crate) fn gateway(&self, place: Place, logs: Logs) -> Result<Gateway> {
        Gateway::start(&self.setup(&self.gateway, Build::Ours, place, logs), &self.scratch)
    }

    /// A contestant with more switched on, and the virtual key that it wants.
    pub(crate) fn dressed(&self, dress: Dress, collector: SocketAddr) -> Result<(Gateway, Option<String>)> {
        let plain = self.setup(&self.gateway, Build::Ours, Place::Contestant, Logs::Problems);
        let setup = Setup { dress, collector: Some(collector), ..plain };
        let key = setup.make_key(&self.scratch)?;
        Ok((Gateway::start(&setup, &self.scratch)?, key))
    }

    fn setup<'a>(&self, binary: &'a Path, build: Build, place: Place, logs: Logs) -> Setup<'a> {
        let vendor = self.vendor.address;
        Setup { binary, build, pins: self.pins, place, logs, dress: Dress::Plain, vendor, collector: None }
    }

    /// The vendor itself, the gateway in as many ways of logging as given, and nginx if there is one.
    pub(crate) async fn field(&self, logs: &[Logs]) -> Result<Field> {
        let mut gateways =
            logs.iter().map(|logs| self.gateway(Place::Contestant, *logs)).collect::<Result<Vec<_>>>()?;
        let other = self.beside.as_ref();
        let other = other
            .map(|other| self.setup(other, Build::Other, Place::Contestant, Logs::Problems))
            .map(|setup| Gateway::start(&setup, &self.scratch))
            .transpose()?;
        let nginx = Nginx::start(self.pins, self.vendor.address, &self.scratch).await?;
        if nginx.is_none() {
            progress("nginx is not installed: measured without it");
        }
        let direct = Contestant { name: DIRECT, address: self.vendor.address, pid: self.vendor.process.id() };
        let mut contestants = vec![direct];
        for (gateway, logs) in gateways.iter().zip(logs) {
            let name = if *logs == Logs::Problems { GATEWAY } else { LOGGING };
            contestants.push(Contestant { name, address: gateway.address, pid: gateway.process.id() });
        }
        if let Some(gateway) = other {
            contestants.push(Contestant { name: OTHER, address: gateway.address, pid: gateway.process.id() });
            gateways.push(gateway);
        }
        let beside =
            nginx.as_ref().map(|nginx| Contestant { name: NGINX, address: nginx.address, pid: nginx.process.id() });
        contestants.extend(beside);
        Ok(Field { contestants, _gateways: gateways, _nginx: nginx })
    }
}

// === impl Field ===
impl Field {
    /// What each contestant made of the task in each round, in order of the contestants.
    pub(crate) async fn meet(&self, task: Task<'_>, effort: &Effort) -> Result<Vec<(&'static str, Vec<Outcome>)>> {
        let entries: Vec<_> = self.contestants.iter().map(|contestant| (contestant.name, *contestant, task)).collect();
        in_turns(&entries, effort).await
    }

    pub(crate) fn contestant(&self, name: &str) -> Option<Contestant> {
        self.contestants.iter().find(|contestant| contestant.name == name).copied()
    }
}

/// What became of every entry's task in each round, in their order.
pub(crate) async fn in_turns(
    entries: &[(&'static str, Contestant, Task<'_>)],
    effort: &Effort,
) -> Result<Vec<(&'static str, Vec<Outcome>)>> {
    let mut results: Vec<(&'static str, Vec<Outcome>)> = entries.iter().map(|(name, ..)| (*name, Vec::new())).collect();
    for round in 0..effort.rounds {
        for turn in 0..entries.len() {
            // Nobody is always first.
            let at = (round + turn) % entries.len();
            let (Some((_, contestant, task)), Some((_, outcomes))) = (entries.get(at), results.get_mut(at)) else {
                continue;
            };
            let plan = Plan {
                address: contestant.address,
                request: task.request,
                connections: task.connections,
                warmup: effort.warmup,
                duration: effort.duration,
                events: task.events,
                pid: contestant.pid,
            };
            outcomes.push(load::run(plan).await?);
        }
    }
    Ok(results)
}
