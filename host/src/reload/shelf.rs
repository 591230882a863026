//! The component files of `patterns/` and `tools/`: which version of each serves, and what is wrong with the newest.
use super::files::{Look, Stamps, list, stamps};
use super::status::Row;
use super::{Patience, blocking};
use crate::app::{Paths, wall_clock};
use bytes::Bytes;
use magic_config::{AgentSettings, Config};
use magic_plugins::{Clash, Component, Components, Kind, LoadError, Policy, Runtime, Source};
use magic_types::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A failure that may pass by itself (a compile on a loaded machine) is met again after this; each time it comes back
/// doubles the pause.
const RETRY_PAUSE: Duration = Duration::from_secs(15);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(600);

/// A component file: its kind, and its name without the ending.
type Key = (Kind, String);

/// Every component file that is there or still serves.
pub(crate) struct Shelf {
    folders: [(Kind, PathBuf); 2],
    stamps: Stamps,
    entries: BTreeMap<Key, Entry>,
}

#[derive(Default)]
struct Entry {
    /// The last good version of the file; `None` also where the file is gone.
    newest: Option<Serving>,
    /// What the live snapshot has.
    live: Option<Serving>,
    /// What is wrong with the file as it lies there now.
    problem: Option<String>,
    /// When to try again, and how long was waited for that.
    retry: Option<(Instant, Duration)>,
}

#[derive(Clone)]
struct Serving {
    component: Arc<Component>,
    policy: String,
    loaded_at: SystemTime,
}

/// Why a file was not taken.
struct Refused {
    why: String,
    /// The same file may be good another time.
    passing: bool,
}

/// What is to serve a config.
pub(super) struct Chosen {
    pub(super) components: Components,
    clashes: Vec<Clash>,
    /// Those whose live version stays, since the newest would take away what the config names; with the reason.
    held: BTreeMap<Key, String>,
}

// === impl Shelf ===
impl Shelf {
    pub(crate) fn new(paths: &Paths) -> Self {
        let folders = [(Kind::Pattern, paths.patterns.clone()), (Kind::Tool, paths.tools.clone())];
        Self { folders, stamps: Stamps::default(), entries: BTreeMap::new() }
    }

    /// Loads what changed and has settled. A bad file leaves the last good version as the newest.
    pub(crate) async fn look(&mut self, runtime: &Arc<Runtime>, patience: Patience) -> Look {
        let folders = self.folders.clone();
        let found = blocking(move || {
            let files = |folder| ["wasm", "yaml"].map(|extension| list(folder, extension).unwrap_or_default());
            stamps(folders.iter().flat_map(|(_, folder)| files(folder)).flatten())
        });
        let changed = self.stamps.changed(&found.await, patience);
        let mut touched: Vec<Key> = changed.iter().filter_map(|path| self.owner(path)).collect();
        let now = Instant::now();
        let due = |(_, entry): &(&Key, &Entry)| entry.retry.is_some_and(|(at, _)| at <= now);
        touched.extend(self.entries.iter().filter(due).map(|(key, _)| key.clone()));
        touched.sort();
        touched.dedup();
        let mut changed = false;
        for key in touched {
            changed |= self.refresh(runtime, key).await;
        }
        Look { changed, unsettled: self.stamps.unsettled() }
    }

    /// The newest of everything.
    pub(super) fn newest(&self) -> Chosen {
        self.chosen(BTreeMap::new())
    }

    /// The newest of everything, but for versions that would take away what the config names and what serves now.
    pub(super) fn choose(&self, config: &Config) -> Chosen {
        let newest = self.newest();
        let held: BTreeMap<Key, String> = self
            .entries
            .iter()
            .filter_map(|(key, entry)| Some((key.clone(), entry.needed(config, &newest.components)?)))
            .collect();
        if held.is_empty() { newest } else { self.chosen(held) }
    }

    /// Takes note that this is live now, and lets go of what is not.
    pub(super) fn publish(&mut self, chosen: &Chosen) {
        for (key, entry) in &mut self.entries {
            if chosen.held.contains_key(key) {
                continue;
            }
            if entry.live.is_some() && entry.newest.is_none() {
                tracing::info!(component = key.1, "{} `{}` unloaded", key.0, key.1);
            }
            entry.live.clone_from(&entry.newest);
        }
        self.entries.retain(|_, entry| !entry.is_empty());
    }

    /// What the files look like with this serving.
    pub(super) fn rows(&self, chosen: &Chosen) -> Vec<Row> {
        let row = |(key, entry): (&Key, &Entry)| {
            let clash = chosen.clashes.iter().find(|clash| (clash.kind, &clash.file) == (key.0, &key.1));
            let held = chosen.held.get(key);
            // What is left out because of its name serves nobody.
            let serving = entry.serving(held.is_some()).filter(|_| clash.is_none());
            Row {
                kind: key.0,
                file: key.1.clone(),
                component: serving.map(|serving| Arc::clone(&serving.component)),
                loaded_at: serving.map(|serving| serving.loaded_at),
                problem: entry.problem.clone().or_else(|| held.cloned()).or_else(|| clash.map(ToString::to_string)),
            }
        };
        self.entries.iter().map(row).collect()
    }

    fn chosen(&self, held: BTreeMap<Key, String>) -> Chosen {
        let serving = self.entries.iter().filter_map(|(key, entry)| entry.serving(held.contains_key(key)));
        let (components, clashes) = Components::new(serving.map(|found| Arc::clone(&found.component)).collect());
        Chosen { components, clashes, held }
    }

    /// `patterns/x.wasm` and `patterns/x.policy.yaml` belong to the pattern file `x`.
    fn owner(&self, path: &Path) -> Option<Key> {
        let (kind, _) = self.folders.iter().find(|(_, folder)| path.parent() == Some(folder))?;
        let name = path.file_name()?.to_str()?;
        let stem = name.strip_suffix(".wasm").or_else(|| name.strip_suffix(".policy.yaml"))?;
        Some((*kind, stem.to_owned()))
    }

    /// True when what it offers or its problem is another one than before.
    async fn refresh(&mut self, runtime: &Arc<Runtime>, key: Key) -> bool {
        let Some((_, folder)) = self.folders.iter().find(|(found, _)| *found == key.0) else { return false };
        let file = folder.join(format!("{}.wasm", key.1));
        let (kind, name) = (key.0, key.1.clone());
        let entry = self.entries.entry(key).or_default();
        match entry.load(runtime, kind, &name, &file).await {
            Ok(newest) => entry.take(newest),
            Err(refused) => {
                let told = entry.problem.as_ref() == Some(&refused.why);
                if !told {
                    let kept = if entry.newest.is_some() { "; the last good version serves on" } else { "" };
                    tracing::warn!(component = name, "{kind} `{name}` refused: {}{kept}", refused.why);
                }
                entry.refuse(refused, Instant::now());
                !told
            }
        }
    }
}

// === impl Entry ===
impl Entry {
    fn serving(&self, held: bool) -> Option<&Serving> {
        if held { self.live.as_ref() } else { self.newest.as_ref() }
    }

    fn is_empty(&self) -> bool {
        self.newest.is_none() && self.live.is_none() && self.problem.is_none()
    }

    fn take(&mut self, newest: Option<Serving>) -> bool {
        let component = |serving: &Option<Serving>| serving.as_ref().map(|found| Arc::as_ptr(&found.component));
        let changed = component(&newest) != component(&self.newest) || self.problem.is_some();
        *self = Self { newest, live: self.live.take(), problem: None, retry: None };
        changed
    }

    fn refuse(&mut self, refused: Refused, now: Instant) {
        let pause = self.retry.map_or(RETRY_PAUSE, |(_, pause)| (pause * 2).min(RETRY_PAUSE_MAX));
        self.retry = refused.passing.then(|| (now + pause, pause));
        self.problem = Some(refused.why);
    }

    /// The version of the file as it lies there, loaded anew only if it is another one; `None` where there is no file.
    async fn load(
        &self,
        runtime: &Arc<Runtime>,
        kind: Kind,
        name: &str,
        file: &Path,
    ) -> Result<Option<Serving>, Refused> {
        let Some(bytes) = read(file).await?.map(Bytes::from) else { return Ok(None) };
        let policy_text = String::from_utf8(read(&file.with_extension("policy.yaml")).await?.unwrap_or_default());
        let policy_text = policy_text.map_err(|_| Refused::for_good("the policy file is not UTF-8".to_owned()))?;
        let policy =
            Policy::parse(&policy_text).map_err(|error| Refused::for_good(format!("{name}.policy.yaml: {error}")))?;
        let digest = Digest(Sha256::digest(&bytes).into());
        let same = |known: &&Serving| known.policy == policy_text && known.component.digest == digest;
        if let Some(known) = self.newest.iter().chain(&self.live).find(same) {
            return Ok(Some(known.clone()));
        }
        let source = Source { name: name.to_owned(), kind: Some(kind), bytes, policy };
        let component = runtime.load(source).await?;
        let bytes = component.bytes;
        tracing::info!(component = name, %digest, bytes, "{kind} `{name}` loaded");
        Ok(Some(Serving { component, policy: policy_text, loaded_at: wall_clock() }))
    }

    /// Why what is live has to stay: it offers a name that the config needs and the newest components do not offer.
    fn needed(&self, config: &Config, newest: &Components) -> Option<String> {
        let component = &self.live.as_ref()?.component;
        let lost = |kind, name: &str| {
            let offered = match kind {
                Kind::Pattern => newest.pattern(name).is_some(),
                Kind::Tool => newest.toolbox_of(name).is_some(),
            };
            if offered { None } else { Some((name.to_owned(), who_needs(config, kind, name)?)) }
        };
        let (name, who) = match component.kind {
            Kind::Pattern => lost(Kind::Pattern, &component.name),
            Kind::Tool => component.tools().iter().find_map(|tool| lost(Kind::Tool, &tool.name)),
        }?;
        Some(match self.newest {
            None => format!("the file is gone, but {who} needs `{name}`: it serves on"),
            Some(_) => format!("the new version has no `{name}`, but {who} needs it: the last good version serves on"),
        })
    }
}

// === impl Refused ===
impl Refused {
    fn for_good(why: String) -> Self {
        Self { why, passing: false }
    }
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        // A first call can also fail because the machine was busy.
        let passing =
            matches!(error, LoadError::CompileTimedOut { .. } | LoadError::Internal(_) | LoadError::Probe { .. });
        Self { why: error.to_string(), passing }
    }
}

async fn read(path: &Path) -> Result<Option<Vec<u8>>, Refused> {
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refused { why: format!("read {}: {error}", path.display()), passing: true }),
    }
}

/// Whoever names it, an alias if there is one: that is what would fail.
fn who_needs(config: &Config, kind: Kind, name: &str) -> Option<String> {
    let names = |agent: &AgentSettings| match kind {
        Kind::Pattern => agent.reasoning_mode.as_deref() == Some(name),
        Kind::Tool => agent.tools.as_ref().is_some_and(|tools| tools.iter().any(|tool| tool == name)),
    };
    let alias = config.aliases.iter().find(|alias| alias.chain.iter().any(|profile| names(&profile.agent)));
    let profile = || config.profiles.iter().find(|profile| names(&profile.agent));
    alias
        .map(|alias| format!("alias `{}`", alias.name))
        .or_else(|| profile().map(|profile| format!("profile `{}`", profile.name)))
        .or_else(|| names(&config.agent_settings).then(|| "`agent_settings`".to_owned()))
}
