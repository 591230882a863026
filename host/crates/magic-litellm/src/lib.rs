//! LiteLLM's `config.yaml` to our `proxy_config.yaml`: text in, text and a graded report out. Reads no file, no environment
//! and no clock, and asks nobody.
//!
//! Reading order: `report` (what is said of each field), `yaml` (text to nodes that know their fields), `vendors` (who is
//! behind a model), `wildcards`, `deployment` (an entry of `model_list` to a profile), `params` (its parameters, prices and times),
//! `secrets` (variables and keys), `groups` (names to aliases), `fallbacks`, `settings` and `sections` (the rest of the file),
//! `clients` (budgets and limits as commands), `emit` (profiles and aliases to text).

mod clients;
mod deployment;
mod emit;
mod fallbacks;
mod groups;
mod params;
mod report;
mod secrets;
mod sections;
mod settings;
mod vendors;
mod wildcards;
mod yaml;

pub use report::{Grade, Line, Report};

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read it as YAML: {0}")]
    Yaml(String),
    #[error("read it as LiteLLM's config: expected a mapping with `model_list`, found {0}")]
    Shape(&'static str),
}

/// What came out.
#[derive(Debug)]
pub struct Import {
    /// `proxy_config.yaml`; or why there is none that could serve.
    pub config: Result<String, String>,
    /// What became of each field of the input.
    pub report: Report,
    /// The variables that the config needs, each with a value that its place would take.
    pub variables: Vec<(String, &'static str)>,
}

/// Reads LiteLLM's file and says what becomes of every field of it. Fails only where the text is no config at all.
pub fn import(text: &str) -> Result<Import, Error> {
    let (root, paths) = yaml::read(text)?;
    if !matches!(root.kind, yaml::Kind::Map(_)) {
        return Err(Error::Shape(root.describe()));
    }
    let mut work = Work { book: report::Book::new(paths), variables: secrets::Variables::default() };
    let mut draft = emit::Draft::default();
    settings::read(&root, &mut work, &mut draft);
    let deployments = deployment::read(&root, &mut work, &mut draft);
    groups::read(&root, deployments, &mut work, &mut draft);
    fallbacks::read(&root, &mut work, &mut draft);
    settings::cache(&root, &mut work, &mut draft);
    sections::read(&root, &mut work);
    let config = if draft.profiles.is_empty() { Err(no_profile(&root)) } else { Ok(emit::text(&draft)) };
    let variables = work.variables.close(config.as_deref().ok());
    Ok(Import { config, report: work.book.close(), variables })
}

fn no_profile(root: &yaml::Node) -> String {
    match root.get("model_list").map_or(0, |list| list.items().len()) {
        0 => "the file has no model_list: where models are kept in LiteLLM's database, write them into a file first"
            .to_owned(),
        count => format!("none of the {count} entries of model_list can be served here; the report says why of each"),
    }
}

/// What all of them write into.
struct Work {
    book: report::Book,
    variables: secrets::Variables,
}

#[cfg(test)]
mod tests;
