//! A request that was let in: what it took of limits and holds of budgets, and how it gives that back. Whichever way it
//! ends, it ends once: settled by what it cost or, where it is dropped, as one that was never sent.
use super::Accounts;
use super::holds::{self, HoldId};
use super::principal::{Bound, Gate, Principal};
use super::tally::{Names, Outcome, ROW_BYTES, Settlement, Sums};
use magic_access::{Account, Charge, Denied, Limiter, Money, Taken, Unit};
use magic_sqlite::rusqlite::Connection;
use magic_types::{AliasName, ProfileName};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A commit takes milliseconds. A client with a budget waits that long for a file that is silent, and is told to come
/// again: unwatched, a budget is none.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is left of a budget may be held for requests under way. Most cost less than is held for them, so whoever comes last
/// waits for them a while before it is refused.
const HELD_PATIENCE: Duration = Duration::from_secs(10);

/// Who wait for what is held of one account: each keeps a place among the requests in flight.
const WAITERS_MAX: usize = 256;
/// Of one request; no model reads or writes as much.
const TOKENS_MAX: u64 = 1 << 40;
const COST_MICROS_MAX: u64 = 1 << 50;

/// What a request is about to use, as far as anybody can tell before.
pub(crate) struct Want<'a> {
    pub(crate) alias: &'a AliasName,
    pub(crate) pattern: Option<&'a Arc<str>>,
    /// As usage has it, e.g. `chat_completions`.
    pub(crate) operation: &'static str,
    /// In and out together, rather too many than too few.
    pub(crate) tokens: u64,
    /// By the dearest leg it may take; `None`: one of them has no price, which a budget in money does not let pass.
    pub(crate) cost_micros: Option<u64>,
    pub(crate) now: SystemTime,
}

/// What a request used.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    /// All of the prompt, cached or not.
    pub(crate) tokens_in: u64,
    /// Of `tokens_in`.
    pub(crate) tokens_cached: u64,
    pub(crate) tokens_out: u64,
    pub(crate) cost_micros: u64,
    /// Who served it; `None`: nobody.
    pub(crate) profile: Option<ProfileName>,
    pub(crate) outcome: Outcome,
    /// The vendor did not say, or not all.
    pub(crate) is_estimated: bool,
}

/// What stays of what was wanted.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) alias: AliasName,
    pub(super) pattern: Option<Arc<str>>,
    pub(super) operation: &'static str,
    pub(super) charge: Charge,
}

/// To be settled.
#[must_use = "dropped, it counts as not sent"]
pub(crate) struct Admission {
    accounts: Accounts,
    principal: Arc<Principal>,
    asking: Asking,
    /// Of the admission: in it are its turn of each budget and its line of usage, however long it takes.
    now_ms: u64,
    /// Of the key's limits, and of its team's.
    taken: [Option<(Arc<Gate>, Taken)>; 2],
    hold: Option<HoldId>,
}

// === impl Spent ===
impl Spent {
    /// A vendor that counts nonsense must not be the end of all sums: they are added up for years in 63 bits.
    fn clamped(self) -> Self {
        let tokens = |count: u64| count.min(TOKENS_MAX);
        Self {
            tokens_in: tokens(self.tokens_in),
            tokens_cached: tokens(self.tokens_cached),
            tokens_out: tokens(self.tokens_out),
            cost_micros: self.cost_micros.min(COST_MICROS_MAX),
            ..self
        }
    }
}

// === impl Want ===
impl Want<'_> {
    fn asking(&self) -> Asking {
        Asking {
            alias: self.alias.clone(),
            pattern: self.pattern.cloned(),
            operation: self.operation,
            charge: Charge { money: Money(self.cost_micros.unwrap_or(0)), tokens: self.tokens },
        }
    }
}

// === impl Admission ===
impl Admission {
    /// By limits first, which are in memory; then by budgets, which are not.
    pub(super) async fn new(
        accounts: Accounts,
        principal: Arc<Principal>,
        want: Want<'_>,
        now_ms: u64,
    ) -> Result<Self, Denied> {
        let asking = want.asking();
        let mut admission = Self { accounts, principal, asking, now_ms, taken: [None, None], hold: None };
        let admitted = match admission.take_limits() {
            Ok(()) if !admission.has_budget() => Ok(()),
            // Boxed: most have no budget, and would carry the state of it all their way.
            Ok(()) => Box::pin(admission.hold_budgets(want.cost_micros.is_some())).await,
            Err(denied) => Err(denied),
        };
        match admitted {
            Ok(()) => Ok(admission),
            Err(denied) => {
                admission.give_back(Limiter::undo);
                Err(denied)
            }
        }
    }

    /// It is not to be sent at all: as if it had never been admitted.
    pub(crate) fn withdraw(mut self) {
        self.give_back(Limiter::undo);
    }

    /// It is over, and that is what it used.
    pub(crate) fn settle(mut self, spent: Spent) {
        let spent = spent.clamped();
        let tokens = spent.tokens_in.saturating_add(spent.tokens_out);
        self.give_back(|limiter, taken| limiter.settle(taken, tokens));
        let names = Names {
            day: self.now_ms / 86_400_000,
            key: self.principal.key.clone(),
            team: self.principal.team.clone(),
            alias: self.asking.alias.clone(),
            profile: spent.profile,
            pattern: self.asking.pattern.clone(),
            operation: self.asking.operation,
            outcome: spent.outcome,
        };
        let sums = Sums {
            requests: 1,
            estimated: u64::from(spent.is_estimated),
            tokens_in: spent.tokens_in,
            tokens_cached: spent.tokens_cached,
            tokens_out: spent.tokens_out,
            cost_micros: spent.cost_micros,
        };
        match self.hold.take() {
            None => self.accounts.0.tally.add(names, sums),
            Some(hold) => {
                let cost = Charge { money: Money(spent.cost_micros), tokens };
                let settlement = Settlement { hold, spent: Some((cost, names, sums)) };
                self.accounts.settle_hold(settlement, Arc::clone(&self.principal));
            }
        }
    }

    fn has_budget(&self) -> bool {
        self.principal.bounds.iter().any(|bound| !bound.grants.budgets.is_empty())
    }

    fn take_limits(&mut self) -> Result<(), Denied> {
        for (place, bound) in self.taken.iter_mut().zip(&self.principal.bounds) {
            let Some(gate) = bound.gate.as_ref().filter(|_| bound.grants.is_limited()) else { continue };
            let taken = lock(&gate.limiter).take(&bound.grants, self.asking.charge.tokens, self.now_ms);
            let taken = taken.map_err(|full| Denied::Full { account: bound.account.clone(), full })?;
            *place = Some((Arc::clone(gate), taken));
        }
        Ok(())
    }

    async fn hold_budgets(&mut self, is_priced: bool) -> Result<(), Denied> {
        let principal = Arc::clone(&self.principal);
        let Some(first) = principal.bounds.iter().find(|bound| !bound.grants.budgets.is_empty()) else {
            return Ok(());
        };
        let in_money = |bound: &Arc<Bound>| bound.grants.budgets.iter().any(|budget| budget.unit() == Unit::Money);
        if let Some(bound) = self.principal.bounds.iter().find(|bound| !is_priced && in_money(bound)) {
            return Err(Denied::Unpriced { account: bound.account.clone(), alias: self.asking.alias.to_string() });
        }
        let until = Instant::now() + HELD_PATIENCE;
        loop {
            let denied = match self.hold_now(&first.account).await {
                Ok(()) => return Ok(()),
                Err(denied) => denied,
            };
            let Denied::BudgetHeld { account, retry_after, .. } = &denied else { return Err(denied) };
            let held = self.principal.bounds.iter().find(|bound| bound.account == *account);
            let Some(gate) = held.and_then(|bound| bound.gate.as_ref()).filter(|_| Instant::now() < until) else {
                return Err(denied);
            };
            let Some(_waiting) = gate.wait(WAITERS_MAX) else { return Err(denied) };
            // Told by whoever settles here; another process settles without a word.
            let _told = tokio::time::timeout(*retry_after, gate.freed.notified()).await;
        }
    }

    /// Asks the file once.
    async fn hold_now(&mut self, first: &Account) -> Result<(), Denied> {
        let (id, now_ms) = (HoldId::new(), self.now_ms);
        // Before it is asked for: whoever goes while the file is asked gives back what it may have got.
        self.hold = Some(id);
        let (principal, asking) = (Arc::clone(&self.principal), self.asking.clone());
        let job = move |connection: &Connection| holds::reserve(connection, id, &principal, &asking, now_ms);
        let asked = tokio::time::timeout(PATIENCE, self.accounts.0.ledger.database().write(ROW_BYTES, job)).await;
        let denied = match asked {
            Ok(Ok(Ok(()))) => {
                // There may be room for the next one as well.
                self.principal.tell_freed();
                return Ok(());
            }
            Ok(Ok(Err(denied))) => {
                self.hold = None;
                denied
            }
            Ok(Err(_)) | Err(_) => Denied::Unavailable { account: first.clone(), retry_after: PATIENCE },
        };
        if !matches!(denied, Denied::BudgetHeld { .. }) {
            // Whoever waits behind it is to hear the same.
            self.principal.tell_freed();
        }
        Err(denied)
    }

    fn give_back(&mut self, mut how: impl FnMut(&mut Limiter, Taken)) {
        for (gate, taken) in self.taken.iter_mut().filter_map(Option::take) {
            how(&mut lock(&gate.limiter), taken);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.give_back(|limiter, taken| limiter.settle(taken, 0));
        if let Some(hold) = self.hold.take() {
            self.accounts.settle_hold(Settlement { hold, spent: None }, Arc::clone(&self.principal));
        }
    }
}

// === impl Accounts ===
impl Accounts {
    /// Queued behind whatever made the hold. Whatever keeps it from the file, it is tried again; until then the hold stays, so
    /// that never too little is counted.
    fn settle_hold(&self, settlement: Settlement, principal: Arc<Principal>) {
        let settlement = Arc::new(settlement);
        let (accounts, job, kept) = (self.clone(), Arc::clone(&settlement), Arc::clone(&settlement));
        let done = move |written: Result<(), String>| {
            if written.is_err() {
                accounts.0.tally.keep(kept);
            }
            principal.tell_freed();
        };
        let queued =
            self.0.ledger.database().queue_then(ROW_BYTES, move |connection: &Connection| job.write(connection), done);
        if queued.is_err() {
            self.0.tally.keep(settlement);
        }
    }
}

fn lock(limiter: &Mutex<Limiter>) -> MutexGuard<'_, Limiter> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}
