//! Claims sessions from the queue while there are places, starts a worker for each, and holds the claims of those at work.
//! Decides nothing about a session.
use super::{Job, LEASE, Running, Sessions, WORDS_MAX, Waiting, Word, worker};
use crate::snapshot::Live;
use futures_util::FutureExt as _;
use magic_sessions::{Claim, LogError, SessionEvent, Spec, Wanted};
use magic_types::SessionId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Also without a word: a lease of another process may have run out.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Claims at once: each is a step of the queue's own.
const CLAIMS_MAX: usize = 64;
/// Three tries before a claim is lost.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE.as_secs() / 3);

/// One session's place among those at work, given back when it is dropped, however that comes about.
pub(super) struct Held {
    pub(super) sessions: Arc<Sessions>,
    pub(super) claim: Claim,
    pub(super) cancel: CancellationToken,
    pub(super) fenced: CancellationToken,
    pub(super) words: mpsc::Receiver<Word>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut open = self.sessions.open();
        // Another claim of the same session may have taken its place meanwhile.
        if open.running.get(&self.claim.session).is_some_and(|running| running.claim == self.claim) {
            open.running.remove(&self.claim.session);
        }
        drop(open);
        self.sessions.wake.notify_one();
    }
}

pub(super) async fn run(sessions: Arc<Sessions>, live: Arc<Live>, stopping: CancellationToken) {
    let mut renewal = tokio::time::interval(RENEW_EVERY);
    let ending = sessions.tasks.ending();
    loop {
        // Before anything is claimed: a lease that ran out unnoticed may be this process's own.
        if renewal.tick().now_or_never().is_some() {
            renew(&sessions).await;
        }
        if stopping.is_cancelled() {
            give_up_bound(&sessions);
        }
        sweep(&sessions).await;
        if !stopping.is_cancelled() {
            claim(&sessions, &live).await;
        }
        tokio::select! {
            _ = renewal.tick() => renew(&sessions).await,
            () = ending.cancelled() => return,
            // What is at work while the gateway stops must be held on to its end.
            () = stopping.cancelled(), if sessions.open().running.is_empty() => return,
            () = sessions.wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Requests whose sessions wait and exist for them alone are told now: nothing is taken from the queue any more.
fn give_up_bound(sessions: &Sessions) {
    let open = sessions.open();
    open.waiting.values().filter(|waiting| waiting.job.ties.bound).for_each(|waiting| waiting.cancel.cancel());
}

/// Ends what waits for nobody any more, so that it keeps no place in the queue.
async fn sweep(sessions: &Arc<Sessions>) {
    let left: Vec<SessionId> = {
        let open = sessions.open();
        let left = open.waiting.iter().filter(|(_, waiting)| waiting.cancel.is_cancelled());
        left.map(|(id, _)| id.clone()).collect()
    };
    for id in left {
        match sessions.backing.claim_one(&id, sessions.lease()).await {
            Ok(Some(claim)) => worker::end(sessions, &claim, SessionEvent::SessionCancelled).await,
            // It has a worker, here or elsewhere; or it never came into the queue.
            Ok(None) | Err(LogError::UnknownSession(_)) => {}
            Err(error) => return tracing::warn!("the queue cannot be swept: {error}"),
        }
        sessions.open().waiting.remove(&id);
    }
}

/// First what other sessions wait for, which takes no place; then as much as there are places for.
async fn claim(sessions: &Arc<Sessions>, live: &Arc<Live>) {
    claim_some(sessions, live, Wanted::Delegated, CLAIMS_MAX).await;
    claim_some(sessions, live, Wanted::Any, sessions.places().min(CLAIMS_MAX)).await;
}

async fn claim_some(sessions: &Arc<Sessions>, live: &Arc<Live>, wanted: Wanted, max: usize) {
    if max == 0 {
        return;
    }
    let claims = match sessions.backing.claim(sessions.lease(), wanted, max).await {
        Ok(claims) => claims,
        Err(error) => return tracing::warn!("no session can be taken from the queue: {error}"),
    };
    if claims.len() == max {
        sessions.wake.notify_one();
    }
    for claim in claims {
        let waiting = sessions.open().waiting.remove(&claim.session);
        match waiting {
            Some(Waiting { job, cancel, waited }) => {
                drop(waited);
                begin(sessions, claim, job, None, cancel);
            }
            None => take_up(sessions, claim, live, wanted == Wanted::Delegated),
        }
    }
}

async fn renew(sessions: &Sessions) {
    let claims: Vec<Claim> = sessions.open().running.values().map(|running| running.claim.clone()).collect();
    if claims.is_empty() {
        return;
    }
    match sessions.backing.renew(claims, sessions.lease()).await {
        Ok(lost) => {
            let open = sessions.open();
            for claim in lost {
                // One that has ended meanwhile has no claim any more either.
                if let Some(running) = open.running.get(&claim.session).filter(|running| running.claim == claim) {
                    running.fenced.cancel();
                }
            }
        }
        // The claims hold for a while yet.
        Err(error) => tracing::warn!("the claims of running sessions could not be renewed: {error}"),
    }
}

/// Starts the worker of a session that was submitted here. `spec`: as it was just written, if it is new.
pub(super) fn begin(
    sessions: &Arc<Sessions>,
    claim: Claim,
    job: Job,
    spec: Option<Arc<Spec>>,
    cancel: CancellationToken,
) {
    let held = hold(sessions, claim, cancel, job.ties.parent.is_some());
    let spans = sessions.upstream.telemetry().session(
        &job.ties.trace,
        &held.claim.session,
        &job.route.plan.alias,
        &job.pattern.name,
    );
    let Job { snapshot, pattern, ties, .. } = job;
    let at_hand = worker::AtHand { snapshot, pattern: Some(pattern), is_bound: ties.bound, spec, spans: Some(spans) };
    sessions.tasks.spawn("session", async move { worker::run(held, at_hand).await });
}

/// Starts the worker of a session that an earlier process left.
fn take_up(sessions: &Arc<Sessions>, claim: Claim, live: &Arc<Live>, is_delegated: bool) {
    let held = hold(sessions, claim, CancellationToken::new(), is_delegated);
    let at_hand = worker::AtHand { snapshot: live.load(), pattern: None, is_bound: false, spec: None, spans: None };
    sessions.tasks.spawn("session", async move { worker::run(held, at_hand).await });
}

fn hold(sessions: &Arc<Sessions>, claim: Claim, cancel: CancellationToken, is_delegated: bool) -> Held {
    let (words, heard) = mpsc::channel(WORDS_MAX);
    let fenced = CancellationToken::new();
    let running = Running { claim: claim.clone(), cancel: cancel.clone(), fenced: fenced.clone(), words, is_delegated };
    if let Some(old) = sessions.open().running.insert(claim.session.clone(), running) {
        old.fenced.cancel();
    }
    Held { sessions: Arc::clone(sessions), claim, cancel, fenced, words: heard }
}
