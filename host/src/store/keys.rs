//! Keys' states on disk, by key id, in the wall clock's time: a rest goes on while the gateway is down. Never a secret.
use super::{MIGRATIONS, Refused, Store, from_unix_ms, unix_ms};
use magic_routing::{PoolName, Standing};
use magic_sqlite::rusqlite::{self, Connection, Row, params};
use magic_types::{KeyId, Kind};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// At the start there is time: without the states a key that was refused is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// A key that nobody has changed for so long is not the one that was meant.
const KEPT: Duration = Duration::from_hours(24 * 365);

/// How a key stood when it was last changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: KeyId,
    pub(crate) pool: PoolName,
    state: State,
    changed: SystemTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Available,
    Quarantined { until: SystemTime, why: Kind },
    Retired { why: Kind },
}

// === impl Kept ===
impl Kept {
    /// From routing's terms, in which a rest is what is left of it.
    pub(crate) fn new(id: KeyId, pool: PoolName, standing: Standing, now: SystemTime) -> Self {
        let state = match standing {
            Standing::Available => State::Available,
            Standing::Quarantined { remaining, why } => match now.checked_add(remaining) {
                Some(until) => State::Quarantined { until, why },
                None => State::Available,
            },
            Standing::Retired { why } => State::Retired { why },
        };
        Self { id, pool, state, changed: now }
    }

    /// In routing's terms. A rest that ended meanwhile is none.
    pub(crate) fn standing(&self, now: SystemTime) -> Standing {
        match self.state {
            State::Available => Standing::Available,
            State::Quarantined { until, why } => match until.duration_since(now) {
                Ok(remaining) if !remaining.is_zero() => Standing::Quarantined { remaining, why },
                Ok(_) | Err(_) => Standing::Available,
            },
            State::Retired { why } => Standing::Retired { why },
        }
    }
}

// === impl Store ===
impl Store {
    /// The keys that are not available, as they were saved. None when there is no usable file.
    pub(crate) async fn load_keys(&self, now: SystemTime) -> Vec<Kept> {
        self.read(PATIENCE, move |connection| load(connection, now)).await.unwrap_or_default()
    }

    /// Of each key the newest state holds. One that is available again is forgotten.
    pub(crate) fn save_keys(&self, keys: Vec<Kept>, now: SystemTime) -> Result<(), Refused> {
        if keys.is_empty() {
            return Ok(());
        }
        let bytes = keys.len() * size_of::<Kept>();
        self.write(bytes, move |connection| {
            let over = unix_ms(now);
            let old = unix_ms(now.checked_sub(KEPT).unwrap_or(SystemTime::UNIX_EPOCH));
            let prune = "DELETE FROM keys WHERE until_unix_ms <= ?1 OR changed_unix_ms < ?2";
            connection.prepare(prune)?.execute([over, old])?;
            keys.iter().try_for_each(|key| save(connection, key))
        })
    }
}

/// The states as a gateway has left them, for whoever looks from outside: the file is not changed, and none is made. Blocks.
pub(crate) fn peek_keys(path: &Path, now: SystemTime) -> Result<Vec<Kept>, magic_sqlite::Error> {
    if !path.try_exists()? {
        return Ok(Vec::new());
    }
    let connection = magic_sqlite::reader(path)?;
    match magic_sqlite::version(&connection)? {
        0 => Ok(Vec::new()),
        found if found > MIGRATIONS.len() => Err(magic_sqlite::Error::Newer { found, known: MIGRATIONS.len() }),
        _ => Ok(load(&connection, now)?),
    }
}

fn load(connection: &Connection, now: SystemTime) -> rusqlite::Result<Vec<Kept>> {
    let text = "SELECT id, pool, state, why, until_unix_ms, changed_unix_ms FROM keys
                WHERE until_unix_ms IS NULL OR until_unix_ms > ?1 ORDER BY pool, id";
    let mut query = connection.prepare(text)?;
    let keys = query.query_map([unix_ms(now)], kept)?;
    keys.filter_map(Result::transpose).collect()
}

/// `None`: a word that this version does not know; the key is then tried, and says itself how it stands.
fn kept(row: &Row<'_>) -> rusqlite::Result<Option<Kept>> {
    let (id, pool): (String, String) = (row.get(0)?, row.get(1)?);
    let (state, why): (String, String) = (row.get(2)?, row.get(3)?);
    let until: Option<i64> = row.get(4)?;
    let state = match (state.as_str(), Kind::from_word(&why), until) {
        ("quarantined", Some(why), Some(until)) => State::Quarantined { until: from_unix_ms(until), why },
        ("retired", Some(why), _) => State::Retired { why },
        _ => return Ok(None),
    };
    let changed = from_unix_ms(row.get(5)?);
    Ok(Some(Kept { id: KeyId::new(id), pool: PoolName::new(&pool), state, changed }))
}

fn save(connection: &Connection, key: &Kept) -> rusqlite::Result<()> {
    let (state, why, until) = match key.state {
        State::Available => {
            connection.prepare("DELETE FROM keys WHERE id = ?1")?.execute([key.id.as_str()])?;
            return Ok(());
        }
        State::Quarantined { until, why } => ("quarantined", why, Some(unix_ms(until))),
        State::Retired { why } => ("retired", why, None),
    };
    let text = "INSERT OR REPLACE INTO keys (id, pool, state, why, until_unix_ms, changed_unix_ms)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = params![key.id.as_str(), key.pool.as_str(), state, why.as_str(), until, unix_ms(key.changed)];
    connection.prepare(text)?.execute(row)?;
    Ok(())
}
