//! Real files in folders of their own; the wall clock's time is said, never read.
use super::responses::ChainError;
use super::testing::{Folder, at};
use super::*;
use bytes::Bytes;
use futures_util::FutureExt as _;
use magic_routing::{PoolName, Standing};
use magic_types::{KeyId, Kind};
use std::sync::mpsc::sync_channel;

/// Longer than any disk of a test takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn open(folder: &Folder) -> Store {
    let store = Store::open(&folder.file(), at(0));
    assert!(store.is_enabled());
    store
}

/// Closes it, and opens the file again.
async fn reopen(store: Store, folder: &Folder) -> Store {
    assert!(store.close(PATIENCE).await);
    open(folder)
}

fn key(id: &str, standing: Standing, now: SystemTime) -> Kept {
    Kept::new(KeyId::from(id), PoolName::new("openai"), standing, now)
}

fn resting(seconds: u64) -> Standing {
    Standing::Quarantined { remaining: Duration::from_secs(seconds), why: Kind::RateLimited }
}

fn response(id: &str, previous: Option<&str>) -> Stored {
    Stored {
        id: id.to_owned(),
        owner: None,
        previous: previous.map(str::to_owned),
        request_items: format!("[\"asked {id}\"]"),
        response: format!("{{\"id\":\"{id}\"}}"),
        created: at(0),
        expires: at(1000),
    }
}

fn reply(body: &[&'static str], expires: SystemTime) -> CachedReply {
    CachedReply {
        profile: "main".to_owned(),
        status: 200,
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
        pieces: body.iter().map(|piece| Bytes::from(*piece)).collect(),
        created: at(0),
        expires,
    }
}

/// Holds up the writer until the sender is dropped; returns when it is held.
fn hold(store: &Store) -> std::sync::mpsc::SyncSender<()> {
    let (release, held) = sync_channel::<()>(0);
    let (begin, begun) = sync_channel::<()>(0);
    let job = move |_: &Connection| {
        drop(begin);
        let _released = held.recv();
        Ok(())
    };
    store.write(0, job).unwrap();
    let _begun = begun.recv();
    release
}

fn ids(chain: Result<Vec<Arc<Stored>>, ChainError>) -> Vec<String> {
    chain.unwrap().iter().map(|stored| stored.id.clone()).collect()
}

// === the file ===

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let folder = Folder::new();
    let store = open(&folder);
    store.save_keys(vec![key("openai-1", Standing::Retired { why: Kind::KeyRejected }, at(0))], at(0)).unwrap();
    assert!(store.flush(PATIENCE).await);
    assert_eq!(folder.names(), ["magic.db", "magic.db-shm", "magic.db-wal"]);
    #[cfg(unix)]
    for name in folder.names() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.0.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_file_of_every_older_version_is_brought_up_to_date() {
    for older in 0..=MIGRATIONS.len() {
        let folder = Folder::new();
        let connection = Connection::open(folder.file()).unwrap();
        for step in &MIGRATIONS[..older] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", i64::try_from(older).unwrap()).unwrap();
        drop(connection);
        let store = open(&folder);
        Responses::of(&store).put(response("resp_1", None), 10, at(0)).unwrap();
        let store = reopen(store, &folder).await;
        assert!(Responses::of(&store).get("resp_1", at(1)).await.is_some(), "from version {older}");
        let version = store.read(PATIENCE, magic_sqlite::version).await;
        assert_eq!(version, Some(MIGRATIONS.len()));
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let folder = Folder::new();
    let connection = Connection::open(folder.file()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let store = Store::open(&folder.file(), at(0));
    assert!(!store.is_enabled());
    assert_eq!(folder.names(), ["magic.db"]);
    let Err(error) = peek_keys(&folder.file(), at(0)) else { panic!("it was read") };
    assert!(error.to_string().contains("a newer magic-proxy wrote it (version 99"), "{error}");
}

#[tokio::test]
async fn a_broken_file_is_put_aside_and_never_lost() {
    let folder = Folder::new();
    std::fs::write(folder.file(), "this is no database, but somebody may want it back ".repeat(100)).unwrap();
    std::fs::write(folder.0.join("magic.db-wal"), "nor is this a log").unwrap();
    let store = Store::open(&folder.file(), at(7));
    assert!(store.is_enabled());
    Responses::of(&store).put(response("resp_1", None), 10, at(0)).unwrap();
    assert!(store.close(PATIENCE).await);
    let aside = format!("magic.db.broken-{}", 1_700_000_007);
    assert_eq!(folder.names(), ["magic.db".to_owned(), aside.clone(), format!("{aside}-wal")]);
    assert!(std::fs::read_to_string(folder.0.join(aside)).unwrap().starts_with("this is no database"));
}

#[tokio::test]
async fn a_file_with_a_broken_page_is_put_aside_too() {
    let folder = Folder::new();
    let store = open(&folder);
    for number in 0..200 {
        Responses::of(&store).put(response(&format!("resp_{number}"), None), 1000, at(0)).unwrap();
    }
    assert!(store.close(PATIENCE).await);
    let mut bytes = std::fs::read(folder.file()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xA5);
    std::fs::write(folder.file(), bytes).unwrap();
    let store = open(&folder);
    assert!(Responses::of(&store).get("resp_0", at(1)).await.is_none());
    assert_eq!(folder.names().iter().filter(|name| name.contains(".broken-")).count(), 1);
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn without_a_usable_file_the_newest_responses_are_still_there() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("taken"), "").unwrap();
    let store = Store::open(&folder.0.join("taken").join(FILE), at(0));
    assert!(!store.is_enabled());
    let responses = Responses::of(&store);
    assert_eq!(responses.put(response("resp_1", None), 2, at(0)), Err(Refused));
    assert!(responses.get("resp_1", at(1)).await.is_some());
    assert_eq!(responses.delete("resp_1", at(1)).await, Ok(true));
    assert!(responses.get("resp_1", at(1)).await.is_none());
    assert_eq!(store.load_keys(at(0)).await, []);
    assert_eq!(store.save_keys(vec![key("openai-1", resting(9), at(0))], at(0)), Err(Refused));
    assert!(store.flush(PATIENCE).await && store.close(PATIENCE).await);
}

// === the writer ===

#[tokio::test]
async fn what_waits_is_written_in_one_transaction() {
    let folder = Folder::new();
    let store = open(&folder);
    let held = hold(&store);
    for number in 0..300 {
        Responses::of(&store).put(response(&format!("resp_{number}"), None), 1000, at(0)).unwrap();
    }
    drop(held);
    assert!(store.flush(PATIENCE).await);
    // One for what held it up; the flush is in the second or makes a third.
    let commits = store.0.database.as_ref().unwrap().commits();
    assert!((2..=3).contains(&commits), "{commits} commits");
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_full_queue_refuses_and_does_not_wait() {
    let folder = Folder::new();
    let store = open(&folder);
    let held = hold(&store);
    let results = (0..magic_sqlite::QUEUED_MAX + 10).map(|_| store.write(0, |_| Ok(())));
    assert_eq!(results.filter(Result::is_err).count(), 10);
    assert_eq!(store.lost(), 10);
    drop(held);
    while !store.flush(PATIENCE).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.write(0, |_| Ok(())), Ok(()));
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn the_queue_is_bounded_by_bytes_too() {
    let folder = Folder::new();
    let store = open(&folder);
    let held = hold(&store);
    assert_eq!(store.write(magic_sqlite::QUEUED_BYTES_MAX, |_| Ok(())), Ok(()));
    assert_eq!(store.write(1, |_| Ok(())), Err(Refused));
    drop(held);
    assert!(store.flush(PATIENCE).await);
    // Told at the commit, given back right after it.
    while store.write(magic_sqlite::QUEUED_BYTES_MAX, |_| Ok(())).is_err() {
        tokio::task::yield_now().await;
    }
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_write_that_fails_takes_no_other_with_it() {
    let folder = Folder::new();
    let store = open(&folder);
    let held = hold(&store);
    Responses::of(&store).put(response("resp_1", None), 10, at(0)).unwrap();
    store
        .write(0, |connection| connection.execute_batch("DELETE FROM responses; INSERT INTO nothing VALUES (1)"))
        .unwrap();
    Responses::of(&store).put(response("resp_2", None), 10, at(0)).unwrap();
    drop(held);
    let lost = {
        assert!(store.flush(PATIENCE).await);
        store.lost()
    };
    let store = reopen(store, &folder).await;
    assert!(Responses::of(&store).get("resp_1", at(1)).await.is_some());
    assert!(Responses::of(&store).get("resp_2", at(1)).await.is_some());
    assert_eq!(lost, 1);
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_full_disk_loses_what_does_not_fit_and_the_store_goes_on() {
    let folder = Folder::new();
    let store = open(&folder);
    let bound = |pages: i64| {
        move |connection: &Connection| connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
    };
    store.write(0, bound(1)).unwrap();
    assert!(store.flush(PATIENCE).await);
    let responses = Responses::of(&store);
    let large = |id: &str| Stored { response: "x".repeat(100_000), ..response(id, None) };
    responses.put(large("resp_1"), 10, at(0)).unwrap();
    let _not_all_of_it = store.flush(PATIENCE).await;
    assert!(store.lost() >= 1);
    assert!(responses.get("resp_1", at(1)).await.is_some(), "what was put is found all the same");
    store.write(0, bound(1_000_000)).unwrap();
    responses.put(large("resp_2"), 10, at(0)).unwrap();
    assert!(store.flush(PATIENCE).await);
    let store = reopen(store, &folder).await;
    assert!(Responses::of(&store).get("resp_1", at(1)).await.is_none());
    assert!(Responses::of(&store).get("resp_2", at(1)).await.is_some());
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_close_writes_what_waits_and_takes_nothing_more() {
    let folder = Folder::new();
    let store = open(&folder);
    let held = hold(&store);
    Responses::of(&store).put(response("resp_1", None), 10, at(0)).unwrap();
    assert!(!store.close(Duration::ZERO).await, "a disk that hangs does not hold up the end");
    assert_eq!(store.write(0, |_| Ok(())), Err(Refused));
    drop(held);
    let store = reopen(store, &folder).await;
    assert!(Responses::of(&store).get("resp_1", at(1)).await.is_some());
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_disk_that_hangs_holds_up_no_request() {
    let folder = Folder::new();
    let store = open(&folder);
    let hung = store
        .0
        .database
        .as_ref()
        .unwrap()
        .readers()
        .acquire_many_owned(u32::try_from(magic_sqlite::READERS_MAX).unwrap())
        .await
        .unwrap();
    assert_eq!(store.cached([7; 32], at(0)).now_or_never(), Some(None), "the cache does not even wait");
    let read = store.read(Duration::from_millis(1), |_| Ok(()));
    assert_eq!(read.await, None, "others wait no longer than they said");
    drop(hung);
    assert_eq!(store.read(PATIENCE, |_| Ok(())).await, Some(()));
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let folder = Folder::new();
    let store = open(&folder);
    assert_eq!(store.read(PATIENCE, |connection| connection.execute("DELETE FROM keys", [])).await, None);
    assert!(store.close(PATIENCE).await);
}

// === keys ===

#[tokio::test]
async fn keys_stand_after_a_restart_as_they_stood_before() {
    let folder = Folder::new();
    let store = open(&folder);
    let retired = Standing::Retired { why: Kind::KeyRejected };
    let keys =
        vec![key("openai-1", resting(300), at(0)), key("openai-2", retired, at(0)), key("openai-3", resting(5), at(0))];
    store.save_keys(keys, at(0)).unwrap();
    let store = reopen(store, &folder).await;
    let standings = |keys: Vec<Kept>, now| -> Vec<(String, Standing)> {
        keys.iter().map(|key| (key.id.to_string(), key.standing(now))).collect()
    };
    let loaded = standings(store.load_keys(at(100)).await, at(100));
    // The rest went on while it was down, and the short one is over.
    assert_eq!(loaded, [("openai-1".to_owned(), resting(200)), ("openai-2".to_owned(), retired)]);
    store.save_keys(vec![key("openai-2", Standing::Available, at(101))], at(101)).unwrap();
    assert!(store.flush(PATIENCE).await);
    let peeked = peek_keys(&folder.file(), at(101)).unwrap();
    assert_eq!(standings(peeked, at(101)), [("openai-1".to_owned(), resting(199))]);
    let rows =
        store.read(PATIENCE, |connection| connection.query_row("SELECT count(*) FROM keys", [], |row| row.get(0)));
    assert_eq!(rows.await, Some(1_i64), "what is over is swept out");
    assert!(store.close(PATIENCE).await);
    assert_eq!(peek_keys(&folder.file(), at(101)).unwrap().len(), 1, "also without a running gateway");
}

#[test]
fn a_look_at_the_keys_makes_no_file() {
    let folder = Folder::new();
    assert_eq!(peek_keys(&folder.file(), at(0)).unwrap(), []);
    assert!(folder.names().is_empty());
}

#[test]
fn a_rest_longer_than_time_is_none() {
    let key = key("openai-1", Standing::Quarantined { remaining: Duration::MAX, why: Kind::RateLimited }, at(0));
    assert_eq!(key.standing(at(0)), Standing::Available);
}

// === responses ===

#[tokio::test]
async fn a_response_is_found_before_it_is_in_the_file() {
    let folder = Folder::new();
    let store = open(&folder);
    let held = hold(&store);
    let responses = Responses::of(&store);
    responses.put(response("resp_1", None), 10, at(0)).unwrap();
    responses.put(response("resp_2", Some("resp_1")), 10, at(0)).unwrap();
    assert_eq!(ids(responses.chain("resp_2", at(1)).await), ["resp_1", "resp_2"]);
    assert_eq!(responses.delete("resp_1", at(1)).await, Ok(true));
    assert_eq!(responses.delete("resp_1", at(1)).await, Ok(false));
    assert_eq!(responses.chain("resp_2", at(1)).await, Err(ChainError::Missing("resp_1".to_owned())));
    drop(held);
    let store = reopen(store, &folder).await;
    assert!(Responses::of(&store).get("resp_1", at(1)).await.is_none(), "it stays deleted");
    assert_eq!(*Responses::of(&store).get("resp_2", at(1)).await.unwrap(), response("resp_2", Some("resp_1")));
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_deleted_response_is_not_found_in_the_file_meanwhile() {
    let folder = Folder::new();
    let store = open(&folder);
    Responses::of(&store).put(response("resp_1", None), 10, at(0)).unwrap();
    let store = reopen(store, &folder).await;
    let held = hold(&store);
    assert_eq!(Responses::of(&store).delete("resp_1", at(1)).await, Ok(true));
    assert!(Responses::of(&store).get("resp_1", at(1)).await.is_none());
    drop(held);
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_response_is_gone_when_its_time_is_over() {
    let folder = Folder::new();
    let store = open(&folder);
    let responses = Responses::of(&store);
    responses.put(response("resp_1", None), 10, at(0)).unwrap();
    assert!(responses.get("resp_1", at(999)).await.is_some());
    assert!(responses.get("resp_1", at(1000)).await.is_none());
    let store = reopen(store, &folder).await;
    // The first put after a start sweeps.
    Responses::of(&store).put(Stored { expires: at(9999), ..response("resp_2", None) }, 10, at(1000)).unwrap();
    assert!(store.flush(PATIENCE).await);
    assert_eq!(count(&store, "responses").await, 1);
    assert!(store.close(PATIENCE).await);
}

async fn count(store: &Store, table: &'static str) -> i64 {
    let text = format!("SELECT count(*) FROM {table}");
    store.read(PATIENCE, move |connection| connection.query_row(&text, [], |row| row.get(0))).await.unwrap()
}

#[tokio::test]
async fn no_more_responses_are_kept_than_there_may_be() {
    let folder = Folder::new();
    let store = open(&folder);
    for number in 0..=PRUNE_EVERY {
        let created = at(number);
        let stored = Stored { created, ..response(&format!("resp_{number}"), None) };
        Responses::of(&store).put(stored, 5, at(0)).unwrap();
    }
    let store = reopen(store, &folder).await;
    assert_eq!(count(&store, "responses").await, 5);
    assert!(Responses::of(&store).get("resp_60", at(1)).await.is_some());
    assert!(Responses::of(&store).get("resp_59", at(1)).await.is_none());
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn a_conversation_has_an_end_even_if_it_is_a_circle() {
    let responses = Responses::of(&Store::disabled());
    let _kept_in_memory = responses.put(response("resp_1", Some("resp_2")), 10, at(0));
    let _kept_in_memory = responses.put(response("resp_2", Some("resp_1")), 10, at(0));
    assert_eq!(responses.chain("resp_1", at(1)).await, Err(ChainError::TooLong));
}

#[tokio::test]
async fn a_conversation_larger_than_it_may_be_is_refused() {
    let responses = Responses::of(&Store::disabled());
    for number in 0..6 {
        let previous = format!("resp_{}", number - 1);
        let stored = response(&format!("resp_{number}"), (number > 0).then_some(previous.as_str()));
        let _kept_in_memory = responses.put(Stored { response: "x".repeat(4 << 20), ..stored }, 10, at(0));
    }
    assert_eq!(responses.chain("resp_5", at(1)).await, Err(ChainError::TooLarge));
    assert_eq!(responses.chain("resp_3", at(1)).await.map(|chain| chain.len()), Ok(4));
}

#[tokio::test]
async fn memory_holds_a_bounded_part_of_the_responses() {
    let store = Store::disabled();
    let responses = Responses::of(&store);
    for number in 0..100 {
        let stored = Stored { response: "x".repeat(1 << 20), ..response(&format!("resp_{number}"), None) };
        let _kept_in_memory = responses.put(stored, 1000, at(0));
    }
    assert!(responses.get("resp_99", at(1)).await.is_some());
    assert!(responses.get("resp_0", at(1)).await.is_none());
    let small = |_| responses.put(response("resp_again", None), 3, at(0));
    let _kept_in_memory: Vec<_> = (0..10).map(small).collect();
    assert!(responses.get("resp_again", at(1)).await.is_some(), "its last place counts, not its first");
    assert!(responses.get("resp_99", at(1)).await.is_none());
}

// === the cache's table ===

#[tokio::test]
async fn a_cached_reply_comes_back_in_the_pieces_it_came_in() {
    let folder = Folder::new();
    let store = open(&folder);
    let stream = reply(&["data: one\n\n", "", "data: [DONE]\n\n"], at(60));
    store.put_cached([7; 32], stream.clone(), 1000, at(0));
    let store = reopen(store, &folder).await;
    assert_eq!(store.cached([7; 32], at(1)).await, Some(stream));
    assert_eq!(store.cached([8; 32], at(1)).await, None);
    assert_eq!(store.cached([7; 32], at(60)).await, None);
    assert!(store.close(PATIENCE).await);
}

#[tokio::test]
async fn of_cached_replies_the_old_go_first_and_then_the_oldest_beyond_the_bytes() {
    let folder = Folder::new();
    let store = open(&folder);
    for number in 0..=u8::try_from(PRUNE_EVERY).unwrap() {
        let expires = if number < 10 { at(5) } else { at(60) };
        let aged = CachedReply { created: at(number.into()), ..reply(&["0123456789"], expires) };
        store.put_cached([number; 32], aged, 100, at(6));
    }
    assert!(store.flush(PATIENCE).await);
    assert_eq!(count(&store, "cache").await, 10);
    assert!(store.cached([64; 32], at(7)).await.is_some());
    assert!(store.cached([54; 32], at(7)).await.is_none());
    assert!(store.close(PATIENCE).await);
}
