//! Carries one request along its plan: lease, send, classify, report, next. The only retry loop there is. A slow first
//! event may start one more try on another leg; the first to speak wins, and dropping the other cancels it.
use super::lease::{Guard, lock, now};
use super::payload::Payload;
use super::reply::{Declined, Good, Reply};
use super::send::{self, Sent};
use super::target::{Route, Target};
use super::{Upstream, facts};
use crate::telemetry::{Call, Trace};
use magic_routing::{Attempt, Outcome, Step, Ticket};
use magic_types::{Failure, KeyId, Kind};
use std::pin::{Pin, pin};
use std::sync::Arc;

pub(super) async fn run(
    upstream: &Upstream,
    route: &Arc<Route>,
    payload: &Payload<'_>,
    trace: &Trace,
) -> Result<Reply, Declined> {
    let mut attempt = Attempt::new(Arc::clone(&route.plan), route.settings);
    for (leg, why) in route.unfit(payload.operation()) {
        attempt.unfit(leg, why);
    }
    if !payload.may_hedge() {
        attempt.never_hedge();
    }
    if route.plan.has_choice() {
        let facts = facts::of(&route.plan, payload);
        attempt.choose(&facts, upstream.dice.roll(), &lock(&upstream.health), now());
    }
    let mut call = upstream.telemetry.call(trace, &route.plan.alias, payload.operation());
    if call.wants_content() {
        let (key, asked) = payload.content();
        call.note_content(key, || asked);
    }
    let mut pass = Pass { upstream, route, payload, attempt, call };
    loop {
        let step = pass.attempt.next(&mut lock(&upstream.health), now());
        let ticket = match step {
            Step::Send(ticket) => ticket,
            Step::GiveUp(failure) => return Err(pass.declined(failure)),
        };
        if let Some(reply) = pass.tries(ticket).await? {
            return Ok(reply);
        }
    }
}

/// One request under way.
struct Pass<'a> {
    upstream: &'a Upstream,
    route: &'a Arc<Route>,
    payload: &'a Payload<'a>,
    attempt: Attempt,
    call: Call,
}

type Try<'a> = Pin<&'a mut (dyn Future<Output = Sent> + Send + 'a)>;

impl<'a> Pass<'a> {
    /// One try, or two side by side. `None`: failed, and reported.
    async fn tries(&mut self, ticket: Ticket) -> Result<Option<Reply>, Declined> {
        let number = ticket.number;
        // Made in place: the future is large, and a move of it is a copy.
        let (target, guard) = self.begin(ticket)?;
        let mut first = pin!(send::send(target, guard, self.payload));
        let Some(patience) = self.attempt.hedge_after() else {
            let sent = first.await;
            return Ok(self.settle(number, sent));
        };
        if let Ok(sent) = tokio::time::timeout(patience, &mut first).await {
            return Ok(self.settle(number, sent));
        }
        let hedge = self.attempt.hedge(&mut lock(&self.upstream.health), now());
        let Some(ticket) = hedge else {
            let sent = first.await;
            return Ok(self.settle(number, sent));
        };
        let second_number = ticket.number;
        let (target, guard) = self.begin(ticket)?;
        let second = pin!(send::send(target, guard, self.payload));
        Ok(self.race((number, first), (second_number, second)).await)
    }

    /// The first of two to speak wins; where one fails the other has all the time it needs.
    async fn race<'t>(&mut self, one: (usize, Try<'t>), other: (usize, Try<'t>)) -> Option<Reply> {
        let ((one_number, mut one), (other_number, mut other)) = (one, other);
        let (number, sent, left_number, left) = tokio::select! {
            sent = &mut one => (one_number, sent, other_number, other),
            sent = &mut other => (other_number, sent, one_number, one),
        };
        if let Some(reply) = self.settle(number, sent) {
            return Some(reply);
        }
        if self.attempt.is_over() {
            return None;
        }
        let sent = left.await;
        self.settle(left_number, sent)
    }

    fn begin(&mut self, ticket: Ticket) -> Result<(&'a Target, Guard), Declined> {
        let (route, leg) = (self.route, ticket.leg);
        let mut guard = Guard::new(&self.upstream.health, ticket);
        match route.target(leg) {
            Some(target) => {
                guard.span = self.call.begin_try(&target.profile, guard.key_id().as_ref());
                Ok((target, guard))
            }
            None => Err(self.declined(Failure::new(Kind::Internal, "the route has no such leg"))),
        }
    }

    fn settle(&mut self, number: usize, sent: Sent) -> Option<Reply> {
        match sent {
            Ok(mut good) => {
                self.spoke(&mut good);
                Some(self.reply(good))
            }
            Err(bad) => {
                let (mut failure, mut guard) = *bad;
                guard.span.failed(failure.kind.as_str());
                guard.redact_all(&mut failure);
                let key_id = guard.key_id();
                if let Some(ticket) = guard.take() {
                    self.log_failed(ticket.leg, key_id.as_ref(), &failure);
                    let mut health = lock(&self.upstream.health);
                    self.attempt.report(&mut health, ticket, Outcome::Failed(failure), now());
                    self.upstream.keep(health.pools.take_changes(now()));
                } else {
                    tracing::error!(number, "a failed try has lost its ticket");
                }
                None
            }
        }
    }

    fn spoke(&mut self, good: &mut Good) {
        let exhausted = good.exhausted;
        let Some(ticket) = good.body.guard().and_then(Guard::ticket) else { return };
        let mut health = lock(&self.upstream.health);
        self.attempt.spoke(&mut health, ticket, exhausted, now());
        if exhausted.is_some() {
            self.upstream.keep(health.pools.take_changes(now()));
        }
    }

    fn reply(&mut self, good: Good) -> Reply {
        let Good { profile, key_id, headers, body, lost, exhausted: _ } = good;
        self.call.spoke(&profile, body.is_coming());
        self.upstream.telemetry.tried(profile.name.as_str(), "served");
        let (route, call) = (self.attempt.route(), std::mem::take(&mut self.call));
        Reply { profile, key_id, headers, lost, route, body: body.into_body(), call }
    }

    fn declined(&mut self, failure: Failure) -> Declined {
        self.call.failed(&failure);
        Declined { failure, route: self.attempt.route() }
    }

    fn log_failed(&self, leg: usize, key_id: Option<&KeyId>, failure: &Failure) {
        let profile = self.route.target(leg).map_or("-", |target: &Target| target.profile.name.as_str());
        self.upstream.telemetry.tried(profile, failure.kind.as_str());
        tracing::debug!(
            profile,
            key.id = key_id.map_or("-", KeyId::as_str),
            kind = failure.kind.as_str(),
            said = %format_args!("{} ({})", failure.public, failure.private),
            "profile `{profile}` failed",
        );
    }
}
