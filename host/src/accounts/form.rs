//! Keys, teams and grants as JSON: one form for the admin's requests and answers, the file, the audit and the command
//! line. Never a secret or its hash.
use super::holds::Standing;
use super::keys::{GrantsPatch, Patch, invalid};
use jiff::{Timestamp, civil::Date};
use magic_access::{AliasRule, Amount, Budget, Grants, Money, Scope, Team, TeamName, VirtualKey, Window, duration_ms};
use magic_sqlite::rusqlite::{self, types::Type};
use magic_types::Failure;
use serde_json::{Map, Value, json};

const KEY_FIELDS: [&str; 4] = ["name", "team", "scope", "expires"];
const GRANT_FIELDS: [&str; 5] =
    ["aliases", "requests_per_minute_max", "tokens_per_minute_max", "requests_parallel_max", "budgets"];

/// As the admin shows it.
pub(crate) fn key_json(key: &VirtualKey, now_ms: u64) -> Value {
    let head = json!({
        "id": key.id.as_str(),
        "name": key.name,
        "team": key.team.as_ref().map(TeamName::as_str),
        "scope": key.scope.as_str(),
        "standing": key.standing(now_ms).as_str(),
        "created": time_text(key.created_ms),
        "expires": key.expires_ms.map(time_text),
        "revoked": key.revoked_ms.map(time_text),
        "old_secret_good_until": key.secrets.previous.map(|(_, until)| until).filter(|until| *until > now_ms).map(time_text),
    });
    joined(head, grants_json(&key.grants))
}

pub(crate) fn team_json(team: &Team) -> Value {
    joined(json!({ "name": team.name.as_str(), "created": time_text(team.created_ms) }), grants_json(&team.grants))
}

/// The `budgets` of a key or a team, with how they stand.
pub(crate) fn standings_json(standings: &[Standing]) -> Value {
    let one = |standing: &Standing| {
        let shown = |number: u64| match standing.budget.amount {
            Amount::Money(_) => json!(Money(number).to_string()),
            Amount::Tokens(_) => json!(number),
        };
        let more = json!({
            "spent": shown(standing.room.spent),
            "held": shown(standing.room.held),
            "ends": standing.ends_ms.map(time_text),
        });
        joined(budget_json(&standing.budget), more)
    };
    standings.iter().map(one).collect()
}

pub(super) fn grants_json(grants: &Grants) -> Value {
    json!({
        "aliases": grants.aliases.as_ref().map(|rules| rules.iter().map(AliasRule::to_string).collect::<Vec<_>>()),
        "requests_per_minute_max": grants.requests_per_minute_max,
        "tokens_per_minute_max": grants.tokens_per_minute_max,
        "requests_parallel_max": grants.requests_parallel_max,
        "budgets": grants.budgets.iter().map(budget_json).collect::<Vec<_>>(),
    })
}

/// From the file: what cannot be read is an error, and not a key without bounds.
pub(super) fn stored_grants(column: usize, text: &str) -> rusqlite::Result<Grants> {
    let read = || {
        let value: Map<String, Value> = serde_json::from_str(text).ok()?;
        grants_patch(&value, &[]).ok()?.applied(Grants::default()).ok()
    };
    read().ok_or_else(|| unreadable(column, "grants"))
}

pub(super) fn unreadable(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("it is not {what} of ours").into())
}

/// A key's change as the admin is sent it. Every field may be left out; `null` takes a bound away.
pub(crate) fn patch(body: &Map<String, Value>, now_ms: u64) -> Result<Patch, Failure> {
    known(body, &[&KEY_FIELDS[..], &GRANT_FIELDS].concat())?;
    let text = |name: &'static str| body.get(name).map(|value| string(name, value)).transpose();
    let team = body.get("team").map(|value| {
        nullable(value, |value| TeamName::parse(string("team", value)?).map_err(|error| at("team", error)))
    });
    Ok(Patch {
        name: text("name")?.map(str::to_owned),
        team: team.transpose()?,
        scope: text("scope")?.map(|word| Scope::parse(word).map_err(|error| at("scope", error))).transpose()?,
        expires_ms: body.get("expires").map(|value| nullable(value, |value| expiry(value, now_ms))).transpose()?,
        grants: grants_of(body)?,
    })
}

/// A team's change; `also`: what else may stand beside the grants.
pub(crate) fn grants_patch(body: &Map<String, Value>, also: &[&str]) -> Result<GrantsPatch, Failure> {
    known(body, &[also, &GRANT_FIELDS].concat())?;
    grants_of(body)
}

/// A day since 1970 as `2026-11-28`.
pub(crate) fn day_text(day: u64) -> String {
    let seconds = i64::try_from(day).unwrap_or(0).saturating_mul(86_400);
    Timestamp::from_second(seconds).map_or_else(|_| day.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// `2026-11-28` as a day since 1970.
pub(crate) fn day_of(field: &str, text: &str) -> Result<u64, Failure> {
    let wrong =
        || invalid(format!("`{field}`: `{}` is no day like 2026-11-28", text.chars().take(32).collect::<String>()));
    let date: Date = text.parse().map_err(|_| wrong())?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
    u64::try_from(midnight.timestamp().as_second() / 86_400).map_err(|_| wrong())
}

pub(crate) fn time_text(ms: u64) -> String {
    let time = Timestamp::from_millisecond(i64::try_from(ms).unwrap_or(i64::MAX));
    time.map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// `30d` from now, or a moment by RFC 3339.
pub(crate) fn expiry_ms(text: &str, now_ms: u64) -> Result<u64, Failure> {
    if let Ok(ms) = duration_ms(text) {
        return Ok(now_ms.saturating_add(ms));
    }
    let time: Timestamp = text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        invalid(format!("`expires`: `{shown}` is neither a time like `30d` nor a moment like 2027-01-31T00:00:00Z"))
    })?;
    Ok(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

fn expiry(value: &Value, now_ms: u64) -> Result<u64, Failure> {
    expiry_ms(string("expires", value)?, now_ms)
}

fn grants_of(body: &Map<String, Value>) -> Result<GrantsPatch, Failure> {
    let count = |name: &'static str| {
        let number = |value: &Value| {
            value
                .as_u64()
                .filter(|number| *number > 0)
                .ok_or_else(|| invalid(format!("`{name}`: a whole number from 1, or null")))
        };
        body.get(name).map(|value| nullable(value, number)).transpose()
    };
    let aliases = |value: &Value| {
        let names =
            value.as_array().ok_or_else(|| invalid("`aliases`: a list of names, or null for all".to_owned()))?;
        let rule = |name: &Value| AliasRule::parse(string("aliases", name)?).map_err(|error| at("aliases", error));
        names.iter().map(rule).collect::<Result<Vec<_>, _>>()
    };
    let budgets = |value: &Value| match value {
        Value::Null => Ok(Vec::new()),
        value => {
            let list = value.as_array().ok_or_else(|| invalid("`budgets`: a list, or null for none".to_owned()))?;
            list.iter().map(budget).collect::<Result<Vec<_>, _>>()
        }
    };
    Ok(GrantsPatch {
        aliases: body.get("aliases").map(|value| nullable(value, aliases)).transpose()?,
        requests_per_minute_max: count("requests_per_minute_max")?,
        tokens_per_minute_max: count("tokens_per_minute_max")?,
        requests_parallel_max: count("requests_parallel_max")?,
        budgets: body.get("budgets").map(budgets).transpose()?,
    })
}

fn budget_json(budget: &Budget) -> Value {
    let window = budget.window.to_string();
    match budget.amount {
        Amount::Money(money) => json!({ "money": money.to_string(), "window": window }),
        Amount::Tokens(tokens) => json!({ "tokens": tokens, "window": window }),
    }
}

/// `{"money": "12.50", "window": "month"}`, or with `tokens`. Money may be a number too, as it is written.
fn budget(value: &Value) -> Result<Budget, Failure> {
    let form = || {
        invalid(
            "`budgets[]`: `money` or `tokens`, and `window`, e.g. {\"money\": \"12.50\", \"window\": \"month\"}"
                .to_owned(),
        )
    };
    let fields = value.as_object().ok_or_else(form)?;
    known(fields, &["money", "tokens", "window"])?;
    let amount = match (fields.get("money"), fields.get("tokens")) {
        (Some(money), None) => {
            let text = match money {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(form()),
            };
            Amount::Money(Money::parse(&text).map_err(|error| at("budgets[].money", error))?)
        }
        (None, Some(tokens)) => Amount::Tokens(tokens.as_u64().ok_or_else(form)?),
        (None, None) | (Some(_), Some(_)) => return Err(form()),
    };
    let window = fields.get("window").and_then(Value::as_str).ok_or_else(form)?;
    Ok(Budget { amount, window: Window::parse(window).map_err(|error| at("budgets[].window", error))? })
}

fn known(body: &Map<String, Value>, fields: &[&str]) -> Result<(), Failure> {
    match body.keys().find(|field| !fields.contains(&field.as_str())) {
        None => Ok(()),
        Some(field) => {
            let shown: String = field.chars().take(64).collect();
            Err(invalid(format!("unknown field `{shown}`; known: {}", fields.join(", "))))
        }
    }
}

fn nullable<T>(value: &Value, read: impl FnOnce(&Value) -> Result<T, Failure>) -> Result<Option<T>, Failure> {
    if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

fn string<'a>(field: &str, value: &'a Value) -> Result<&'a str, Failure> {
    value.as_str().ok_or_else(|| invalid(format!("`{field}`: a text is wanted")))
}

fn at(field: &str, error: magic_access::Error) -> Failure {
    invalid(format!("`{field}`: {error}"))
}

fn joined(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            one.extend(other);
            Value::Object(one)
        }
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests;
