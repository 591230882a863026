//! Who a request is from: a virtual key with its team, as one look into memory finds them; or nobody in particular.
use magic_access::{Account, Denied, Grants, Limiter, Scope, Shown, TeamName, VirtualKey, VirtualKeyId};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::sync::Notify;

/// Stands in usage, logs and sessions where a virtual key's id would.
pub(crate) const ANONYMOUS: &str = "-";

pub(crate) struct Principal {
    /// [`ANONYMOUS`] where there is none.
    pub(crate) key: VirtualKeyId,
    pub(crate) name: String,
    pub(crate) team: Option<TeamName>,
    pub(crate) scope: Scope,
    /// `None`: anonymous.
    virtual_key: Option<VirtualKey>,
    /// The key's own grants, then its team's.
    pub(super) bounds: Vec<Arc<Bound>>,
}

/// Grants, and whose they are.
pub(super) struct Bound {
    pub(super) account: Account,
    pub(super) grants: Grants,
    /// `None`: there is nothing to count.
    pub(super) gate: Option<Arc<Gate>>,
}

/// One account's, whichever reading of the file it came with.
#[derive(Default)]
pub(super) struct Gate {
    pub(super) limiter: Mutex<Limiter>,
    /// Told when something that was held comes free: one of those who wait for it, the first first.
    pub(super) freed: Notify,
    waiting: AtomicUsize,
}

/// A place among those who wait.
pub(super) struct Waiting<'a>(&'a Gate);

impl Gate {
    /// `None`: enough wait already.
    pub(super) fn wait(&self, waiters_max: usize) -> Option<Waiting<'_>> {
        let waiting = Waiting(self);
        (self.waiting.fetch_add(1, Relaxed) < waiters_max).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

// === impl Principal ===
impl Principal {
    /// Whoever comes without a key. Everything is allowed to them: where that is not meant, nobody is let in without one.
    pub(crate) fn anonymous() -> Arc<Self> {
        static ANYBODY: LazyLock<Arc<Principal>> = LazyLock::new(|| {
            Arc::new(Principal {
                key: VirtualKeyId::new(ANONYMOUS),
                name: "anonymous".to_owned(),
                team: None,
                scope: Scope::Admin,
                virtual_key: None,
                bounds: Vec::new(),
            })
        });
        Arc::clone(&ANYBODY)
    }

    pub(super) fn new(virtual_key: VirtualKey, bounds: Vec<Arc<Bound>>) -> Self {
        Self {
            key: virtual_key.id.clone(),
            name: virtual_key.name.clone(),
            team: virtual_key.team.clone(),
            scope: virtual_key.scope,
            virtual_key: Some(virtual_key),
            bounds,
        }
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.virtual_key.is_none()
    }

    /// Whether the model may be asked for, by the key's own grants and by its team's; for the list of models too.
    pub(crate) fn allows(&self, alias: &str) -> Result<(), Denied> {
        match self.bounds.iter().find(|bound| !bound.grants.allows(alias)) {
            None => Ok(()),
            Some(bound) => Err(Denied::Alias { account: bound.account.clone(), alias: alias.to_owned() }),
        }
    }

    /// Something that was held for it is free again.
    pub(super) fn tell_freed(&self) {
        self.bounds.iter().filter_map(|bound| bound.gate.as_ref()).for_each(|gate| gate.freed.notify_one());
    }

    pub(super) fn admits(&self, shown: &Shown, now_ms: u64) -> Result<(), Denied> {
        self.virtual_key.as_ref().map_or(Err(Denied::NoSuchKey), |key| key.admits(shown, now_ms))
    }

    pub(super) fn is_good(&self, now_ms: u64) -> Result<(), Denied> {
        self.virtual_key.as_ref().map_or(Ok(()), |key| key.is_good(now_ms))
    }
}
