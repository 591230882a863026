//! The cache with its callers' parts played by the tests: nothing is sent, and the time is said, never read.
use super::flight::Lost;
use super::*;
use crate::store::testing::{Folder, at};
use futures_util::FutureExt as _;

const PATIENCE: Duration = Duration::from_secs(30);
const BOUNDS: Bounds = Bounds { disk: false, bytes_max: 100_000, entry_bytes_max: 10_000 };
const ASKED: &str = r#"{"model":"a","messages":[{"role":"user","content":"hi"}],"temperature":0.7}"#;

fn memory() -> Arc<Cache> {
    Cache::new(BOUNDS, Store::disabled())
}

fn rule() -> CacheRule {
    CacheRule {
        model_names: vec!["main".to_owned(), "second".to_owned()],
        include_in_key: vec!["messages".to_owned(), "temperature".to_owned()],
        ttl: Duration::from_secs(600),
    }
}

fn head(profile: &str) -> Head {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::SET_COOKIE, HeaderValue::from_static("session=1"));
    Head::new(StatusCode::OK, &headers, profile)
}

/// A question as everybody asks it, but for its body.
async fn look(cache: &Arc<Cache>, body: &str, now: SystemTime) -> Lookup {
    let (rule, body) = (rule(), Bytes::copy_from_slice(body.as_bytes()));
    cache.lookup(&Question { rule: &rule, answerers: "main", operation: "chat", stream: true, body: &body }, now).await
}

async fn lead(cache: &Arc<Cache>, body: &str, now: SystemTime) -> Leader {
    match look(cache, body, now).await {
        Lookup::Lead(leader) => leader,
        Lookup::Hit(_) | Lookup::Follow(_) | Lookup::Bypass(_) => panic!("somebody has asked that"),
    }
}

async fn follow(cache: &Arc<Cache>, body: &str) -> Follower {
    match look(cache, body, at(0)).await {
        Lookup::Follow(follower) => follower,
        Lookup::Hit(_) | Lookup::Lead(_) | Lookup::Bypass(_) => panic!("nobody is asking that"),
    }
}

async fn hit(cache: &Arc<Cache>, body: &str, now: SystemTime) -> Option<Hit> {
    match look(cache, body, now).await {
        Lookup::Hit(hit) => Some(hit),
        Lookup::Lead(_) | Lookup::Follow(_) | Lookup::Bypass(_) => None,
    }
}

/// Asks and is answered with these pieces.
async fn fill(cache: &Arc<Cache>, body: &str, pieces: &[&'static str], now: SystemTime) {
    let mut recording = lead(cache, body, now).await.begin(head("main"));
    pieces.iter().for_each(|piece| recording.push(&Bytes::from(*piece)));
    recording.finish(true, now);
}

fn key_of(rule: &CacheRule, operation: &str, stream: bool, body: &str) -> Result<Key, Why> {
    Question {
        rule,
        answerers: &rule.model_names[0],
        operation,
        stream,
        body: &Bytes::copy_from_slice(body.as_bytes()),
    }
    .key()
}

fn key(body: &str) -> Key {
    key_of(&rule(), "chat", true, body).unwrap()
}

/// All that is there now, without waiting.
fn taken(follower: &mut Follower) -> String {
    let mut text = String::new();
    while let Some(next) = follower.next().now_or_never() {
        match next {
            Some(Ok(piece)) => text.push_str(std::str::from_utf8(&piece).unwrap()),
            Some(Err(Lost)) => return text + "<lost>",
            None => return text + "<end>",
        }
    }
    text
}

// === what is the same question ===

#[test]
fn the_order_of_fields_and_blanks_and_escapes_do_not_matter() {
    let same = [
        r#"{"temperature":0.7,"messages":[{"content":"hi","role":"user"}],"model":"a"}"#,
        r#" { "messages" : [ { "content" : "h\u0069" , "r\u006fle":"user" } ],"temperature":0.7 , "model":"a"}"#,
    ];
    for body in same {
        assert_eq!(key(body), key(ASKED), "{body}");
    }
}

#[test]
fn whatever_the_rule_names_or_shapes_the_answer_matters() {
    let others = [
        r#"{"messages":[{"role":"user","content":"hi!"}],"temperature":0.7}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.70}"#,
        r#"{"messages":[{"role":"user","content":"hi"}]}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.7,"tools":[]}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.7,"n":2}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.7,"input":"hi"}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.7,"n":123456789012345678901}"#,
        r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.7,"n":123456789012345678902}"#,
        r#"{"messages":["user","hi"],"temperature":0.7}"#,
        r#"{"messages":["user\",2\"hi"],"temperature":0.7}"#,
        r#"{"messages":[["user"],"hi"],"temperature":0.7}"#,
        r#"{"messages":[["user","hi"]],"temperature":0.7}"#,
    ];
    let mut keys: Vec<Key> = others.iter().map(|body| key(body)).collect();
    keys.push(key(ASKED));
    keys.push(key_of(&rule(), "completions", true, ASKED).unwrap());
    keys.push(key_of(&rule(), "chat", false, ASKED).unwrap());
    let other = CacheRule { model_names: vec!["other".to_owned()], ..rule() };
    keys.push(key_of(&other, "chat", true, ASKED).unwrap());
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn what_no_rule_names_does_not_matter() {
    assert_eq!(
        key(r#"{"model":"b","messages":[{"role":"user","content":"hi"}],"temperature":0.7,"user":"x"}"#),
        key(ASKED)
    );
}

#[test]
fn an_ambiguous_body_and_one_that_is_no_object_are_not_looked_up() {
    let twice = r#"{"messages":[{"role":"user","content":"hi","content":"ho"}]}"#;
    let bad = [(twice, Why::Twice), (r#"{"n":1,"n":2}"#, Why::Twice), ("[]", Why::NotJson), ("", Why::NotJson)];
    for (body, why) in bad {
        assert_eq!(key_of(&rule(), "chat", true, body), Err(why), "{body}");
    }
    // Nobody cares for what does not matter.
    assert!(key_of(&rule(), "chat", true, r#"{"metadata":{"a":1,"a":2}}"#).is_ok());
}

#[test]
fn a_body_of_any_depth_has_a_key() {
    let deep = |levels: usize| format!(r#"{{"messages":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert_ne!(key(&deep(100)), key(&deep(101)));
    // Deeper than the parser goes at all: refused or told apart, and never a stack that overflows.
    let _any = key_of(&rule(), "chat", true, &deep(100_000));
    // Of a large one only the outermost fields are put in order.
    let messages = format!(r#""messages":"{}""#, "x".repeat(300_000));
    let (one, other) = (r#""n":[{"a":1,"b":2}]"#, r#""n":[{"b":2,"a":1}]"#);
    assert_eq!(key(&format!("{{{messages},{one}}}")), key(&format!("{{{one},{messages}}}")));
    assert_ne!(key(&format!("{{{messages},{one}}}")), key(&format!("{{{messages},{other}}}")));
    let objects = format!(r#"{{"messages":{}1{}}}"#, r#"{"a":"#.repeat(50_000), "}".repeat(50_000));
    let _any = key_of(&rule(), "chat", true, &objects);
}

#[test]
fn the_first_rule_that_names_the_first_profile_holds() {
    let other = CacheRule { model_names: vec!["second".to_owned(), "third".to_owned()], ..rule() };
    let rules = [rule(), other];
    assert_eq!(rule_for(&rules, "second"), Some(&rules[0]));
    assert_eq!(rule_for(&rules, "third"), Some(&rules[1]));
    assert_eq!(rule_for(&rules, "fourth"), None);
}

#[tokio::test]
async fn a_request_that_is_not_looked_up_leaves_nothing_behind() {
    let cache = memory();
    assert!(matches!(look(&cache, "no JSON", at(0)).await, Lookup::Bypass(Why::NotJson)));
    assert_eq!(cache.held(), (0, 0, 0));
}

// === what is kept ===

#[tokio::test]
async fn a_reply_is_replayed_in_its_pieces_with_its_age_and_without_its_cookies() {
    let cache = memory();
    fill(&cache, ASKED, &["data: one\n\n", "data: [DONE]\n\n"], at(0)).await;
    let hit = hit(&cache, ASKED, at(42)).await.unwrap();
    assert_eq!(hit.pieces.to_vec(), ["data: one\n\n", "data: [DONE]\n\n"]);
    assert_eq!((hit.age, hit.head.status), (Duration::from_secs(42), StatusCode::OK));
    let names: Vec<&str> = hit.head.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["content-type"]);
    assert_eq!(hit.head.profile, "main");
}

#[tokio::test]
async fn a_reply_is_gone_when_its_time_is_over() {
    let cache = memory();
    fill(&cache, ASKED, &["one"], at(0)).await;
    assert!(hit(&cache, ASKED, at(599)).await.is_some());
    assert!(hit(&cache, ASKED, at(600)).await.is_none());
    assert_eq!(cache.held(), (0, 0, 0));
}

#[tokio::test]
async fn what_is_truncated_or_failed_or_of_an_unnamed_profile_is_not_kept() {
    let cache = memory();
    drop(lead(&cache, ASKED, at(0)).await);
    let mut truncated = lead(&cache, ASKED, at(0)).await.begin(head("main"));
    truncated.push(&Bytes::from("one"));
    truncated.finish(false, at(0));
    let mut failed = lead(&cache, ASKED, at(0)).await.begin(head("main"));
    failed.push(&Bytes::from("one"));
    failed.abandon();
    let mut fallback = lead(&cache, ASKED, at(0)).await.begin(head("fallback"));
    fallback.push(&Bytes::from("one"));
    fallback.finish(true, at(0));
    assert_eq!(cache.held(), (0, 0, 0));
}

#[tokio::test]
async fn a_reply_larger_than_it_may_be_is_not_kept() {
    let cache = memory();
    let mut recording = lead(&cache, ASKED, at(0)).await.begin(head("main"));
    recording.push(&Bytes::from(vec![b'x'; 6_000]));
    let mut follower = follow(&cache, ASKED).await;
    assert_eq!(taken(&mut follower).len(), 6_000);
    recording.push(&Bytes::from(vec![b'x'; 6_000]));
    // Who is in the middle of it gets all of it.
    assert_eq!(taken(&mut follower).len(), 6_000);
    recording.push(&Bytes::from("more"));
    recording.finish(true, at(0));
    assert_eq!(taken(&mut follower), "more<end>");
    drop(follower);
    assert_eq!(cache.held(), (0, 0, 0), "and nobody later");
}

#[tokio::test]
async fn memory_is_bounded_and_the_least_recently_used_goes_first() {
    let cache = memory();
    let body = |number: usize| format!(r#"{{"messages":[{number}]}}"#);
    for number in 0..50 {
        let mut recording = lead(&cache, &body(number), at(0)).await.begin(head("main"));
        recording.push(&Bytes::from(vec![b'x'; 9_000]));
        recording.finish(true, at(0));
        assert!(hit(&cache, &body(0), at(0)).await.is_some(), "the one in use stays");
        let (_, bytes, under_way) = cache.held();
        assert!(bytes <= BOUNDS.bytes_max && under_way == 0, "{bytes} bytes");
    }
    assert!(hit(&cache, &body(49), at(0)).await.is_some());
    assert!(hit(&cache, &body(1), at(0)).await.is_none());
    assert_eq!(cache.held().0, 10);
    cache.configure(Bounds { bytes_max: 20_000, ..BOUNDS });
    assert_eq!(cache.held().0, 2);
    assert!(hit(&cache, &body(0), at(0)).await.is_some());
    cache.clear();
    assert_eq!(cache.held(), (0, 0, 0));
}

#[tokio::test]
async fn the_replies_under_way_are_bounded_together() {
    let cache = Cache::new(Bounds { bytes_max: 15_000, ..BOUNDS }, Store::disabled());
    let mut recordings = Vec::new();
    for number in 0..3 {
        let leader = lead(&cache, &format!(r#"{{"messages":[{number}]}}"#), at(0)).await;
        let mut recording: Recording = leader.begin(head("main"));
        recording.push(&Bytes::from(vec![b'x'; 7_000]));
        recordings.push(recording);
    }
    assert_eq!(cache.held().2, 2, "the third found no room");
    drop(recordings);
    fill(&cache, ASKED, &["one"], at(0)).await;
    assert!(hit(&cache, ASKED, at(0)).await.is_some(), "what they held is free again");
}

// === coalescing ===

#[tokio::test]
async fn followers_read_along_live_and_late_ones_from_the_beginning() {
    let cache = memory();
    let leader = lead(&cache, ASKED, at(0)).await;
    let mut early = follow(&cache, ASKED).await;
    assert!(early.head().now_or_never().is_none());
    let mut recording = leader.begin(head("main"));
    assert!(early.head().now_or_never().is_none(), "nothing need be sent before the first piece");
    recording.push(&Bytes::from("one "));
    assert_eq!(early.head().now_or_never().unwrap().unwrap().profile, "main");
    assert_eq!(taken(&mut early), "one ");
    recording.push(&Bytes::from("two"));
    let mut late = follow(&cache, ASKED).await;
    recording.finish(true, at(0));
    assert_eq!(taken(&mut early), "two<end>");
    assert_eq!(taken(&mut late), "one two<end>");
    assert!(hit(&cache, ASKED, at(0)).await.is_some());
    assert_eq!(cache.held().2, 0);
}

#[tokio::test]
async fn a_follower_that_waits_is_woken() {
    let cache = memory();
    let leader = lead(&cache, ASKED, at(0)).await;
    let mut follower = follow(&cache, ASKED).await;
    let answers = async {
        tokio::task::yield_now().await;
        let mut recording = leader.begin(head("main"));
        tokio::task::yield_now().await;
        recording.push(&Bytes::from("one"));
        tokio::task::yield_now().await;
        recording.finish(true, at(0));
    };
    let reads = async {
        let head = follower.head().await.unwrap();
        let first = follower.next().await.unwrap().unwrap();
        (head.status, first, follower.next().await.is_none())
    };
    let ((), read) = tokio::join!(answers, reads);
    assert_eq!(read, (StatusCode::OK, Bytes::from("one"), true));
}

#[tokio::test]
async fn an_empty_reply_has_a_head_and_an_end() {
    let cache = memory();
    let recording = lead(&cache, ASKED, at(0)).await.begin(head("main"));
    let mut follower = follow(&cache, ASKED).await;
    recording.finish(false, at(0));
    assert!(follower.head().await.is_ok());
    assert_eq!(taken(&mut follower), "<end>");
}

#[tokio::test]
async fn when_the_leader_fails_each_follower_asks_for_itself_at_once() {
    let cache = memory();
    let leader = lead(&cache, ASKED, at(0)).await;
    let (mut one, mut other) = (follow(&cache, ASKED).await, follow(&cache, ASKED).await);
    drop(leader);
    assert_eq!((one.head().await, other.head().await), (Err(Lost), Err(Lost)));
    let (one, other) = (one.lead(), other.lead());
    assert_eq!(cache.held().2, 1, "later ones follow the first of them");
    let mut later = follow(&cache, ASKED).await;
    let mut other = other.begin(head("main"));
    other.push(&Bytes::from("other"));
    other.finish(true, at(0));
    assert_eq!(cache.held().2, 1, "it was not its flight to end");
    let mut one = one.begin(head("main"));
    one.push(&Bytes::from("one"));
    one.finish(true, at(0));
    assert_eq!(taken(&mut later), "one<end>");
    assert_eq!(hit(&cache, ASKED, at(0)).await.unwrap().pieces.to_vec(), ["one"]);
    assert_eq!(cache.held().2, 0);
}

#[tokio::test]
async fn when_the_leader_leaves_midway_its_followers_are_told_and_never_given_a_forged_end() {
    let cache = memory();
    let mut recording = lead(&cache, ASKED, at(0)).await.begin(head("main"));
    recording.push(&Bytes::from("one "));
    let mut midway = follow(&cache, ASKED).await;
    assert_eq!(taken(&mut midway), "one ");
    drop(recording);
    assert_eq!(taken(&mut midway), "<lost>");
    assert_eq!(cache.held(), (0, 0, 0));
    drop(lead(&cache, ASKED, at(0)).await);
}

#[tokio::test]
async fn of_many_that_ask_the_same_at_once_one_leads() {
    let cache = memory();
    let lookups = futures_util::future::join_all((0..100).map(|_| look(&cache, ASKED, at(0)))).await;
    let count = |wanted: fn(&Lookup) -> bool| lookups.iter().filter(|lookup| wanted(lookup)).count();
    assert_eq!(count(|lookup| matches!(lookup, Lookup::Lead(_))), 1);
    assert_eq!(count(|lookup| matches!(lookup, Lookup::Follow(_))), 99);
    drop(lookups);
    assert_eq!(cache.held(), (0, 0, 0));
}

/// Many threads ask few questions; leaders fail, leave midway, tell half or all. Whoever is given an end is given all of it.
#[test]
fn however_requests_meet_nothing_hangs_nothing_is_forged_and_nothing_is_left_over() {
    let cache = memory();
    std::thread::scope(|scope| {
        for seed in 1..=6_u64 {
            let cache = &cache;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(async { tokio::time::timeout(PATIENCE, ask_often(cache, seed)).await }).unwrap();
            });
        }
    });
    cache.clear();
    assert_eq!(cache.held(), (0, 0, 0));
    assert_eq!(cache.inner().flights.bytes(), 0);
}

async fn ask_often(cache: &Arc<Cache>, seed: u64) {
    let mut random = seed;
    for turn in 0..500 {
        // xorshift: good enough to mix, and the same at every run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Time goes on, so that what is kept is over again and again.
        let now = at(turn * 100);
        let body = format!(r#"{{"messages":[{}]}}"#, random % 3);
        match look(cache, &body, now).await {
            Lookup::Hit(hit) => assert_eq!(hit.pieces.concat(), b"one two three"),
            Lookup::Lead(leader) => answer(leader, random >> 8, now).await,
            Lookup::Follow(follower) => read_along(follower, random >> 8, now).await,
            Lookup::Bypass(why) => panic!("{why:?}"),
        }
    }
}

async fn answer(leader: Leader, random: u64, now: SystemTime) {
    tokio::task::yield_now().await;
    if random.is_multiple_of(4) {
        return drop(leader);
    }
    let mut recording = leader.begin(head("main"));
    for piece in ["one ", "two ", "three"] {
        if random.is_multiple_of(5) && piece == "three" {
            return recording.abandon();
        }
        recording.push(&Bytes::from(piece));
        tokio::task::yield_now().await;
    }
    recording.finish(!random.is_multiple_of(7), now);
}

async fn read_along(mut follower: Follower, random: u64, now: SystemTime) {
    if random.is_multiple_of(6) {
        return drop(follower);
    }
    if follower.head().await.is_err() {
        return answer(follower.lead(), random, now).await;
    }
    let mut text = Vec::new();
    while let Some(piece) = follower.next().await {
        let Ok(piece) = piece else { return };
        text.extend_from_slice(&piece);
    }
    assert_eq!(text, b"one two three");
}

// === on disk ===

fn on_disk(store: &Store) -> Arc<Cache> {
    Cache::new(Bounds { disk: true, ..BOUNDS }, store.clone())
}

#[tokio::test]
async fn on_disk_a_reply_outlives_the_gateway() {
    let folder = Folder::new();
    let store = Store::open(&folder.file(), at(0));
    fill(&on_disk(&store), ASKED, &["one ", "two"], at(0)).await;
    assert!(store.close(PATIENCE).await);
    let store = Store::open(&folder.file(), at(5));
    let cache = on_disk(&store);
    let found = hit(&cache, ASKED, at(5)).await.unwrap();
    assert_eq!(
        (found.pieces.to_vec(), found.age),
        (vec![Bytes::from("one "), Bytes::from("two")], Duration::from_secs(5))
    );
    assert_eq!(found.head, head("main"));
    assert!(store.close(PATIENCE).await);
    // From then on it is in memory.
    assert_eq!(cache.held().0, 1);
    assert!(hit(&cache, ASKED, at(600)).await.is_none());
}

#[tokio::test]
async fn without_a_store_the_disk_cache_is_one_in_memory() {
    let cache = on_disk(&Store::disabled());
    fill(&cache, ASKED, &["one"], at(0)).await;
    assert!(hit(&cache, ASKED, at(1)).await.is_some());
    assert!(hit(&cache, r#"{"messages":[]}"#, at(1)).await.is_none());
}
