//! What every session log must do, run against each implementation by its own tests.
use crate::event::{Record, SessionEvent};
use crate::log::{EventLog, LogError, NewSession, Status, Tail};
use magic_types::chat::FinishReason;
use magic_types::{Digest, SessionId, Usage};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) type Make<'a> = &'a dyn Fn() -> Arc<dyn EventLog>;

pub(crate) async fn check(make: Make<'_>) {
    a_session_begins_with_its_creation(make()).await;
    an_append_behind_the_head_is_refused(make()).await;
    an_append_is_whole_or_nothing(make()).await;
    nothing_follows_an_end(make()).await;
    reads_are_bounded_and_start_anywhere(make()).await;
    the_list_is_newest_first(make()).await;
    a_tail_misses_nothing_and_repeats_nothing(make()).await;
    a_tail_of_an_ended_session_ends(make()).await;
    two_writers_never_both_succeed(make()).await;
}

pub(crate) fn created(id: &str) -> NewSession {
    NewSession { id: id.into(), alias: "deep".into(), pattern: "basic_react".to_owned(), digest: Some(Digest([7; 32])) }
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
    }
}

pub(crate) fn instant(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

async fn fresh(log: &Arc<dyn EventLog>) -> SessionId {
    assert_eq!(log.create(created("s"), instant(1)).await, Ok(1));
    "s".into()
}

async fn a_session_begins_with_its_creation(log: Arc<dyn EventLog>) {
    let id = fresh(&log).await;
    let expected = Record { seq: 0, at: instant(1), event: created("s").into() };
    assert_eq!(log.read(&id, 0, 10).await, Ok(vec![expected]));
    assert_eq!(log.create(created("s"), instant(2)).await, Err(LogError::Exists(id.clone())));
    let summary = log.summary(&id).await.unwrap();
    assert_eq!((summary.status, summary.created_at, summary.next_seq), (Status::Running, instant(1), 1));
    let other: SessionId = "other".into();
    let unknown = || LogError::UnknownSession("other".into());
    assert_eq!(log.read(&other, 0, 1).await, Err(unknown()));
    assert_eq!(log.append(&other, 0, vec![end()], instant(1)).await, Err(unknown()));
    assert_eq!(log.summary(&other).await, Err(unknown()));
    assert!(log.watch(&other).await.is_err());
}

async fn an_append_behind_the_head_is_refused(log: Arc<dyn EventLog>) {
    let id = fresh(&log).await;
    assert_eq!(log.append(&id, 1, vec![thought("a"), thought("b")], instant(2)).await, Ok(3));
    for expected in [0, 1, 2, 4] {
        let conflict = LogError::Conflict { session: id.clone(), expected, head: 3 };
        assert_eq!(log.append(&id, expected, vec![thought("c")], instant(3)).await, Err(conflict));
    }
    assert_eq!(log.append(&id, 3, vec![], instant(3)).await, Ok(3));
    assert_eq!(log.summary(&id).await.unwrap().updated_at, instant(2));
}

async fn an_append_is_whole_or_nothing(log: Arc<dyn EventLog>) {
    let id = fresh(&log).await;
    let refused = log.append(&id, 1, vec![thought("a"), end(), thought("b")], instant(2)).await;
    assert_eq!(refused, Err(LogError::Ended(id.clone())));
    assert_eq!(log.summary(&id).await.unwrap().next_seq, 1);
    assert_eq!(log.append(&id, 1, vec![thought("a"), end()], instant(2)).await, Ok(3));
}

async fn nothing_follows_an_end(log: Arc<dyn EventLog>) {
    let ends = [
        (end(), Status::Answered),
        (SessionEvent::SessionFailed { code: "c".to_owned(), message: "m".to_owned() }, Status::Failed),
        (SessionEvent::SessionCancelled, Status::Cancelled),
    ];
    for (at, (event, status)) in ends.into_iter().enumerate() {
        let new = created(&format!("s{at}"));
        let id = new.id.clone();
        log.create(new, instant(1)).await.unwrap();
        assert_eq!(log.append(&id, 1, vec![event], instant(2)).await, Ok(2));
        assert_eq!(log.summary(&id).await.unwrap().status, status);
        assert_eq!(log.append(&id, 2, vec![thought("late")], instant(3)).await, Err(LogError::Ended(id.clone())));
        assert!(log.watch(&id).await.unwrap().borrow().ended);
    }
}

async fn reads_are_bounded_and_start_anywhere(log: Arc<dyn EventLog>) {
    let id = fresh(&log).await;
    log.append(&id, 1, (0..9).map(|at| thought(&at.to_string())).collect(), instant(2)).await.unwrap();
    let numbers = |records: Vec<Record>| records.iter().map(|record| record.seq).collect::<Vec<_>>();
    assert_eq!(numbers(log.read(&id, 3, 2).await.unwrap()), [3, 4]);
    assert_eq!(numbers(log.read(&id, 9, 5).await.unwrap()), [9]);
    assert_eq!(numbers(log.read(&id, 10, 5).await.unwrap()), [0u64; 0]);
    assert_eq!(numbers(log.read(&id, u64::MAX, 5).await.unwrap()), [0u64; 0]);
}

async fn the_list_is_newest_first(log: Arc<dyn EventLog>) {
    for (id, at) in [("a", 1), ("c", 3), ("b", 2)] {
        log.create(created(id), instant(at)).await.unwrap();
    }
    let listed = |summaries: Vec<crate::log::Summary>| {
        summaries.iter().map(|summary| summary.session.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(log.list(10).await.unwrap()), ["c", "b", "a"]);
    assert_eq!(listed(log.list(2).await.unwrap()), ["c", "b"]);
}

async fn a_tail_misses_nothing_and_repeats_nothing(log: Arc<dyn EventLog>) {
    let id = fresh(&log).await;
    let from_start = Tail::open(Arc::clone(&log), id.clone(), 0).await.unwrap();
    let from_later = Tail::open(Arc::clone(&log), id.clone(), 5).await.unwrap();
    let writing = async {
        let mut next = 1;
        for at in 0..700_u64 {
            let events = (0..at % 3).map(|_| thought("t")).collect();
            next = log.append(&id, next, events, instant(2)).await.unwrap();
            if at % 5 == 0 {
                tokio::task::yield_now().await;
            }
        }
        log.append(&id, next, vec![end()], instant(3)).await.unwrap()
    };
    let (next, all, later) = tokio::join!(writing, drain(from_start), drain(from_later));
    assert_eq!(all, (0..next).collect::<Vec<_>>());
    assert_eq!(later, (5..next).collect::<Vec<_>>());
}

async fn drain(mut tail: Tail) -> Vec<u64> {
    let mut seen = Vec::new();
    while let Some(records) = tail.next().await.unwrap() {
        seen.extend(records.iter().map(|record| record.seq));
    }
    seen
}

async fn a_tail_of_an_ended_session_ends(log: Arc<dyn EventLog>) {
    let id = fresh(&log).await;
    log.append(&id, 1, vec![end()], instant(2)).await.unwrap();
    for (from, expected) in [(0, vec![0, 1]), (1, vec![1]), (2, vec![]), (99, vec![])] {
        let tail = Tail::open(Arc::clone(&log), id.clone(), from).await.unwrap();
        assert_eq!(drain(tail).await, expected);
    }
}

async fn two_writers_never_both_succeed(log: Arc<dyn EventLog>) {
    let id = fresh(&log).await;
    let write = |name: &'static str| {
        let (log, id) = (Arc::clone(&log), id.clone());
        async move { log.append(&id, 1, vec![thought(name)], instant(2)).await.is_ok() }
    };
    let (one, two) = tokio::join!(write("one"), write("two"));
    assert!(one ^ two, "exactly one writer gets the number 1");
    assert_eq!(log.summary(&id).await.unwrap().next_seq, 2);
}
