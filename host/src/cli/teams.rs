//! The verb `teams`: what bounds all virtual keys of a team together, in the file, whether or not a gateway runs on it.
use super::grants::{Bound, GrantArgs, Place, close, done, grants_text, table};
use super::virtual_keys::cli;
use super::{StartError, say};
use crate::accounts::{Ledger, standings_json, team_json};
use crate::app::wall_clock;
use clap::{Args, Subcommand};
use magic_access::TeamName;
use serde_json::{Value, json};

#[derive(Args)]
pub(super) struct Teams {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a team.
    Create(Create),
    /// Print all teams.
    List(List),
    /// Change what a team may do; what is not given stays.
    Update(Update),
    /// Delete a team to which no key belongs any more.
    Delete(Delete),
}

#[derive(Args)]
struct Create {
    #[arg(value_parser = TeamName::parse)]
    name: TeamName,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct List {
    /// As JSON, for machines; with how budgets stand.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Update {
    #[arg(value_parser = TeamName::parse)]
    name: TeamName,
    #[command(flatten)]
    grants: GrantArgs,
    /// A bound to take away; may be given more than once.
    #[arg(long, value_enum, value_name = "BOUND")]
    clear: Vec<Bound>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Delete {
    #[arg(value_parser = TeamName::parse)]
    name: TeamName,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(asked: Teams) -> Result<(), StartError> {
    match asked.verb {
        Verb::Create(asked) => create(asked).await?,
        Verb::List(asked) => list(asked).await?,
        Verb::Update(asked) => update(asked).await?,
        Verb::Delete(asked) => delete(asked).await?,
    }
    Ok(())
}

async fn create(asked: Create) -> anyhow::Result<()> {
    let grants = asked.grants.patch(&[])?;
    let create = async |ledger: &Ledger| ledger.create_team(asked.name, grants, cli(), wall_clock()).await;
    say(&format!("{:#}\n", team_json(&asked.place.change("create the team", create).await?)));
    Ok(())
}

async fn update(asked: Update) -> anyhow::Result<()> {
    let grants = asked.grants.patch(&asked.clear)?;
    let update = async |ledger: &Ledger| ledger.update_team(asked.name, grants, cli(), wall_clock()).await;
    say(&format!("{:#}\n", team_json(&asked.place.change("update the team", update).await?)));
    Ok(())
}

async fn delete(asked: Delete) -> anyhow::Result<()> {
    let delete = async |ledger: &Ledger| ledger.delete_team(asked.name, cli(), wall_clock()).await;
    let team = asked.place.change("delete the team", delete).await?;
    say(&format!("{} is deleted\n", team.name));
    Ok(())
}

async fn list(asked: List) -> anyhow::Result<()> {
    let teams = match asked.place.look()? {
        Some(ledger) => {
            let teams = done(ledger.teams(wall_clock()).await, "list the teams");
            close(ledger).await;
            teams?
        }
        None => Vec::new(),
    };
    if asked.json {
        let shown = teams.iter().map(|(team, standings)| {
            let mut shown = team_json(team);
            if let Some(fields) = shown.as_object_mut() {
                fields.insert("budgets".to_owned(), standings_json(standings));
            }
            shown
        });
        say(&format!("{:#}\n", json!({ "teams": shown.collect::<Vec<Value>>() })));
    } else if teams.is_empty() {
        say("no teams: make one with `magic-proxy teams create NAME`\n");
    } else {
        let rows: Vec<Vec<String>> =
            teams.iter().map(|(team, _)| vec![team.name.to_string(), grants_text(&team.grants)]).collect();
        say(&table(&["team", "may"], &rows));
    }
    Ok(())
}
