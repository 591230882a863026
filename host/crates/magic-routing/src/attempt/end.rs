//! What an attempt that has nothing left says: to the client and, with the whole story, to the log.
use std::time::{Duration, Instant};

use magic_types::{Failure, Fault, Kind};

use super::Attempt;
use crate::health::Health;
use crate::plan::{Lane, Leg};
use crate::route::Skip;

// === impl Attempt ===
impl Attempt {
    /// The last real failure, under the gateway's status; a client's own mistake goes back as the vendor put it.
    pub(super) fn nothing_left(&self, health: &Health, now: Instant) -> Failure {
        if let Some(last) = self.last.as_ref().filter(|last| last.fault() == Fault::Client) {
            return last.clone();
        }
        let alias = &self.plan.alias;
        let public = match &self.last {
            Some(last) => format!("every model of `{alias}` failed; the last one: {}", last.public),
            None => match self.unfit_for() {
                Some(why) => {
                    let public = format!("no model of `{alias}` can serve this request: {why}");
                    return Failure::new(Kind::InvalidRequest, public).private(self.story());
                }
                None => self.nothing_tried(),
            },
        };
        let retry_after = self.soonest(health, now).or_else(|| self.last.as_ref().and_then(|last| last.retry_after));
        Failure::new(Kind::NothingLeft, public).private(self.story()).retry_after(retry_after)
    }

    /// Why the first leg cannot serve the operation, if none of the chain can: then no waiting mends it.
    fn unfit_for(&self) -> Option<&'static str> {
        let chain = self.plan.legs.iter().enumerate().filter(|(_, leg)| leg.lane == Lane::Chain);
        let why = chain.map(|(index, _)| match self.legs.why_skipped(index) {
            Some(Skip::Unfit(why)) => Some(why),
            Some(_) | None => None,
        });
        why.collect::<Option<Vec<_>>>()?.first().copied()
    }

    fn nothing_tried(&self) -> String {
        let alias = &self.plan.alias;
        let was_skipped = |why| (0..self.plan.legs.len()).any(|leg| self.legs.why_skipped(leg) == Some(why));
        match (was_skipped(Skip::KeysResting), was_skipped(Skip::BreakerOpen)) {
            (true, false) => format!("every key of `{alias}` is resting after a rate limit or an empty account"),
            (false, true) => {
                format!("every model of `{alias}` is left alone for a while, since its vendor kept failing")
            }
            (true, true) => {
                format!(
                    "every model of `{alias}` is left alone for a while, after rate limits and failures of its vendors"
                )
            }
            (false, false) => format!("no model of `{alias}` has a usable key"),
        }
    }

    /// When the first of the legs that wait will be ready.
    fn soonest(&self, health: &Health, now: Instant) -> Option<Duration> {
        let legs = self.plan.legs.iter().enumerate();
        let open = legs.filter(|(index, leg)| {
            let unfit = matches!(self.legs.why_skipped(*index), Some(Skip::Unfit(_)));
            self.legs.was_entered(leg.lane) && !unfit
        });
        let soonest = open.filter_map(|(_, leg)| self.ready_at(leg, health, now)).min();
        soonest.map(|until| until.saturating_duration_since(now))
    }

    /// `None` for a leg that waits for nothing, or for ever.
    fn ready_at(&self, leg: &Leg, health: &Health, now: Instant) -> Option<Instant> {
        let key = match &leg.pool {
            Some(pool) if !health.pools.runnable(pool) => return None,
            Some(pool) => health.pools.soonest(pool, now),
            None => None,
        };
        key.max(health.breakers.shut_until(&leg.profile.name, &self.settings.breaker, now))
    }

    /// "tries: a (openai-1): rate_limited; b: upstream_error. skipped: c: keys_retired. last: …"
    fn story(&self) -> String {
        let tries = self.tries.iter().map(|entry| {
            let kind = entry.kind.map_or("not reported", Kind::as_str);
            match &entry.key_id {
                Some(key) => format!("{} ({key}): {kind}", entry.profile),
                None => format!("{}: {kind}", entry.profile),
            }
        });
        let mut story = format!("tries: {}", listed(tries));
        let legs = self.plan.legs.iter().enumerate();
        let skipped = legs.filter_map(|(index, leg)| Some((leg, self.legs.why_skipped(index)?)));
        let skipped: Vec<String> = skipped.map(|(leg, why)| format!("{}: {why}", leg.profile.name)).collect();
        if !skipped.is_empty() {
            story = format!("{story}. skipped: {}", skipped.join("; "));
        }
        match self.last.as_ref().filter(|last| !last.private.is_empty()) {
            Some(last) => format!("{story}. last: {}", last.private),
            None => story,
        }
    }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let list = items.collect::<Vec<_>>().join("; ");
    if list.is_empty() { "none".to_owned() } else { list }
}
