//! Which files have changed since the last look, and whether they have settled. Compares stamps; reads no contents.
use super::Patience;
use crate::app::Paths;
use magic_config::Config;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Enough to tell that a file is another one: size, time and, against a quick replacement, the inode.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&meta);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self { bytes: meta.len(), modified: meta.modified().ok(), inode })
    }
}

/// Files under watch. A path without a stamp is a file that is not there.
#[derive(Default)]
pub(super) struct Stamps {
    seen: HashMap<PathBuf, Stamp>,
    /// Changed since, and not yet still for a whole look.
    moving: HashMap<PathBuf, Option<Stamp>>,
}

impl Stamps {
    /// The paths that changed, appeared or went, and have settled. What is still moving is asked for again.
    pub(super) fn changed(&mut self, paths: &HashSet<PathBuf>, patience: Patience) -> Vec<PathBuf> {
        let gone = self.seen.keys().filter(|path| !paths.contains(*path)).cloned();
        let all: HashSet<PathBuf> = paths.iter().cloned().chain(gone).collect();
        self.moving.retain(|path, _| all.contains(path));
        let mut changed = Vec::new();
        for path in all {
            let stamp = Stamp::of(&path);
            if stamp == self.seen.get(&path).copied() {
                self.moving.remove(&path);
            } else if patience == Patience::AtOnce || self.moving.get(&path) == Some(&stamp) {
                self.moving.remove(&path);
                match stamp {
                    Some(stamp) => self.seen.insert(path.clone(), stamp),
                    None => self.seen.remove(&path),
                };
                changed.push(path);
            } else {
                self.moving.insert(path, stamp);
            }
        }
        changed
    }

    pub(super) fn unsettled(&self) -> bool {
        !self.moving.is_empty()
    }
}

/// What a look found.
pub(crate) struct Look {
    pub(crate) changed: bool,
    pub(crate) unsettled: bool,
}

/// The config, what it references, keys and secrets: all that is read as text.
pub(super) struct Texts {
    stamps: Stamps,
    config: PathBuf,
    folders: [PathBuf; 2],
    referenced: Vec<PathBuf>,
}

impl Texts {
    pub(super) fn new(paths: &Paths) -> Self {
        let folders = [paths.keys.clone(), paths.env.clone()];
        Self { stamps: Stamps::default(), config: paths.config.clone(), folders, referenced: Vec::new() }
    }

    /// Looks at the files that this config references from now on. They were read with it, so they count as seen.
    pub(super) fn follow(&mut self, paths: &Paths, config: &Config) {
        self.referenced = config.referenced_files().iter().map(|file| paths.beside_config(file)).collect();
        for path in &self.referenced {
            if let Some(stamp) = Stamp::of(path) {
                self.stamps.seen.entry(path.clone()).or_insert(stamp);
            }
        }
    }

    pub(super) fn look(&mut self, patience: Patience) -> Look {
        let watched = self.watched();
        let changed = !self.stamps.changed(&watched, patience).is_empty();
        Look { changed, unsettled: self.stamps.unsettled() }
    }

    fn watched(&self) -> HashSet<PathBuf> {
        let listed = self.folders.iter().flat_map(|folder| list(folder, "env"));
        listed.chain([self.config.clone()]).chain(self.referenced.iter().cloned()).collect()
    }
}

/// The files of a folder with that extension, without hidden ones: editors and copies use those while they write.
pub(super) fn list(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let visible = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let mut paths: Vec<PathBuf> = visible.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}
