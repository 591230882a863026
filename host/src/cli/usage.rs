//! The verb `usage`: what was used, summed up by whatever is asked for, from the file alone.
use super::grants::{Place, close, done, table};
use super::{StartError, say};
use crate::accounts::{By, Query, day_of, usage_cells, usage_csv, usage_head, usage_json};
use clap::Args;

/// Print what was used, summed up. A gateway that runs writes within a second.
#[derive(Args)]
pub(super) struct Usage {
    /// Any of day, key, team, alias, profile, pattern, operation, outcome, with commas between them.
    #[arg(long, default_value = "key")]
    by: String,
    /// The first day, like 2026-11-01 (UTC).
    #[arg(long)]
    from: Option<String>,
    /// The last day.
    #[arg(long)]
    to: Option<String>,
    /// Only of this virtual key.
    #[arg(long)]
    key: Option<String>,
    /// Only of this team.
    #[arg(long)]
    team: Option<String>,
    /// As CSV, for a spreadsheet.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// As JSON, for machines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(asked: Usage) -> Result<(), StartError> {
    let by = done(By::parse_list(&asked.by), "read --by")?;
    let day = |field: &str, text: Option<String>| {
        done(text.map(|text| day_of(field, &text)).transpose(), &format!("read --{field}"))
    };
    let query = Query {
        by: by.clone(),
        from_day: day("from", asked.from)?,
        to_day: day("to", asked.to)?,
        key: asked.key,
        team: asked.team,
    };
    let rows = match asked.place.look()? {
        Some(ledger) => {
            let rows = done(ledger.usage(query).await, "sum up the usage");
            close(ledger).await;
            rows?
        }
        None => Vec::new(),
    };
    say(&match (asked.csv, asked.json) {
        (true, _) => usage_csv(&by, &rows),
        (false, true) => format!("{:#}\n", usage_json(&rows)),
        (false, false) => table(&usage_head(&by), &rows.iter().map(usage_cells).collect::<Vec<_>>()),
    });
    Ok(())
}
