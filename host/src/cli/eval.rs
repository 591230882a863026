//! The verb `eval`: asks a data set of several aliases over HTTP, as any client would, and prints how they compare.
//! Judges nothing itself: `magic-eval` does.
mod args;
mod client;
mod fingerprint;
mod line;
mod progress;
mod run;
mod transcript;

use super::{Paths, Places, StartError, say};
use crate::app::Gateway;
use anyhow::{Context as _, anyhow};
pub(super) use args::Eval;
use args::{Generate, Measure, Settings, Verb};
use client::Client;
use magic_eval::{Form, Item, Measured};
use magic_types::Digest;
use run::{Asking, End};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use transcript::{Head, Transcript};

/// A data set as it was read.
struct Data {
    items: Vec<Item>,
    digest: String,
}

pub(super) async fn run(eval: Eval) -> Result<(), StartError> {
    match eval.verb {
        Some(Verb::Generate(Generate { kind, count, seed })) => {
            say(&magic_eval::generate(kind.into(), count as usize, seed));
            Ok(())
        }
        None => measure(eval.measure).await,
    }
}

async fn measure(measure: Measure) -> Result<(), StartError> {
    let aliases = aliases(&measure)?;
    let data = data(measure.set.as_deref().unwrap_or_else(|| Path::new("")), measure.limit)?;
    let key = measure.api_key_env.as_deref().map(client::key).transpose().map_err(usage)?;
    let gateway = match measure.base {
        Some(_) => None,
        None => {
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            Some(Box::pin(Gateway::start(paths(&measure), listen)).await?)
        }
    };
    let own = gateway.as_ref().map(|gateway| format!("http://{}/v1", gateway.address()));
    let base = measure.base.as_deref().or(own.as_deref()).unwrap_or_default();
    let result = async {
        let client = Client::new(base, key, Duration::from_secs(measure.timeout)).map_err(usage)?;
        let asked = known(&client, &aliases).await?;
        let transcripts = transcripts(&measure, &aliases, &data, gateway.as_ref())?;
        let asking = Asking { client, settings: measure.settings.clone(), reasoning: asked };
        let parallel = usize::from(measure.parallel);
        let ended = run::run(&asking, &data.items, transcripts, parallel, super::stop_signal()).await?;
        told(&measure, &aliases, &data, ended)
    };
    let result = result.await;
    if let Some(gateway) = gateway {
        gateway.stop().await;
    }
    result
}

/// Prints the table of what there is, and says what is missing.
fn told(measure: &Measure, aliases: &[String], data: &Data, ended: run::Ended) -> Result<(), StartError> {
    let run::Ended { end, transcripts } = ended;
    let outcomes =
        |transcript: &Transcript| data.items.iter().filter_map(|item| transcript.outcome(&item.id)).collect::<Vec<_>>();
    let measured: Vec<Measured> = aliases
        .iter()
        .zip(&transcripts)
        .map(|(alias, transcript)| Measured { alias: alias.clone(), outcomes: outcomes(transcript) })
        .collect();
    let control = measure.control.as_ref().or_else(|| aliases.first()).map_or("", String::as_str);
    let rows = magic_eval::rows(&measured, control);
    say(&Form::from(measure.format).show(&rows, control));
    let cached: usize = transcripts.iter().map(Transcript::cached).sum();
    if cached > 0 {
        progress::tell(&format!(
            "note: {cached} answers came from the gateway's cache (`cache_settings`): their latency is not the model's\n"
        ));
    }
    let (answered, errors) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.answered, sum.1 + row.errors));
    let of = data.items.len() * aliases.len();
    match end {
        End::Stopped => {
            Err(anyhow!("finish: stopped after {answered} of {of}: the same command goes on from there").into())
        }
        End::Hopeless(why) => {
            Err(anyhow!("go on: {why}; what was answered is kept, and the same command goes on").into())
        }
        End::Done if errors > 0 => {
            let last = transcripts.iter().find_map(Transcript::last_error).unwrap_or_default();
            Err(anyhow!(
                "get an answer to {errors} of {of} questions (such as: {last}): the same command asks only those again"
            )
            .into())
        }
        End::Done => Ok(()),
    }
}

/// The control among them, none twice.
fn aliases(measure: &Measure) -> Result<Vec<String>, StartError> {
    let mut seen = HashSet::new();
    if let Some(twice) = measure.aliases.iter().find(|alias| !seen.insert(*alias)) {
        return Err(usage(format!("--alias {twice} is given twice: once is enough")));
    }
    let missing = measure.control.iter().filter(|control| !measure.aliases.contains(control));
    Ok(missing.chain(&measure.aliases).cloned().collect())
}

fn data(file: &Path, limit: Option<u32>) -> Result<Data, StartError> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| usage(format!("{shown}: {error}")))?;
    let mut items = magic_eval::read(&text).map_err(|lines| {
        StartError::Config(lines.iter().map(|bad| format!("{shown}:{}: {}", bad.number, bad.why)).collect())
    })?;
    items.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    Ok(Data { items, digest: Digest(Sha256::digest(text.as_bytes()).into()).to_string() })
}

/// Those of the aliases that reason.
async fn known(client: &Client, aliases: &[String]) -> Result<HashSet<String>, StartError> {
    let served = client.models().await?;
    let unknown = |alias: &&String| served.as_ref().is_some_and(|served| !served.contains(*alias));
    let problems: Vec<String> = aliases
        .iter()
        .filter(unknown)
        .map(|alias| {
            let served = served.as_deref().unwrap_or_default().join(", ");
            format!("--alias {alias}: not served (served: {served}); an alias without a usable key is not either")
        })
        .collect();
    if problems.is_empty() { Ok(client.reasoning().await) } else { Err(StartError::Config(problems)) }
}

fn transcripts(
    measure: &Measure,
    aliases: &[String],
    data: &Data,
    gateway: Option<&Gateway>,
) -> Result<Vec<Transcript>, StartError> {
    let folder = measure.out.clone().unwrap_or_else(|| {
        let name = measure.set.as_deref().and_then(Path::file_stem).unwrap_or_default();
        measure.places.data.join("eval").join(name)
    });
    std::fs::create_dir_all(&folder).with_context(|| format!("create {} (--out)", folder.display()))?;
    let (mut open, mut problems) = (Vec::new(), Vec::new());
    for alias in aliases {
        let head = Head {
            alias: alias.clone(),
            data: data.digest.clone(),
            base: measure.base.clone(),
            settings: measure.settings.clone(),
            fingerprint: gateway.and_then(|gateway| fingerprint::of(&gateway.snapshot(), alias)),
        };
        match Transcript::open(&folder, head) {
            Ok(transcript) => open.push(transcript),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(open) } else { Err(StartError::Config(problems)) }
}

fn paths(measure: &Measure) -> Paths {
    let Places { config, patterns, tools, data, keys, env } = &measure.places;
    let [config, patterns, tools, data, keys, env] = [config, patterns, tools, data, keys, env].map(Clone::clone);
    Paths { config, patterns, tools, data, keys, env }
}

/// Ends with exit code 2.
fn usage(problem: String) -> StartError {
    StartError::Config(vec![problem])
}
