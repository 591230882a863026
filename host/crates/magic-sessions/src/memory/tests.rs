//! The memory log under the contract, and what is its own: its bounds.
use super::{Memory, MemoryBounds};
use crate::contract::{self, created, end, instant, lease, thought, write};
use crate::log::{EventLog, LogError, Status};
use crate::queue::Claim;
use magic_types::SessionId;
use std::sync::Arc;
use std::time::Duration;

fn bounds() -> MemoryBounds {
    MemoryBounds {
        sessions_max: 3,
        retention: Duration::from_secs(60),
        total_bytes_max: 4_000,
        records_per_session_max: 5,
        bytes_per_session_max: 1_000,
    }
}

async fn begin(log: &Memory, id: &str) -> Claim {
    log.create(created(id), instant(0), Some(lease("me", 0))).await.unwrap().unwrap()
}

async fn run(log: &Memory, id: &str, ends: bool) -> SessionId {
    let claim = begin(log, id).await;
    if ends {
        log.append(&claim, write(1, vec![end()], 1)).await.unwrap();
    }
    claim.session
}

#[tokio::test]
async fn it_keeps_the_contract_of_a_log() {
    contract::check(&|| Arc::new(Memory::new(MemoryBounds::default()))).await;
}

#[tokio::test]
async fn the_session_that_ended_first_makes_room_and_a_running_one_never_does() {
    let log = Memory::new(bounds());
    let running = run(&log, "running", false).await;
    let first = run(&log, "first", true).await;
    let second = run(&log, "second", true).await;
    run(&log, "third", false).await;
    assert_eq!(log.summary(&first).await, Err(LogError::UnknownSession(first.clone())));
    assert_eq!(log.summary(&running).await.unwrap().status, Status::Running);
    assert_eq!(log.summary(&second).await.unwrap().status, Status::Answered);
    run(&log, "fourth", false).await;
    assert_eq!(log.create(created("fifth"), instant(9), None).await, Err(LogError::Full(3)));
}

#[tokio::test]
async fn an_ended_session_is_forgotten_after_its_retention_and_a_running_one_is_not() {
    let log = Memory::new(MemoryBounds { sessions_max: 100, ..bounds() });
    let running = run(&log, "running", false).await;
    let ended = run(&log, "ended", true).await;
    log.create(created("soon"), instant(61), None).await.unwrap();
    assert_eq!(log.summary(&ended).await.unwrap().status, Status::Answered);
    log.create(created("later"), instant(62), None).await.unwrap();
    assert_eq!(log.summary(&ended).await, Err(LogError::UnknownSession(ended.clone())));
    assert_eq!(log.summary(&running).await.unwrap().status, Status::Running);
}

#[tokio::test]
async fn ended_sessions_make_room_for_bytes() {
    let log = Memory::new(MemoryBounds { sessions_max: 100, ..bounds() });
    let first = run(&log, "first", true).await;
    for at in 0..40 {
        run(&log, &format!("s{at}"), true).await;
    }
    assert!(log.summary(&first).await.is_err());
    assert!(log.list(None, 100).await.unwrap().len() < 40);
    assert!(log.state().bytes <= 4_000);
    let kept: usize = log.state().sessions.values().map(|entry| entry.bytes).sum();
    assert_eq!(log.state().bytes, kept);
}

#[tokio::test]
async fn a_full_session_takes_nothing_but_its_end() {
    let log = Memory::new(bounds());
    let claim = begin(&log, "a").await;
    let next = log.append(&claim, write(1, (0..4).map(|_| thought("x")).collect(), 1)).await.unwrap();
    let full = || Err(LogError::SessionFull(claim.session.clone()));
    assert_eq!(log.append(&claim, write(next, vec![thought("y")], 2)).await, full());
    assert_eq!(log.append(&claim, write(next, vec![end()], 3)).await, Ok(next + 1));

    let claim = begin(&log, "b").await;
    let long = "z".repeat(2_000);
    let full = Err(LogError::SessionFull(claim.session.clone()));
    assert_eq!(log.append(&claim, write(1, vec![thought(&long)], 1)).await, full);
    assert_eq!(log.append(&claim, write(1, vec![thought("short")], 1)).await, Ok(2));
}
