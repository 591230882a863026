//! What one request sees: config, routes, components and prompt texts of one generation. State that must outlive a
//! reload (keys, sessions) is not in here; it is reconciled with it.
use arc_swap::ArcSwap;
use magic_config::Config;
use magic_plugins::{Components, Host};
use magic_types::AliasName;
use std::collections::HashMap;
use std::sync::Arc;

use crate::upstream::Route;

/// Immutable. A request loads it once and passes it down.
pub(crate) struct Snapshot {
    /// Counts the swaps; 1 is what the gateway started with.
    pub(crate) generation: u64,
    pub(crate) config: Arc<Config>,
    /// By alias.
    pub(crate) routes: HashMap<AliasName, Arc<Route>>,
    pub(crate) components: Components,
    /// What the host does for them.
    pub(crate) services: Arc<dyn Host>,
    /// The files that the config references, by their name there.
    pub(crate) prompts: HashMap<String, String>,
}

/// The one place where the current snapshot is had from. Only the reload loop stores into it.
pub(crate) struct Live(ArcSwap<Snapshot>);

impl Live {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(snapshot))
    }

    pub(crate) fn load(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Publishes. Requests in flight finish on the snapshot that they hold.
    #[expect(clippy::disallowed_methods, reason = "the one swap point, called by reload alone")]
    pub(crate) fn swap(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }
}
