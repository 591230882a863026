//! The verb `virtual-keys`: what clients of ours authenticate with, made and changed in the file, whether or not a gateway
//! runs on it. A secret is printed once, where it is made.
use super::grants::{Bound, GrantArgs, Place, close, done, grants_text, table};
use super::{StartError, say};
use crate::accounts::{Actor, Ledger, Patch, expiry_ms, key_json, time_text, unix_ms};
use crate::app::wall_clock;
use clap::{Args, Subcommand};
use magic_access::{Scope, TeamName, VirtualKey, VirtualKeyId, duration_ms};
use magic_types::Secret;
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::Duration;

#[derive(Args)]
pub(super) struct VirtualKeys {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a key and print its secret, this once.
    Create(Create),
    /// Print all keys.
    List(List),
    /// Give a key a new secret, and print it this once.
    Rotate(Rotate),
    /// End a key, at once and for good.
    Revoke(Revoke),
    /// Change what a key is called or may do; what is not given stays.
    Update(Update),
}

#[derive(Args)]
struct Create {
    /// What people call it.
    #[arg(long)]
    name: String,
    #[arg(long, value_parser = TeamName::parse)]
    team: Option<TeamName>,
    /// user, viewer, operator or admin: each may do all that those before it may.
    #[arg(long, default_value = "user", value_parser = Scope::parse)]
    scope: Scope,
    /// `30d` from now, or a moment like 2027-01-31T00:00:00Z.
    #[arg(long)]
    expires: Option<String>,
    #[command(flatten)]
    grants: GrantArgs,
    /// As JSON, for machines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct List {
    /// As JSON, for machines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Rotate {
    /// The key's id (`vk_...`).
    id: String,
    /// How long the old secret stays good.
    #[arg(long, default_value = "0s", value_parser = duration_ms)]
    grace: u64,
    /// As JSON, for machines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Revoke {
    /// The key's id (`vk_...`).
    id: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Update {
    /// The key's id (`vk_...`).
    id: String,
    #[arg(long)]
    name: Option<String>,
    #[arg(long, value_parser = TeamName::parse, conflicts_with = "no_team")]
    team: Option<TeamName>,
    #[arg(long)]
    no_team: bool,
    #[arg(long, value_parser = Scope::parse)]
    scope: Option<Scope>,
    /// `30d` from now, or a moment like 2027-01-31T00:00:00Z.
    #[arg(long, conflicts_with = "never_expires")]
    expires: Option<String>,
    #[arg(long)]
    never_expires: bool,
    #[command(flatten)]
    grants: GrantArgs,
    /// A bound to take away; may be given more than once.
    #[arg(long, value_enum, value_name = "BOUND")]
    clear: Vec<Bound>,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(asked: VirtualKeys) -> Result<(), StartError> {
    match asked.verb {
        Verb::Create(asked) => create(asked).await?,
        Verb::List(asked) => list(asked).await?,
        Verb::Rotate(asked) => rotate(asked).await?,
        Verb::Revoke(asked) => revoke(asked).await?,
        Verb::Update(asked) => update(asked).await?,
    }
    Ok(())
}

async fn create(asked: Create) -> anyhow::Result<()> {
    let now = wall_clock();
    let expires = asked.expires.map(|text| expiry_ms(&text, unix_ms(now))).transpose();
    let patch = Patch {
        name: Some(asked.name),
        team: Some(asked.team),
        scope: Some(asked.scope),
        expires_ms: Some(done(expires, "read --expires")?),
        grants: asked.grants.patch(&[])?,
    };
    let create = async |ledger: &Ledger| ledger.create_key(patch, cli(), now).await;
    let (key, secret) = asked.place.change("create the virtual key", create).await?;
    show_once(&key, &secret, asked.json);
    Ok(())
}

async fn rotate(asked: Rotate) -> anyhow::Result<()> {
    let (id, grace) = (VirtualKeyId::new(asked.id), Duration::from_millis(asked.grace));
    let rotate = async |ledger: &Ledger| ledger.rotate_key(id, grace, cli(), wall_clock()).await;
    let (key, secret) = asked.place.change("rotate the virtual key", rotate).await?;
    show_once(&key, &secret, asked.json);
    Ok(())
}

async fn revoke(asked: Revoke) -> anyhow::Result<()> {
    let id = VirtualKeyId::new(asked.id);
    let revoke = async |ledger: &Ledger| ledger.revoke_key(id, cli(), wall_clock()).await;
    let key = asked.place.change("revoke the virtual key", revoke).await?;
    say(&format!("{} ({}) is revoked\n", key.id, key.name));
    Ok(())
}

async fn update(asked: Update) -> anyhow::Result<()> {
    let now = wall_clock();
    let expires = asked.expires.map(|text| expiry_ms(&text, unix_ms(now))).transpose();
    let patch = Patch {
        name: asked.name,
        team: if asked.no_team { Some(None) } else { asked.team.map(Some) },
        scope: asked.scope,
        expires_ms: if asked.never_expires { Some(None) } else { done(expires, "read --expires")?.map(Some) },
        grants: asked.grants.patch(&asked.clear)?,
    };
    let id = VirtualKeyId::new(asked.id);
    let update = async |ledger: &Ledger| ledger.update_key(id, patch, cli(), now).await;
    let key = asked.place.change("update the virtual key", update).await?;
    say(&format!("{:#}\n", key_json(&key, unix_ms(now))));
    Ok(())
}

async fn list(asked: List) -> anyhow::Result<()> {
    let now_ms = unix_ms(wall_clock());
    let keys = match asked.place.look()? {
        Some(ledger) => all(ledger).await?,
        None => Vec::new(),
    };
    if asked.json {
        let keys: Vec<Value> = keys.iter().map(|key| key_json(key, now_ms)).collect();
        say(&format!("{:#}\n", json!({ "virtual_keys": keys })));
    } else if keys.is_empty() {
        say("no virtual keys: make one with `magic-proxy virtual-keys create --name NAME`\n");
    } else {
        let rows: Vec<Vec<String>> = keys.iter().map(|key| row(key, now_ms)).collect();
        say(&table(&["id", "name", "team", "scope", "standing", "expires", "may"], &rows));
    }
    Ok(())
}

async fn all(ledger: Ledger) -> anyhow::Result<Vec<VirtualKey>> {
    let keys = done(ledger.keys().await, "list the virtual keys");
    close(ledger).await;
    keys
}

fn row(key: &VirtualKey, now_ms: u64) -> Vec<String> {
    vec![
        key.id.to_string(),
        key.name.clone(),
        key.team.as_ref().map_or_else(|| "-".to_owned(), TeamName::to_string),
        key.scope.to_string(),
        key.standing(now_ms).as_str().to_owned(),
        key.expires_ms.map_or_else(|| "never".to_owned(), time_text),
        grants_text(&key.grants),
    ]
}

/// The secret alone on standard output, so that it can be caught in a variable; what it is of on the other.
fn show_once(key: &VirtualKey, secret: &Secret, as_json: bool) {
    if as_json {
        let mut shown = key_json(key, unix_ms(wall_clock()));
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("secret".to_owned(), secret.expose().into());
        }
        return say(&format!("{shown:#}\n"));
    }
    let text = format!("{} ({}): this is its secret, which is shown this once and kept nowhere\n", key.id, key.name);
    // A closed standard error is the reader's choice.
    let _written = std::io::stderr().write_all(text.as_bytes());
    say(secret.expose());
    say("\n");
}

/// Whoever may write the file may do anything with it.
pub(super) fn cli() -> Actor {
    Actor { who: "cli".to_owned(), scope: Scope::Admin }
}
