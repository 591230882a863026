//! Keeps the snapshot true to the files: look, build, swap or keep the last good. The only writer of [`Live`].
mod build;
mod files;
mod shelf;
mod status;
mod watch;

use build::build;

pub(crate) use build::Parts;
pub(crate) use status::{Row, Status};
pub(crate) use watch::Watch;

use crate::app::{App, Paths};
use crate::components::Egress;
use crate::upstream::Upstream;
use files::Texts;
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
}

/// Everything that the loop remembers between looks.
pub(crate) struct Reload {
    ground: Ground,
    shelf: Shelf,
    texts: Texts,
}

/// Looks at files that have just changed: now, or only once they have settled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    AtOnce,
    Settled,
}

impl Reload {
    /// The first look: reads everything as it lies there.
    ///
    /// # Errors
    /// Every problem of the config; the gateway does not start with one.
    pub(crate) async fn first(ground: Ground) -> Result<(Self, Parts), Vec<String>> {
        let mut shelf = Shelf::new(&ground.paths);
        shelf.look(&ground.runtime, Patience::AtOnce, None).await;
        let mut texts = Texts::new(&ground.paths);
        texts.look(Patience::AtOnce);
        let mut reload = Self { ground, shelf, texts };
        let parts = reload.build()?;
        reload.texts.follow(&reload.ground.paths, &parts.config);
        Ok((reload, parts))
    }

    /// What the components and their files look like, for the admin.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.shelf.rows()
    }

    /// Runs until `stopping`. A change is found within moments, and read when it has settled.
    pub(crate) async fn run(mut self, app: Arc<App>, stopping: CancellationToken, mut watch: Watch) {
        let mut unsettled = false;
        loop {
            let wait = if unsettled { SETTLE } else { RESCAN };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = watch.changed(), if !unsettled => {}
                () = tokio::time::sleep(wait) => {}
            }
            unsettled = self.look(&app).await;
        }
    }

    /// One look at all files. True when something is still changing.
    async fn look(&mut self, app: &App) -> bool {
        let live = app.live.load();
        let components = self.shelf.look(&self.ground.runtime, Patience::Settled, Some(&live.config)).await;
        let texts = self.texts.look(Patience::Settled);
        if components.changed || texts.changed {
            self.commit(app);
        }
        components.unsettled || texts.unsettled
    }

    /// Swaps in what the files say, or what can be had of it.
    fn commit(&mut self, app: &App) {
        let live = app.live.load();
        let (parts, problems) = match self.build() {
            Ok(parts) => (Some(parts), Vec::new()),
            // The old config still holds; new components and keys need not wait for it to be mended.
            Err(problems) => (build::keep(&live, &self.shelf, &self.ground), problems),
        };
        for problem in &problems {
            tracing::error!("config kept as it was: {problem}");
        }
        if let Some(mut parts) = parts {
            self.texts.follow(&self.ground.paths, &parts.config);
            // Reconciled before publishing: a request that sees the new plan must find its pool.
            self.ground.upstream.reconcile(std::mem::take(&mut parts.keys));
            let generation = live.generation + 1;
            tracing::info!(generation, "generation {generation} is live: {}", parts.summary);
            app.live.swap(parts.into_snapshot(generation));
        }
        app.status.set(self.rows(), problems);
    }

    fn build(&self) -> Result<Parts, Vec<String>> {
        build(&self.ground, &self.shelf)
    }
}
