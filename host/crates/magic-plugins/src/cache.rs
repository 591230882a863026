//! Where compiled components are kept between starts: a directory of our own, keyed by wasmtime with the bytes and the
//! engine's settings. Machine code is trusted code, so a directory that others may write is not used. The only file of
//! this crate that touches the disk.
use std::fs;
use std::io;
use std::path::Path;
use wasmtime::{Cache, CacheConfig};

/// The cache in `dir`, made if it is not there; `None` with a warning where it cannot be used.
pub(crate) fn open(dir: &Path) -> Option<Cache> {
    let opened = prepare(dir).map_err(|error| error.to_string()).and_then(|()| {
        let mut config = CacheConfig::new();
        // wasmtime takes absolute paths only.
        config.with_directory(fs::canonicalize(dir).map_err(|error| error.to_string())?);
        Cache::new(config).map_err(|error| format!("{error:#}"))
    });
    match opened {
        Ok(cache) => Some(cache),
        Err(error) => {
            tracing::warn!("compiled components are not cached: {}: {error}", dir.display());
            None
        }
    }
}

#[cfg(unix)]
fn prepare(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let found = fs::metadata(dir)?;
    if !found.is_dir() {
        return Err(io::Error::other("it is not a directory"));
    }
    // Fails, as it should, for a directory that belongs to somebody else.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}
