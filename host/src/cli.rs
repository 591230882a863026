//! The command line: what was asked, as values, and how it ended, as an exit code (0 done, 1 failed, 2 bad config or usage).
mod eval;
mod grants;
mod import;
mod keys;
mod replay;
mod teams;
mod usage;
mod virtual_keys;

use crate::app::{self, Door, Gateway, Paths, StartError};
use crate::telemetry::{self, Format};
use clap::{Args, Parser, Subcommand};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How long work that cannot be interrupted is waited for at the end.
const LEFTOVERS_MAX: Duration = Duration::from_secs(1);

/// An OpenAI-compatible gateway that makes models think.
#[derive(Parser)]
#[command(name = "magic-proxy", version, about, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve (the default).
    Serve(Serve),
    /// Check the config and every component, print all problems, and serve nothing.
    Check(Places),
    /// Print every key by its id and how it stands, by the files alone: no gateway need run.
    Keys(keys::Keys),
    Eval(Box<eval::Eval>),
    /// Another gateway's config as ours, with a report of what became of each field.
    Import(import::Imports),
    /// Run sessions again from the data folder, without any model, and say whether they decide and say the same.
    Replay(replay::Replay),
    /// What clients of ours authenticate with: make, list, change and end virtual keys.
    VirtualKeys(virtual_keys::VirtualKeys),
    /// What bounds several virtual keys together.
    Teams(teams::Teams),
    Usage(usage::Usage),
}

#[derive(Args)]
struct Serve {
    /// Address and port to listen on.
    #[arg(long, env = "MAGIC_PROXY_LISTEN", default_value = "127.0.0.1:8001")]
    listen: SocketAddr,
    /// Serve models, and nothing else, to whoever shows no virtual key. Without it a gateway that listens beyond loopback wants a
    /// virtual key from everybody, and does not start while there is none.
    #[arg(long, env = "MAGIC_PROXY_ALLOW_ANONYMOUS")]
    allow_anonymous: bool,
    /// How log lines look on standard error; RUST_LOG chooses which.
    #[arg(long, env = "MAGIC_PROXY_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: Format,
    #[command(flatten)]
    places: Places,
}

#[derive(Args)]
struct Places {
    /// The config file; what it references lies beside it.
    #[arg(long, env = "MAGIC_PROXY_CONFIG", default_value = "proxy_config.yaml")]
    config: PathBuf,
    /// Folder of pattern components, watched.
    #[arg(long, env = "MAGIC_PROXY_PATTERNS", default_value = "patterns")]
    patterns: PathBuf,
    /// Folder of tool components and their policies, watched.
    #[arg(long, env = "MAGIC_PROXY_TOOLS", default_value = "tools")]
    tools: PathBuf,
    /// Folder for the store (`magic.db`) and the compile cache.
    #[arg(long, env = "MAGIC_PROXY_DATA", default_value = "data")]
    data: PathBuf,
    /// Folder of `keys_pool_<provider>.env` files, watched.
    #[arg(long, env = "MAGIC_PROXY_KEYS", default_value = "keys_pool")]
    keys: PathBuf,
    /// Folder of `<component>.env` files with secrets for components, watched.
    #[arg(long, env = "MAGIC_PROXY_ENV", default_value = "env")]
    env: PathBuf,
}

impl From<Places> for Paths {
    fn from(places: Places) -> Self {
        let Places { config, patterns, tools, data, keys, env } = places;
        Self { config, patterns, tools, data, keys, env }
    }
}

/// Does what the process' arguments say.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&StartError::Other(error.into())),
    };
    let result = match cli.verb {
        Some(Verb::Check(places)) => runtime.block_on(check(places.into())),
        Some(Verb::Keys(keys)) => keys::show(keys),
        Some(Verb::Import(imports)) => import::run(imports),
        Some(Verb::Eval(eval)) => runtime.block_on(Box::pin(eval::run(*eval))),
        Some(Verb::Replay(replay)) => runtime.block_on(Box::pin(replay::run(replay))),
        Some(Verb::VirtualKeys(asked)) => runtime.block_on(Box::pin(virtual_keys::run(asked))),
        Some(Verb::Teams(asked)) => runtime.block_on(Box::pin(teams::run(asked))),
        Some(Verb::Usage(asked)) => runtime.block_on(Box::pin(usage::run(asked))),
        Some(Verb::Serve(serve)) => runtime.block_on(self::serve(serve)),
        None => runtime.block_on(self::serve(cli.serve)),
    };
    // A compile or a file of a hung folder cannot be interrupted; the process ends without them.
    runtime.shutdown_timeout(LEFTOVERS_MAX);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn check(paths: Paths) -> Result<(), StartError> {
    let config = paths.config.clone();
    let summary = app::check(paths).await?;
    say(&format!("{} is good: {summary}\n", config.display()));
    Ok(())
}

async fn serve(serve: Serve) -> Result<(), StartError> {
    let _logs = telemetry::start(serve.log_format);
    let door = Door { listen: serve.listen, allow_anonymous: serve.allow_anonymous };
    let gateway = Gateway::start(serve.places.into(), door).await?;
    if serve.allow_anonymous && !gateway.address().ip().is_loopback() {
        tracing::warn!("--allow-anonymous: whoever can reach {} can use every alias", gateway.address());
    }
    say(&greeting(&gateway));
    stop_signal().await;
    tracing::info!("stopping: answers in flight may finish");
    if !gateway.stop().await {
        tracing::warn!("some requests did not finish in time (`server_settings.drain_seconds`)");
    }
    Ok(())
}

fn greeting(gateway: &Gateway) -> String {
    let base = gateway.base();
    let aliases = gateway.aliases();
    let (patterns, tools) = gateway.components();
    let shown = |name: &(String, bool)| if name.1 { format!("{} (reasons)", name.0) } else { name.0.clone() };
    let listed = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let names: Vec<String> = aliases.iter().map(shown).collect();
    let problems: String = gateway.problems().iter().map(|problem| format!("  problem   {problem}\n")).collect();
    let example = aliases.iter().find(|(_, reasons)| *reasons).or_else(|| aliases.first()).map_or_else(
        || "  No alias has a usable key yet: fill keys_pool/ or set a vendor's key, e.g. OPENAI_API_KEY.\n".to_owned(),
        |(alias, _)| curl(&base, alias),
    );
    format!(
        "\nMagic Proxy serves {base}\n  page      {base}/\n  aliases   {}\n  patterns  {}\n  tools     {}\n{problems}\n{example}\n",
        listed(&names),
        listed(&patterns),
        listed(&tools),
    )
}

fn curl(base: &str, alias: &str) -> String {
    format!(
        "Try it:\n  curl -N {base}/v1/chat/completions -H 'content-type: application/json' \\\n    -d '{{\"model\": \
         \"{alias}\", \"stream\": true, \"messages\": [{{\"role\": \"user\", \"content\": \"What is 17 * 23?\"}}]}}'\n"
    )
}

async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = interrupted => {}
        () = terminated => {}
    }
}

fn failed(error: &StartError) -> ExitCode {
    let (text, code) = match error {
        StartError::Config(problems) => {
            let list: String = problems.iter().map(|problem| format!("  {problem}\n")).collect();
            let noun = if problems.len() == 1 { "problem" } else { "problems" };
            (format!("{} {noun}:\n{list}", problems.len()), 2)
        }
        StartError::Other(error) => (format!("error: failed to {error:#}\n"), 1),
    };
    // Nothing is left to be done when standard error is closed.
    let _written = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}

fn say(text: &str) {
    // A closed standard output is the reader's choice.
    let _written = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
