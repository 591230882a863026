//! Runs one session: feeds inputs to the machine, puts its events on the log, carries out its effects. Decides nothing.
use super::tools::Toolbox;
use super::{Job, Place, Sessions, ask, program};
use crate::app::wall_clock;
use futures_util::future::AbortHandle;
use futures_util::stream::{BoxStream, SelectAll, abortable};
use futures_util::{FutureExt, StreamExt, stream};
use magic_sessions::{Effect, Ending, Input, LogError, Session, SessionEvent};
use magic_types::directive::{Ask, Limits};
use magic_types::{Kind, SessionId, Usage};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Pieces of text that are ready at the same time go to the log in one append; more would delay the first of them.
const INPUTS_AT_ONCE_MAX: usize = 64;

/// From the queue to the last record. Whatever happens, the log gets an end.
pub(super) async fn run(place: Place, job: Job) {
    let Place { sessions, id, cancel } = &place;
    let turn = tokio::select! {
        () = cancel.cancelled() => None,
        turn = Arc::clone(&sessions.places).acquire_owned() => turn.ok(),
    };
    let mut writer = Writer { sessions, id, next_seq: 1 };
    if turn.is_none() {
        return writer.end(SessionEvent::SessionCancelled).await;
    }
    let result =
        AssertUnwindSafe(async { Worker::new(sessions, id, job).run(&mut writer, cancel).await }).catch_unwind().await;
    let failed = match result {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the session's worker failed; the log has the details".to_owned(),
    };
    tracing::error!(session = %id, "session `{id}` failed: {failed}");
    let code = Kind::Internal.as_str().to_owned();
    writer.end(SessionEvent::SessionFailed { code, message: failed }).await;
}

/// Appends to one session's log.
struct Writer<'a> {
    sessions: &'a Sessions,
    id: &'a SessionId,
    next_seq: u64,
}

impl Writer<'_> {
    async fn append(&mut self, events: &mut Vec<SessionEvent>) -> Result<(), LogError> {
        if events.is_empty() {
            return Ok(());
        }
        self.next_seq = self.sessions.log.append(self.id, self.next_seq, std::mem::take(events), wall_clock()).await?;
        Ok(())
    }

    /// The last word of a session that did not get to say it itself.
    async fn end(&mut self, event: SessionEvent) {
        if let Ok(summary) = self.sessions.log.summary(self.id).await {
            self.next_seq = summary.next_seq;
        }
        match self.append(&mut vec![event]).await {
            Ok(()) | Err(LogError::Ended(_)) => {}
            Err(error) => tracing::error!(session = %self.id, "session `{}` has no end on its log: {error}", self.id),
        }
    }
}

struct Worker {
    asking: Arc<ask::Asking>,
    toolbox: Arc<Toolbox>,
    session: Session,
    limits: Limits,
    inputs: SelectAll<BoxStream<'static, Input>>,
    begun: Instant,
    /// Asks and timers that may be called off.
    aborts: HashMap<u32, AbortHandle>,
}

impl Worker {
    fn new(sessions: &Sessions, id: &SessionId, job: Job) -> Self {
        let limits = program::limits(&job);
        let toolbox = Arc::new(Toolbox::new(&job));
        let driver = program::driver(id, &job, limits, toolbox.definitions());
        let Job { snapshot, route, .. } = job;
        let asking = Arc::new(ask::Asking { upstream: Arc::clone(&sessions.upstream), snapshot, route });
        let session = Session::new(limits, driver);
        Self {
            asking,
            toolbox,
            session,
            limits,
            inputs: SelectAll::new(),
            begun: Instant::now(),
            aborts: HashMap::new(),
        }
    }

    async fn run(mut self, writer: &mut Writer<'_>, cancel: &CancellationToken) -> Result<(), LogError> {
        let deadline = Instant::now() + self.limits.wall_max;
        let mut inputs = vec![Input::Start];
        loop {
            let now = Instant::now().into_std();
            let mut effects = Vec::new();
            for input in inputs.drain(..) {
                effects.append(&mut self.session.step(input, now).await);
            }
            self.carry_out(effects, writer).await?;
            if self.session.has_ended() {
                return Ok(());
            }
            inputs = self.await_inputs(deadline, cancel).await;
        }
    }

    async fn await_inputs(&mut self, deadline: Instant, cancel: &CancellationToken) -> Vec<Input> {
        let nothing_runs = self.inputs.is_empty();
        let first = tokio::select! {
            biased;
            () = cancel.cancelled() => Input::Cancel,
            () = tokio::time::sleep_until(deadline) => Input::DeadlineReached,
            Some(input) = self.inputs.next(), if !nothing_runs => input,
        };
        let mut inputs = vec![first];
        while inputs.len() < INPUTS_AT_ONCE_MAX
            && let Some(Some(input)) = self.inputs.next().now_or_never()
        {
            inputs.push(input);
        }
        inputs
    }

    /// In order; an event is on the log before what comes behind it is begun.
    async fn carry_out(&mut self, effects: Vec<Effect>, writer: &mut Writer<'_>) -> Result<(), LogError> {
        let mut events = Vec::new();
        for effect in effects {
            match effect {
                Effect::Emit(event) => events.push(event),
                Effect::Ask(ask) => {
                    writer.append(&mut events).await?;
                    self.ask(ask);
                }
                Effect::CallTools(calls) => {
                    writer.append(&mut events).await?;
                    for call in calls {
                        let result = Arc::clone(&self.toolbox).call(call).map(Input::ToolDone);
                        self.inputs.push(stream::once(result).boxed());
                    }
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
                Effect::End(ending) => self.tell(writer.id, ending),
            }
        }
        writer.append(&mut events).await
    }

    /// The one log line of a session.
    fn tell(&self, session: &SessionId, ending: Ending) {
        let Usage { input_tokens, output_tokens, .. } = self.session.usage();
        let (ms, alias) = (self.begun.elapsed().as_millis() as u64, &self.asking.route.plan.alias);
        let ended = match ending {
            Ending::Answered => "answered",
            Ending::Failed => "failed",
            Ending::Cancelled => "cancelled",
        };
        tracing::info!(%session, %alias, ended, ms, input_tokens, output_tokens, "session `{session}` of `{alias}` {ended}");
    }

    fn ask(&mut self, ask: Ask) {
        let ref_id = ask.ref_id;
        let inputs = Arc::clone(&self.asking).ask(ask);
        self.begin(ref_id, inputs);
    }

    fn begin(&mut self, ref_id: u32, inputs: BoxStream<'static, Input>) {
        let (inputs, abort) = abortable(inputs);
        self.aborts.insert(ref_id, abort);
        self.inputs.push(inputs.boxed());
    }
}
