//! A session before its first step here: built from its spec, and where it has a past, fed with its journal. Says what is
//! to be begun again and what must not be.
use super::worker::AtHand;
use super::{Sessions, program};
use crate::telemetry::Watch;
use crate::upstream::Route;
use magic_plugins::Component;
use magic_sessions::{
    CallReport, Claim, Effect, Entry, Guide, Input, LogError, MIGRATED, NewSession, Outstanding, Record, Replayed,
    Rules, Seam, Session, SessionEvent, Spec, Status, Summary, half_told, replay,
};
use magic_types::chat::{LlmError, ToolCall};
use magic_types::{Digest, Kind, SessionId};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Records in one read of a log.
const READ_MAX: usize = 4096;

/// A session's own time: it stands still while no gateway runs it.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    /// Where the session's time begins, for the machine.
    origin: Instant,
    resumed: Instant,
    before: Duration,
}

pub(super) enum Taken {
    Up(Box<TakenUp>),
    /// It cannot go on: its last word.
    Over(SessionEvent),
}

pub(super) struct TakenUp {
    pub(super) spec: Arc<Spec>,
    pub(super) session: Session,
    pub(super) route: Arc<Route>,
    pub(super) clock: Clock,
    pub(super) next_seq: u64,
    pub(super) seam: Seam,
    /// To be written first.
    pub(super) missing: Vec<SessionEvent>,
    pub(super) entries: Vec<Entry>,
    /// To be begun again.
    pub(super) again: Vec<Effect>,
    /// Calls that may have run and must not run twice.
    pub(super) unknown: Vec<ToolCall>,
    pub(super) is_fresh: bool,
    pub(super) new: NewSession,
}

// === impl Clock ===

impl Clock {
    fn after(before: Duration) -> Self {
        let now = Instant::now();
        Self { origin: now, resumed: now, before }
    }

    /// For the machine, and since the session began.
    pub(super) fn now(&self) -> (std::time::Instant, Duration) {
        // As it is kept on disk: a replay must not see another time.
        let at = Duration::from_micros(
            u64::try_from((self.before + self.resumed.elapsed()).as_micros()).unwrap_or(u64::MAX),
        );
        ((self.origin + at).into_std(), at)
    }

    pub(super) fn deadline(&self, wall_max: Duration) -> Instant {
        self.resumed + wall_max.saturating_sub(self.before)
    }
}

pub(super) async fn take_up(
    sessions: &Sessions,
    claim: &Claim,
    at_hand: &AtHand,
    watch: Watch,
) -> Result<Taken, LogError> {
    let id = &claim.session;
    let (spec, past) = match &at_hand.spec {
        Some(spec) => (Arc::clone(spec), None),
        None => (sessions.backing.spec(id).await?, Some(Past::read(sessions, id, watch.clone()).await?)),
    };
    let is_orphan = past.as_ref().is_some_and(|past| past.summary.session.bound) && at_hand.pattern.is_none();
    if is_orphan || is_forsaken(sessions, past.as_ref()).await {
        // What it existed for is gone.
        return Ok(Taken::Over(SessionEvent::SessionCancelled));
    }
    let new = match &past {
        Some(past) => past.summary.session.clone(),
        None => sessions.backing.summary(id).await?.session,
    };
    let alias = new.alias.clone();
    let Some(route) = at_hand.snapshot.routes.get(alias.as_str()).map(Arc::clone) else {
        let text = format!("the alias `{alias}` of this session is not in the config any more");
        return Ok(Taken::Over(failed(Kind::NotFound, text)));
    };
    let patterns = patterns(sessions, &spec, past.as_ref(), at_hand).await;
    if patterns.is_empty() && matches!(spec.guide, Guide::Component { .. }) {
        let text = "the pattern of this session is not loaded any more".to_owned();
        return Ok(Taken::Over(failed(Kind::Component, text)));
    }
    let Some(past) = past.filter(|past| past.has_begun()) else {
        let session = Session::new(Rules::from(spec.as_ref()), program::driver(&spec, patterns.first(), &watch));
        return Ok(Taken::Up(Box::new(TakenUp {
            session,
            route,
            clock: Clock::after(Duration::ZERO),
            next_seq: 1,
            seam: Seam::default(),
            missing: Vec::new(),
            entries: Vec::new(),
            again: Vec::new(),
            unknown: Vec::new(),
            is_fresh: true,
            new,
            spec,
        })));
    };
    Ok(past.go_on(id, spec, route, &patterns).await)
}

/// Whether the session that waited for it has ended meanwhile.
async fn is_forsaken(sessions: &Sessions, past: Option<&Past>) -> bool {
    let Some(parent) = past.and_then(|past| past.summary.session.parent.as_ref()) else { return false };
    sessions.backing.summary(parent).await.is_ok_and(|parent| parent.status != Status::Running)
}

/// What is on the log of a session.
struct Past {
    summary: Summary,
    records: Vec<Record>,
    journal: Vec<Entry>,
    watch: Watch,
}

// === impl Past ===

impl Past {
    async fn read(sessions: &Sessions, id: &SessionId, watch: Watch) -> Result<Self, LogError> {
        let journal = sessions.backing.journal(id).await?;
        let records = records(sessions, id).await?;
        Ok(Self { summary: sessions.backing.summary(id).await?, records, journal, watch })
    }

    /// Whether it was started: that is the first thing in every journal.
    fn has_begun(&self) -> bool {
        !self.journal.is_empty()
    }

    async fn go_on(mut self, id: &SessionId, spec: Arc<Spec>, route: Arc<Route>, patterns: &[Arc<Component>]) -> Taken {
        let known = self.journal.len();
        let Some((session, replayed, clock, digest)) = self.rebuild(&spec, patterns).await else {
            let text =
                "the pattern of this session was replaced by a version that decides otherwise, and the old one is gone";
            return Taken::Over(failed(Kind::Component, text.to_owned()));
        };
        let behind_first = self.records.get(1..).unwrap_or_default();
        let (seam, mut missing) = Seam::new(behind_first, &replayed.events);
        missing.extend(self.migrated(digest));
        let (again, unknown) = begun_again(replayed.open, &spec, replayed.at);
        tracing::info!(session = %id, steps = self.journal.len(), "session `{id}` goes on where it was");
        Taken::Up(Box::new(TakenUp {
            spec,
            session,
            route,
            clock,
            next_seq: self.summary.next_seq,
            seam,
            missing,
            entries: self.journal.split_off(known),
            again,
            unknown,
            is_fresh: false,
            new: self.summary.session,
        }))
    }

    /// By the first pattern that decides as it was decided; the journal gains what the restart made void.
    async fn rebuild(
        &mut self,
        spec: &Spec,
        patterns: &[Arc<Component>],
    ) -> Option<(Session, Replayed, Clock, Option<Digest>)> {
        let choices: Vec<Option<&Arc<Component>>> = match &spec.guide {
            Guide::Loop(_) => vec![None],
            Guide::Component { .. } => patterns.iter().map(Some).collect(),
        };
        for pattern in choices {
            let first = replayed(spec, pattern, &self.journal, &self.watch).await;
            let is_same = first.1.parted_at.is_none();
            if let (false, Guide::Component { .. }) = (is_same, &spec.guide) {
                continue;
            }
            let (session, replayed, clock) = self.begin_anew(spec, pattern, first).await;
            return Some((session, replayed, clock, pattern.map(|pattern| pattern.digest)));
        }
        None
    }

    /// Voids what was heard of replies that are asked for again - unless the pattern acted on it: then those asks end here.
    async fn begin_anew(
        &mut self,
        spec: &Spec,
        pattern: Option<&Arc<Component>>,
        first: (Session, Replayed, Clock),
    ) -> (Session, Replayed, Clock) {
        let (known, at) = (self.journal.len(), first.1.at);
        let half_told = half_told(&self.journal, &first.1.open);
        if half_told.is_empty() {
            return first;
        }
        self.journal.extend(half_told.iter().map(|ref_id| Entry { at, input: Input::Restarted(*ref_id), decided: 0 }));
        let voided = self::replayed(spec, pattern, &self.journal, &self.watch).await;
        if voided.1.parted_at.is_none() {
            return voided;
        }
        self.journal.truncate(known);
        for ref_id in half_told {
            self.journal.push(self.cut_off(spec, pattern, ref_id, at).await);
        }
        self::replayed(spec, pattern, &self.journal, &self.watch).await
    }

    /// The end of an ask that cannot be begun anew, named as what it leads to.
    async fn cut_off(&self, spec: &Spec, pattern: Option<&Arc<Component>>, ref_id: u32, at: Duration) -> Entry {
        let why = "the gateway stopped while the model spoke".to_owned();
        let input = Input::Asked { ref_id, outcome: Err(LlmError::Unavailable(why)), report: CallReport::default() };
        let (mut session, _, clock) = self::replayed(spec, pattern, &self.journal, &self.watch).await;
        session.step(input.clone(), (clock.origin + at).into_std()).await;
        Entry { at, input, decided: session.decided() }
    }

    /// Said where another version goes on, because it decides alike so far.
    fn migrated(&self, digest: Option<Digest>) -> Option<SessionEvent> {
        let (from, to) = (self.summary.session.digest?, digest?);
        let payload = json!({ "from": from.to_string(), "to": to.to_string() }).to_string();
        (from != to).then(|| SessionEvent::Progress { kind: MIGRATED.to_owned(), payload })
    }
}

/// A new session with that past. Its time goes on where it was.
pub(super) async fn replayed(
    spec: &Spec,
    pattern: Option<&Arc<Component>>,
    journal: &[Entry],
    watch: &Watch,
) -> (Session, Replayed, Clock) {
    let before = journal.last().map_or(Duration::ZERO, |last| last.at);
    let clock = Clock::after(before);
    let mut session = Session::new(Rules::from(spec), program::driver(spec, pattern, watch));
    let replayed = replay(&mut session, journal, clock.origin.into_std()).await;
    (session, replayed, clock)
}

/// The whole log.
pub(super) async fn records(sessions: &Sessions, id: &SessionId) -> Result<Vec<Record>, LogError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let read = sessions.backing.read(id, records.len() as u64, READ_MAX).await?;
        let is_last = read.len() < READ_MAX;
        records.extend(read);
        if is_last {
            return Ok(records);
        }
    }
}

/// The components that may run it, best first: the very one that it began on; else what bears its name now, which may
/// decide alike; else the version that was kept for it.
async fn patterns(sessions: &Sessions, spec: &Spec, past: Option<&Past>, at_hand: &AtHand) -> Vec<Arc<Component>> {
    if let Guide::Loop(_) = &spec.guide {
        return Vec::new();
    }
    if let Some(pattern) = &at_hand.pattern {
        return vec![Arc::clone(pattern)];
    }
    let Some(session) = past.map(|past| &past.summary.session) else { return Vec::new() };
    let now: Vec<Arc<Component>> = at_hand.snapshot.components.pattern(&session.pattern).into_iter().collect();
    let Some(digest) = session.digest.filter(|digest| now.iter().all(|pattern| pattern.digest != *digest)) else {
        return now;
    };
    now.into_iter().chain(sessions.archive.find(&digest).await).collect()
}

fn begun_again(open: Vec<Outstanding>, spec: &Spec, at: Duration) -> (Vec<Effect>, Vec<ToolCall>) {
    let (mut again, mut unknown) = (Vec::new(), Vec::new());
    for open in open {
        match open {
            Outstanding::Ask(ask) => again.push(Effect::Ask(ask)),
            Outstanding::Call(call) if may_run_twice(spec, &call) => again.push(Effect::CallTools(vec![call])),
            Outstanding::Call(call) => unknown.push(call),
            // Its session has an id made from this one's, so that it is found and not begun twice.
            Outstanding::Delegate(asked) => again.push(Effect::Delegate(asked)),
            Outstanding::Wait { ref_id, ms, begun } => {
                let gone = u32::try_from(at.saturating_sub(begun).as_millis()).unwrap_or(u32::MAX);
                again.push(Effect::Wait { ref_id, ms: ms.saturating_sub(gone) });
            }
        }
    }
    (again, unknown)
}

fn may_run_twice(spec: &Spec, call: &ToolCall) -> bool {
    let tool = spec.context.tools.iter().find(|tool| tool.name == call.name);
    tool.is_some_and(|tool| tool.hints.idempotent || tool.hints.read_only)
}

fn failed(kind: Kind, message: String) -> SessionEvent {
    SessionEvent::SessionFailed { code: kind.as_str().to_owned(), message }
}
