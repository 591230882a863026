//! The versions of driver patterns that open sessions began on, by digest, beside the sessions' file: a session outlives both
//! the process and the file in `patterns/`. Holds WebAssembly, never compiled code.
use bytes::Bytes;
use magic_plugins::{Component, Kind, Policy, Runtime, Source};
use magic_types::Digest;
use sha2::Digest as _;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Its name in the data folder.
const FOLDER: &str = "patterns";

pub(crate) struct Archive {
    runtime: Arc<Runtime>,
    folder: PathBuf,
    /// The watched folder.
    patterns: PathBuf,
}

// === impl Archive ===

impl Archive {
    pub(crate) fn new(runtime: Arc<Runtime>, data: &Path, patterns: &Path) -> Arc<Self> {
        Arc::new(Self { runtime, folder: data.join(FOLDER), patterns: patterns.to_owned() })
    }

    /// Keeps the file of a driver that a session begins on. Where that fails the session runs all the same: it only cannot
    /// go on after a restart, should its pattern have been replaced.
    pub(super) async fn keep(self: Arc<Self>, component: Arc<Component>) {
        if !component.is_driver() {
            return;
        }
        let kept = tokio::task::spawn_blocking(move || self.keep_now(&component)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!("a pattern's version cannot be kept for its sessions: {error}");
        }
    }

    fn keep_now(&self, component: &Component) -> std::io::Result<()> {
        let path = self.path(&component.digest);
        if path.exists() {
            return Ok(());
        }
        let bytes = std::fs::read(self.patterns.join(format!("{}.wasm", component.file)))?;
        if sha2::Sha256::digest(&bytes).as_slice() != component.digest.0 {
            // It was replaced a moment ago.
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)?;
        // Of its own: two sessions may begin on a new version at the same time.
        let half = path.with_extension(uuid::Uuid::now_v7().to_string());
        std::fs::write(&half, bytes)?;
        std::fs::rename(half, path)
    }

    /// The version of that digest, if it was kept.
    pub(super) async fn find(&self, digest: &Digest) -> Option<Arc<Component>> {
        let path = self.path(digest);
        let bytes = tokio::task::spawn_blocking(move || std::fs::read(path)).await.ok()?.ok()?;
        let name = digest.to_string();
        let source = Source { name, kind: Some(Kind::Pattern), bytes: Bytes::from(bytes), policy: Policy::default() };
        let loaded = self.runtime.load(source).await;
        let loaded = loaded.map_err(|error| tracing::warn!("the kept pattern {digest} cannot be loaded: {error}")).ok();
        loaded.filter(|component| component.digest == *digest)
    }

    /// Drops every version that none of these sessions began on.
    pub(super) async fn prune(self: Arc<Self>, wanted: HashSet<Digest>) {
        let pruned = tokio::task::spawn_blocking(move || self.prune_now(&wanted)).await;
        if let Ok(Err(error)) = pruned {
            tracing::warn!("old versions of patterns cannot be dropped: {error}");
        }
    }

    fn prune_now(&self, wanted: &HashSet<Digest>) -> std::io::Result<()> {
        if !self.folder.is_dir() {
            return Ok(());
        }
        let wanted: HashSet<PathBuf> = wanted.iter().map(|digest| self.path(digest)).collect();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if !wanted.contains(&path) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}
