//! From files to the parts of a snapshot, or every problem that is in the way. Changes nothing that is running.
use super::Ground;
use super::edit::etag;
use super::files::{Found, list, stamps};
use super::shelf::{Chosen, Shelf};
use crate::app::Paths;
use crate::components::{Secrets, Services, parse_secrets};
use crate::server::read_tls;
use crate::snapshot::Snapshot;
use crate::upstream::Route;
use magic_config::{Config, Problem, Provider, TlsSettings};
use magic_plugins::{Components, Host};
use magic_routing::{KeySource, PoolName, own_keys, read_key_file};
use magic_types::{AliasName, KeyId, Secret};
use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A snapshot but for its number.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    /// `None`: the keys stay as they are.
    pub(super) keys: Option<Vec<(PoolName, Vec<KeySource>)>>,
    pub(super) chosen: Chosen,
    pub(super) warnings: Vec<String>,
    /// Of a config without a problem: what the listener is to speak.
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    routes: HashMap<AliasName, Arc<Route>>,
    services: Arc<dyn Host>,
    prompts: HashMap<String, String>,
}

impl Parts {
    /// For the log.
    pub(crate) fn summary(&self) -> String {
        let components = &self.chosen.components;
        let patterns = components.patterns().count();
        let tools: usize = components.toolboxes().map(|owner| owner.tools().len()).sum();
        format!("{} aliases, {patterns} patterns, {tools} tools", self.config.aliases.len())
    }

    /// The keys stay behind: they are reconciled, not published.
    pub(crate) fn into_snapshot(self, generation: u64) -> Snapshot {
        let Self { config, routes, chosen, services, prompts, keys: _, warnings: _, tls: _ } = self;
        Snapshot { generation, config, routes, components: chosen.components, services, prompts }
    }
}

/// What the texts say, read in one go.
pub(super) struct Texts {
    config: Option<Arc<Config>>,
    /// Of the config's text, where it could be read.
    pub(super) etag: Option<String>,
    prompts: HashMap<String, String>,
    /// `None` where a file of them could not be read: less keys than there are must not pass for all of them.
    credentials: Option<Credentials>,
    problems: Vec<String>,
    tls: Option<Arc<rustls::ServerConfig>>,
    /// The files of the prompts, and of certificates, there or not.
    pub(super) referenced: HashSet<PathBuf>,
    /// Those that are there, as they were before they were read.
    pub(super) found: Found,
}

struct Credentials {
    keys: Vec<(PoolName, Vec<KeySource>)>,
    secrets: HashMap<String, Secrets>,
    /// Lines of key files that hold no key.
    bad_lines: Vec<String>,
}

/// Of the config's file, or of a text that may come into it. Blocks.
pub(super) fn read(paths: &Paths, text: Option<String>) -> Texts {
    let mut problems = Vec::new();
    let text = text.map_or_else(|| config_text(&paths.config), Ok);
    let text = text.map_err(|bad| problems.push(bad)).ok();
    let etag = text.as_deref().map(etag);
    let config = text.and_then(|text| parse(&text).map_err(|bad| problems.extend(bad)).ok());
    let names = config.as_ref().map(Config::referenced_files).unwrap_or_default();
    let tls = config.as_ref().and_then(|config| config.server_settings.listener.tls.as_ref());
    let files = names.iter().map(String::as_str).chain(tls.into_iter().flat_map(TlsSettings::files));
    let referenced: HashSet<PathBuf> = files.map(|file| paths.beside_config(file)).collect();
    let found = stamps(referenced.iter().cloned());
    let prompts = read_prompts(paths, names, &mut problems);
    let credentials = read_credentials(paths).map_err(|problem| problems.push(problem)).ok();
    let tls = tls.and_then(|tls| read_tls(paths, tls).map_err(|problem| problems.push(problem)).ok());
    Texts { config: config.map(Arc::new), etag, prompts, credentials, problems, tls, referenced, found }
}

/// The keys that there are, by pool, for whoever looks from outside. Blocks.
///
/// # Errors
/// Every problem of the config, or the key file that could not be read.
pub(crate) fn key_ids(paths: &Paths) -> Result<Vec<(PoolName, Vec<KeyId>)>, Vec<String>> {
    let config = config_text(&paths.config).map_err(|problem| vec![problem]).and_then(|text| parse(&text))?;
    let credentials = read_credentials(paths).map_err(|problem| vec![problem])?;
    let ids = |keys: Vec<KeySource>| keys.into_iter().map(|key| key.id).collect();
    Ok(credentials.keys_with_those_of(&config).into_iter().map(|(pool, keys)| (pool, ids(keys))).collect())
}

/// # Errors
/// Every problem of the config and of what is read with it, each with its path and a hint.
pub(super) fn build(ground: &Ground, shelf: &Shelf, texts: &Texts) -> Result<Parts, Vec<String>> {
    let mut problems = texts.problems.clone();
    let Some(config) = texts.config.clone() else { return Err(problems) };
    let chosen = shelf.choose(&config);
    problems.extend(check_components(&config, &chosen.components));
    let has_keys = |pool: &PoolName| texts.credentials.as_ref().is_some_and(|credentials| credentials.has_keys(pool));
    let routes =
        ground.upstream.routes(&config, has_keys).map_err(|problem| problems.push(problem)).unwrap_or_default();
    let Some(credentials) = texts.credentials.as_ref().filter(|_| problems.is_empty()) else { return Err(problems) };
    let keys = Some(credentials.keys_with_those_of(&config));
    let services = credentials.services(ground);
    let prompts = texts.prompts.clone();
    let warnings = credentials.bad_lines.iter().cloned().chain(config.warnings()).collect();
    Ok(Parts { config, keys, chosen, warnings, tls: texts.tls.clone(), routes, services, prompts })
}

/// The live config with the components and credentials of now, for when the newest config is bad.
pub(super) fn keep(live: &Snapshot, ground: &Ground, shelf: &Shelf, texts: &Texts) -> Parts {
    let config = Arc::clone(&live.config);
    let credentials = texts.credentials.as_ref();
    Parts {
        keys: credentials.map(|found| found.keys_with_those_of(&config)),
        chosen: shelf.choose(&config),
        warnings: credentials.map(|found| found.bad_lines.clone()).unwrap_or_default(),
        tls: None,
        routes: live.routes.clone(),
        services: credentials.map_or_else(|| Arc::clone(&live.services), |found| found.services(ground)),
        prompts: live.prompts.clone(),
        config,
    }
}

/// What a start decides once and for all and the newest config has changed.
pub(super) fn waiting_for_restart(started: &Config, newest: &Config) -> Vec<String> {
    let telemetry = started.telemetry_settings != newest.telemetry_settings;
    let (started, newest) = (&started.server_settings, &newest.server_settings);
    let sizes = [
        ("connections_max", started.connections_max, newest.connections_max),
        ("header_bytes_max", started.listener.header_bytes_max, newest.listener.header_bytes_max),
        (
            "connections_per_address_max",
            started.listener.connections_per_address_max.unwrap_or_default(),
            newest.listener.connections_per_address_max.unwrap_or_default(),
        ),
        ("requests_in_flight_max", started.requests_in_flight_max, newest.requests_in_flight_max),
        ("sessions_parallel_max", started.sessions_parallel_max, newest.sessions_parallel_max),
        ("sessions_queued_max", started.sessions_queued_max, newest.sessions_queued_max),
        ("sessions_kept_max", started.sessions_kept_max, newest.sessions_kept_max),
    ];
    let sizes = sizes.into_iter().filter(|(_, old, new)| old != new).map(|(name, ..)| name);
    let retention = (started.session_retention != newest.session_retention).then_some("session_retention_seconds");
    let head = (started.listener.head != newest.listener.head).then_some("head_seconds");
    let tls = (started.listener.tls.is_some() != newest.listener.tls.is_some()).then_some("tls");
    let text = |name| format!("`server_settings.{name}` was changed: it takes effect with the next start");
    let telemetry =
        telemetry.then(|| "`telemetry_settings` was changed: it takes effect with the next start".to_owned());
    sizes.chain(head).chain(tls).chain(retention).map(text).chain(telemetry).collect()
}

fn check_components(config: &Config, components: &Components) -> Vec<String> {
    let patterns: Vec<&str> = components.patterns().map(|pattern| pattern.name.as_str()).collect();
    let tools: Vec<&str> =
        components.toolboxes().flat_map(|owner| owner.tools().iter()).map(|tool| tool.name.as_str()).collect();
    let mut problems = shown(&config.check_components(&patterns, &tools));
    for (index, profile) in config.profiles.iter().enumerate() {
        let agent = &profile.agent;
        let pattern = agent.reasoning_mode.as_deref().and_then(|mode| components.pattern(mode));
        if let Some(Err(problem)) = pattern.map(|pattern| pattern.check_options(&agent.options)) {
            problems.push(format!("model_list[{index}].model_params.agent_settings.options: {problem}"));
        }
    }
    problems
}

fn config_text(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file)
        .map_err(|error| format!("{}: {error} (name another file with --config)", file.display()))
}

fn parse(text: &str) -> Result<Config, Vec<String>> {
    magic_config::parse(text, &variable).map_err(|problems| shown(&problems))
}

fn read_prompts(paths: &Paths, files: Vec<String>, problems: &mut Vec<String>) -> HashMap<String, String> {
    let mut prompts = HashMap::new();
    for file in files {
        match std::fs::read_to_string(paths.beside_config(&file)) {
            Ok(text) => {
                prompts.insert(file, text);
            }
            Err(error) => problems.push(format!("{file}: {error} (the config names it as an instruction or manifest)")),
        }
    }
    prompts
}

/// Keys of `keys_pool/` and of the vendors' usual variables, and the components' secrets.
fn read_credentials(paths: &Paths) -> Result<Credentials, String> {
    let (mut keys, mut bad_lines) = (Vec::new(), Vec::new());
    for provider in Provider::ALL {
        let pool = PoolName::new(provider.pool_name());
        let file = paths.keys.join(provider.keys_file());
        let (mut found, bad) = read_key_file(&pool, &text_of(&file)?);
        bad_lines.extend(bad.iter().map(|line| format!("{}: {line}", file.display())));
        let given = provider.key_variable().and_then(variable).filter(|key| !key.trim().is_empty());
        let own = given.map(|key| KeySource::new(&pool, Secret::new(key.trim().to_owned())));
        if let Some(own) = own.filter(|own| found.iter().all(|key| key.id != own.id)) {
            found.push(own);
        }
        keys.push((pool, found));
    }
    let mut secrets = HashMap::new();
    for file in list(&paths.env, "env").map_err(|error| unreadable(&paths.env, &error))? {
        if let Some(name) = file.file_stem().and_then(|name| name.to_str()) {
            secrets.insert(name.to_owned(), parse_secrets(&text_of(&file)?));
        }
    }
    Ok(Credentials { keys, secrets, bad_lines })
}

/// A file that is not there is an empty one; no other error is, or all that it holds would be taken away.
fn text_of(file: &Path) -> Result<String, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(unreadable(file, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    let cure = if error.kind() == ErrorKind::InvalidData { "save it as UTF-8" } else { "make it readable" };
    format!("{}: {error} ({cure})", path.display())
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[expect(clippy::disallowed_methods, reason = "the one reader of variables, handed to magic-config as its Env")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

// === impl Credentials ===
impl Credentials {
    fn has_keys(&self, wanted: &PoolName) -> bool {
        self.keys.iter().any(|(pool, keys)| pool == wanted && !keys.is_empty())
    }

    fn keys_with_those_of(&self, config: &Config) -> Vec<(PoolName, Vec<KeySource>)> {
        self.keys.iter().cloned().chain(own_keys(config)).collect()
    }

    fn services(&self, ground: &Ground) -> Arc<dyn Host> {
        Arc::new(Services::new(Arc::clone(&ground.egress), self.secrets.clone()))
    }
}
