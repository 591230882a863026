//! One request's pass over a plan: what to send next, and what an outcome means for it. Pure; the one retry loop of the
//! host drives it. Each leg is entered once, each key tried once a leg, and the tries are bounded, so it ends.
use std::sync::Arc;
use std::time::Instant;

use magic_config::{Config, KeyManagementSettings};
use magic_types::{Failure, Fault, KeyId, Kind, ProfileName};

use crate::keys::{Fate, Lease, NoKey, Pools};
use crate::outcome::{self, Verdict};
use crate::plan::{Leg, Plan};

/// Tries of one request. More would keep a client waiting past its own timeout.
const TRIES_MAX: usize = 16;

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub tries_max: usize,
    pub keys: KeyManagementSettings,
}

/// What the host shall do.
pub enum Step {
    /// Send to `plan.legs[leg]`, with the lease's secret if there is one; then [`Attempt::report`].
    Send { leg: usize, lease: Option<Lease> },
    /// The answer to the client.
    GiveUp(Failure),
}

/// What came of a `Send`.
pub enum Outcome {
    Succeeded,
    Failed(Failure),
    /// The client is gone, or the host stopped waiting: nobody's fault and nobody's success.
    Abandoned,
}

/// For the request's log line and the session's `LlmCall` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    pub profile: ProfileName,
    /// `None`: the leg needs no key.
    pub key_id: Option<KeyId>,
    /// `None`: it succeeded, was abandoned or is under way.
    pub kind: Option<Kind>,
}

pub struct Attempt {
    plan: Arc<Plan>,
    settings: Settings,
    state: State,
    tries: Vec<Try>,
    skipped: Vec<Skipped>,
    /// The last failure that came from a vendor.
    last: Option<Failure>,
    /// Set once a model was too small: only legs with a larger window are left.
    window_above: Option<u32>,
}

enum State {
    /// On this leg: the keys that were tried on it, and whether anything was sent at all.
    OnLeg {
        leg: usize,
        tried: Vec<KeyId>,
        sent: bool,
    },
    /// The request has its answer.
    Over,
    GivenUp(Failure),
}

/// A leg that was passed over, and why.
struct Skipped {
    profile: ProfileName,
    why: Why,
}

enum Why {
    NoKey(NoKey),
    SmallerWindow,
}

// === impl Settings ===
impl Settings {
    pub fn of(config: &Config) -> Self {
        Self { tries_max: TRIES_MAX, keys: config.key_management_settings }
    }
}

// === impl Attempt ===
impl Attempt {
    pub fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        Self {
            plan,
            settings,
            state: State::on_leg(0),
            tries: Vec::new(),
            skipped: Vec::new(),
            last: None,
            window_above: None,
        }
    }

    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What was sent so far, in order.
    pub fn tries(&self) -> &[Try] {
        &self.tries
    }

    /// What to do next. Once it gives up it says the same for ever.
    pub fn next(&mut self, pools: &mut Pools, now: Instant) -> Step {
        loop {
            let (index, tried, sent) = match &self.state {
                State::GivenUp(failure) => return Step::GiveUp(failure.clone()),
                State::Over => return Step::GiveUp(Failure::new(Kind::Internal, "the attempt is over")),
                State::OnLeg { leg, tried, sent } => (*leg, tried.as_slice(), *sent),
            };
            let Some(leg) = self.plan.legs.get(index).filter(|_| self.tries.len() < self.settings.tries_max) else {
                self.state = State::GivenUp(self.nothing_left(pools, now));
                continue;
            };
            let found = match &leg.pool {
                _ if !self.fits(leg) => Err(Some(Why::SmallerWindow)),
                // Without keys there is one try, and nothing to note when it is spent.
                None if sent => Err(None),
                None => Ok(None),
                Some(pool) => pools.lease(pool, tried, now).map(Some).map_err(|why| of_note(why, sent)),
            };
            let profile = leg.profile.name.clone();
            match found {
                Ok(lease) => {
                    self.sends(profile, lease.as_ref());
                    return Step::Send { leg: index, lease };
                }
                Err(why) => {
                    self.skipped.extend(why.map(|why| Skipped { profile, why }));
                    self.leave_leg();
                }
            }
        }
    }

    /// Ends the try that the last `Send` began: settles its lease and decides what comes next. After the first event has
    /// reached the client report `Succeeded` when the stream ends, however it ends: nothing is tried again then.
    pub fn report(&mut self, pools: &mut Pools, lease: Option<Lease>, outcome: Outcome, now: Instant) {
        let fate = match &outcome {
            Outcome::Succeeded | Outcome::Abandoned => Fate::Untouched,
            Outcome::Failed(failure) => outcome::fate(failure, &self.settings.keys),
        };
        if let Some(lease) = lease {
            pools.settle(lease, fate, now);
        }
        match outcome {
            Outcome::Succeeded | Outcome::Abandoned => self.state = State::Over,
            Outcome::Failed(failure) => self.failed(failure),
        }
    }

    fn failed(&mut self, failure: Failure) {
        if let Some(last) = self.tries.last_mut() {
            last.kind = Some(failure.kind);
        }
        match outcome::rule(failure.kind).0 {
            Verdict::Done => self.state = State::Over,
            Verdict::Fail => self.state = State::GivenUp(failure),
            // Where there is no key to blame there is no next one either: a leg without keys is tried once.
            Verdict::NextKey => self.last = Some(failure),
            Verdict::NextLeg => {
                self.leave_leg();
                self.last = Some(failure);
            }
            Verdict::NextLargerLeg => self.too_long(failure),
        }
    }

    fn too_long(&mut self, failure: Failure) {
        let leg = match &self.state {
            State::OnLeg { leg, .. } => self.plan.legs.get(*leg),
            State::Over | State::GivenUp(_) => None,
        };
        let window = leg.and_then(|leg| leg.profile.context_window);
        // An unknown window cannot be compared with: then nobody is known to be larger.
        let above = window.unwrap_or(u32::MAX);
        self.window_above = Some(self.window_above.map_or(above, |before| before.max(above)));
        self.leave_leg();
        self.last = Some(failure);
    }

    fn fits(&self, leg: &Leg) -> bool {
        match self.window_above {
            None => true,
            Some(above) => leg.profile.context_window.is_some_and(|window| window > above),
        }
    }

    /// Counts a try before it is made, so that one whose report never comes counts as well.
    fn sends(&mut self, profile: ProfileName, lease: Option<&Lease>) {
        let key_id = lease.map(|lease| lease.key_id.clone());
        if let State::OnLeg { tried, sent, .. } = &mut self.state {
            *sent = true;
            tried.extend(key_id.clone());
        }
        self.tries.push(Try { profile, key_id, kind: None });
    }

    fn leave_leg(&mut self) {
        if let State::OnLeg { leg, .. } = self.state {
            self.state = State::on_leg(leg + 1);
        }
    }

    /// The last real failure, under the gateway's status; a client's own mistake goes back as the vendor put it.
    fn nothing_left(&self, pools: &Pools, now: Instant) -> Failure {
        if let Some(last) = self.last.as_ref().filter(|last| last.fault() == Fault::Client) {
            return last.clone();
        }
        let alias = &self.plan.alias;
        let public = match &self.last {
            Some(last) => format!("every model of `{alias}` failed; the last one: {}", last.public),
            None if self.skipped.iter().any(|skipped| matches!(skipped.why, Why::NoKey(NoKey::Resting { .. }))) => {
                format!("every key of `{alias}` is resting after a rate limit or an empty account")
            }
            None => format!("no model of `{alias}` has a usable key"),
        };
        let soonest = self.plan.pools().into_iter().filter_map(|pool| pools.soonest(pool, now)).min();
        let rest = soonest.map(|until| until.saturating_duration_since(now));
        let retry_after = rest.or_else(|| self.last.as_ref().and_then(|last| last.retry_after));
        let failure = Failure::new(Kind::NothingLeft, public).private(self.story());
        failure.retry_after(retry_after)
    }

    /// "tries: a (openai-1): rate_limited; b: upstream_error. skipped: c: all keys retired. last: …"
    fn story(&self) -> String {
        let tries = self.tries.iter().map(|attempt| {
            let kind = attempt.kind.map_or("not reported", Kind::as_str);
            match &attempt.key_id {
                Some(key) => format!("{} ({key}): {kind}", attempt.profile),
                None => format!("{}: {kind}", attempt.profile),
            }
        });
        let mut story = format!("tries: {}", listed(tries));
        let skipped = self.skipped.iter().map(|skipped| format!("{}: {}", skipped.profile, skipped.why.as_str()));
        if !self.skipped.is_empty() {
            story = format!("{story}. skipped: {}", listed(skipped));
        }
        match self.last.as_ref().filter(|last| !last.private.is_empty()) {
            Some(last) => format!("{story}. last: {}", last.private),
            None => story,
        }
    }
}

// === impl State ===
impl State {
    fn on_leg(leg: usize) -> Self {
        Self::OnLeg { leg, tried: Vec::new(), sent: false }
    }
}

// === impl Why ===
impl Why {
    fn as_str(&self) -> &'static str {
        match self {
            Self::NoKey(NoKey::Empty) => "no key is configured",
            Self::NoKey(NoKey::Retired) => "all keys are retired",
            Self::NoKey(NoKey::Resting { .. }) => "all keys are resting",
            Self::NoKey(NoKey::Tried) => "all keys are tried",
            Self::SmallerWindow => "not known to have a larger context window",
        }
    }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let list = items.collect::<Vec<_>>().join("; ");
    if list.is_empty() { "none".to_owned() } else { list }
}

/// A leg that was used is not "skipped" when its keys run out: its tries tell the story.
fn of_note(why: NoKey, sent: bool) -> Option<Why> {
    (!sent).then_some(Why::NoKey(why))
}

#[cfg(test)]
mod tests;
