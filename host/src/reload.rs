//! Keeps the snapshot true to the files: look, build, swap or keep the last good. The only writer of [`Live`].
mod build;
mod edit;
mod exposed;
mod files;
mod place;
mod shelf;
mod status;
mod watch;

pub(crate) use build::{Parts, key_ids};
pub(crate) use edit::{Change, Changed, Condition, Editor, New, Noted, Refused, Target, etag};
pub(crate) use status::{Row, Seen, Status};
pub(crate) use watch::Watch;

use crate::app::{App, Paths};
use crate::cache::Bounds;
use crate::components::Egress;
use crate::server::Tls;
use crate::upstream::Upstream;
use files::Texts;
use magic_config::Config;
use magic_plugins::Runtime;
use shelf::Shelf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a changed file must stay as it is before it is read: longer than a copy pauses between two writes.
const SETTLE: Duration = Duration::from_millis(100);
/// Some filesystems (network, containers) report nothing, and the config's own folder is not asked to: a look is some
/// twenty `stat` calls, 0.1 ms.
const RESCAN: Duration = Duration::from_millis(400);

/// What every build stands on; outlives them all.
pub(crate) struct Ground {
    pub(crate) paths: Paths,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) egress: Arc<Egress>,
    pub(crate) upstream: Arc<Upstream>,
    /// What the listener speaks.
    pub(crate) tls: Arc<Tls>,
}

/// Everything that the loop remembers between looks.
pub(crate) struct Reload {
    ground: Ground,
    shelf: Shelf,
    texts: Texts,
    /// That of the start; what was sized by it stays so.
    started: Arc<Config>,
    /// Something has changed that is not live yet.
    dirty: bool,
    asks: edit::Asks,
    editor: Editor,
}

/// Looks at files that have just changed: now, or only once they have settled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    AtOnce,
    Settled,
}

impl Reload {
    /// The first look: reads everything as it lies there, and hands the keys to the upstream.
    ///
    /// # Errors
    /// Every problem of the config, which the gateway does not start with, and then also those of components.
    pub(crate) async fn first(ground: Ground) -> Result<(Self, Parts, Seen), Vec<String>> {
        let mut shelf = Shelf::new(&ground.paths);
        shelf.look(&ground.runtime, Patience::AtOnce).await;
        let mut texts = Texts::new(&ground.paths);
        texts.look(Patience::AtOnce).await;
        let read = read(&ground).await;
        let mut parts = build::build(&ground, &shelf, &read).map_err(|mut problems| {
            problems.extend(shelf.rows(&shelf.newest()).iter().filter_map(Row::shown_problem));
            problems
        })?;
        texts.follow(&ground.paths, &parts.config, read.referenced, read.found);
        shelf.publish(&parts.chosen);
        ground.tls.set(parts.tls.take());
        ground.upstream.reconcile(&parts.config, parts.keys.take().unwrap_or_default());
        let warnings = std::mem::take(&mut parts.warnings);
        warn(&warnings);
        let (paths, config) = (ground.paths.clone(), Arc::clone(&parts.config));
        for file in blocking(move || exposed::exposed(&paths, &config)).await {
            tracing::warn!("{0} can be read by everybody on this machine: `chmod 600 {0}`", file.display());
        }
        let seen = Seen { rows: shelf.rows(&parts.chosen), config: read.etag, problems: Vec::new(), warnings };
        let started = Arc::clone(&parts.config);
        let (editor, asks) = edit::channel(ground.paths.config.clone());
        Ok((Self { ground, shelf, texts, started, dirty: false, asks, editor }, parts, seen))
    }

    /// For whoever wants files changed.
    pub(crate) fn editor(&self) -> Editor {
        self.editor.clone()
    }

    /// Runs until `stopping`. A change is found within moments, and read when it has settled.
    pub(crate) async fn run(mut self, app: Arc<App>, stopping: CancellationToken, mut watch: Watch) {
        let mut unsettled = false;
        loop {
            let wait = if unsettled { SETTLE } else { RESCAN };
            let ask = tokio::select! {
                () = stopping.cancelled() => return,
                () = watch.changed(), if !unsettled => None,
                () = tokio::time::sleep(wait) => None,
                ask = self.asks.recv() => ask,
            };
            let is_asked = ask.is_some();
            if let Some(ask) = ask {
                // To its end also while the gateway stops: what is written is noted, too.
                ask.answer(&self.ground, &self.shelf, &app.accounts).await;
            }
            let look = async {
                if is_asked && unsettled {
                    // Two looks in a row would take a file for settled that was only not given the time to move.
                    tokio::time::sleep(SETTLE).await;
                }
                self.look(&app).await
            };
            // A look can take minutes (a compile); a stop does not wait for it.
            unsettled = tokio::select! {
                () = stopping.cancelled() => return,
                found = look => found,
            };
        }
    }

    /// One look at all files. True when something is still changing.
    async fn look(&mut self, app: &App) -> bool {
        let components = self.shelf.look(&self.ground.runtime, Patience::Settled).await;
        let texts = self.texts.look(Patience::Settled).await;
        self.dirty |= components.changed || texts.changed;
        // Texts are read all together: one that is still being written would be read half.
        if self.dirty && !texts.unsettled {
            self.commit(app).await;
            self.dirty = false;
        }
        components.unsettled || texts.unsettled
    }

    /// Swaps in what the files say, or what can be had of it.
    async fn commit(&mut self, app: &App) {
        let texts = read(&self.ground).await;
        let live = app.live.load();
        let (mut parts, problems) = match build::build(&self.ground, &self.shelf, &texts) {
            Ok(parts) => (parts, Vec::new()),
            // The old config still holds; new components and keys need not wait for it to be mended.
            Err(problems) => (build::keep(&live, &self.ground, &self.shelf, &texts), problems),
        };
        for problem in &problems {
            tracing::error!("config kept as it was: {problem}");
        }
        self.texts.follow(&self.ground.paths, &parts.config, texts.referenced, texts.found);
        if problems.is_empty() {
            self.ground.tls.renew(parts.tls.take());
        }
        self.shelf.publish(&parts.chosen);
        let mut warnings = std::mem::take(&mut parts.warnings);
        warnings.extend(build::waiting_for_restart(&self.started, &parts.config));
        let told = app.status.get().warnings;
        warn(warnings.iter().filter(|warning| !told.contains(warning)));
        let seen = Seen { rows: self.shelf.rows(&parts.chosen), config: texts.etag, problems, warnings };
        // Reconciled before publishing: a request that sees the new plan must find its pool.
        if let Some(keys) = parts.keys.take() {
            self.ground.upstream.reconcile(&parts.config, keys);
        }
        app.cache.configure(Bounds::of(&parts.config.cache_settings));
        if !parts.config.cache_settings.enabled {
            app.cache.clear();
        }
        let generation = live.generation + 1;
        tracing::info!(generation, "generation {generation} is live: {}", parts.summary());
        drop(live);
        app.live.swap(parts.into_snapshot(generation));
        app.status.set(seen);
    }
}

fn warn<'a>(warnings: impl IntoIterator<Item = &'a String>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Reads the texts on the blocking pool.
async fn read(ground: &Ground) -> build::Texts {
    let paths = ground.paths.clone();
    blocking(move || build::read(&paths, None)).await
}

/// Does work with files where it holds up no request: a network folder can hang.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Only a runtime that ends refuses work, and it drops this next.
        Err(Err(_)) => std::future::pending().await,
    }
}
