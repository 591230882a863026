//! Keys and teams in memory, as the file had them when it was read last. Gates outlive a reading: they count on.
use super::principal::{Bound, Gate, Principal};
use super::{keys, ledger, teams};
use magic_access::{Account, Grants, Team, TeamName, VirtualKey, VirtualKeyId};
use magic_sqlite::rusqlite::{self, Connection};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Directory {
    /// Of the file: it counts the changes of keys and teams, whoever made them.
    version: i64,
    principals: HashMap<VirtualKeyId, Arc<Principal>>,
    /// Of all accounts that have something to count.
    gates: HashMap<Account, Arc<Gate>>,
}

// === impl Directory ===
impl Directory {
    /// `None`: nobody changed anything. The file's own counter is asked, and not `PRAGMA data_version`, which would also
    /// tell of every hold and every line of usage.
    pub(super) fn newer(connection: &Connection, before: &Self) -> rusqlite::Result<Option<Self>> {
        if ledger::version(connection)? == before.version { Ok(None) } else { Self::load(connection, before).map(Some) }
    }

    pub(super) fn load(connection: &Connection, before: &Self) -> rusqlite::Result<Self> {
        // The version first: a change between the two readings is then read twice, and not missed.
        let version = ledger::version(connection)?;
        let (teams, keys) = (teams::all(connection)?, keys::all(connection)?);
        Ok(Self::build(version, keys, teams, before))
    }

    pub(super) fn version(&self) -> i64 {
        self.version
    }

    pub(super) fn get(&self, key: &VirtualKeyId) -> Option<&Arc<Principal>> {
        self.principals.get(key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.principals.is_empty()
    }

    fn build(version: i64, keys: Vec<VirtualKey>, teams: Vec<Team>, before: &Self) -> Self {
        let mut gates = HashMap::new();
        let mut bound = |account: Account, grants: Grants| {
            let gate = (grants.is_limited() || !grants.budgets.is_empty()).then(|| {
                let gate: Arc<Gate> = before.gates.get(&account).cloned().unwrap_or_default();
                gates.insert(account.clone(), Arc::clone(&gate));
                gate
            });
            Arc::new(Bound { account, grants, gate })
        };
        let teams: HashMap<TeamName, Arc<Bound>> =
            teams.into_iter().map(|team| (team.name.clone(), bound(Account::Team(team.name), team.grants))).collect();
        let mut principals = HashMap::with_capacity(keys.len());
        for key in keys {
            let own = bound(Account::Key(key.id.clone()), key.grants.clone());
            let team = key.team.as_ref().map(|name| {
                // A team that is gone grants nothing: it may have been what held the key back.
                let gone =
                    || bound(Account::Team(name.clone()), Grants { aliases: Some(Vec::new()), ..Grants::default() });
                teams.get(name).cloned().unwrap_or_else(gone)
            });
            let bounds = std::iter::once(own).chain(team).filter(|bound| bound.grants != Grants::default()).collect();
            principals.insert(key.id.clone(), Arc::new(Principal::new(key, bounds)));
        }
        Self { version, principals, gates }
    }
}
