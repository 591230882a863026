//! Builds the parts, wires them, and owns the order of start and stop.
use crate::accounts::{self, Accounts};
use crate::cache::{Bounds, Cache};
use crate::components::Egress;
use crate::reload::{Editor, Ground, Reload, Status, Watch};
use crate::sessions::{self, Sessions};
use crate::snapshot::{Live, Snapshot};
use crate::store::{self, Store};
use crate::tasks::Tasks;
use crate::upstream::Upstream;
use crate::{http, server};
use anyhow::Context as _;
use magic_plugins::Runtime;
use magic_types::{Failure, SessionId};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// A commit takes milliseconds; a disk that takes longer than this is not waited for.
const STORE_CLOSE_MAX: Duration = Duration::from_secs(3);
/// The last spans and sums; a collector that is down is not waited for.
const TELEMETRY_CLOSE_MAX: Duration = Duration::from_secs(2);
/// How soon a config that switches the re-check on is noticed.
const RECHECK_LOOK: Duration = Duration::from_secs(60);

/// Where everything lies.
#[derive(Clone, Debug)]
pub struct Paths {
    pub config: PathBuf,
    pub patterns: PathBuf,
    pub tools: PathBuf,
    /// Compile cache, and the store: keys' states, stored responses, cached replies.
    pub data: PathBuf,
    /// `keys_pool_<provider>.env` files.
    pub keys: PathBuf,
    /// `<component>.env` files with its secrets.
    pub env: PathBuf,
}

impl Paths {
    /// Everything under one folder, by its usual name.
    pub fn under(root: &Path) -> Self {
        Self {
            config: root.join("proxy_config.yaml"),
            patterns: root.join("patterns"),
            tools: root.join("tools"),
            data: root.join("data"),
            keys: root.join("keys_pool"),
            env: root.join("env"),
        }
    }

    /// A file that the config names, relative to the config's own folder.
    pub(crate) fn beside_config(&self, file: &str) -> PathBuf {
        self.config.parent().unwrap_or_else(|| Path::new(".")).join(file)
    }

    /// The folders that tell of changes. Not the config's own: logs and data often lie beside it, and every line written
    /// would wake the reload loop; its few files are looked at now and then instead.
    pub(crate) fn watched(&self) -> [&Path; 4] {
        [&self.patterns, &self.tools, &self.keys, &self.env]
    }
}

/// Where the gateway is to be found, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whoever shows no virtual key may ask for models.
    pub allow_anonymous: bool,
}

impl From<SocketAddr> for Door {
    fn from(listen: SocketAddr) -> Self {
        Self { listen, allow_anonymous: false }
    }
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Every problem of the config, ready to be shown.
    #[error("{} problems in the config", .0.len())]
    Config(Vec<String>),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// What handlers share.
pub(crate) struct App {
    pub(crate) live: Arc<Live>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) store: Store,
    pub(crate) cache: Arc<Cache>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) accounts: Accounts,
    pub(crate) door: Door,
    pub(crate) status: Status,
    pub(crate) editor: Editor,
    pub(crate) desk: http::Desk,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) tasks: Tasks,
    /// Plain requests at work; sessions have bounds of their own.
    pub(crate) places: Arc<Semaphore>,
    /// Unix seconds.
    pub(crate) started_at: u64,
}

/// A running gateway.
pub struct Gateway {
    app: Arc<App>,
    address: SocketAddr,
    tls: Arc<server::Tls>,
    /// Held for as long as no other process may take this one's sessions for left behind.
    _lock: sessions::Lock,
}

impl Gateway {
    /// Starts everything and begins to listen.
    ///
    /// # Errors
    /// Every problem of the config at once, or why the socket or the engine is not to be had.
    pub async fn start(paths: Paths, door: impl Into<Door>) -> Result<Self, StartError> {
        let door = door.into();
        let listen = door.listen;
        let watch = Watch::start(&paths);
        let accounts = open_accounts(&paths, door).await?;
        let store = open_store(&paths).await;
        let kept = store.load_keys(wall_clock()).await;
        let (data, patterns) = (paths.data.clone(), paths.patterns.clone());
        let ground = ground(paths, Upstream::new(store.clone(), kept))?;
        let (runtime, upstream) = (Arc::clone(&ground.runtime), Arc::clone(&ground.upstream));
        let tls = Arc::clone(&ground.tls);
        let (reload, parts, seen) = Reload::first(ground).await.map_err(StartError::Config)?;
        let telemetry = upstream.telemetry().clone();
        telemetry.begin(&parts.config.telemetry_settings, upstream.redactor()).context("start telling a collector")?;
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("listen on {listen}: is another gateway running? choose another address with --listen")
        })?;
        let address = listener.local_addr().context("read the listener's address")?;
        let tasks = Tasks::default();
        let settings = parts.config.server_settings.clone();
        let cache = Cache::new(Bounds::of(&parts.config.cache_settings), store.clone());
        let (backing, lock) = sessions::open(&data, &settings, wall_clock()).await;
        let archive = sessions::Archive::new(Arc::clone(&runtime), &data, &patterns);
        let sessions = Arc::new(Sessions::new(
            backing,
            archive,
            Arc::clone(&upstream),
            Some(accounts.clone()),
            tasks.clone(),
            &settings,
        ));
        let live = Arc::new(Live::new(parts.into_snapshot(1)));
        let status = Status::default();
        status.set(seen);
        let places = Arc::new(Semaphore::new(settings.requests_in_flight_max));
        let started_at = unix_now();
        let app = Arc::new(App {
            live,
            upstream,
            store,
            cache,
            sessions,
            accounts,
            door: Door { listen: address, ..door },
            status,
            editor: reload.editor(),
            desk: http::Desk::default(),
            runtime,
            tasks: tasks.clone(),
            places,
            started_at,
        });
        app.sessions.start(Arc::clone(&app.live), lock.is_alone).await;
        let routes = http::routes(Arc::clone(&app));
        tasks.spawn_essential("reload", reload.run(Arc::clone(&app), tasks.stopping(), watch));
        tasks.spawn("accounts", app.accounts.clone().run(tasks.stopping()));
        tasks.spawn("telemetry", telemetry.run(Arc::clone(&app), tasks.stopping()));
        tasks.spawn("recheck", recheck(Arc::clone(&app), tasks.stopping()));
        tasks.spawn_essential("server", server::serve(listener, routes, tasks.clone(), Arc::clone(&tls), settings));
        Ok(Self { app, address, tls, _lock: lock })
    }

    /// `http://<address>`, or `https://` where it speaks TLS.
    pub fn base(&self) -> String {
        let scheme = if self.tls.is_on() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The aliases that can be served now, and of those the ones that reason.
    pub fn aliases(&self) -> Vec<(String, bool)> {
        let snapshot = self.app.live.load();
        let runnable = snapshot.config.aliases.iter().filter(|alias| {
            snapshot.routes.get(alias.name.as_str()).is_some_and(|route| self.app.upstream.is_runnable(route))
        });
        runnable.map(|alias| (alias.name.to_string(), alias.reasoning_mode.is_some())).collect()
    }

    /// What a request that came in now would see.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.app.live.load()
    }

    /// Patterns and tools that are loaded, by name.
    pub fn components(&self) -> (Vec<String>, Vec<String>) {
        let snapshot = self.app.live.load();
        let patterns = snapshot.components.patterns().map(|pattern| pattern.name.clone()).collect();
        let tools = snapshot.components.toolboxes().flat_map(|owner| owner.tools().iter());
        (patterns, tools.map(|tool| tool.name.clone()).collect())
    }

    /// Problems of component files, and warnings: they stop nothing, and are shown at the start.
    pub fn problems(&self) -> Vec<String> {
        self.app.status.get().shown()
    }

    /// Tasks and component calls that are alive, for tests that look for leftovers.
    pub fn alive(&self) -> (usize, magic_plugins::Live) {
        (self.app.tasks.len(), self.app.runtime.live())
    }

    /// Stops listening, lets answers in flight finish within the config's `drain_seconds`, and ends every task.
    /// False when something had to be left.
    pub async fn stop(self) -> bool {
        let drain = self.app.live.load().config.server_settings.drain;
        let drained = self.app.tasks.shutdown(drain).await;
        // Last: whatever ended just now has had its say.
        let kept = self.app.sessions.close(STORE_CLOSE_MAX).await;
        let settled = self.app.accounts.close(STORE_CLOSE_MAX).await;
        self.app.upstream.telemetry().close(&self.app, TELEMETRY_CLOSE_MAX).await;
        self.app.store.close(STORE_CLOSE_MAX).await && settled && kept && drained
    }
}

/// Asks now and then whether retired keys are good again, as long as the config wants it.
async fn recheck(app: Arc<App>, stopping: CancellationToken) {
    loop {
        let config = Arc::clone(&app.live.load().config);
        let every = config.key_management_settings.recheck;
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(every.unwrap_or(RECHECK_LOOK)) => {}
        }
        if every.is_some() {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = app.upstream.recheck(&config) => {}
            }
        }
    }
}

/// Reads and checks everything as a start would, and serves nothing.
///
/// # Errors
/// As [`Gateway::start`].
pub async fn check(paths: Paths) -> Result<String, StartError> {
    let upstream = Upstream::new(Store::disabled(), Vec::new());
    let (_, parts, seen) = Reload::first(ground(paths, upstream)?).await.map_err(StartError::Config)?;
    let problems = seen.shown();
    if problems.is_empty() { Ok(parts.summary()) } else { Err(StartError::Config(problems)) }
}

/// Sessions of the data folder run again without any model: these, or all where none is named.
///
/// # Errors
/// As [`Gateway::start`]; or that there is no file of sessions.
pub(crate) async fn replay(
    paths: Paths,
    ids: Vec<String>,
) -> Result<Vec<(String, Result<sessions::Checked, Failure>)>, StartError> {
    let upstream = Upstream::new(Store::disabled(), Vec::new());
    let ground = ground(paths.clone(), upstream)?;
    let (runtime, upstream) = (Arc::clone(&ground.runtime), Arc::clone(&ground.upstream));
    let (_, parts, _) = Reload::first(ground).await.map_err(StartError::Config)?;
    let settings = parts.config.server_settings.clone();
    if !sessions::exist(&paths.data) {
        return Err(
            anyhow::anyhow!("find sessions in {}: choose another folder with --data", paths.data.display()).into()
        );
    }
    let (backing, _lock) = sessions::open(&paths.data, &settings, wall_clock()).await;
    let archive = sessions::Archive::new(runtime, &paths.data, &paths.patterns);
    let sessions = Sessions::new(backing, archive, upstream, None, Tasks::default(), &settings);
    let snapshot = parts.into_snapshot(1);
    let ids = match ids.is_empty() {
        true => sessions
            .list(None, usize::MAX)
            .await
            .map_err(|failure| anyhow::anyhow!("list the sessions: {}", failure.public))?
            .into_iter()
            .map(|summary| summary.session.id.to_string())
            .collect(),
        false => ids,
    };
    let mut replays = Vec::with_capacity(ids.len());
    for id in ids {
        let checked = sessions.check(&snapshot, &SessionId::new(id.clone())).await;
        replays.push((id, checked));
    }
    Ok(replays)
}

/// On the blocking pool: a disk can be slow.
async fn open_store(paths: &Paths) -> Store {
    let file = paths.data.join(store::FILE);
    let opened = tokio::task::spawn_blocking(move || Store::open(&file, wall_clock())).await;
    opened.unwrap_or_else(|_| Store::disabled())
}

/// Who may ask. Unlike the other files this one is needed: without it everybody would be let in.
async fn open_accounts(paths: &Paths, door: Door) -> anyhow::Result<Accounts> {
    let data = paths.data.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let opened = Accounts::open(&data, wall_clock());
        match opened {
            // Where there is no file there is no key either, and nothing that could be lost but usage.
            Err(error) if is_missing(&data.join(accounts::FILE)) => {
                tracing::warn!("no accounts can be kept in {}, usage is forgotten at the end: {error}", data.display());
                let scratch = std::env::temp_dir().join(format!("magic-proxy-{}", uuid::Uuid::now_v7()));
                Accounts::open(&scratch, wall_clock())
            }
            opened => opened,
        }
    });
    let accounts = opened.await?.with_context(|| format!("open the accounts in {}", paths.data.display()))?;
    if !door.listen.ip().is_loopback() && !door.allow_anonymous && !accounts.has_keys() {
        anyhow::bail!(
            "listen on {}: whoever can reach it could use every model. Make a virtual key first (`magic-proxy virtual-keys \
             create --name me --scope admin`), or say --allow-anonymous",
            door.listen
        );
    }
    Ok(accounts)
}

/// Nothing lies there for sure: a file that may not be looked at, or a link that leads nowhere, could be one with keys.
fn is_missing(file: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    std::fs::symlink_metadata(file).is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory))
}

fn ground(paths: Paths, upstream: Upstream) -> anyhow::Result<Ground> {
    // Two TLS providers could be compiled in by somebody's features; naming one here keeps that from mattering.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let options = magic_plugins::Options { cache_dir: Some(paths.data.join("cache")), ..Default::default() };
    let runtime = Runtime::new(options).context("start the component runtime")?;
    Ok(Ground { paths, runtime, egress: Arc::new(Egress::new()?), upstream: Arc::new(upstream), tls: Arc::default() })
}

pub(crate) fn unix_now() -> u64 {
    wall_clock().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[expect(clippy::disallowed_methods, reason = "the wall clock, shown to clients and to the admin")]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests;
