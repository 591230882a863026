//! Runs one session: feeds inputs to the machine, puts what happened and what it says on the log, carries out its effects.
//! Decides nothing.
use super::dispatch::Held;
use super::tools::Toolbox;
use super::{Sessions, Word, ask, delegate, resume};
use crate::app::wall_clock;
use crate::snapshot::Snapshot;
use crate::telemetry;
use futures_util::future::AbortHandle;
use futures_util::stream::{BoxStream, SelectAll, abortable};
use futures_util::{FutureExt, StreamExt, stream};
use magic_plugins::Component;
use magic_sessions::{
    Claim, Delegation, Effect, Ending, Entry, Input, Journal, LogError, Seam, Session, SessionEvent, Spec, Write,
};
use magic_types::chat::{ToolCall, ToolError, ToolResult};
use magic_types::directive::Ask;
use magic_types::{Kind, SessionId, Usage};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Pieces of text that are ready at the same time go to the log in one append; more would delay the first of them.
const INPUTS_AT_ONCE_MAX: usize = 64;
/// A log that cannot be written is tried again, for a disk may be slow or full for a while.
const WRITE_AGAIN: Duration = Duration::from_millis(500);
const WRITE_TRIES: u32 = 20;

/// What a session runs on, as far as it is at hand already.
pub(super) struct AtHand {
    pub(super) snapshot: Arc<Snapshot>,
    /// The very component that it began on; else one of the same digest is looked for.
    pub(super) pattern: Option<Arc<Component>>,
    /// It exists for one request, which this gateway answers.
    pub(super) is_bound: bool,
    /// Of a session that was just written and has no past.
    pub(super) spec: Option<Arc<Spec>>,
    /// Of a session that was submitted here.
    pub(super) spans: Option<telemetry::Session>,
}

/// How a worker left its session.
enum Left {
    Ended,
    /// The gateway stops; the next one goes on.
    Released,
    /// Somebody else has it.
    Fenced,
}

/// From the claim to the last record, or to the end of this process. Whatever happens here, the log gets an end.
pub(super) async fn run(mut held: Held, at_hand: AtHand) {
    let result = AssertUnwindSafe(work(&mut held, at_hand)).catch_unwind().await;
    let (sessions, claim) = (Arc::clone(&held.sessions), held.claim.clone());
    let id = &claim.session;
    let failed = match result {
        Ok(Ok(Left::Ended)) => return,
        Ok(Ok(Left::Fenced) | Err(LogError::Fenced(_))) => {
            return tracing::warn!(session = %id, "session `{id}` was taken over by another gateway");
        }
        Ok(Ok(Left::Released)) => {
            // Where that cannot be written the lease runs out by itself.
            let _released = sessions.backing.release(claim.clone()).await;
            return tracing::info!(session = %id, "session `{id}` goes on when the gateway is back");
        }
        // What cannot be read or written now is there when the lease has run out: somebody goes on with it then.
        Ok(Err(LogError::Unavailable(why))) => {
            return tracing::warn!(session = %id, "session `{id}` is left for later: {why}");
        }
        Ok(Err(LogError::Unreadable(why))) => {
            return tracing::error!(session = %id, "session `{id}` is left to the version that wrote it: {why}");
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the session's worker failed; the log has the details".to_owned(),
    };
    tracing::error!(session = %id, "session `{id}` failed: {failed}");
    let code = Kind::Internal.as_str().to_owned();
    end(&sessions, &claim, SessionEvent::SessionFailed { code, message: failed }).await;
}

async fn work(held: &mut Held, mut at_hand: AtHand) -> Result<Left, LogError> {
    if held.cancel.is_cancelled() {
        end(&held.sessions, &held.claim, SessionEvent::SessionCancelled).await;
        return Ok(Left::Ended);
    }
    let spans = match at_hand.spans.take() {
        Some(spans) => spans,
        None => spans_of_resumed(held).await?,
    };
    let taken = match resume::take_up(&held.sessions, &held.claim, &at_hand, spans.watch()).await? {
        resume::Taken::Up(taken) => taken,
        resume::Taken::Over(event) => {
            end(&held.sessions, &held.claim, event).await;
            return Ok(Left::Ended);
        }
    };
    let mut worker = Worker::new(held, &at_hand, taken, spans);
    let left = worker.run(held).await;
    if !matches!(left, Ok(Left::Ended)) {
        // It goes on elsewhere, and what it delegated with it.
        worker.spared.cancel();
    }
    left
}

/// Its client's trace ended with the process that it began in.
async fn spans_of_resumed(held: &Held) -> Result<telemetry::Session, LogError> {
    let session = held.sessions.backing.summary(&held.claim.session).await?.session;
    let telemetry = held.sessions.upstream.telemetry();
    Ok(telemetry.session(&telemetry::Trace::default(), &session.id, &session.alias, &session.pattern))
}

/// The last word of a session that does not get to say it itself.
pub(super) async fn end(sessions: &Sessions, claim: &Claim, event: SessionEvent) {
    let id = &claim.session;
    let result = async {
        let expected_seq = sessions.backing.summary(id).await?.next_seq;
        let write = Write { expected_seq, events: vec![event], entries: Vec::new(), at: wall_clock() };
        sessions.backing.append(claim, write).await
    };
    match result.await {
        Ok(_) | Err(LogError::Ended(_) | LogError::Fenced(_)) => {}
        Err(error) => tracing::error!(session = %id, "session `{id}` has no end on its log: {error}"),
    }
}

/// Appends to one session's log.
struct Writer {
    sessions: Arc<Sessions>,
    claim: Claim,
    next_seq: u64,
    journal: Journal,
    seam: Seam,
    /// Not written yet.
    events: Vec<SessionEvent>,
    entries: Vec<Entry>,
    spans: telemetry::Session,
    /// Who waits for what is not written yet.
    heard: Vec<oneshot::Sender<()>>,
}

impl Writer {
    fn emit(&mut self, event: SessionEvent) {
        self.sessions.tally.said(&event);
        self.spans.said(&event);
        self.seam.pass(event, &mut self.events);
    }

    async fn flush(&mut self) -> Result<(), LogError> {
        if self.events.is_empty() && self.entries.is_empty() {
            return Ok(());
        }
        let (events, entries) = (std::mem::take(&mut self.events), std::mem::take(&mut self.entries));
        let write = Write { expected_seq: self.next_seq, events, entries, at: wall_clock() };
        self.next_seq = self.write(write).await?;
        for heard in self.heard.drain(..) {
            // Whoever asked may have left.
            let _told = heard.send(());
        }
        Ok(())
    }

    async fn write(&self, write: Write) -> Result<u64, LogError> {
        let mut tries = 0;
        loop {
            match self.sessions.backing.append(&self.claim, write.clone()).await {
                Err(LogError::Unavailable(why)) if tries < WRITE_TRIES => {
                    tries += 1;
                    let id = &self.claim.session;
                    tracing::warn!(session = %id, "session `{id}` waits for its log: {why}");
                    tokio::time::sleep(WRITE_AGAIN).await;
                }
                // A write of which nobody knew how it ended, tried again: it had succeeded.
                Err(LogError::Conflict { head, .. })
                    if tries > 0 && head == write.expected_seq + write.events.len() as u64 =>
                {
                    return Ok(head);
                }
                result => return result,
            }
        }
    }
}

struct Worker {
    id: SessionId,
    asking: Arc<ask::Asking>,
    toolbox: Arc<Toolbox>,
    delegating: Arc<delegate::Delegating>,
    /// Keeps what was delegated alive when the worker is dropped.
    spared: CancellationToken,
    session: Session,
    writer: Writer,
    inputs: SelectAll<BoxStream<'static, Input>>,
    clock: resume::Clock,
    begun: Instant,
    wall_max: Duration,
    /// Asks and timers that may be called off.
    aborts: HashMap<u32, AbortHandle>,
    /// What is to be done first.
    first: Vec<Effect>,
    /// It has a past: what it says first was said before.
    is_resumed: bool,
    unknown: Vec<ToolCall>,
    is_bound: bool,
}

impl Worker {
    fn new(held: &Held, at_hand: &AtHand, taken: Box<resume::TakenUp>, spans: telemetry::Session) -> Self {
        let resume::TakenUp {
            new,
            spec,
            session,
            route,
            clock,
            next_seq,
            seam,
            missing,
            entries,
            again,
            unknown,
            is_fresh,
        } = *taken;
        let id = held.claim.session.clone();
        let (sessions, snapshot) = (&held.sessions, &at_hand.snapshot);
        let asking = Arc::new(ask::Asking {
            upstream: Arc::clone(&sessions.upstream),
            snapshot: Arc::clone(snapshot),
            route,
            pattern: new.pattern.into(),
            accounts: sessions.accounts.clone(),
            owner: new.owner,
        });
        let writer = Writer {
            sessions: Arc::clone(sessions),
            claim: held.claim.clone(),
            next_seq,
            journal: Journal::default(),
            seam,
            events: missing,
            entries,
            spans,
            heard: Vec::new(),
        };
        let spared = sessions.tasks.ending().child_token();
        Self {
            toolbox: Arc::new(Toolbox::new(&id, &spec, snapshot)),
            delegating: Arc::new(delegate::Delegating::new(
                sessions,
                snapshot,
                &id,
                &spec,
                &asking,
                at_hand.is_bound,
                &spared,
            )),
            spared,
            wall_max: spec.context.limits.wall_max,
            id,
            asking,
            session,
            writer,
            inputs: SelectAll::new(),
            clock,
            begun: Instant::now(),
            aborts: HashMap::new(),
            first: again,
            is_resumed: !is_fresh,
            unknown,
            is_bound: at_hand.is_bound,
        }
    }

    async fn run(&mut self, held: &mut Held) -> Result<Left, LogError> {
        let deadline = self.clock.deadline(self.wall_max);
        let ending = self.writer.sessions.tasks.ending();
        let first = std::mem::take(&mut self.first);
        let mut inputs = if self.is_resumed { self.unknown_outcomes() } else { vec![Input::Start] };
        self.carry_out(first).await?;
        loop {
            for input in inputs.drain(..) {
                self.step(input).await?;
                if self.session.has_ended() {
                    break;
                }
            }
            self.writer.flush().await?;
            if self.session.has_ended() {
                return Ok(Left::Ended);
            }
            let nothing_runs = self.inputs.is_empty();
            let first = tokio::select! {
                biased;
                () = held.cancel.cancelled() => Input::Cancel,
                () = held.fenced.cancelled() => return Ok(Left::Fenced),
                () = ending.cancelled(), if !self.is_bound => return Ok(Left::Released),
                () = ending.cancelled() => Input::Cancel,
                () = tokio::time::sleep_until(deadline) => Input::DeadlineReached,
                Some(Word { input, heard }) = held.words.recv() => {
                    self.writer.heard.push(heard);
                    *input
                }
                Some(input) = self.inputs.next(), if !nothing_runs => input,
            };
            inputs.push(first);
            while inputs.len() < INPUTS_AT_ONCE_MAX
                && let Some(Some(input)) = self.inputs.next().now_or_never()
            {
                inputs.push(input);
            }
        }
    }

    async fn step(&mut self, input: Input) -> Result<(), LogError> {
        let (now, at) = self.clock.now();
        if let Input::Asked { ref_id, .. } | Input::Delegated { ref_id, .. } | Input::TimerFired(ref_id) = &input {
            self.aborts.remove(ref_id);
        }
        let heard = self.writer.journal.hear(&input, at);
        let effects = self.session.step(input, now).await;
        let decided = self.session.decided();
        let entries = self.writer.journal.note(heard, at, &effects, decided);
        self.writer.entries.extend(entries);
        self.carry_out(effects).await
    }

    /// Calls that may have run when the gateway went down, and must not run twice.
    fn unknown_outcomes(&mut self) -> Vec<Input> {
        let unknown = std::mem::take(&mut self.unknown);
        let outcome =
            |call: ToolCall| Input::ToolDone(ToolResult { call_id: call.id, outcome: Err(ToolError::OutcomeUnknown) });
        unknown.into_iter().map(outcome).collect()
    }

    /// In order; an event is on the log before what comes behind it is begun.
    async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), LogError> {
        for effect in effects {
            match effect {
                Effect::Emit(event) => self.writer.emit(event),
                Effect::Ask(ask) => {
                    self.writer.flush().await?;
                    self.ask(ask);
                }
                Effect::CallTools(calls) => {
                    self.writer.flush().await?;
                    for call in calls {
                        let watch = self.writer.spans.watch_step();
                        let result = Arc::clone(&self.toolbox).call(call, watch).map(Input::ToolDone);
                        self.inputs.push(stream::once(result).boxed());
                    }
                }
                Effect::Delegate(asked) => {
                    self.writer.flush().await?;
                    self.delegate(asked);
                }
                Effect::Wait { ref_id, ms } => {
                    let timer = tokio::time::sleep(Duration::from_millis(u64::from(ms)));
                    self.begin(ref_id, stream::once(timer.map(move |()| Input::TimerFired(ref_id))).boxed());
                }
                Effect::CancelRef(ref_id) => {
                    if let Some(abort) = self.aborts.remove(&ref_id) {
                        abort.abort();
                    }
                }
                // Dropping the worker closes what still runs.
                Effect::End(ending) => self.tell(ending),
            }
        }
        Ok(())
    }

    /// The one log line of a session.
    fn tell(&mut self, ending: Ending) {
        let usage = self.session.usage();
        let Usage { input_tokens, output_tokens, .. } = usage;
        let (session, alias) = (&self.id, &self.asking.route.plan.alias);
        let (took, trace_id) = (self.begun.elapsed(), self.writer.spans.whole().field());
        let ms = took.as_millis() as u64;
        let ended = match ending {
            Ending::Answered => "answered",
            Ending::Failed => "failed",
            Ending::Cancelled => "cancelled",
        };
        self.writer.sessions.tally.ended(ending);
        tracing::info!(%session, %alias, ended, ms, input_tokens, output_tokens, trace_id,
            "session `{session}` of `{alias}` {ended}");
        self.writer.spans.ended(alias, ended, &usage, took);
    }

    fn ask(&mut self, ask: Ask) {
        let ref_id = ask.ref_id;
        let inputs = Arc::clone(&self.asking).ask(ask, self.writer.spans.trace().clone());
        self.begin(ref_id, inputs);
    }

    fn delegate(&mut self, asked: Delegation) {
        let ref_id = asked.ref_id;
        let input = Arc::clone(&self.delegating).run(asked, self.writer.spans.trace().clone());
        self.begin(ref_id, stream::once(input).boxed());
    }

    fn begin(&mut self, ref_id: u32, inputs: BoxStream<'static, Input>) {
        let (inputs, abort) = abortable(inputs);
        self.aborts.insert(ref_id, abort);
        self.inputs.push(inputs.boxed());
    }
}
