//! Files changed through the gateway. The reload loop makes every change itself, one after the other: it alone knows
//! what a config must be checked against, and between its look at the file and its write nobody else's edit can be lost.
use super::{Ground, Shelf, blocking, build, place};
use crate::app::wall_clock;
use magic_config::edit::Edit;
use sha2::{Digest as _, Sha256};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Changes that wait while the loop loads components; people make them.
const QUEUED_MAX: usize = 8;
/// The loop may be compiling a component; a person does not wait longer.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Asks the reload loop for changes, and reads by itself: what is put into its place in one step is never seen half.
#[derive(Clone)]
pub(crate) struct Editor {
    asks: mpsc::Sender<Ask>,
    config: PathBuf,
}

/// The loop's end of it.
pub(super) type Asks = mpsc::Receiver<Ask>;

pub(super) struct Ask {
    change: Change,
    reply: oneshot::Sender<Result<Changed, Refused>>,
}

pub(crate) struct Change {
    pub(crate) file: Target,
    pub(crate) new: New,
    pub(crate) condition: Condition,
    /// Everything but the writing.
    pub(crate) dry_run: bool,
}

pub(crate) enum Target {
    /// Checked as a reload would.
    Config,
    /// A file that the config names or could name, relative to it.
    Text(PathBuf),
}

pub(crate) enum New {
    Text(String),
    Edits(Vec<Edit>),
}

/// What must be so for the change to be made.
pub(crate) enum Condition {
    /// It is there, whatever it says; or for a dry run nothing at all.
    None,
    /// It says what one of these tags stands for.
    Is(Vec<String>),
    /// It is not there yet.
    IsNew,
}

/// What was done, or would be.
pub(crate) struct Changed {
    /// There was no such file before.
    pub(crate) is_new: bool,
    pub(crate) before: String,
    pub(crate) after: String,
    /// Of the file as it now is.
    pub(crate) etag: String,
    pub(crate) backup: Option<String>,
    pub(crate) warnings: Vec<String>,
}

pub(crate) enum Refused {
    /// The file is another one by now.
    Stale(String),
    NotFound,
    /// With the text as it would be, where it came to that.
    Problems {
        problems: Vec<String>,
        before: String,
        after: String,
    },
    Failed(String),
    /// The loop had no time.
    Busy,
}

/// A file's state, as its bytes are: nothing else is compared.
pub(crate) fn etag(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

pub(super) fn channel(config: PathBuf) -> (Editor, Asks) {
    let (sender, asks) = mpsc::channel(QUEUED_MAX);
    (Editor { asks: sender, config }, asks)
}

/// A file of a folder that lies beside the config.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) modified: Option<SystemTime>,
}

// === impl Editor ===
impl Editor {
    /// The config's file without its folder: that is nobody's business.
    pub(crate) fn config_name(&self) -> String {
        self.config.file_name().unwrap_or(self.config.as_os_str()).to_string_lossy().into_owned()
    }

    /// The file's text; `None` where there is none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) async fn read(&self, file: &Target) -> Result<Option<String>, Refused> {
        let (path, is_config) = (file.path(&self.config), matches!(file, Target::Config));
        blocking(move || read(&path, is_config)).await
    }

    /// The regular files of a folder beside the config, by name, without hidden ones.
    pub(crate) async fn list(&self, folder: &str) -> Vec<Listed> {
        let folder = Target::Text(PathBuf::from(folder)).path(&self.config);
        blocking(move || list(&folder)).await
    }

    /// # Errors
    /// Why the file stays as it was. After `Busy` it may be changed all the same, if the loop was just at it.
    pub(crate) async fn change(&self, change: Change) -> Result<Changed, Refused> {
        let (reply, done) = oneshot::channel();
        self.asks.try_send(Ask { change, reply }).map_err(|_| Refused::Busy)?;
        match tokio::time::timeout(ANSWER_MAX, done).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) | Err(_) => Err(Refused::Busy),
        }
    }
}

// === impl Target ===
impl Target {
    fn path(&self, config: &Path) -> PathBuf {
        match self {
            Self::Config => config.to_owned(),
            Self::Text(file) => config.parent().unwrap_or_else(|| Path::new(".")).join(file),
        }
    }
}

// === impl Ask ===
impl Ask {
    pub(super) async fn answer(self, ground: &Ground, shelf: &Shelf) {
        // Whoever has gone believes that nothing was changed.
        if !self.reply.is_closed() {
            let done = done(self.change, ground, shelf).await;
            // Gone in between: the change stands, and the next look at the file shows it.
            let _told = self.reply.send(done);
        }
    }
}

async fn done(change: Change, ground: &Ground, shelf: &Shelf) -> Result<Changed, Refused> {
    let Change { file, new, condition, dry_run } = change;
    let path = file.path(&ground.paths.config);
    let is_config = matches!(file, Target::Config);
    let reading = path.clone();
    let before = blocking(move || read(&reading, is_config)).await?;
    let fits = match (&condition, &before) {
        (Condition::None, Some(_)) | (Condition::IsNew, None) => true,
        (Condition::None, None) => dry_run,
        (Condition::Is(_), None) => return Err(Refused::NotFound),
        (Condition::Is(tags), Some(text)) => tags.contains(&etag(text)),
        (Condition::IsNew, Some(_)) => false,
    };
    let is_new = before.is_none();
    let before = before.unwrap_or_default();
    if !fits {
        return Err(Refused::Stale(etag(&before)));
    }
    let refused =
        |problems, after: &str| Refused::Problems { problems, before: before.clone(), after: after.to_owned() };
    let after = match new {
        New::Text(text) => text,
        New::Edits(edits) => {
            let text = before.clone();
            let edited = blocking(move || magic_config::edit::edit(&text, &edits)).await;
            edited.map_err(|problem| refused(vec![problem.to_string()], &before))?
        }
    };
    let mut warnings = Vec::new();
    if is_config {
        let (paths, text) = (ground.paths.clone(), after.clone());
        let texts = blocking(move || build::read(&paths, Some(text))).await;
        warnings = build::build(ground, shelf, &texts).map_err(|problems| refused(problems, &after))?.warnings;
    }
    let mut backup = None;
    if !dry_run && (is_new || after != before) {
        let text = after.clone();
        let written =
            blocking(move || place::put(&path, &text, wall_clock()).map_err(|error| unwritten(&path, &error)));
        backup = written.await.map_err(Refused::Failed)?;
    }
    let etag = etag(if dry_run { &before } else { &after });
    Ok(Changed { is_new, before, after, etag, backup, warnings })
}

/// Follows no link to a text: what lies elsewhere is not ours to show or to change.
fn read(path: &Path, is_config: bool) -> Result<Option<String>, Refused> {
    let is_link = || std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    if !is_config && is_link() {
        return Err(Refused::Failed(format!("{}: a symbolic link is not followed", path.display())));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refused::Failed(format!("{}: {error}", path.display()))),
    }
}

fn list(folder: &Path) -> Vec<Listed> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let listed = |entry: std::fs::DirEntry| {
        // Of the entry itself: a link is no regular file.
        let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
        Some(Listed { name, bytes: meta.len(), modified: meta.modified().ok() })
    };
    let mut files: Vec<Listed> = entries.filter_map(listed).collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

fn unwritten(path: &Path, error: &std::io::Error) -> String {
    let cure = match error.kind() {
        ErrorKind::PermissionDenied => "let the gateway's user write into its folder",
        ErrorKind::ReadOnlyFilesystem => "it is mounted read-only: change it where it comes from",
        ErrorKind::ResourceBusy => "it is a mount by itself: mount its folder instead",
        ErrorKind::StorageFull => "the disk is full",
        _ => "nothing was changed",
    };
    format!("write {}: {error} ({cure})", path.display())
}
