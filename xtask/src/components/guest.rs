//! The guest crates, what each is made from, and the stamp that says a component is still what its inputs make.
//! Refuses to build anything.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

/// Folders that hold guest crates; their components are written beside the crates.
const FOLDERS: [&str; 2] = ["patterns", "tools"];
/// Directories that never decide what a component is.
const SKIPPED: [&str; 4] = ["target", "frozen", "templates", "__pycache__"];
const SDK: &str = "magic-sdk";

/// One guest crate. Its folder's name is its package's and its component's.
pub(crate) struct Guest {
    pub(crate) folder: &'static str,
    pub(crate) name: String,
    /// The features of magic-sdk that it turns on, as its manifest spells them: which world it links.
    pub(crate) world: String,
    pub(crate) output: PathBuf,
    pub(crate) source: PathBuf,
    pub(crate) language: Language,
}

/// What a guest is written in: the file that makes its folder a guest says it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Python,
}

/// What a component was last made from, and what came out.
#[derive(PartialEq, Eq)]
pub(crate) struct Stamp {
    inputs: String,
    output: String,
}

/// Every guest crate below `root`, by folder and name.
pub(crate) fn discover(root: &Path) -> anyhow::Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for folder in FOLDERS {
        let dir = root.join(folder);
        for source in children(&dir)? {
            let Some(language) = Language::of(&source) else { continue };
            let Some(name) = source.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                bail!("{} has a name that is not UTF-8: rename it", source.display());
            };
            let world = match language {
                Language::Rust => {
                    let manifest = source.join("Cargo.toml");
                    let text = fs::read_to_string(&manifest).with_context(|| format!("read {}", manifest.display()))?;
                    world(&text).to_owned()
                }
                Language::Python => String::new(),
            };
            guests.push(Guest { folder, output: dir.join(format!("{name}.wasm")), name, world, source, language });
        }
    }
    Ok(guests)
}

/// The digest of what all Python guests share: the WIT. What compiles them stands in their own folder.
pub(crate) fn shared_inputs_of_python(root: &Path) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    digest_tree(&root.join("wit"), &mut hasher)?;
    Ok(text(hasher))
}

/// The digest of what all Rust guests share: the WIT, the SDK with its lock file, and the compiler.
pub(crate) fn shared_inputs(root: &Path, toolchain: &str) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(toolchain.as_bytes());
    for folder in ["wit", "sdk"] {
        digest_tree(&root.join(folder), &mut hasher)?;
    }
    Ok(text(hasher))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(bytes);
    text(hasher)
}

// === impl Language ===
impl Language {
    fn of(source: &Path) -> Option<Self> {
        let marks = [(Self::Rust, "Cargo.toml"), (Self::Python, super::python::MARK)];
        marks.into_iter().find(|(_, mark)| source.join(mark).is_file()).map(|(language, _)| language)
    }
}

// === impl Guest ===
impl Guest {
    /// The digest of everything this component is made from.
    pub(crate) fn inputs(&self, shared: &str) -> anyhow::Result<String> {
        let mut hasher = Sha256::new();
        hasher.update(shared.as_bytes());
        digest_tree(&self.source, &mut hasher)?;
        Ok(text(hasher))
    }

    /// Where cargo leaves the core module, inside the target folder.
    pub(crate) fn module_file(&self) -> PathBuf {
        let file = format!("{}.wasm", self.name.replace('-', "_"));
        [super::toolchain::TARGET, "release", &file].iter().collect()
    }
}

// === impl Stamp ===
impl Stamp {
    pub(crate) fn of(inputs: &str, component: &[u8]) -> Self {
        Self { inputs: inputs.to_owned(), output: hex(component) }
    }

    /// The stamp of the last build, if there is one that can be read.
    pub(crate) fn read(root: &Path, guest: &Guest) -> Option<Self> {
        let text = fs::read_to_string(Self::path(root, guest)).ok()?;
        let (inputs, output) = text.trim_end().split_once(' ')?;
        Some(Self { inputs: inputs.to_owned(), output: output.to_owned() })
    }

    pub(crate) fn write(&self, root: &Path, guest: &Guest) -> anyhow::Result<()> {
        let path = Self::path(root, guest);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        }
        let text = format!("{} {}\n", self.inputs, self.output);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Whether the inputs are those of the last build and the component is still the one it made.
    pub(crate) fn holds(&self, inputs: &str, guest: &Guest) -> bool {
        self.inputs == inputs && fs::read(&guest.output).is_ok_and(|bytes| hex(&bytes) == self.output)
    }

    fn path(root: &Path, guest: &Guest) -> PathBuf {
        super::toolchain::target_dir(root).join("stamps").join(format!("{}-{}", guest.folder, guest.name))
    }
}

/// What stands in the brackets of `magic-sdk = { .., features = [..] }` under `[dependencies]`; empty for a guest that
/// does without. Reads lines, not TOML: every guest's manifest is of our own making.
fn world(manifest: &str) -> &str {
    let dependencies = manifest.lines().skip_while(|line| line.trim() != "[dependencies]").skip(1);
    let mut dependencies = dependencies.take_while(|line| !line.trim_start().starts_with('['));
    let sdk = dependencies.find(|line| line.split(['=', '.']).next().is_some_and(|name| name.trim() == SDK));
    let features = sdk.and_then(|line| line.split_once("features")?.1.split_once('[')?.1.split_once(']'));
    features.map_or("", |(features, _)| features.trim())
}

fn digest_tree(dir: &Path, hasher: &mut Sha256) -> anyhow::Result<()> {
    for path in children(dir)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_ref()) {
                hasher.update(format!("dir {name}\n").as_bytes());
                digest_tree(&path, hasher)?;
                hasher.update(b"end\n");
            }
        } else {
            let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            hasher.update(format!("file {name} {}\n", bytes.len()).as_bytes());
            hasher.update(&bytes);
        }
    }
    Ok(())
}

/// Sorted, without dotfiles: an editor's swap file is not an input.
fn children(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))? {
        let entry = entry.with_context(|| format!("list {}", dir.display()))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn text(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
