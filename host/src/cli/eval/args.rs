//! What `eval` can be told on the command line. Values only.
use crate::cli::Places;
use clap::{Args, Subcommand, ValueEnum};
use magic_eval::Form;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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
pub(in crate::cli) struct Eval {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    #[command(flatten)]
    pub(super) measure: Measure,
}

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Print a data set of questions whose answers were computed: the same for the same seed.
    Generate(Generate),
}

#[derive(Args)]
pub(super) struct Generate {
    /// What is asked: bare expressions, or problems in words.
    #[arg(long, value_enum)]
    pub(super) kind: Kind,
    /// How many questions, none twice.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) count: u32,
    /// Another seed gives other questions.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    Arithmetic,
    Words,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Table,
    Markdown,
    Json,
}

#[derive(Args)]
pub(super) struct Measure {
    /// The data set: one JSON object a line, with `question` or `messages`, `answer` and `checker`.
    #[arg(value_name = "DATA.jsonl", required = true)]
    pub(super) set: Option<PathBuf>,
    /// What to ask; may be given several times.
    #[arg(long = "alias", value_name = "ALIAS", required = true)]
    pub(super) aliases: Vec<String>,
    /// What the others are compared with; the first alias unless given.
    #[arg(long, value_name = "ALIAS")]
    pub(super) control: Option<String>,
    /// An OpenAI-compatible server to ask, such as http://127.0.0.1:8001/v1. Without it a gateway of our own is started
    /// with the config and the folders below, on a free port, for as long as this takes.
    #[arg(long, value_name = "URL", help_heading = "Whom to ask")]
    pub(super) base: Option<String>,
    /// The environment variable that holds the server's key.
    #[arg(long, value_name = "NAME", requires = "base", help_heading = "Whom to ask")]
    pub(super) api_key_env: Option<String>,
    /// Only the first so many items.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: Option<u32>,
    /// How many questions are under way at once, over all aliases.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) parallel: u16,
    /// How long one answer may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) timeout: u64,
    /// Folder for the transcripts, one file an alias [default: eval/<name of the data set> in the data folder].
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "table")]
    pub(super) format: Format,
    #[command(flatten, next_help_heading = "Sent with every question")]
    pub(super) settings: Settings,
    #[command(flatten, next_help_heading = "The gateway of our own")]
    pub(super) places: Places,
}

/// What is sent along with every question. A transcript is bound to it.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// A system message before everything else.
    #[arg(long, value_name = "TEXT")]
    pub(super) system: Option<String>,
    /// A paragraph at the end of every question.
    #[arg(long, value_name = "TEXT")]
    pub(super) prompt_suffix: Option<String>,
    /// 0 makes most models repeatable; the alias' own unless given.
    #[arg(long, value_name = "T")]
    pub(super) temperature: Option<f64>,
    /// Where an answer is cut off; the alias' own unless given.
    #[arg(long, value_name = "N")]
    pub(super) max_tokens: Option<u32>,
    /// For servers that can repeat themselves.
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
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
