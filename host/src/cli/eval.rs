//! The verb `eval`: asks a data set of several aliases over HTTP, as any client would, and prints how they compare.
//! Judges nothing itself: `magic-eval` does.
mod client;
mod fingerprint;
mod line;
mod progress;
mod run;
mod transcript;

use super::{Paths, Places, StartError, say};
use crate::app::Gateway;
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use client::Client;
use magic_eval::{Form, Item, Measured};
use run::{Asking, End};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use transcript::{Head, Transcript};

/// Measure aliases with a data set: accuracy with its 95 % interval, the paired difference to a control with McNemar's
/// exact p, calls, tokens, latency and cost.
///
/// Every answer is kept in OUT/<alias>.jsonl as soon as it is there. The same command goes on where it was stopped, and
/// asks again what ended with an error. Formats, checkers and statistics: docs/EVAL.md.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:\n  \
    magic-proxy eval eval/arithmetic.jsonl --alias local --alias local-react --temperature 0\n  \
    magic-proxy eval my.jsonl --base https://api.example.com/v1 --api-key-env EXAMPLE_KEY --alias small --alias large\n  \
    magic-proxy eval generate --kind words --count 50 --seed 7 > words-7.jsonl\n\n\
    Exit codes: 0 every item is answered, 1 stopped or some items failed, 2 the data set or the usage is not good.")]
pub(super) struct Eval {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Verb {
    /// Print a data set of questions whose answers were computed: the same for the same seed.
    Generate(Generate),
}

#[derive(Args)]
struct Generate {
    /// What is asked: bare expressions, or problems in words.
    #[arg(long, value_enum)]
    kind: Kind,
    /// How many questions, none twice.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Another seed gives other questions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Arithmetic,
    Words,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Markdown,
    Json,
}

#[derive(Args)]
struct Measure {
    /// The data set: one JSON object a line, with `question` or `messages`, `answer` and `checker`.
    #[arg(value_name = "DATA.jsonl", required = true)]
    set: Option<PathBuf>,
    /// What to ask; may be given several times.
    #[arg(long = "alias", value_name = "ALIAS", required = true)]
    aliases: Vec<String>,
    /// What the others are compared with; the first alias unless given.
    #[arg(long, value_name = "ALIAS")]
    control: Option<String>,
    /// An OpenAI-compatible server to ask, such as http://127.0.0.1:8001/v1. Without it a gateway of our own is started
    /// with the config and the folders below, on a free port, for as long as this takes.
    #[arg(long, value_name = "URL", help_heading = "Whom to ask")]
    base: Option<String>,
    /// The environment variable that holds the server's key.
    #[arg(long, value_name = "NAME", requires = "base", help_heading = "Whom to ask")]
    api_key_env: Option<String>,
    /// Only the first so many items.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// How many questions are under way at once, over all aliases.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    parallel: u16,
    /// How long one answer may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Folder for the transcripts, one file an alias [default: eval/<name of the data set> in the data folder].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten, next_help_heading = "Sent with every question")]
    settings: Settings,
    #[command(flatten, next_help_heading = "The gateway of our own")]
    places: Places,
}

/// What is sent along with every question. A transcript is bound to it.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    /// A system message before everything else.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// A paragraph at the end of every question.
    #[arg(long, value_name = "TEXT")]
    prompt_suffix: Option<String>,
    /// 0 makes most models repeatable; the alias' own unless given.
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,
    /// Where an answer is cut off; the alias' own unless given.
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// For servers that can repeat themselves.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

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
        let client = Client::new(base, key, Duration::from_secs(measure.timeout))?;
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
    Ok(Data { items, digest: hex(Sha256::digest(text.as_bytes()).as_slice()) })
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Kind, Format ===

impl From<Kind> for magic_eval::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Arithmetic => Self::Arithmetic,
            Kind::Words => Self::Words,
        }
    }
}

impl From<Format> for Form {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Text,
            Format::Markdown => Self::Markdown,
            Format::Json => Self::Json,
        }
    }
}
