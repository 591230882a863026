//! Clients of ours: who they are, what they may, what they spent. Judgement is `magic-access`'s; here are the file
//! `accounts.db`, the keys in memory, and the way of a request past both: authenticate, admit, settle.
//!
//! The file is the truth for budgets: a hold is committed before a request is sent, and becomes what it cost after. Limits
//! by the minute are this process' own and are not in the file. Keys without budgets never wait for the disk.
mod admission;
mod audit;
mod directory;
mod form;
mod holds;
mod keys;
mod ledger;
mod principal;
mod report;
mod shelter;
mod tally;
mod teams;
mod usage;

pub(crate) use admission::{Admission, Spent, Want};
pub(crate) use audit::{Audited, Entry};
pub(crate) use form::{day_of, expiry_ms, grants_patch, key_json, patch, standings_json, team_json, time_text};
pub(crate) use keys::{GrantsPatch, Patch};
pub(crate) use ledger::{Actor, FILE, Ledger, ms as unix_ms};
pub(crate) use principal::{ANONYMOUS, Principal};
pub(crate) use report::{usage_cells, usage_csv, usage_head, usage_json};
pub(crate) use tally::Outcome;
pub(crate) use usage::{By, Query, Row};

use arc_swap::ArcSwap;
use directory::Directory;
use magic_access::{Denied, Shown, VirtualKeyId};
use magic_types::Failure;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tally::Tally;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How soon a change by another process (the command line, mostly) is seen, and usage is in the file.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Whoever looks at sums waits that long for the latest, and then takes what there is.
const CATCH_UP_MAX: Duration = Duration::from_secs(1);
/// How often what is too old is thrown away.
const LOOKS_PER_PRUNE: u32 = 3600;

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Accounts(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    directory: ArcSwap<Directory>,
    tally: Tally,
    /// Held for as long as no other process may take this one's holds for left behind.
    _lock: shelter::Lock,
}

// === impl Accounts ===
impl Accounts {
    /// Opens the file in the data folder, makes it where there is none, and settles what a process that is gone has left
    /// behind. Unlike other files, a broken one is an error: without it everybody would be let in. Blocks.
    pub(crate) fn open(data: &Path, now: SystemTime) -> Result<Self, magic_sqlite::Error> {
        let mut directory = Directory::default();
        let (ledger, lock) = Ledger::open(data, |connection, is_alone| {
            if is_alone {
                holds::settle_left_behind(connection, ledger::ms(now))?;
            }
            directory = Directory::load(connection, &Directory::default())?;
            Ok(())
        })?;
        let directory = ArcSwap::from_pointee(directory);
        Ok(Self(Arc::new(Inner { ledger, directory, tally: Tally::default(), _lock: lock })))
    }

    /// The file, for whoever changes keys and teams; [`Accounts::reread`] after that.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// Whether any key was ever made: from then on nobody is let in without one, not even when all are revoked.
    pub(crate) fn has_keys(&self) -> bool {
        !self.0.directory.load().is_empty()
    }

    /// Who shows this secret. No disk: a look-up by its public part, and a comparison in constant time.
    pub(crate) fn authenticate(&self, secret: &str, now: SystemTime) -> Result<Arc<Principal>, Denied> {
        let shown = Shown::parse(secret).ok_or(Denied::NoSuchKey)?;
        let directory = self.0.directory.load();
        let principal = directory.get(&shown.id).ok_or(Denied::NoSuchKey)?;
        principal.admits(&shown, ledger::ms(now))?;
        Ok(Arc::clone(principal))
    }

    /// Who that was, for sessions that go on after a restart; whether they still may is asked at each admission.
    pub(crate) fn principal(&self, key: &VirtualKeyId) -> Option<Arc<Principal>> {
        if key.as_str() == ANONYMOUS {
            return Some(Principal::anonymous());
        }
        self.0.directory.load().get(key).cloned()
    }

    /// Who that is, as long as the key is good: for whoever showed it some time ago.
    pub(crate) fn still(&self, key: &VirtualKeyId, now: SystemTime) -> Result<Arc<Principal>, Denied> {
        let principal = self.principal(key).ok_or(Denied::NoSuchKey)?;
        principal.is_good(ledger::ms(now))?;
        Ok(principal)
    }

    /// Lets a request begin, or says why not. What it is let in with must be settled when it is over.
    pub(crate) async fn admit(&self, principal: &Arc<Principal>, want: Want<'_>) -> Result<Admission, Denied> {
        // Not the principal of then: its key may have been revoked, or given other grants.
        let principal = if principal.is_anonymous() {
            Arc::clone(principal)
        } else {
            self.principal(&principal.key).ok_or(Denied::NoSuchKey)?
        };
        let now_ms = ledger::ms(want.now);
        principal.is_good(now_ms)?;
        principal.allows(want.alias.as_str())?;
        Admission::new(self.clone(), principal, want, now_ms).await
    }

    /// What was used, summed up by what the query asks for, up to this very moment.
    pub(crate) async fn usage(&self, query: Query) -> Result<Vec<Row>, Failure> {
        self.catch_up().await;
        self.0.ledger.usage(query).await
    }

    /// Waits a moment until the file knows of every request that is over.
    pub(crate) async fn catch_up(&self) {
        let _in_time = tokio::time::timeout(CATCH_UP_MAX, self.flush()).await;
        // Settlements are queued there, and not waited for.
        self.0.ledger.database().flush(CATCH_UP_MAX).await;
    }

    /// Reads keys and teams again, if anybody changed them.
    pub(crate) async fn reread(&self) {
        let before = self.0.directory.load_full();
        let read = self.0.ledger.read(move |connection| Directory::newer(connection, &before)).await;
        // What is silent for a moment is asked again in a second; the log says so already.
        if let Ok(Some(directory)) = read {
            self.publish(directory);
        }
    }

    /// The one swap point of the keys in memory. Of two readings that end together the older one must not win: a key that
    /// was revoked would be good for another second.
    fn publish(&self, directory: Directory) {
        let read = Arc::new(directory);
        self.0.directory.rcu(|current| Arc::clone(if current.version() > read.version() { current } else { &read }));
    }

    /// The task: looks for changes, brings usage to the file, and throws away what is too old.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let mut looks = 0_u32;
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            self.reread().await;
            self.flush().await;
            looks = looks.wrapping_add(1);
            if looks % LOOKS_PER_PRUNE == 1 {
                self.0.ledger.prune(crate::app::wall_clock());
            }
        }
    }

    /// Brings to the file what is not in it yet. False: it is kept for the next time.
    pub(crate) async fn flush(&self) -> bool {
        let batch = self.0.tally.take();
        if batch.is_empty() {
            return true;
        }
        let batch = Arc::new(batch);
        let (accounts, job, kept) = (self.clone(), Arc::clone(&batch), Arc::clone(&batch));
        let bytes = batch.len() * tally::ROW_BYTES;
        let (told, hears) = oneshot::channel();
        // Told by the file alone, whoever has left by then: a batch of which nobody knows whether it is in the file would
        // count twice, or not at all.
        let done = move |written: Result<(), String>| {
            if written.is_err() {
                accounts.0.tally.put_back(&kept);
            }
            let _left = told.send(written.is_ok());
        };
        if self.0.ledger.database().queue_then(bytes, move |connection| job.write(connection), done).is_err() {
            self.0.tally.put_back(&batch);
            return false;
        }
        hears.await.unwrap_or(false)
    }

    /// The last words of requests, and then no more. False: some are not in the file.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let flushed = tokio::time::timeout(patience, self.flush()).await.unwrap_or(false);
        self.0.ledger.close(patience).await && flushed
    }
}

#[cfg(test)]
mod tests;
