//! Files changed through the gateway. The reload loop makes every change itself, one after the other: it alone knows
//! what a config must be checked against. It also notes who made it, so that no change is left out where a client has gone.
use super::place::{self, Unput};
use super::{Ground, Shelf, blocking, build};
use crate::accounts::{Accounts, Entry};
use crate::app::wall_clock;
use magic_config::edit::Edit;
use magic_types::Digest;
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

/// What the audit is told of a change that was made.
pub(crate) type Noted = Box<dyn FnOnce(&Changed) -> Entry + Send>;

pub(super) struct Ask {
    change: Change,
    noted: Noted,
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
    /// The file is another one now.
    pub(crate) is_written: bool,
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
    let digest = Digest(Sha256::digest(text.as_bytes()).into()).to_string();
    format!("\"{digest:.32}\"")
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
    pub(crate) async fn change(&self, change: Change, noted: Noted) -> Result<Changed, Refused> {
        let (reply, done) = oneshot::channel();
        self.asks.try_send(Ask { change, noted, reply }).map_err(|_| Refused::Busy)?;
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
    /// Makes the change and notes it, whoever still waits for the answer.
    pub(super) async fn answer(self, ground: &Ground, shelf: &Shelf, accounts: &Accounts) {
        let Self { change, noted, reply } = self;
        // Whoever has gone believes that nothing was changed.
        if reply.is_closed() {
            return;
        }
        let done = match done(change, ground, shelf).await {
            Ok(changed) if changed.is_written => Ok(recorded(changed, noted, accounts).await),
            done => done,
        };
        // Gone in between: the change stands, and the audit and the next look at the file show it.
        let _told = reply.send(done);
    }
}

/// The change stands, whether or not this can be written.
async fn recorded(changed: Changed, noted: Noted, accounts: &Accounts) -> Changed {
    let noting = move || (noted(&changed), changed);
    let (entry, changed) = blocking(noting).await;
    let (action, subject) = (entry.action, entry.subject.clone());
    tracing::info!(who = entry.who, action, subject, "{}: {action} {subject}", entry.who);
    if let Err(failure) = accounts.ledger().audit(entry, wall_clock()).await {
        tracing::error!(action, subject, "a change is in no record: {action} {subject}: {failure}");
    }
    changed
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
    let is_written = !dry_run && (is_new || after != before);
    if is_written {
        let (compared, text) = ((!is_new).then(|| before.clone()), after.clone());
        let written = move || place::put(&path, compared.as_deref(), &text, wall_clock()).map_err(|why| (path, why));
        backup = blocking(written).await.map_err(|(path, why)| match why {
            Unput::Changed(found) => Refused::Stale(etag(&found)),
            Unput::Io(error) => Refused::Failed(unwritten(&path, &error)),
        })?;
    }
    let etag = etag(if dry_run { &before } else { &after });
    Ok(Changed { is_new, is_written, before, after, etag, backup, warnings })
}

/// Follows no link to a text or its folder: what lies elsewhere is not ours to show or to change.
fn read(path: &Path, is_config: bool) -> Result<Option<String>, Refused> {
    if !is_config && (is_link(path) || path.parent().is_some_and(is_link)) {
        return Err(Refused::Failed(format!("{}: a symbolic link is not followed", path.display())));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refused::Failed(format!("{}: {error}", path.display()))),
    }
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

fn list(folder: &Path) -> Vec<Listed> {
    if is_link(folder) {
        return Vec::new();
    }
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
