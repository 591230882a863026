//! What the reload loop last saw, for `/admin/components`. Written by the loop, read by the admin.
use magic_plugins::{Component, Kind};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::watch;

/// One component file.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) file: String,
    /// What serves, if anything does.
    pub(crate) component: Option<Arc<Component>>,
    pub(crate) loaded_at: Option<SystemTime>,
    /// What is wrong with the newest version of the file.
    pub(crate) problem: Option<String>,
}

impl Row {
    /// The problem with its file, ready to be shown.
    pub(crate) fn shown_problem(&self) -> Option<String> {
        Some(format!("{}/{}.wasm: {}", self.kind.folder(), self.file, self.problem.as_ref()?))
    }
}

#[derive(Default)]
pub(crate) struct Status(watch::Sender<Seen>);

/// The last look.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) rows: Vec<Row>,
    /// The tag of the config's text as it was read, live or refused.
    pub(crate) config: Option<String>,
    /// Of the config as it lies there and of what is read with it; empty when it is what serves.
    pub(crate) problems: Vec<String>,
    /// What is served nevertheless: bad lines of key files, settings that wait for a restart.
    pub(crate) warnings: Vec<String>,
}

impl Seen {
    /// What is wrong and stops nothing.
    pub(crate) fn shown(&self) -> Vec<String> {
        self.rows.iter().filter_map(Row::shown_problem).chain(self.warnings.iter().cloned()).collect()
    }
}

impl Status {
    pub(crate) fn set(&self, seen: Seen) {
        self.0.send_replace(seen);
    }

    pub(crate) fn get(&self) -> Seen {
        self.0.borrow().clone()
    }

    /// Resolves once a look has found what is asked for.
    pub(crate) async fn until(&self, found: impl FnMut(&Seen) -> bool) {
        // The sender is `self`: it cannot be gone while this waits.
        let mut seen = self.0.subscribe();
        let _ended = seen.wait_for(found).await;
    }
}
