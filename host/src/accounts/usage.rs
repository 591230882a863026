//! Usage in the file: a line for each day, key, team, alias, profile, pattern, operation and outcome, with sums. Not a row
//! a request: every question it is kept for is about sums, and they stay exact however many requests there were.
use super::ledger::{Ledger, number, stored};
use super::tally::{Line, Sums};
use magic_sqlite::rusqlite::{self, Connection, params};
use magic_types::{Failure, Kind};

/// A year and the month before it, so that a year can be compared with the last.
const DAYS_KEPT: u64 = 400;
/// An answer of more lines is for nobody to read.
const ROWS_MAX: usize = 10_000;

/// What lines are summed up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Day,
    Key,
    Team,
    Alias,
    Profile,
    Pattern,
    Operation,
    Outcome,
}

/// Days since 1970, both of them included; `None`: no end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) by: Vec<By>,
    pub(crate) from_day: Option<u64>,
    pub(crate) to_day: Option<u64>,
    /// Only of this virtual key.
    pub(crate) key: Option<String>,
    /// Only of this team.
    pub(crate) team: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// In the order of the query's `by`.
    pub(crate) by: Vec<(By, String)>,
    pub(crate) sums: Sums,
}

// === impl By ===
impl By {
    pub(crate) const ALL: [Self; 8] =
        [Self::Day, Self::Key, Self::Team, Self::Alias, Self::Profile, Self::Pattern, Self::Operation, Self::Outcome];

    /// The word in queries and answers, which is the column's name too.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Key => "key",
            Self::Team => "team",
            Self::Alias => "alias",
            Self::Profile => "profile",
            Self::Pattern => "pattern",
            Self::Operation => "operation",
            Self::Outcome => "outcome",
        }
    }

    /// `key,alias,day`.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, Failure> {
        let mut list = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let by = Self::ALL.into_iter().find(|by| by.as_str() == word).ok_or_else(|| {
                let known = Self::ALL.map(Self::as_str).join(", ");
                Failure::new(Kind::InvalidRequest, format!("`by`: no `{word}`; known: {known}"))
            })?;
            if !list.contains(&by) {
                list.push(by);
            }
        }
        Ok(list)
    }
}

// === impl Ledger ===
impl Ledger {
    /// The file's lines, summed up. What a gateway has not written yet (a second of it) is not in it.
    pub(crate) async fn usage(&self, query: Query) -> Result<Vec<Row>, Failure> {
        let rows = self.read(move |connection| find(connection, &query)).await?;
        if rows.len() > ROWS_MAX {
            let text = format!("the answer has more than {ROWS_MAX} lines: ask for fewer days, or by less");
            return Err(Failure::new(Kind::InvalidRequest, text));
        }
        Ok(rows)
    }
}

/// A part of somebody's transaction.
pub(super) fn add(connection: &Connection, line: &Line<&str>, sums: &Sums) -> rusqlite::Result<()> {
    let text = "INSERT INTO usage (day, key, team, alias, profile, pattern, operation, outcome,
                    requests, estimated, tokens_in, tokens_cached, tokens_out, cost_micros)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
                    estimated = estimated + excluded.estimated, tokens_in = tokens_in + excluded.tokens_in,
                    tokens_cached = tokens_cached + excluded.tokens_cached,
                    tokens_out = tokens_out + excluded.tokens_out, cost_micros = cost_micros + excluded.cost_micros";
    let row = params![
        stored(line.day),
        line.key,
        line.team,
        line.alias,
        line.profile,
        line.pattern,
        line.operation,
        line.outcome.as_str(),
        stored(sums.requests),
        stored(sums.estimated),
        stored(sums.tokens_in),
        stored(sums.tokens_cached),
        stored(sums.tokens_out),
        stored(sums.cost_micros)
    ];
    connection.prepare(text)?.execute(row)?;
    Ok(())
}

pub(super) fn prune(connection: &Connection, now_ms: u64) -> rusqlite::Result<()> {
    let oldest = stored((now_ms / 86_400_000).saturating_sub(DAYS_KEPT));
    connection.execute("DELETE FROM usage WHERE day < ?1", [oldest])?;
    Ok(())
}

fn find(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Row>> {
    // Only our own words come into the text.
    let columns: Vec<&str> = query.by.iter().map(|by| by.as_str()).collect();
    let columns = columns.join(", ");
    let (selected, grouped) = match columns.is_empty() {
        true => (String::new(), " HAVING count(*) > 0".to_owned()),
        false => (format!("{columns}, "), format!(" GROUP BY {columns} ORDER BY {columns}")),
    };
    let text = format!(
        "SELECT {selected}sum(requests), sum(estimated), sum(tokens_in), sum(tokens_cached), sum(tokens_out),
                sum(cost_micros)
         FROM usage WHERE day >= ?1 AND day <= ?2 AND (?3 IS NULL OR key = ?3) AND (?4 IS NULL OR team = ?4){grouped}
         LIMIT {}",
        ROWS_MAX + 1
    );
    let mut statement = connection.prepare(&text)?;
    let from = stored(query.from_day.unwrap_or(0));
    let to = stored(query.to_day.unwrap_or(u64::MAX));
    let rows = statement.query_map(params![from, to, query.key, query.team], |row| found(row, &query.by))?;
    rows.collect()
}

fn found(row: &rusqlite::Row<'_>, by: &[By]) -> rusqlite::Result<Row> {
    let mut named = Vec::with_capacity(by.len());
    for (at, by) in by.iter().enumerate() {
        let text = match by {
            By::Day => super::form::day_text(number(row.get(at)?)),
            By::Key | By::Team | By::Alias | By::Profile | By::Pattern | By::Operation | By::Outcome => row.get(at)?,
        };
        named.push((*by, text));
    }
    let sum = |at: usize| row.get(by.len() + at).map(number);
    let sums = Sums {
        requests: sum(0)?,
        estimated: sum(1)?,
        tokens_in: sum(2)?,
        tokens_cached: sum(3)?,
        tokens_out: sum(4)?,
        cost_micros: sum(5)?,
    };
    Ok(Row { by: named, sums })
}
