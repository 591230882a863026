//! The file under the contract, and what is its own: what outlives a process, and a crash at every write.
use super::{Sqlite, SqliteBounds};
use crate::contract::{self, created, end, instant, lease, thought, write};
use crate::log::{EventLog as _, LogError, Status};
use crate::queue::{Backing, Queue as _, Wanted};
use magic_sqlite::rusqlite::Connection;
use magic_types::SessionId;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("magic-sessions-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let _left_by_another_run = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("sessions.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn bounds() -> SqliteBounds {
    SqliteBounds {
        open_max: 100,
        kept_max: 100,
        retention: Duration::from_secs(3600),
        total_bytes_max: 1 << 30,
        records_per_session_max: 100_000,
        bytes_per_session_max: 8 << 20,
    }
}

fn open(file: &Path) -> Sqlite {
    Sqlite::open(file, bounds(), instant(0)).unwrap()
}

fn threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn it_keeps_the_contract_of_a_log_and_a_queue() {
    let folders: std::sync::Mutex<Vec<Folder>> = std::sync::Mutex::default();
    threads().block_on(contract::check(&|| {
        let folder = Folder::new();
        let log: Arc<dyn Backing> = Arc::new(open(&folder.file()));
        folders.lock().unwrap().push(folder);
        log
    }));
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = Folder::new();
    let log = open(&folder.file());
    let claim = log.create(created("s"), instant(1), Some(lease("me", 1))).await.unwrap().unwrap();
    log.append(&claim, write(1, vec![thought("a")], 2)).await.unwrap();
    assert_eq!(log.close(Duration::from_secs(30)).await, Ok(true));
    let again = open(&folder.file());
    assert_eq!(again.read(&claim.session, 0, 9).await.unwrap().len(), 2);
    assert_eq!(again.spec(&claim.session).await.unwrap(), contract::spec());
    assert_eq!(again.claim(lease("you", 2), Wanted::Any, 9).await, Ok(Vec::new()), "the lease outlives the process");
    again.expire_all().await.unwrap();
    assert_eq!(again.claim(lease("you", 2), Wanted::Any, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_event_has_the_same_time_whether_it_comes_from_memory_or_from_the_file() {
    let folder = Folder::new();
    let log = open(&folder.file());
    let claim = log.create(created("s"), instant(1), Some(lease("me", 1))).await.unwrap().unwrap();
    let at = instant(2) + Duration::from_nanos(123_456_789);
    log.append(&claim, crate::log::Write { at, ..write(1, vec![thought("a")], 2) }).await.unwrap();
    let live = log.read(&claim.session, 1, 9).await.unwrap();
    assert_eq!(open(&folder.file()).read(&claim.session, 1, 9).await.unwrap(), live);
}

/// The files as a process that was killed leaves them: copied while another one has them open.
fn as_if_killed(from: &Folder) -> Folder {
    let copy = Folder::new();
    for entry in std::fs::read_dir(&from.0).unwrap() {
        let entry = entry.unwrap();
        // The index of the log lies in memory that dies with the process.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), copy.0.join(entry.file_name())).unwrap();
        }
    }
    copy
}

#[tokio::test]
async fn a_crash_after_any_write_loses_nothing_that_was_told() {
    let folder = Folder::new();
    let log = open(&folder.file());
    let mut expected: Vec<(SessionId, u64, bool)> = Vec::new();
    for number in 0..6_u64 {
        let claim =
            log.create(created(&format!("s{number}")), instant(1), Some(lease("me", 1))).await.unwrap().unwrap();
        expected.push((claim.session.clone(), 1, false));
        for step in 0..number {
            let events = (0..=step).map(|at| thought(&at.to_string())).collect();
            let next = expected.last().unwrap().1;
            let told = log.append(&claim, write(next, events, 2)).await.unwrap();
            *expected.last_mut().unwrap() = (claim.session.clone(), told, false);
            check_survivors(&folder, &expected).await;
        }
        if number % 2 == 0 {
            let told = log.append(&claim, write(expected.last().unwrap().1, vec![end()], 3)).await.unwrap();
            *expected.last_mut().unwrap() = (claim.session.clone(), told, true);
        }
        check_survivors(&folder, &expected).await;
    }
}

async fn check_survivors(folder: &Folder, expected: &[(SessionId, u64, bool)]) {
    let copy = as_if_killed(folder);
    let survivor = open(&copy.file());
    for (id, next_seq, ended) in expected {
        let summary = survivor.summary(id).await.unwrap();
        assert_eq!((summary.next_seq, summary.status != Status::Running), (*next_seq, *ended), "{id}");
        let seqs: Vec<u64> = survivor.read(id, 0, 999).await.unwrap().iter().map(|record| record.seq).collect();
        assert_eq!(seqs, (0..*next_seq).collect::<Vec<_>>(), "{id}");
    }
    survivor.expire_all().await.unwrap();
    let open = survivor.claim(lease("next", 5), Wanted::Any, 99).await.unwrap();
    assert_eq!(
        open.len(),
        expected.iter().filter(|(_, _, ended)| !ended).count(),
        "each open one is in the queue, once"
    );
}

/// The file after a power cut or a kill in the middle of a commit: its log is shorter by any number of bytes.
#[tokio::test]
async fn a_crash_within_any_write_leaves_it_whole_or_not_at_all() {
    let folder = Folder::new();
    let log = open(&folder.file());
    let claim = log.create(created("s"), instant(1), Some(lease("me", 1))).await.unwrap().unwrap();
    for step in 0..4_u64 {
        let events = vec![thought("a"), thought("b"), thought("c")];
        log.append(&claim, write(1 + step * 3, events, 2)).await.unwrap();
    }
    let wal = folder.0.join("sessions.db-wal");
    let whole = std::fs::metadata(&wal).unwrap().len();
    let mut seen = std::collections::BTreeSet::new();
    for kept in (0..whole).step_by(1024).chain([whole]) {
        let copy = as_if_killed(&folder);
        let cut = std::fs::OpenOptions::new().write(true).open(copy.0.join("sessions.db-wal")).unwrap();
        cut.set_len(kept).unwrap();
        let survivor = open(&copy.file());
        match survivor.summary(&claim.session).await {
            Ok(summary) => {
                assert_eq!((summary.next_seq - 1) % 3, 0, "an append is whole: {kept} bytes of the log");
                let records = survivor.read(&claim.session, 0, 99).await.unwrap();
                assert_eq!(records.len() as u64, summary.next_seq);
                survivor.expire_all().await.unwrap();
                assert_eq!(survivor.claim(lease("next", 5), Wanted::Any, 9).await.unwrap().len(), 1);
                seen.insert(summary.next_seq);
            }
            Err(error) => assert_eq!(error, LogError::UnknownSession(claim.session.clone())),
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [1, 4, 7, 10, 13], "every length of the log was met");
}

#[tokio::test]
async fn the_queue_has_an_end() {
    let folder = Folder::new();
    let log = Sqlite::open(&folder.file(), SqliteBounds { open_max: 2, ..bounds() }, instant(0)).unwrap();
    let first = log.create(created("a"), instant(1), Some(lease("me", 1))).await.unwrap().unwrap();
    log.create(created("b"), instant(1), None).await.unwrap();
    assert_eq!(log.create(created("c"), instant(1), None).await, Err(LogError::Full(2)));
    log.append(&first, write(1, vec![end()], 2)).await.unwrap();
    assert_eq!(log.create(created("c"), instant(3), None).await, Ok(None));
}

#[tokio::test]
async fn ended_sessions_go_by_age_by_number_and_by_size_and_running_ones_never() {
    let kept = |bounds: SqliteBounds, now: u64| async move {
        let folder = Folder::new();
        let log = Sqlite::open(&folder.file(), bounds, instant(0)).unwrap();
        log.create(created("running"), instant(1), None).await.unwrap();
        for (number, id) in ["a", "b", "c"].into_iter().enumerate() {
            let at = 10 + number as u64;
            let claim = log.create(created(id), instant(at), Some(lease("me", at))).await.unwrap().unwrap();
            log.append(&claim, write(1, vec![thought(&"x".repeat(10_000)), end()], at)).await.unwrap();
        }
        log.create(created("last"), instant(now), None).await.unwrap();
        let mut ids: Vec<String> =
            log.list(None, 99).await.unwrap().iter().map(|one| one.session.id.to_string()).collect();
        ids.sort();
        ids.join(" ")
    };
    assert_eq!(kept(bounds(), 20).await, "a b c last running");
    assert_eq!(kept(SqliteBounds { retention: Duration::from_secs(8), ..bounds() }, 19).await, "b c last running");
    assert_eq!(kept(SqliteBounds { kept_max: 1, ..bounds() }, 20).await, "c last running");
    assert_eq!(kept(SqliteBounds { total_bytes_max: 30_000, ..bounds() }, 20).await, "b c last running");
}

#[tokio::test]
async fn a_full_session_takes_nothing_but_its_end() {
    let folder = Folder::new();
    let small = SqliteBounds { records_per_session_max: 3, ..bounds() };
    let log = Sqlite::open(&folder.file(), small, instant(0)).unwrap();
    let claim = log.create(created("a"), instant(1), Some(lease("me", 1))).await.unwrap().unwrap();
    assert_eq!(log.append(&claim, write(1, vec![thought("x"), thought("y")], 1)).await, Ok(3));
    let full = Err(LogError::SessionFull(claim.session.clone()));
    assert_eq!(log.append(&claim, write(3, vec![thought("z")], 2)).await, full);
    assert_eq!(log.append(&claim, write(3, vec![end()], 3)).await, Ok(4));
}

/// Each was written by the version that it names, and is never written again.
#[tokio::test]
async fn a_file_of_every_older_version_is_read() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests-data/files");
    let mut versions = 0;
    for entry in std::fs::read_dir(data).unwrap() {
        let dump = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let folder = Folder::new();
        Connection::open(folder.file()).unwrap().execute_batch(&dump).unwrap();
        let log = open(&folder.file());
        let summaries = log.list(None, 99).await.unwrap();
        assert!(!summaries.is_empty());
        for summary in summaries {
            let id = &summary.session.id;
            assert_eq!(log.read(id, 0, 999).await.unwrap().len() as u64, summary.next_seq);
            assert!(!log.journal(id).await.unwrap().is_empty());
            assert!(!log.spec(id).await.unwrap().context.messages.is_empty());
        }
        versions += 1;
    }
    assert_eq!(versions, super::tables::MIGRATIONS.len(), "a dump of every version lies in tests-data/files");
}
