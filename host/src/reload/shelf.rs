//! The component files of `patterns/` and `tools/`: which version of each serves, and what is wrong with the newest.
use super::Patience;
use super::files::{Look, Stamps, list};
use super::status::Row;
use crate::app::Paths;
use bytes::Bytes;
use magic_config::Config;
use magic_plugins::{Component, Components, Kind, Policy, Runtime, Source};
use magic_types::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Loaded components by kind and file name.
pub(crate) struct Shelf {
    folders: [(Kind, PathBuf); 2],
    stamps: Stamps,
    entries: BTreeMap<(Kind, String), Entry>,
}

#[derive(Default)]
struct Entry {
    /// The last good version.
    serving: Option<Serving>,
    /// What is wrong with the file as it lies there now.
    problem: Option<String>,
}

struct Serving {
    component: Arc<Component>,
    policy: String,
    loaded_at: SystemTime,
}

impl Shelf {
    pub(crate) fn new(paths: &Paths) -> Self {
        let folders = [(Kind::Pattern, paths.patterns.clone()), (Kind::Tool, paths.tools.clone())];
        Self { folders, stamps: Stamps::default(), entries: BTreeMap::new() }
    }

    /// Loads what changed and has settled. A bad file leaves the last good version serving. `needed_by` is the live
    /// config: what its aliases need is not unloaded.
    pub(crate) async fn look(
        &mut self,
        runtime: &Arc<Runtime>,
        patience: Patience,
        needed_by: Option<&Config>,
    ) -> Look {
        let folders = self.folders.clone();
        let files = folders.iter().flat_map(|(_, folder)| ["wasm", "yaml"].map(|extension| list(folder, extension)));
        let files: HashSet<PathBuf> = files.flatten().collect();
        let changed = self.stamps.changed(&files, patience);
        let mut touched: Vec<(Kind, String)> = changed.iter().filter_map(|path| self.owner(path)).collect();
        touched.sort();
        touched.dedup();
        for (kind, name) in &touched {
            self.refresh(runtime, *kind, name, needed_by).await;
        }
        Look { changed: !touched.is_empty(), unsettled: self.stamps.unsettled() }
    }

    /// What serves, and the names that two files fight over.
    pub(crate) fn components(&self) -> (Components, Vec<String>) {
        let serving = self.entries.values().filter_map(|entry| entry.serving.as_ref());
        let (components, clashes) = Components::new(serving.map(|serving| Arc::clone(&serving.component)).collect());
        (components, clashes.iter().map(ToString::to_string).collect())
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let (components, _) = self.components();
        let registered: HashSet<(Kind, &str)> =
            components.iter().map(|found| (found.kind, found.file.as_str())).collect();
        let row = |((kind, file), entry): (&(Kind, String), &Entry)| {
            let clashing = entry.serving.is_some() && !registered.contains(&(*kind, file.as_str()));
            let clash = clashing.then(|| "another file, earlier by name, defines the same name".to_owned());
            Row {
                kind: *kind,
                file: file.clone(),
                component: entry.serving.as_ref().map(|serving| Arc::clone(&serving.component)),
                loaded_at: entry.serving.as_ref().map(|serving| serving.loaded_at),
                problem: entry.problem.clone().or(clash),
            }
        };
        self.entries.iter().map(row).collect()
    }

    /// `patterns/x.wasm` and `patterns/x.policy.yaml` belong to the pattern file `x`.
    fn owner(&self, path: &Path) -> Option<(Kind, String)> {
        let (kind, _) = self.folders.iter().find(|(_, folder)| path.parent() == Some(folder))?;
        let name = path.file_name()?.to_str()?;
        let stem = name.strip_suffix(".wasm").or_else(|| name.strip_suffix(".policy.yaml"))?;
        Some((*kind, stem.to_owned()))
    }

    async fn refresh(&mut self, runtime: &Arc<Runtime>, kind: Kind, name: &str, needed_by: Option<&Config>) {
        let Some((_, folder)) = self.folders.iter().find(|(found, _)| *found == kind) else { return };
        let file = folder.join(format!("{name}.wasm"));
        let entry = self.entries.entry((kind, name.to_owned())).or_default();
        if !file.exists() {
            let needed = needed_by.and_then(|config| entry.needed(config));
            match needed {
                Some(who) => entry.problem = Some(format!("the file is gone, but {who} needs it: it serves on")),
                None => {
                    tracing::info!(component = name, "{kind} `{name}` unloaded");
                    self.entries.remove(&(kind, name.to_owned()));
                }
            }
            return;
        }
        match entry.load(runtime, kind, name, &file).await {
            Ok(()) => entry.problem = None,
            Err(problem) => {
                let kept = if entry.serving.is_some() { "; the last good version serves on" } else { "" };
                tracing::warn!(component = name, "{kind} `{name}` refused: {problem}{kept}");
                entry.problem = Some(problem);
            }
        }
    }
}

impl Entry {
    async fn load(&mut self, runtime: &Arc<Runtime>, kind: Kind, name: &str, file: &Path) -> Result<(), String> {
        let read = |path: PathBuf| async move {
            match tokio::fs::read(&path).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(format!("read {}: {error}", path.display())),
            }
        };
        let bytes = read(file.to_owned()).await?.map(Bytes::from).ok_or_else(|| "the file is gone".to_owned())?;
        let policy_file = file.with_extension("policy.yaml");
        let policy_text = String::from_utf8(read(policy_file).await?.unwrap_or_default());
        let policy_text = policy_text.map_err(|_| "the policy file is not UTF-8".to_owned())?;
        let policy = Policy::parse(&policy_text).map_err(|error| format!("{name}.policy.yaml: {error}"))?;
        let source = Source { name: name.to_owned(), kind: Some(kind), bytes, policy };
        if let Some(serving) = &self.serving
            && serving.policy == policy_text
            && serving.component.digest == Digest(Sha256::digest(&source.bytes).into())
        {
            return Ok(());
        }
        let component = runtime.load(source).await.map_err(|error| error.to_string())?;
        let (digest, bytes) = (component.digest, component.bytes);
        tracing::info!(component = name, %digest, bytes, "{kind} `{name}` loaded");
        self.serving = Some(Serving { component, policy: policy_text, loaded_at: now() });
        Ok(())
    }

    /// Which alias of the config cannot do without what serves here.
    fn needed(&self, config: &Config) -> Option<String> {
        let component = &self.serving.as_ref()?.component;
        let mentions = |wanted: Option<&Vec<String>>| {
            wanted.is_some_and(|names| component.tools().iter().any(|tool| names.contains(&tool.name)))
        };
        let needs = |alias: &&magic_config::Alias| match component.kind {
            Kind::Pattern => alias.reasoning_mode.as_deref() == Some(&component.name),
            Kind::Tool => alias.chain.first().is_some_and(|profile| mentions(profile.agent.tools.as_ref())),
        };
        config.aliases.iter().find(needs).map(|alias| format!("alias `{}`", alias.name))
    }
}

#[expect(clippy::disallowed_methods, reason = "the wall clock, shown to the admin")]
fn now() -> SystemTime {
    SystemTime::now()
}
