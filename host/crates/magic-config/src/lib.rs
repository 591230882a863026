//! `proxy_config.yaml` as checked values: text and environment in, [`Config`] or every [`Problem`] at once out.
//! Reads no file, no environment and no clock: the host hands in the text and an [`Env`].
//!
//! Reading order: `config`, `profile`, `provider`, `strategy`, `telemetry` and `agent` (what comes out), `prices` (what well-known models cost), `backend` (what `auto` means), `problem`, `env` (`${NAME}`), `yaml` (text to nodes),
//! `walk` (nodes with a path, and the book of problems), `check` (nodes to [`Config`]), `defaults` (every default and
//! why), `components` (what can only be checked once components are loaded), `warnings`, `edit` (the text changed, its comments
//! kept).

mod agent;
mod backend;
mod check;
mod components;
mod config;
mod defaults;
mod delegation;
pub mod edit;
mod env;
mod listener;
mod prices;
mod problem;
mod profile;
mod provider;
mod strategy;
mod telemetry;
mod walk;
mod warnings;
mod yaml;

pub use agent::{AgentSettings, ToolChoice, ToolProtocol};
pub use config::{
    Alias, BreakerSettings, CacheRule, CacheSettings, CacheStore, Config, HedgingSettings, KeyManagementSettings,
    ServerSettings, StreamingSettings, TimeoutSettings, TypewriterMode,
};
pub use env::Env;
pub use listener::{ListenerSettings, TlsSettings};
pub use prices::PRICES_AS_OF;
pub use problem::Problem;
pub use profile::{DialectName, Price, Profile};
pub use provider::Provider;
pub use strategy::{Capabilities, Strategy, Tier};
pub use telemetry::{OtlpHeader, OtlpSettings, TelemetrySettings};

/// Reads and checks the whole file. On failure every problem that could be found is there, section by section; only text
/// that is not YAML at all stops at its first error. Never panics, whatever the text.
pub fn parse(text: &str, env: &dyn Env) -> Result<Config, Vec<Problem>> {
    let root = yaml::read(text).map_err(|problem| vec![problem])?;
    let book = walk::Book::new(env);
    let config = check::config(&book, &root);
    match (config, book.close()) {
        (Some(config), problems) if problems.is_empty() => match delegation::problems(&config) {
            circles if circles.is_empty() => Ok(config),
            circles => Err(circles),
        },
        (_, problems) => Err(problems),
    }
}

#[cfg(test)]
mod tests;
