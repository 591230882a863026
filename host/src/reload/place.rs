//! Puts a file into its place in one step, and the one that lay there beside it as a backup. Blocks.
use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Enough for an afternoon of edits; older ones are what version control is for.
const BACKUPS_MAX: usize = 10;

/// Why a file was not put into its place.
#[derive(Debug)]
pub(super) enum Unput {
    /// It does not say any more what was compared; what it says now.
    Changed(String),
    Io(io::Error),
}

impl From<io::Error> for Unput {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// `compared`: what the file says as far as its writer knows, `None` where there is none; read again right before it is
/// replaced. Whoever reads the file sees the old text or the new one, whatever happens meanwhile. Permissions stay, and so does the
/// owner where the process may give files away. The backup's name, where there was something to keep.
pub(super) fn put(path: &Path, compared: Option<&str>, text: &str, now: SystemTime) -> Result<Option<String>, Unput> {
    let old = match fs::metadata(path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    // Behind a symbolic link lies what is meant: the link itself stays.
    let path = if old.is_some() { &fs::canonicalize(path)? } else { path };
    let (folder, name) = parts(path)?;
    fs::create_dir_all(folder)?;
    let new = folder.join(format!(".{name}.new"));
    let written = write(&new, text, old.as_ref()).map_err(Unput::from).and_then(|()| {
        let backup = old.is_some().then(|| backup(path, folder, name, now)).transpose()?;
        let replaced = unchanged(path, compared).and_then(|()| Ok(fs::rename(&new, path)?));
        if let (Err(_), Some(backup)) = (&replaced, &backup) {
            // Of a text that stays: nobody misses it.
            let _removed = fs::remove_file(folder.join(backup));
        }
        replaced.map(|()| backup)
    });
    if written.is_err() {
        // What failed is told; that a half-written file could not be removed as well would say nothing more.
        let _removed = fs::remove_file(&new);
    }
    let backup = written?;
    // The rename itself should outlive a power cut; it is done, whether or not the disk says so.
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::warn!(folder = %folder.display(), %error, "a folder could not be flushed: {error}");
    }
    prune(folder, name);
    Ok(backup)
}

/// What is left between this and the rename is a few microseconds.
fn unchanged(path: &Path, compared: Option<&str>) -> Result<(), Unput> {
    let found = match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if found.as_deref() == compared.map(str::as_bytes) {
        return Ok(());
    }
    Err(Unput::Changed(String::from_utf8_lossy(&found.unwrap_or_default()).into_owned()))
}

fn parts(path: &Path) -> io::Result<(&Path, &str)> {
    let name = path.file_name().and_then(|name| name.to_str());
    let folder = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    folder.zip(name).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "its name is not UTF-8"))
}

fn write(new: &Path, text: &str, old: Option<&fs::Metadata>) -> io::Result<()> {
    // A leftover of a crash; made anew, so that nobody else's link is followed.
    if let Err(error) = fs::remove_file(new)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(new)?;
    if let Some(old) = old {
        file.set_permissions(old.permissions())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, fchown};
            // Only root may give files away; for all others it is theirs already or cannot be helped.
            let _given = fchown(&file, Some(old.uid()), Some(old.gid()));
        }
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn backup(path: &Path, folder: &Path, name: &str, now: SystemTime) -> io::Result<String> {
    let at = Timestamp::try_from(now).map_err(io::Error::other)?.strftime("%Y%m%dT%H%M%S%.6fZ");
    let backup = format!("{name}.backup-{at}");
    fs::copy(path, folder.join(&backup))?;
    Ok(backup)
}

/// The oldest go. One that cannot go is no reason to fail what has been done.
fn prune(folder: &Path, name: &str) {
    let prefix = format!("{name}.backup-");
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let is_backup = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.strip_prefix(&prefix)).is_some_and(is_time)
    };
    let mut backups: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_backup).collect();
    backups.sort();
    for old in backups.iter().rev().skip(BACKUPS_MAX) {
        if let Err(error) = fs::remove_file(old) {
            tracing::warn!(file = %old.display(), %error, "an old backup could not be removed: {error}");
        }
    }
}

/// As [`backup`] writes it, digit by digit: what else begins like a backup is somebody's own.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"00000000T000000.000000Z";
    let fits = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    text.len() == FORM.len() && text.bytes().zip(FORM).all(fits)
}

#[cfg(test)]
mod tests;
