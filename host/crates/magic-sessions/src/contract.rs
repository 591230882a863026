//! What every session log and queue must do, run against each implementation by its own tests.
use crate::event::{Record, SessionEvent};
use crate::journal::Entry;
use crate::log::{Beginning, EventLog, LogError, NewSession, Status, Tail, Write};
use crate::queue::{Backing, Claim, Lease, Wanted};
use crate::script::question;
use crate::session::Input;
use crate::spec::{Guide, Spec};
use magic_types::chat::FinishReason;
use magic_types::{Digest, SessionId, Usage};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) type Make<'a> = &'a dyn Fn() -> Arc<dyn Backing>;

pub(crate) async fn check(make: Make<'_>) {
    a_session_begins_with_its_creation(make()).await;
    an_append_behind_the_head_is_refused(make()).await;
    an_append_is_whole_or_nothing(make()).await;
    nothing_follows_an_end(make()).await;
    what_happened_is_kept_with_what_was_said(make()).await;
    a_fork_begins_with_its_past(make()).await;
    reads_are_bounded_and_start_anywhere(make()).await;
    the_list_is_newest_first(make()).await;
    a_tail_misses_nothing_and_repeats_nothing(make()).await;
    a_tail_of_an_ended_session_ends(make()).await;
    two_writers_never_both_succeed(make()).await;
    what_waits_is_claimed_once_and_the_oldest_first(make()).await;
    a_lease_that_is_renewed_holds_and_one_that_is_not_is_over(make()).await;
    a_worker_that_lost_its_claim_writes_nothing(make()).await;
    what_is_released_or_expired_can_be_claimed_at_once(make()).await;
    an_ended_session_is_out_of_the_queue(make()).await;
    delegated_sessions_can_be_claimed_alone(make()).await;
}

pub(crate) fn session(id: &str) -> NewSession {
    NewSession {
        id: id.into(),
        alias: "deep".into(),
        pattern: "basic_react".to_owned(),
        digest: Some(Digest([7; 32])),
        parent: None,
        bound: false,
        owner: None,
    }
}

pub(crate) fn spec() -> Arc<Spec> {
    Arc::new(Spec {
        context: question(),
        guide: Guide::Loop(Box::default()),
        lineage: vec!["above".into()],
        guarded_tools: vec!["remove".to_owned()],
        client_tools: Vec::new(),
    })
}

pub(crate) fn created(id: &str) -> Beginning {
    Beginning { session: session(id), spec: spec(), events: Vec::new(), entries: Vec::new() }
}

pub(crate) fn lease(owner: &str, seconds: u64) -> Lease {
    Lease { owner: owner.to_owned(), now: instant(seconds), length: Duration::from_secs(10) }
}

pub(crate) fn write(expected_seq: u64, events: Vec<SessionEvent>, seconds: u64) -> Write {
    Write { expected_seq, events, entries: Vec::new(), at: instant(seconds) }
}

fn entry(seconds: u64) -> Entry {
    Entry { at: Duration::from_secs(seconds), input: Input::TimerFired(7), decided: u64::MAX - seconds }
}

pub(crate) fn thought(text: &str) -> SessionEvent {
    SessionEvent::AgentThoughtStream { text: text.to_owned() }
}

pub(crate) fn end() -> SessionEvent {
    SessionEvent::FinalAnswerStreamEnd {
        answer: "4".to_owned(),
        usage: Usage::default(),
        finish_reason: FinishReason::Stop,
        tool_calls: Vec::new(),
        spent: crate::budget::Spent::default(),
        limit: None,
    }
}

pub(crate) fn instant(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A new session, claimed.
async fn fresh(log: &Arc<dyn Backing>) -> Claim {
    claimed(log, "s").await
}

async fn claimed(log: &Arc<dyn Backing>, id: &str) -> Claim {
    let claim = log.create(created(id), instant(1), Some(lease("me", 1))).await.unwrap();
    claim.expect("claimed with its creation")
}

async fn a_session_begins_with_its_creation(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let id = claim.session.clone();
    let expected = Record { seq: 0, at: instant(1), event: session("s").into() };
    assert_eq!(log.read(&id, 0, 10).await, Ok(vec![expected]));
    assert_eq!(log.create(created("s"), instant(2), None).await, Err(LogError::Exists(id.clone())));
    let summary = log.summary(&id).await.unwrap();
    assert_eq!((summary.status, summary.created_at, summary.next_seq), (Status::Running, instant(1), 1));
    assert_eq!(summary.session, session("s"));
    assert_eq!(log.spec(&id).await.unwrap(), spec());
    assert_eq!(log.journal(&id).await, Ok(Vec::new()));
    let other: SessionId = "other".into();
    let unknown = || LogError::UnknownSession("other".into());
    assert_eq!(log.read(&other, 0, 1).await, Err(unknown()));
    let elsewhere = Claim { session: other.clone(), token: 1 };
    assert_eq!(log.append(&elsewhere, write(0, vec![end()], 1)).await, Err(unknown()));
    assert_eq!(log.summary(&other).await, Err(unknown()));
    assert_eq!(log.journal(&other).await, Err(unknown()));
    assert!(log.watch(&other).await.is_err());
}

async fn an_append_behind_the_head_is_refused(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let id = &claim.session;
    assert_eq!(log.append(&claim, write(1, vec![thought("a"), thought("b")], 2)).await, Ok(3));
    for expected in [0, 1, 2, 4] {
        let conflict = LogError::Conflict { session: id.clone(), expected, head: 3 };
        assert_eq!(log.append(&claim, write(expected, vec![thought("c")], 3)).await, Err(conflict));
    }
    assert_eq!(log.append(&claim, write(3, vec![], 3)).await, Ok(3));
    assert_eq!(log.summary(id).await.unwrap().updated_at, instant(2));
}

async fn an_append_is_whole_or_nothing(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let refused = log.append(&claim, write(1, vec![thought("a"), end(), thought("b")], 2)).await;
    assert_eq!(refused, Err(LogError::Ended(claim.session.clone())));
    assert_eq!(log.summary(&claim.session).await.unwrap().next_seq, 1);
    assert_eq!(log.append(&claim, write(1, vec![thought("a"), end()], 2)).await, Ok(3));
}

async fn nothing_follows_an_end(log: Arc<dyn Backing>) {
    let ends = [
        (end(), Status::Answered),
        (SessionEvent::SessionFailed { code: "c".to_owned(), message: "m".to_owned() }, Status::Failed),
        (SessionEvent::SessionCancelled, Status::Cancelled),
    ];
    for (at, (event, status)) in ends.into_iter().enumerate() {
        let claim = claimed(&log, &format!("s{at}")).await;
        assert_eq!(log.append(&claim, write(1, vec![event], 2)).await, Ok(2));
        assert_eq!(log.summary(&claim.session).await.unwrap().status, status);
        let late = log.append(&claim, write(2, vec![thought("late")], 3)).await;
        assert_eq!(late, Err(LogError::Ended(claim.session.clone())));
        assert!(log.watch(&claim.session).await.unwrap().borrow().ended);
    }
}

async fn what_happened_is_kept_with_what_was_said(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let one = Write { entries: vec![entry(1)], ..write(1, vec![thought("a")], 2) };
    let two = Write { entries: vec![entry(2), entry(3)], ..write(2, vec![], 2) };
    assert_eq!(log.append(&claim, one).await, Ok(2));
    assert_eq!(log.append(&claim, two).await, Ok(2));
    assert_eq!(log.journal(&claim.session).await, Ok(vec![entry(1), entry(2), entry(3)]));
    let refused = Write { entries: vec![entry(4)], ..write(9, vec![thought("b")], 2) };
    assert!(log.append(&claim, refused).await.is_err());
    assert_eq!(log.journal(&claim.session).await.unwrap().len(), 3, "neither of the two");
}

async fn a_fork_begins_with_its_past(log: Arc<dyn Backing>) {
    let past = Beginning { events: vec![thought("a"), thought("b")], entries: vec![entry(1)], ..created("s") };
    let claim = log.create(past, instant(1), Some(lease("me", 1))).await.unwrap().unwrap();
    let id = &claim.session;
    assert_eq!(log.summary(id).await.unwrap().next_seq, 3);
    assert_eq!(log.journal(id).await, Ok(vec![entry(1)]));
    assert_eq!(log.append(&claim, Write { entries: vec![entry(2)], ..write(3, vec![thought("c")], 2) }).await, Ok(4));
    let said: Vec<SessionEvent> = log.read(id, 1, 9).await.unwrap().into_iter().map(|record| record.event).collect();
    assert_eq!(said, [thought("a"), thought("b"), thought("c")]);
    assert_eq!(log.journal(id).await, Ok(vec![entry(1), entry(2)]));
}

async fn reads_are_bounded_and_start_anywhere(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let id = claim.session.clone();
    log.append(&claim, write(1, (0..9).map(|at| thought(&at.to_string())).collect(), 2)).await.unwrap();
    let numbers = |records: Vec<Record>| records.iter().map(|record| record.seq).collect::<Vec<_>>();
    assert_eq!(numbers(log.read(&id, 3, 2).await.unwrap()), [3, 4]);
    assert_eq!(numbers(log.read(&id, 9, 5).await.unwrap()), [9]);
    assert_eq!(numbers(log.read(&id, 10, 5).await.unwrap()), [0u64; 0]);
    assert_eq!(numbers(log.read(&id, u64::MAX, 5).await.unwrap()), [0u64; 0]);
}

async fn the_list_is_newest_first(log: Arc<dyn Backing>) {
    for (id, at, owner) in [("a", 1, Some("vk_1")), ("c", 3, Some("vk_1")), ("b", 2, None), ("d", 0, Some("vk_2"))] {
        let session = NewSession { owner: owner.map(str::to_owned), ..session(id) };
        log.create(Beginning { session, ..created(id) }, instant(at), None).await.unwrap();
    }
    let listed = |summaries: Vec<crate::log::Summary>| {
        summaries.iter().map(|summary| summary.session.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(log.list(None, 10).await.unwrap()), ["c", "b", "a", "d"]);
    assert_eq!(listed(log.list(None, 2).await.unwrap()), ["c", "b"]);
    assert_eq!(listed(log.list(Some("vk_1"), 10).await.unwrap()), ["c", "a"]);
    assert_eq!(listed(log.list(Some("nobody"), 10).await.unwrap()), [""; 0]);
    assert_eq!(log.list(Some("vk_2"), 1).await.unwrap()[0].session.owner.as_deref(), Some("vk_2"));
}

async fn a_tail_misses_nothing_and_repeats_nothing(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let id = claim.session.clone();
    let from_start = open(&log, &id, 0).await.unwrap();
    let from_later = open(&log, &id, 5).await.unwrap();
    let writing = async {
        let mut next = 1;
        for at in 0..700_u64 {
            let events = (0..at % 3).map(|_| thought("t")).collect();
            next = log.append(&claim, write(next, events, 2)).await.unwrap();
            if at % 5 == 0 {
                tokio::task::yield_now().await;
            }
        }
        log.append(&claim, write(next, vec![end()], 3)).await.unwrap()
    };
    let (next, all, later) = tokio::join!(writing, drain(from_start), drain(from_later));
    assert_eq!(all, (0..next).collect::<Vec<_>>());
    assert_eq!(later, (5..next).collect::<Vec<_>>());
}

async fn open(log: &Arc<dyn Backing>, id: &SessionId, from: u64) -> Result<Tail, LogError> {
    let log: Arc<dyn EventLog> = Arc::clone(log) as _;
    Tail::open(log, id.clone(), from).await
}

async fn drain(mut tail: Tail) -> Vec<u64> {
    let mut seen = Vec::new();
    while let Some(records) = tail.next().await.unwrap() {
        seen.extend(records.iter().map(|record| record.seq));
    }
    seen
}

async fn a_tail_of_an_ended_session_ends(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let id = claim.session.clone();
    log.append(&claim, write(1, vec![end()], 2)).await.unwrap();
    for (from, expected) in [(0, vec![0, 1]), (1, vec![1]), (2, vec![]), (99, vec![])] {
        let tail = open(&log, &id, from).await.unwrap();
        assert_eq!(drain(tail).await, expected);
    }
}

async fn two_writers_never_both_succeed(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    let id = claim.session.clone();
    let try_to_write = |name: &'static str| {
        let (log, claim) = (Arc::clone(&log), claim.clone());
        async move { log.append(&claim, write(1, vec![thought(name)], 2)).await.is_ok() }
    };
    let (one, two) = tokio::join!(try_to_write("one"), try_to_write("two"));
    assert!(one ^ two, "exactly one writer gets the number 1");
    assert_eq!(log.summary(&id).await.unwrap().next_seq, 2);
}

async fn what_waits_is_claimed_once_and_the_oldest_first(log: Arc<dyn Backing>) {
    for (id, at) in [("b", 2), ("c", 3), ("a", 1)] {
        assert_eq!(log.create(created(id), instant(at), None).await, Ok(None));
    }
    let ids = |claims: Vec<Claim>| claims.iter().map(|claim| claim.session.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(log.claim(lease("me", 5), Wanted::Any, 2).await.unwrap()), ["a", "b"]);
    let (one, two) =
        tokio::join!(log.claim(lease("me", 5), Wanted::Any, 9), log.claim(lease("you", 5), Wanted::Any, 9));
    let mut rest = ids(one.unwrap());
    rest.extend(ids(two.unwrap()));
    assert_eq!(rest, ["c"]);
    assert_eq!(log.claim_one(&"a".into(), lease("you", 5)).await, Ok(None));
}

async fn a_lease_that_is_renewed_holds_and_one_that_is_not_is_over(log: Arc<dyn Backing>) {
    let (one, two) = (claimed(&log, "one").await, claimed(&log, "two").await);
    assert_eq!(log.renew(vec![one.clone()], lease("me", 9)).await, Ok(Vec::new()));
    let taken = log.claim(lease("you", 12), Wanted::Any, 9).await.unwrap();
    assert_eq!(taken, [Claim { session: two.session.clone(), token: two.token + 1 }]);
    assert_eq!(log.renew(vec![one, two.clone()], lease("me", 13)).await, Ok(vec![two]), "the lost one is told");
}

async fn a_worker_that_lost_its_claim_writes_nothing(log: Arc<dyn Backing>) {
    let mine = fresh(&log).await;
    let yours = log.claim_one(&mine.session, lease("you", 99)).await.unwrap().expect("the lease is over");
    assert!(yours.token > mine.token);
    let refused = log.append(&mine, write(1, vec![thought("mine")], 99)).await;
    assert_eq!(refused, Err(LogError::Fenced(mine.session.clone())));
    assert_eq!(log.append(&yours, write(1, vec![thought("yours")], 99)).await, Ok(2));
}

async fn what_is_released_or_expired_can_be_claimed_at_once(log: Arc<dyn Backing>) {
    let mine = fresh(&log).await;
    assert_eq!(log.claim_one(&mine.session, lease("you", 2)).await, Ok(None));
    assert_eq!(log.release(mine.clone()).await, Ok(()));
    let yours = log.claim_one(&mine.session, lease("you", 2)).await.unwrap().expect("it was given back");
    assert_eq!(log.release(mine.clone()).await, Ok(()), "a claim that is over gives nothing back");
    assert_eq!(log.claim_one(&mine.session, lease("me", 2)).await, Ok(None));
    assert_eq!(log.expire_all().await, Ok(()));
    let again = log.claim_one(&mine.session, lease("me", 2)).await.unwrap().expect("every lease is over");
    assert!(again.token > yours.token);
}

async fn an_ended_session_is_out_of_the_queue(log: Arc<dyn Backing>) {
    let claim = fresh(&log).await;
    log.append(&claim, write(1, vec![end()], 2)).await.unwrap();
    assert_eq!(log.claim(lease("you", 99), Wanted::Any, 9).await, Ok(Vec::new()));
    assert_eq!(log.claim_one(&claim.session, lease("you", 99)).await, Ok(None));
}

async fn delegated_sessions_can_be_claimed_alone(log: Arc<dyn Backing>) {
    log.create(created("parent"), instant(1), None).await.unwrap();
    let child = NewSession { parent: Some("parent".into()), ..session("child") };
    log.create(Beginning { session: child, ..created("child") }, instant(2), None).await.unwrap();
    let claims = log.claim(lease("me", 3), Wanted::Delegated, 9).await.unwrap();
    assert_eq!(claims.iter().map(|claim| claim.session.as_str()).collect::<Vec<_>>(), ["child"]);
}
