//! The verb `keys`: every key by its id and how it stands, from the config, `keys_pool/` and the store. Asks no gateway,
//! changes nothing, and shows no secret.
use super::{Paths, Places, StartError, say};
use crate::app::wall_clock;
use crate::{reload, store};
use anyhow::Context as _;
use clap::Args;
use magic_routing::Standing;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

#[derive(Args)]
pub(super) struct Keys {
    /// As JSON, for machines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// One line of the table.
struct Line {
    pool: String,
    id: String,
    standing: Standing,
}

pub(super) fn show(keys: Keys) -> Result<(), StartError> {
    let lines = lines(&keys.places.into())?;
    say(&if keys.json { format!("{:#}\n", as_json(&lines)) } else { table(&lines) });
    Ok(())
}

fn lines(paths: &Paths) -> Result<Vec<Line>, StartError> {
    let pools = reload::key_ids(paths).map_err(StartError::Config)?;
    let (file, now) = (paths.data.join(store::FILE), wall_clock());
    let kept = store::peek_keys(&file, now).with_context(|| format!("read {}", file.display()))?;
    let kept: HashMap<&str, Standing> = kept.iter().map(|kept| (kept.id.as_str(), kept.standing(now))).collect();
    let mut lines: Vec<Line> = Vec::new();
    for (pool, ids) in pools {
        for id in ids {
            let standing = kept.get(id.as_str()).copied().unwrap_or(Standing::Available);
            lines.push(Line { pool: pool.to_string(), id: id.to_string(), standing });
        }
    }
    lines.sort_by(|one, other| (&one.pool, &one.id).cmp(&(&other.pool, &other.id)));
    // A profile's own key may stand in its provider's file too.
    lines.dedup_by(|one, other| one.pool == other.pool && one.id == other.id);
    Ok(lines)
}

/// As `GET /admin/keys` has it, but for what only a running gateway knows.
fn as_json(lines: &[Line]) -> Value {
    let pools = lines.chunk_by(|one, other| one.pool == other.pool).map(|lines| {
        let keys = lines.iter().map(|line| {
            let (state, why, left) = line.standing.words();
            json!({ "id": line.id, "state": state, "why": why, "seconds_left": left.map(|left| left.as_secs()) })
        });
        json!({ "pool": lines.first().map(|line| &line.pool), "keys": keys.collect::<Vec<_>>() })
    });
    json!({ "pools": pools.collect::<Vec<_>>() })
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no keys: fill keys_pool/ or set a vendor's key, e.g. OPENAI_API_KEY\n".to_owned();
    }
    let width = |text: fn(&Line) -> &str| lines.iter().map(|line| text(line).len()).max().unwrap_or(0).max(4);
    let (pool, id) = (width(|line| &line.pool), width(|line| &line.id));
    let row = |cells: [&str; 5]| {
        let [first, second, state, why, left] = cells;
        let row = format!("{first:pool$}  {second:id$}  {state:11}  {why:24}  {left}");
        format!("{}\n", row.trim_end())
    };
    let rows = lines.iter().map(|line| {
        let (state, why, left) = line.standing.words();
        row([&line.pool, &line.id, state, why.unwrap_or("-"), &left.map_or_else(|| "-".to_owned(), shown)])
    });
    row(["pool", "key", "state", "why", "left"]) + &rows.collect::<String>()
}

/// In the two largest units.
fn shown(left: Duration) -> String {
    let seconds = left.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests;
