//! Teams in the file: made, changed, and deleted once no key that is good belongs to them.
use super::audit::{self, Entry};
use super::form;
use super::holds::{self, Standing};
use super::keys::{GrantsPatch, invalid};
use super::ledger::{Actor, Ledger, ms, number, stored};
use magic_access::{Account, Grants, Team, TeamName};
use magic_sqlite::rusqlite::{self, Connection, OptionalExtension as _, Row, params};
use magic_types::{Failure, Kind};
use std::time::SystemTime;

/// All of them are in memory.
const TEAMS_MAX: i64 = 10_000;

// === impl Ledger ===
impl Ledger {
    /// By name, with how their budgets stand.
    pub(crate) async fn teams(&self, now: SystemTime) -> Result<Vec<(Team, Vec<Standing>)>, Failure> {
        self.read(move |connection| {
            let with_standings = |team: Team| {
                let account = Account::Team(team.name.clone());
                let standings = holds::standings(connection, &account, &team.grants.budgets, ms(now))?;
                Ok((team, standings))
            };
            all(connection)?.into_iter().map(with_standings).collect()
        })
        .await
    }

    pub(crate) async fn create_team(
        &self,
        name: TeamName,
        grants: GrantsPatch,
        by: Actor,
        now: SystemTime,
    ) -> Result<Team, Failure> {
        let team = Team { name, grants: grants.applied(Grants::default())?, created_ms: ms(now) };
        self.change(move |connection| {
            if one(connection, &team.name)?.is_some() {
                return Ok(Err(invalid(format!("there is a team `{}` already", team.name))));
            }
            let count: i64 = connection.query_row("SELECT count(*) FROM teams", [], |row| row.get(0))?;
            if count >= TEAMS_MAX {
                return Ok(Err(invalid(format!("there are {TEAMS_MAX} teams already, which is the most"))));
            }
            put(connection, &team)?;
            note(connection, &by, "team.create", None, Some(&team), ms(now))?;
            Ok(Ok(team))
        })
        .await
    }

    pub(crate) async fn update_team(
        &self,
        name: TeamName,
        grants: GrantsPatch,
        by: Actor,
        now: SystemTime,
    ) -> Result<Team, Failure> {
        self.change(move |connection| {
            let Some(before) = one(connection, &name)? else { return Ok(Err(unknown(&name))) };
            let grants = match grants.applied(before.grants.clone()) {
                Ok(grants) => grants,
                Err(failure) => return Ok(Err(failure)),
            };
            let after = Team { grants, ..before.clone() };
            put(connection, &after)?;
            note(connection, &by, "team.update", Some(&before), Some(&after), ms(now))?;
            Ok(Ok(after))
        })
        .await
    }

    pub(crate) async fn delete_team(&self, name: TeamName, by: Actor, now: SystemTime) -> Result<Team, Failure> {
        self.change(move |connection| {
            let Some(team) = one(connection, &name)? else { return Ok(Err(unknown(&name))) };
            let text = "SELECT count(*) FROM virtual_keys WHERE team = ?1 AND revoked_ms IS NULL";
            let keys: i64 = connection.query_row(text, [name.as_str()], |row| row.get(0))?;
            if keys > 0 {
                let text =
                    format!("the team `{name}` has {keys} virtual keys: move them to another team or revoke them");
                return Ok(Err(invalid(text)));
            }
            connection.execute("DELETE FROM teams WHERE name = ?1", [name.as_str()])?;
            note(connection, &by, "team.delete", Some(&team), None, ms(now))?;
            Ok(Ok(team))
        })
        .await
    }
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Team>> {
    let mut query = connection.prepare(&format!("{SELECT} ORDER BY name"))?;
    query.query_map([], found)?.collect()
}

/// For whoever puts a key into it.
pub(super) fn must_exist(connection: &Connection, name: Option<&TeamName>) -> rusqlite::Result<Result<(), Failure>> {
    let Some(name) = name else { return Ok(Ok(())) };
    Ok(one(connection, name)?.map(drop).ok_or_else(|| invalid(format!("there is no team `{name}`: create it first"))))
}

const SELECT: &str = "SELECT name, grants, created_ms FROM teams";

fn one(connection: &Connection, name: &TeamName) -> rusqlite::Result<Option<Team>> {
    connection.query_row(&format!("{SELECT} WHERE name = ?1"), [name.as_str()], found).optional()
}

fn found(row: &Row<'_>) -> rusqlite::Result<Team> {
    Ok(Team {
        name: TeamName::new(row.get::<_, String>(0)?),
        grants: form::stored_grants(1, &row.get::<_, String>(1)?)?,
        created_ms: number(row.get(2)?),
    })
}

fn put(connection: &Connection, team: &Team) -> rusqlite::Result<()> {
    let row = params![team.name.as_str(), form::grants_json(&team.grants).to_string(), stored(team.created_ms)];
    connection.execute("INSERT OR REPLACE INTO teams (name, grants, created_ms) VALUES (?1, ?2, ?3)", row)?;
    Ok(())
}

fn note(
    connection: &Connection,
    by: &Actor,
    action: &'static str,
    before: Option<&Team>,
    after: Option<&Team>,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let subject = after.or(before).map(|team| team.name.to_string()).unwrap_or_default();
    let side = |team: Option<&Team>| team.map(form::team_json);
    let entry = Entry { who: by.who.clone(), action, subject, before: side(before), after: side(after) };
    audit::put(connection, &entry, now_ms)
}

fn unknown(name: &TeamName) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no team `{name}`"))
}
