//! Virtual keys in the file: made, changed, given another secret, revoked. Each change is in the audit by the same
//! transaction, and nobody hands out, changes or takes over a key of a scope above their own.
use super::audit::{self, Entry};
use super::holds::{self, Standing};
use super::ledger::{Actor, Ledger, ms, number, stored};
use super::{form, teams};
use magic_access::{
    Account, AliasRule, Budget, Grants, Hash, Issued, RANDOM_BYTES, Scope, Standing as KeyStanding, Stored, TeamName,
    VirtualKey, VirtualKeyId,
};
use magic_sqlite::rusqlite::{self, Connection, OptionalExtension as _, Row, params};
use magic_types::{Failure, Kind, Secret};
use std::time::{Duration, SystemTime};

/// All of them are in memory, and read again whenever one changes. Revoked ones count: usage speaks of them.
const KEYS_MAX: i64 = 100_000;
const NAME_CHARS_MAX: usize = 128;

/// What is to be another than it is; of a new key, than nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patch {
    pub(crate) name: Option<String>,
    pub(crate) team: Option<Option<TeamName>>,
    pub(crate) scope: Option<Scope>,
    pub(crate) expires_ms: Option<Option<u64>>,
    pub(crate) grants: GrantsPatch,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct GrantsPatch {
    pub(crate) aliases: Option<Option<Vec<AliasRule>>>,
    pub(crate) requests_per_minute_max: Option<Option<u64>>,
    pub(crate) tokens_per_minute_max: Option<Option<u64>>,
    pub(crate) requests_parallel_max: Option<Option<u64>>,
    pub(crate) budgets: Option<Vec<Budget>>,
}

// === impl Ledger ===
impl Ledger {
    /// In the order in which they were made.
    pub(crate) async fn keys(&self) -> Result<Vec<VirtualKey>, Failure> {
        self.read(all).await
    }

    /// With how its own budgets stand.
    pub(crate) async fn key(&self, id: VirtualKeyId, now: SystemTime) -> Result<(VirtualKey, Vec<Standing>), Failure> {
        self.read(move |connection| {
            let Some(key) = one(connection, &id)? else { return Ok(Err(unknown(&id))) };
            let account = Account::Key(id);
            let standings = holds::standings(connection, &account, &key.grants.budgets, ms(now))?;
            Ok(Ok((key, standings)))
        })
        .await?
    }

    /// The secret is to be shown once: it is nowhere else.
    pub(crate) async fn create_key(
        &self,
        patch: Patch,
        by: Actor,
        now: SystemTime,
    ) -> Result<(VirtualKey, Secret), Failure> {
        let issued = Issued::new(&random()?);
        let blank = VirtualKey {
            id: issued.id,
            name: String::new(),
            team: None,
            scope: Scope::User,
            grants: Grants::default(),
            created_ms: ms(now),
            expires_ms: None,
            revoked_ms: None,
            secrets: Stored::new(issued.hash),
        };
        let key = patch.applied(blank)?;
        may_give(&by, key.scope)?;
        let key = self
            .change(move |connection| {
                let count: i64 = connection.query_row("SELECT count(*) FROM virtual_keys", [], |row| row.get(0))?;
                if count >= KEYS_MAX {
                    return Ok(Err(invalid(format!("there are {KEYS_MAX} virtual keys already, which is the most"))));
                }
                if let Err(failure) = teams::must_exist(connection, key.team.as_ref())? {
                    return Ok(Err(failure));
                }
                put(connection, &key)?;
                note(connection, &by, "virtual_key.create", None, Some(&key), ms(now))?;
                Ok(Ok(key))
            })
            .await?;
        Ok((key, issued.text))
    }

    pub(crate) async fn update_key(
        &self,
        id: VirtualKeyId,
        patch: Patch,
        by: Actor,
        now: SystemTime,
    ) -> Result<VirtualKey, Failure> {
        self.change_key(id, by, "virtual_key.update", now, move |key| patch.applied(key)).await
    }

    /// A new secret at once; the one before stays good for `grace`.
    pub(crate) async fn rotate_key(
        &self,
        id: VirtualKeyId,
        grace: Duration,
        by: Actor,
        now: SystemTime,
    ) -> Result<(VirtualKey, Secret), Failure> {
        let issued = Issued::again(&id, &random()?);
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let hash = issued.hash;
        let rotate = move |key: VirtualKey| match key.standing(ms(now)) {
            KeyStanding::Active => Ok(VirtualKey { secrets: key.secrets.rotated(hash, ms(now), grace_ms), ..key }),
            KeyStanding::Expired | KeyStanding::Revoked => {
                let text =
                    format!("the virtual key `{}` is {}: create another", key.id, key.standing(ms(now)).as_str());
                Err(invalid(text))
            }
        };
        let key = self.change_key(id, by, "virtual_key.rotate", now, rotate).await?;
        Ok((key, issued.text))
    }

    /// At once and for good. It stays in the list, for usage speaks of it.
    pub(crate) async fn revoke_key(&self, id: VirtualKeyId, by: Actor, now: SystemTime) -> Result<VirtualKey, Failure> {
        let revoke = move |key: VirtualKey| {
            let revoked_ms = key.revoked_ms.or_else(|| Some(ms(now)));
            Ok(VirtualKey { revoked_ms, ..key })
        };
        self.change_key(id, by, "virtual_key.revoke", now, revoke).await
    }

    async fn change_key(
        &self,
        id: VirtualKeyId,
        by: Actor,
        action: &'static str,
        now: SystemTime,
        change: impl FnOnce(VirtualKey) -> Result<VirtualKey, Failure> + Send + 'static,
    ) -> Result<VirtualKey, Failure> {
        self.change(move |connection| {
            let Some(before) = one(connection, &id)? else { return Ok(Err(unknown(&id))) };
            let after = may_give(&by, before.scope).and_then(|()| change(before.clone()));
            let after = match after.and_then(|key| may_give(&by, key.scope).map(|()| key)) {
                Ok(after) => after,
                Err(failure) => return Ok(Err(failure)),
            };
            if let Err(failure) = teams::must_exist(connection, after.team.as_ref())? {
                return Ok(Err(failure));
            }
            put(connection, &after)?;
            note(connection, &by, action, Some(&before), Some(&after), ms(now))?;
            Ok(Ok(after))
        })
        .await
    }
}

// === impl Patch ===
impl Patch {
    fn applied(self, key: VirtualKey) -> Result<VirtualKey, Failure> {
        let name = self.name.unwrap_or(key.name);
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(invalid(format!("`name`: 1 to {NAME_CHARS_MAX} characters, none of them a control character")));
        }
        Ok(VirtualKey {
            name: name.to_owned(),
            team: self.team.unwrap_or(key.team),
            scope: self.scope.unwrap_or(key.scope),
            expires_ms: self.expires_ms.unwrap_or(key.expires_ms),
            grants: self.grants.applied(key.grants)?,
            ..key
        })
    }
}

// === impl GrantsPatch ===
impl GrantsPatch {
    pub(super) fn applied(self, grants: Grants) -> Result<Grants, Failure> {
        let grants = Grants {
            aliases: self.aliases.unwrap_or(grants.aliases),
            requests_per_minute_max: self.requests_per_minute_max.unwrap_or(grants.requests_per_minute_max),
            tokens_per_minute_max: self.tokens_per_minute_max.unwrap_or(grants.tokens_per_minute_max),
            requests_parallel_max: self.requests_parallel_max.unwrap_or(grants.requests_parallel_max),
            budgets: self.budgets.unwrap_or(grants.budgets),
        };
        grants.check().map_err(|error| invalid(error.to_string()))?;
        Ok(grants)
    }
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<VirtualKey>> {
    let mut query = connection.prepare(&format!("{SELECT} ORDER BY created_ms, id"))?;
    query.query_map([], found)?.collect()
}

pub(super) fn invalid(text: String) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}

const SELECT: &str = "SELECT id, name, team, scope, grants, created_ms, expires_ms, revoked_ms, hash, previous_hash,
                      previous_until_ms FROM virtual_keys";

fn one(connection: &Connection, id: &VirtualKeyId) -> rusqlite::Result<Option<VirtualKey>> {
    connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id.as_str()], found).optional()
}

/// What cannot be read is an error, and not a key without bounds.
fn found(row: &Row<'_>) -> rusqlite::Result<VirtualKey> {
    let hash = |at: usize, bytes: Vec<u8>| Hash::from_bytes(&bytes).ok_or_else(|| form::unreadable(at, "a hash"));
    let previous: Option<Vec<u8>> = row.get(9)?;
    let until: Option<i64> = row.get(10)?;
    let previous = match previous.zip(until) {
        Some((bytes, until)) => Some((hash(9, bytes)?, number(until))),
        None => None,
    };
    let moment = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(number));
    Ok(VirtualKey {
        id: VirtualKeyId::new(row.get::<_, String>(0)?),
        name: row.get(1)?,
        team: row.get::<_, Option<String>>(2)?.map(TeamName::new),
        scope: Scope::parse(&row.get::<_, String>(3)?).map_err(|_| form::unreadable(3, "a scope"))?,
        grants: form::stored_grants(4, &row.get::<_, String>(4)?)?,
        created_ms: number(row.get(5)?),
        expires_ms: moment(6)?,
        revoked_ms: moment(7)?,
        secrets: Stored { current: hash(8, row.get(8)?)?, previous },
    })
}

fn put(connection: &Connection, key: &VirtualKey) -> rusqlite::Result<()> {
    let text = "INSERT OR REPLACE INTO virtual_keys (id, name, team, scope, grants, created_ms, expires_ms, revoked_ms,
                    hash, previous_hash, previous_until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let row = params![
        key.id.as_str(),
        key.name,
        key.team.as_ref().map(TeamName::as_str),
        key.scope.as_str(),
        form::grants_json(&key.grants).to_string(),
        stored(key.created_ms),
        key.expires_ms.map(stored),
        key.revoked_ms.map(stored),
        key.secrets.current.bytes(),
        key.secrets.previous.as_ref().map(|(hash, _)| hash.bytes()),
        key.secrets.previous.as_ref().map(|(_, until)| stored(*until))
    ];
    connection.execute(text, row)?;
    Ok(())
}

fn note(
    connection: &Connection,
    by: &Actor,
    action: &'static str,
    before: Option<&VirtualKey>,
    after: Option<&VirtualKey>,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let subject = after.or(before).map(|key| key.id.to_string()).unwrap_or_default();
    let side = |key: Option<&VirtualKey>| key.map(|key| form::key_json(key, now_ms));
    let entry = Entry { who: by.who.clone(), action, subject, before: side(before), after: side(after) };
    audit::put(connection, &entry, now_ms)
}

fn may_give(by: &Actor, scope: Scope) -> Result<(), Failure> {
    if by.scope.covers(scope) {
        return Ok(());
    }
    let text = format!("a key of the scope `{scope}` is above your own, which is `{}`", by.scope);
    Err(Failure::new(Kind::Forbidden, text))
}

fn unknown(id: &VirtualKeyId) -> Failure {
    let shown: String = id.as_str().chars().take(64).collect();
    Failure::new(Kind::NotFound, format!("there is no virtual key `{shown}`"))
}

fn random() -> Result<[u8; RANDOM_BYTES], Failure> {
    let mut bytes = [0; RANDOM_BYTES];
    let filled = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| Failure::new(Kind::Internal, "the system gives no random numbers"))?;
    Ok(bytes)
}
