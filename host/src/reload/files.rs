//! Which files have changed since the last look, and whether they have settled. Compares stamps; reads no contents.
use super::{Patience, blocking};
use crate::app::Paths;
use magic_config::{Config, TlsSettings};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Enough to tell that a file is another one, or has become readable: size, times and, against a quick replacement,
/// the inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
    /// Seconds and nanoseconds of the last change of mode or owner, too.
    changed: (i64, i64),
}

/// Files as they lie there. A path without a stamp is a file that is not there.
pub(super) type Found = HashMap<PathBuf, Stamp>;

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        #[cfg(unix)]
        let (inode, changed) = {
            use std::os::unix::fs::MetadataExt as _;
            (meta.ino(), (meta.ctime(), meta.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let (inode, changed) = (0, (0, 0));
        Some(Self { bytes: meta.len(), modified: meta.modified().ok(), inode, changed })
    }
}

pub(super) fn stamps(paths: impl IntoIterator<Item = PathBuf>) -> Found {
    paths.into_iter().filter_map(|path| Some((Stamp::of(&path)?, path))).map(|(stamp, path)| (path, stamp)).collect()
}

/// Files under watch.
#[derive(Default)]
pub(super) struct Stamps {
    seen: Found,
    /// Changed since, and not yet still for a whole look.
    moving: HashMap<PathBuf, Option<Stamp>>,
}

impl Stamps {
    /// The paths that changed, appeared or went, and have settled. What is still moving is asked for again.
    pub(super) fn changed(&mut self, found: &Found, patience: Patience) -> Vec<PathBuf> {
        let all: HashSet<PathBuf> = found.keys().chain(self.seen.keys()).cloned().collect();
        self.moving.retain(|path, _| all.contains(path));
        let mut changed = Vec::new();
        for path in all {
            let stamp = found.get(&path).copied();
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
    /// By the live config, and by one that was refused: its missing file may come.
    referenced: HashSet<PathBuf>,
}

impl Texts {
    pub(super) fn new(paths: &Paths) -> Self {
        let folders = [paths.keys.clone(), paths.env.clone()];
        Self { stamps: Stamps::default(), config: paths.config.clone(), folders, referenced: HashSet::new() }
    }

    /// Looks from now on at what the live config references, and at what was `read` for the newest one. The latter
    /// counts as seen, as it lay there before it was read.
    pub(super) fn follow(&mut self, paths: &Paths, live: &Config, newest: HashSet<PathBuf>, read: Found) {
        let mut referenced = newest;
        referenced.extend(live.referenced_files().iter().map(|file| paths.beside_config(file)));
        let tls = live.server_settings.listener.tls.iter().flat_map(TlsSettings::files);
        referenced.extend(tls.map(|file| paths.beside_config(file)));
        for path in self.referenced.difference(&referenced) {
            self.stamps.seen.remove(path);
        }
        for (path, stamp) in read {
            self.stamps.seen.entry(path).or_insert(stamp);
        }
        self.referenced = referenced;
    }

    pub(super) async fn look(&mut self, patience: Patience) -> Look {
        let (config, folders, referenced) = (self.config.clone(), self.folders.clone(), self.referenced.clone());
        let look = move || {
            let listed = folders.iter().flat_map(|folder| list(folder, "env").unwrap_or_default());
            stamps(listed.chain([config]).chain(referenced))
        };
        let changed = !self.stamps.changed(&blocking(look).await, patience).is_empty();
        Look { changed, unsettled: self.stamps.unsettled() }
    }
}

/// The files of a folder with that extension, without hidden ones: editors and copies use those while they write. A
/// folder that is not there is an empty one.
pub(super) fn list(folder: &Path, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let visible = entries.filter_map(Result::ok).filter(|entry| !is_hidden(&entry.path()));
    let mut paths: Vec<PathBuf> = visible.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests;
