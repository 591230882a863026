//! The verb `import`: another gateway's config as ours, and a report of what became of each of its fields. Needs no running
//! gateway, asks nobody, and writes over nothing unless told to.
use super::{StartError, say};
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use magic_litellm::{Grade, Import};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct Imports {
    #[command(subcommand)]
    from: From,
}

#[derive(Subcommand)]
enum From {
    /// LiteLLM's `config.yaml`. docs/IMPORT.md says what becomes of each field.
    Litellm(Litellm),
}

#[derive(Args)]
struct Litellm {
    /// LiteLLM's config; `-` is standard input.
    file: PathBuf,
    /// Where the config is written; `-` is standard output, and then the report goes to standard error.
    #[arg(long, default_value = "proxy_config.yaml")]
    output: PathBuf,
    /// Where the report is written as well.
    #[arg(long)]
    report: Option<PathBuf>,
    /// The report as JSON, for machines.
    #[arg(long)]
    json: bool,
    /// Write over files that are there.
    #[arg(long)]
    force: bool,
    /// Fail when something is left to do by hand, or is not supported.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(imports: Imports) -> Result<(), StartError> {
    let From::Litellm(asked) = imports.from;
    let text = read(&asked.file).map_err(|error| bad_input(&asked.file, &format!("read it: {error}")))?;
    let import = magic_litellm::import(&text).map_err(|error| bad_input(&asked.file, &error.to_string()))?;
    finish(&asked, import)
}

fn finish(asked: &Litellm, mut import: Import) -> Result<(), StartError> {
    import.config = import.config.and_then(|config| check(&config, &import.variables).map(|()| config));
    let report = if asked.json { format!("{:#}\n", as_json(&import)) } else { as_text(&import) };
    if asked.report.as_ref().is_some_and(|report| is_same(report, &asked.output)) {
        let same = asked.output.display();
        return Err(anyhow!("write config and report to {same}: give --report and --output a file each").into());
    }
    let to_stdout = asked.output.as_os_str() == "-";
    if !asked.force {
        // Before anything is written: half of what was asked for would be in the way of the next try.
        let mut wanted = asked.report.iter().chain((!to_stdout && import.config.is_ok()).then_some(&asked.output));
        if let Some(path) = wanted.find(|path| path.exists()) {
            return Err(anyhow!("write {}: it is there already (--force writes over it)", path.display()).into());
        }
    }
    if let Ok(config) = &import.config {
        if to_stdout {
            say(config);
        } else {
            write(&asked.output, config, asked.force)?;
        }
    }
    if let Some(path) = &asked.report {
        write(path, &report, asked.force)?;
    }
    if to_stdout {
        // Nothing is left to be done when standard error is closed.
        let _written = std::io::stderr().write_all(report.as_bytes());
    } else {
        say(&report);
        if import.config.is_ok() && !asked.json {
            say(&format!("wrote {}\n", asked.output.display()));
        }
    }
    let left = import.report.count(Grade::Manual) + import.report.count(Grade::Unsupported);
    match import.config {
        Err(why) => Err(anyhow!("make a config that could serve: {why}").into()),
        Ok(_) if asked.strict && left > 0 => {
            Err(anyhow!("carry everything over: {left} fields are manual or unsupported").into())
        }
        Ok(_) => Ok(()),
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { fs::read_to_string(file) }
}

/// By our own check, as `magic-proxy check` would, but with placeholders for what the environment holds.
fn check(config: &str, variables: &[(String, &'static str)]) -> Result<(), String> {
    let value = |name: &str| {
        let known = variables.iter().find(|(variable, _)| variable == name);
        known.map(|(_, placeholder)| (*placeholder).to_owned())
    };
    magic_config::parse(config, &value).map(drop).map_err(|problems| {
        let list: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        format!("it does not pass our own check, which says of what came out:{list}")
    })
}

/// Whether both name one file, which need not be there yet.
fn is_same(one: &Path, other: &Path) -> bool {
    let full = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let named = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
        path.canonicalize().ok().or_else(named).unwrap_or_else(|| path.to_owned())
    };
    full(one) == full(other)
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), StartError> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let file = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    Ok(file.with_context(|| format!("write {}", path.display()))?)
}

fn bad_input(file: &Path, why: &str) -> StartError {
    StartError::Config(vec![format!("{}: failed to {why}", file.display())])
}

fn as_text(import: &Import) -> String {
    let mut text = import.report.table();
    match &import.config {
        Err(why) => text += &format!("no config came out: {why}\n"),
        Ok(_) => text += "the config passes `magic-proxy check` with placeholders for its variables\n",
    }
    if !import.variables.is_empty() {
        let names: Vec<&str> = import.variables.iter().map(|(name, _)| name.as_str()).collect();
        text += &format!("variables that it needs: {}\n", names.join(", "));
    }
    text
}

fn as_json(import: &Import) -> serde_json::Value {
    let counts = Grade::ALL.map(|grade| (grade.as_str().to_owned(), json!(import.report.count(grade))));
    let fields = import
        .report
        .lines
        .iter()
        .map(|line| json!({ "path": line.path, "grade": line.grade.as_str(), "text": line.text }));
    json!({
        "counts": serde_json::Map::from_iter(counts),
        "runnable": import.config.is_ok(),
        "why_not": import.config.as_ref().err(),
        "variables": import.variables.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "fields": fields.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
