//! From files to the parts of a snapshot, or every problem that is in the way. Changes nothing that is running.
use super::{Ground, Shelf};
use crate::app::Paths;
use crate::components::{Services, parse_secrets};
use crate::snapshot::Snapshot;
use crate::upstream::Route;
use magic_config::{Config, Problem, Provider};
use magic_plugins::{Components, Host};
use magic_routing::{KeySource, PoolName, own_keys, read_key_file};
use magic_types::{AliasName, Secret};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A snapshot but for its number.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) keys: Vec<(PoolName, Vec<KeySource>)>,
    /// For the log.
    pub(crate) summary: String,
    routes: HashMap<AliasName, Arc<Route>>,
    components: Components,
    services: Arc<dyn Host>,
    prompts: HashMap<String, String>,
}

impl Parts {
    /// The keys stay behind: they are reconciled, not published.
    pub(crate) fn into_snapshot(self, generation: u64) -> Snapshot {
        let Self { config, routes, components, services, prompts, keys: _, summary: _ } = self;
        Snapshot { generation, config, routes, components, services, prompts }
    }
}

/// # Errors
/// Every problem of the config and of what it references, each with its path and a hint.
pub(super) fn build(ground: &Ground, shelf: &Shelf) -> Result<Parts, Vec<String>> {
    let paths = &ground.paths;
    let text = std::fs::read_to_string(&paths.config)
        .map_err(|error| vec![format!("{}: {error} (name another file with --config)", paths.config.display())])?;
    let config = magic_config::parse(&text, &variable).map_err(|problems| shown(&problems))?;
    let (components, _) = shelf.components();
    let mut problems = shown(&check_components(&config, &components));
    let prompts = read_prompts(paths, &config, &mut problems);
    let routes = ground.upstream.routes(&config).map_err(|problem| problems.push(problem)).unwrap_or_default();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(parts(ground, Arc::new(config), routes, components, prompts))
}

/// The live config with the components and keys of now, for when the new config is bad. `None` where the live config
/// cannot be served with these components.
pub(super) fn keep(live: &Snapshot, shelf: &Shelf, ground: &Ground) -> Option<Parts> {
    let (components, _) = shelf.components();
    let config = Arc::clone(&live.config);
    check_components(&config, &components)
        .is_empty()
        .then(|| parts(ground, config, live.routes.clone(), components, live.prompts.clone()))
}

fn parts(
    ground: &Ground,
    config: Arc<Config>,
    routes: HashMap<AliasName, Arc<Route>>,
    components: Components,
    prompts: HashMap<String, String>,
) -> Parts {
    let patterns = components.patterns().count();
    let tools: usize = components.toolboxes().map(|owner| owner.tools().len()).sum();
    let summary = format!("{} aliases, {patterns} patterns, {tools} tools", config.aliases.len());
    let services = Arc::new(Services::new(Arc::clone(&ground.egress), read_secrets(&ground.paths)));
    let keys = read_keys(&ground.paths, &config);
    Parts { config, keys, summary, routes, components, services, prompts }
}

fn check_components(config: &Config, components: &Components) -> Vec<Problem> {
    let patterns: Vec<&str> = components.patterns().map(|pattern| pattern.name.as_str()).collect();
    let tools: Vec<&str> =
        components.toolboxes().flat_map(|owner| owner.tools().iter()).map(|tool| tool.name.as_str()).collect();
    config.check_components(&patterns, &tools)
}

fn read_prompts(paths: &Paths, config: &Config, problems: &mut Vec<String>) -> HashMap<String, String> {
    let mut prompts = HashMap::new();
    for file in config.referenced_files() {
        match std::fs::read_to_string(paths.beside_config(&file)) {
            Ok(text) => {
                prompts.insert(file, text);
            }
            Err(error) => problems.push(format!("{file}: {error} (the config names it as an instruction or manifest)")),
        }
    }
    prompts
}

/// Keys of `keys_pool/`, of the vendors' usual variables, and of the profiles themselves.
fn read_keys(paths: &Paths, config: &Config) -> Vec<(PoolName, Vec<KeySource>)> {
    let shared = Provider::ALL.into_iter().filter(|provider| provider.needs_key()).map(|provider| {
        let pool = PoolName::new(provider.pool_name());
        let mut keys = read_key_pool(&pool, &paths.keys.join(provider.keys_file()));
        let given = provider.key_variable().and_then(variable).filter(|key| !key.trim().is_empty());
        let own = given.map(|key| KeySource::new(&pool, Secret::new(key.trim().to_owned())));
        keys.extend(own.filter(|own| keys.iter().all(|key| key.id != own.id)).into_iter().collect::<Vec<_>>());
        (pool, keys)
    });
    shared.chain(own_keys(config)).collect()
}

fn read_key_pool(pool: &PoolName, file: &Path) -> Vec<KeySource> {
    let Ok(text) = std::fs::read_to_string(file) else { return Vec::new() };
    let (keys, bad) = read_key_file(pool, &text);
    for line in bad {
        tracing::warn!("{}: {line}", file.display());
    }
    keys
}

fn read_secrets(paths: &Paths) -> HashMap<String, crate::components::Secrets> {
    let files = super::files::list(&paths.env, "env").into_iter();
    let read = files.filter_map(|file| {
        let name = file.file_stem()?.to_str()?.to_owned();
        Some((name, parse_secrets(&std::fs::read_to_string(&file).ok()?)))
    });
    read.collect()
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[expect(clippy::disallowed_methods, reason = "the one reader of variables, handed to magic-config as its Env")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
