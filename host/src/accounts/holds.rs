//! Holds and sums of budgets in the file: taken before a request, settled after it, made good after a crash. Each function
//! is a part of somebody's transaction; that two never read the same sums is the file's one writer at a time.
use super::admission::Asking;
use super::ledger::{number, stored};
use super::tally::{Line, Outcome, Sums};
use super::{Principal, usage};
use magic_access::{Account, Budget, Charge, Denied, Refusal, Room, Unit};
use magic_sqlite::rusqlite::{self, Connection, OptionalExtension as _, params};
use serde_json::{Value, json};
use std::time::Duration;

/// Sums of turns that are over are kept that long, for whoever looks back.
const KEPT_MS: u64 = 400 * 86_400_000;
/// What is held comes free when a request ends, which nobody knows.
const HELD_RETRY: Duration = Duration::from_secs(1);

/// Made before it is written, so that it can be given back whatever became of the write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HoldId([u8; 16]);

/// What a request holds of one budget in one turn.
struct Part {
    account: String,
    unit: Unit,
    period: String,
    turn: u64,
    amount: u64,
    ends_ms: Option<u64>,
}

/// How a budget stands now, for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) budget: Budget,
    pub(crate) room: Room,
    pub(crate) ends_ms: Option<u64>,
}

// === impl HoldId ===
impl HoldId {
    pub(super) fn new() -> Self {
        Self(uuid::Uuid::now_v7().into_bytes())
    }
}

/// Holds something of every budget of the principal, or nothing of any.
pub(super) fn reserve(
    connection: &Connection,
    id: HoldId,
    principal: &Principal,
    asking: &Asking,
    now_ms: u64,
) -> rusqlite::Result<Result<(), Denied>> {
    let mut parts = Vec::new();
    for bound in &principal.bounds {
        for budget in &bound.grants.budgets {
            match part(connection, &bound.account, budget, asking.charge, now_ms)? {
                Ok(part) => parts.push(part),
                Err(denied) => return Ok(Err(denied)),
            }
        }
    }
    let text =
        "INSERT INTO budgets (account, unit, period, turn, spent, held, ends_ms) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)
                ON CONFLICT DO UPDATE SET held = held + excluded.held";
    let mut hold = connection.prepare(text)?;
    for part in &parts {
        let (unit, turn, amount) = (part.unit.as_str(), stored(part.turn), stored(part.amount));
        hold.execute(params![part.account, unit, part.period, turn, amount, part.ends_ms.map(stored)])?;
    }
    let text = "INSERT INTO holds (id, created_ms, key, team, alias, pattern, operation, parts)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let team = principal.team.as_ref().map_or("", |team| team.as_str());
    let parts = written(&parts);
    let row = params![
        id.0,
        stored(now_ms),
        principal.key.as_str(),
        team,
        asking.alias.as_str(),
        asking.pattern.as_deref().unwrap_or(""),
        asking.operation,
        parts
    ];
    connection.prepare(text)?.execute(row)?;
    Ok(Ok(()))
}

/// A hold becomes what it cost; `None`: nothing was sent. False: nothing was held by that id, or it is settled already.
pub(super) fn settle(connection: &Connection, id: HoldId, cost: Option<Charge>) -> rusqlite::Result<bool> {
    let mut take = connection.prepare("DELETE FROM holds WHERE id = ?1 RETURNING parts")?;
    let parts: Option<String> = take.query_row([id.0], |row| row.get(0)).optional()?;
    let Some(parts) = parts else { return Ok(false) };
    for part in read(&parts) {
        book(connection, &part, cost.map_or(0, |cost| cost.of(part.unit)))?;
    }
    Ok(true)
}

/// What a process that is gone had under way cost all that was held for it, as far as anybody knows: never too little is
/// charged by what it was thought to cost.
pub(super) fn settle_left_behind(connection: &Connection, now_ms: u64) -> rusqlite::Result<()> {
    let text = "DELETE FROM holds RETURNING created_ms, key, team, alias, pattern, operation, parts";
    let mut taken = connection.prepare(text)?;
    let rows = taken.query_map([], |row| {
        let line = Line {
            day: number(row.get(0)?).min(now_ms) / 86_400_000,
            key: row.get(1)?,
            team: row.get(2)?,
            alias: row.get(3)?,
            profile: String::new(),
            pattern: row.get(4)?,
            operation: row.get(5)?,
            outcome: Outcome::Unknown,
        };
        Ok((line, row.get::<_, String>(6)?))
    })?;
    // All of them first: what is read must not change under the reading.
    let left: Vec<(Line<String>, String)> = rows.collect::<rusqlite::Result<_>>()?;
    for (line, parts) in &left {
        let parts = read(parts);
        for part in &parts {
            book(connection, part, part.amount)?;
        }
        let most = |unit| parts.iter().filter(|part| part.unit == unit).map(|part| part.amount).max().unwrap_or(0);
        let sums = Sums {
            requests: 1,
            estimated: 1,
            tokens_in: most(Unit::Tokens),
            cost_micros: most(Unit::Money),
            ..Sums::default()
        };
        usage::add(connection, &line.as_texts(), &sums)?;
    }
    if !left.is_empty() {
        tracing::warn!(
            "{} requests were under way when a gateway ended: their budgets are charged what was held",
            left.len()
        );
    }
    Ok(())
}

/// How the budgets of an account stand in the turns that run.
pub(super) fn standings(
    connection: &Connection,
    account: &Account,
    budgets: &[Budget],
    now_ms: u64,
) -> rusqlite::Result<Vec<Standing>> {
    let name = name(account);
    let one = |budget: &Budget| {
        let room = room(connection, &name, budget, budget.window.index(now_ms))?;
        Ok(Standing { budget: *budget, room, ends_ms: budget.window.ends_ms(now_ms) })
    };
    budgets.iter().map(one).collect()
}

pub(super) fn prune(connection: &Connection, now_ms: u64) -> rusqlite::Result<()> {
    let old = stored(now_ms.saturating_sub(KEPT_MS));
    connection.execute("DELETE FROM budgets WHERE held = 0 AND ends_ms < ?1", [old])?;
    Ok(())
}

fn part(
    connection: &Connection,
    account: &Account,
    budget: &Budget,
    charge: Charge,
    now_ms: u64,
) -> rusqlite::Result<Result<Part, Denied>> {
    let (turn, unit, ends_ms) = (budget.window.index(now_ms), budget.unit(), budget.window.ends_ms(now_ms));
    let name = name(account);
    let room = room(connection, &name, budget, turn)?;
    Ok(match room.hold(charge.of(unit), budget.value()) {
        Ok(amount) => Ok(Part { account: name, unit, period: budget.window.to_string(), turn, amount, ends_ms }),
        Err(Refusal::Spent) => {
            let retry_after = ends_ms.map(|end| Duration::from_millis(end.saturating_sub(now_ms)));
            Err(Denied::BudgetSpent { account: account.clone(), budget: *budget, retry_after })
        }
        Err(Refusal::Held) => {
            Err(Denied::BudgetHeld { account: account.clone(), budget: *budget, retry_after: HELD_RETRY })
        }
    })
}

fn room(connection: &Connection, account: &str, budget: &Budget, turn: u64) -> rusqlite::Result<Room> {
    let text = "SELECT spent, held FROM budgets WHERE account = ?1 AND unit = ?2 AND period = ?3 AND turn = ?4";
    let row = params![account, budget.unit().as_str(), budget.window.to_string(), stored(turn)];
    let mut query = connection.prepare(text)?;
    let room = |row: &rusqlite::Row<'_>| Ok(Room { spent: number(row.get(0)?), held: number(row.get(1)?) });
    Ok(query.query_row(row, room).optional()?.unwrap_or_default())
}

/// In the turn in which it was held, however late it is over.
fn book(connection: &Connection, part: &Part, cost: u64) -> rusqlite::Result<()> {
    let text = "UPDATE budgets SET spent = spent + ?5, held = max(0, held - ?6)
                WHERE account = ?1 AND unit = ?2 AND period = ?3 AND turn = ?4";
    let (unit, turn) = (part.unit.as_str(), stored(part.turn));
    let row = params![part.account, unit, part.period, turn, stored(cost), stored(part.amount)];
    connection.prepare(text)?.execute(row)?;
    Ok(())
}

/// A team and a key may have the same name.
fn name(account: &Account) -> String {
    match account {
        Account::Key(id) => format!("key:{id}"),
        Account::Team(team) => format!("team:{team}"),
    }
}

fn written(parts: &[Part]) -> String {
    let part = |part: &Part| json!([part.account, part.unit.as_str(), part.period, part.turn, part.amount]);
    parts.iter().map(part).collect::<Value>().to_string()
}

/// As it was written by us, in the same file: what cannot be read is not there.
fn read(text: &str) -> Vec<Part> {
    let parts: Vec<(String, String, String, u64, u64)> = serde_json::from_str(text).unwrap_or_default();
    let part = |(account, unit, period, turn, amount): (String, String, String, u64, u64)| {
        let unit = if unit == Unit::Money.as_str() { Unit::Money } else { Unit::Tokens };
        Part { account, unit, period, turn, amount, ends_ms: None }
    };
    parts.into_iter().map(part).collect()
}
