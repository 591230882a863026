//! What a request, or one call of a session, is accounted as: thought of before it is sent, settled by what came back. Money
//! by the price of the profile that served it; tokens as the vendor counted them, else estimated, and then it says so.
use crate::accounts::{Accounts, Admission, Outcome, Principal, Spent, Want};
use crate::app::wall_clock;
use crate::upstream::{Reply, Route};
use magic_access::Denied;
use magic_config::Profile;
use magic_types::{ProfileName, Usage};
use std::sync::Arc;

/// Of English text in most tokenizers: <https://platform.openai.com/tokenizer>.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;
/// What is held for an answer whose length nothing bounds. A longer one overdraws a budget by the rest.
const OUTPUT_TOKENS_ASSUMED: u64 = 4096;
/// Of a body whose size says nothing, such as one with pictures in it, for a model of unknown window.
const INPUT_TOKENS_MAX: u64 = 128 * 1024;

/// What is known of a request before it is sent.
pub(crate) struct Order<'a> {
    pub(crate) operation: &'static str,
    pub(crate) route: &'a Route,
    /// Of a session's call.
    pub(crate) pattern: Option<&'a Arc<str>>,
    pub(crate) body_bytes: usize,
    pub(crate) output_tokens_max: Option<u64>,
    /// How many are asked for: OpenAI's `n`.
    pub(crate) answers: u64,
}

/// Of a request under way. Dropped before it was sent it costs nothing; after that, what was sent.
pub(crate) struct Bill {
    /// `None`: it is settled.
    admission: Option<Admission>,
    /// Who serves it, or is asked first. `None`: nothing was sent.
    profile: Option<Arc<Profile>>,
    /// An estimate.
    input_tokens: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// It broke off, or the client left.
    Cut,
}

// === impl Order ===
impl<'a> Order<'a> {
    /// Of which nobody can tell before what it will cost.
    pub(crate) fn of_nothing(operation: &'static str, route: &'a Route) -> Self {
        Self { operation, route, pattern: None, body_bytes: 0, output_tokens_max: Some(0), answers: 1 }
    }
}

// === impl Bill ===
impl Bill {
    /// Asks whether it may be sent, and holds what it is thought to cost.
    ///
    /// # Errors
    /// Which limit or budget is in the way, and for how long.
    pub(crate) async fn open(
        accounts: &Accounts,
        principal: &Arc<Principal>,
        order: &Order<'_>,
    ) -> Result<Self, Denied> {
        let profiles = || order.route.plan.legs.iter().map(|leg| &leg.profile);
        let window = profiles().filter_map(|profile| profile.context_window).max().map_or(INPUT_TOKENS_MAX, u64::from);
        let input_tokens = (order.body_bytes as u64).div_ceil(BYTES_PER_TOKEN).min(window);
        let output_tokens = order.output_tokens_max.unwrap_or(OUTPUT_TOKENS_ASSUMED).saturating_mul(order.answers);
        let usage = Usage { input_tokens, output_tokens, ..Usage::default() };
        let cost_micros =
            profiles().try_fold(0, |dearest: u64, profile| Some(dearest.max(profile.cost_micros(&usage)?)));
        let want = Want {
            alias: &order.route.plan.alias,
            pattern: order.pattern,
            operation: order.operation,
            tokens: usage.total_tokens(),
            cost_micros,
            now: wall_clock(),
        };
        let admission = accounts.admit(principal, want).await?;
        Ok(Self { admission: Some(admission), profile: None, input_tokens })
    }

    /// It is about to be sent: from now on somebody may bill it, whether or not anybody waits for the answer.
    pub(crate) fn sending(&mut self, route: &Route) {
        self.profile = route.first_profile().cloned();
    }

    /// It was not to be sent.
    pub(crate) fn withdraw(mut self) {
        if let Some(admission) = self.admission.take() {
            admission.withdraw();
        }
    }

    /// Whose price holds.
    pub(crate) fn served_by(&mut self, reply: &Reply) {
        self.profile = Some(Arc::clone(&reply.profile));
    }

    /// `said`: what the vendor counted. `output_tokens`: an estimate of what was delivered, for a vendor that did not say,
    /// or not to the end. Returns what it came to; only the first time counts.
    pub(crate) fn settle(&mut self, said: Option<Usage>, output_tokens: u64, end: End) -> Usage {
        let is_estimated = said.is_none() || end == End::Cut;
        let mut usage = said.unwrap_or_else(|| Usage { input_tokens: self.input_tokens, ..Usage::default() });
        if is_estimated {
            usage.output_tokens = usage.output_tokens.max(output_tokens);
        }
        usage.cost_micros = self.profile.as_ref().and_then(|profile| profile.cost_micros(&usage));
        let outcome = if end == End::Whole { Outcome::Ok } else { Outcome::Cut };
        let profile = self.profile.as_ref().map(|profile| profile.name.clone());
        self.close(usage, outcome, profile, is_estimated);
        usage
    }

    /// Nobody answered.
    pub(crate) fn failed(&mut self) {
        self.close(Usage::default(), Outcome::Failed, None, false);
    }

    /// The answer was there, once given by this profile.
    pub(crate) fn cached(&mut self, profile: &str) {
        self.close(Usage::default(), Outcome::Cached, Some(ProfileName::from(profile)), false);
    }

    fn close(&mut self, usage: Usage, outcome: Outcome, profile: Option<ProfileName>, is_estimated: bool) {
        let Some(admission) = self.admission.take() else { return };
        admission.settle(Spent {
            tokens_in: usage.input_tokens,
            tokens_cached: usage.cached_input_tokens,
            tokens_out: usage.output_tokens,
            cost_micros: usage.cost_micros.unwrap_or(0),
            profile,
            outcome,
            is_estimated,
        });
    }
}

/// The client left before anybody answered: the vendor has read the question.
impl Drop for Bill {
    fn drop(&mut self) {
        if self.profile.is_some() {
            self.settle(None, 0, End::Cut);
        }
    }
}
