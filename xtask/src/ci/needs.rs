//! What the tests need from the machine beside Rust: found there, or installed where that is possible without asking.
//! Nothing is installed outside `data/` and `node_modules`, except Debian's packages by root (a container, in short).
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::{
    dev::LOCAL_API_BASE,
    model::{self, Server},
    shell,
};

/// The clients that are tested against: the vendors' own, as a user would install them.
const CLIENTS: &str = "tests/clients";
const BROWSER: &str = "tests/browser";
/// The tests ask it for a few short answers; speed matters more than leaving a core.
const MODEL_THREADS: u32 = 2;

/// What the integration tests are told by environment.
pub(crate) struct Needs {
    env: Vec<(&'static str, OsString)>,
    /// Ended when dropped.
    _model: Option<Server>,
}

// === impl Needs ===
impl Needs {
    /// Finds, installs and starts everything, saying what it does.
    pub(crate) fn prepare(root: &Path) -> Result<Self> {
        fs::create_dir_all(root.join("data")).context("create `data/`")?;
        let mut env: Vec<(&'static str, OsString)> = Vec::new();
        if root.join(CLIENTS).join("requirements.txt").is_file() {
            let python = python_clients(root)?;
            env.push(("MAGIC_LITELLM_EXAMPLES", litellm_examples(root, &python)?.into()));
            env.push(("MAGIC_TEST_PYTHON", python.into()));
        }
        for folder in [CLIENTS, BROWSER] {
            if root.join(folder).join("package.json").is_file() {
                node_packages(root, folder)?;
                env.push(("MAGIC_TEST_NODE", node()?.into()));
            }
        }
        if root.join(BROWSER).is_dir() {
            match program(&["chromium", "chromium-browser", "google-chrome"], &["chromium"]) {
                Some(path) => env.push(("MAGIC_CHROMIUM", path.into())),
                None => {
                    shell::say("no Chromium here, and none could be installed: the browser test will fail without it")
                }
            }
        }
        let server = model(&mut env, root)?;
        for (name, value) in &env {
            shell::say(&format!("{name}={}", value.display()));
        }
        Ok(Self { env, _model: server })
    }

    pub(crate) fn env(&self) -> impl Iterator<Item = (&'static str, &OsString)> {
        self.env.iter().map(|(name, value)| (*name, value))
    }
}

/// The small model, served for as long as the tests run, unless a server is named already.
fn model(env: &mut Vec<(&'static str, OsString)>, root: &Path) -> Result<Option<Server>> {
    if let Some(base) = std::env::var_os(LOCAL_API_BASE) {
        env.push((LOCAL_API_BASE, base));
        return Ok(None);
    }
    system_python()?;
    let model = model::ensure(root).context("fetch the small model")?;
    let server = model::start(&model, MODEL_THREADS).context("start the small model")?;
    env.push((LOCAL_API_BASE, server.base.clone().into()));
    env.push(("MAGIC_MODEL_PYTHON", model.python.into()));
    env.push(("MAGIC_MODEL_GGUF", model.gguf.into()));
    Ok(Some(server))
}

/// A Python with the clients of `tests/clients/requirements.txt`.
fn python_clients(root: &Path) -> Result<PathBuf> {
    python_with(root, "test-venv", &root.join(CLIENTS).join("requirements.txt"), "the Python clients")
}

/// The folder of LiteLLM's own example configs, taken out of its wheel.
fn litellm_examples(root: &Path, python: &Path) -> Result<PathBuf> {
    let folder = root.join("data/litellm-examples");
    let stamp = Stamp::of(&root.join(CLIENTS).join("litellm.txt"), folder.join(".fetched"))?;
    if !stamp.holds() {
        let mut fetch = Command::new(python);
        fetch.arg("-I").arg(root.join(CLIENTS).join("litellm_examples.py")).arg(&folder);
        shell::quietly(&mut fetch, "fetching LiteLLM's example configs", &root.join("data/test-needs.log"))?;
        stamp.set()?;
    }
    Ok(folder)
}

/// A Python of our own at `data/NAME` with the packages that the file `wanted` names, made again when that file changes.
pub(crate) fn python_with(root: &Path, name: &str, wanted: &Path, what: &str) -> Result<PathBuf> {
    let venv = root.join("data").join(name);
    let python = venv.join("bin/python");
    let stamp = Stamp::of(wanted, venv.join("requirements.installed"))?;
    if python.exists() && stamp.holds() {
        return Ok(python);
    }
    fs::create_dir_all(root.join("data")).context("create `data/`")?;
    let log = root.join("data/test-needs.log");
    if venv.exists() {
        fs::remove_dir_all(&venv).with_context(|| format!("remove the outdated `{}`", venv.display()))?;
    }
    let base = system_python()?;
    shell::quietly(Command::new(base).args(["-m", "venv"]).arg(&venv), "making a Python environment", &log)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-r"]).arg(wanted);
    shell::quietly(&mut pip, &format!("installing {what}"), &log)?;
    stamp.set()?;
    Ok(python)
}

/// The packages of one folder's `package.json`, as its lock file has them.
fn node_packages(root: &Path, folder: &str) -> Result<()> {
    let dir = root.join(folder);
    let lock = dir.join("package-lock.json");
    let locked = lock.is_file();
    let wanted = if locked { lock } else { dir.join("package.json") };
    let stamp = Stamp::of(&wanted, dir.join("node_modules/.installed"))?;
    if stamp.holds() {
        return Ok(());
    }
    node()?;
    let mut npm = Command::new("npm");
    npm.arg(if locked { "ci" } else { "install" });
    // What a package wants to run while it is installed is nothing that we need.
    npm.args(["--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]).current_dir(&dir);
    shell::quietly(&mut npm, &format!("installing the packages of {folder}"), &root.join("data/test-needs.log"))?;
    stamp.set()
}

/// Node and its npm, installed where they are missing.
pub(crate) fn node() -> Result<PathBuf> {
    let npm = program(&["npm"], &["nodejs", "npm"]);
    match (npm, program(&["node"], &["nodejs"])) {
        (Some(_), Some(node)) => Ok(node),
        _ => {
            bail!("Node.js 20 or later and npm are needed (cure: install them; on Debian `apt-get install nodejs npm`)")
        }
    }
}

/// The scripts of a folder, sorted; none where there is no such folder.
pub(crate) fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder).with_context(|| format!("list `{}`", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".test.js") || name.ends_with(".test.mjs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Makes sure that cargo knows a verb which rustup may have left out.
pub(crate) fn cargo_verb(root: &Path, verb: &str, part: &str) -> Result<()> {
    let known = || shell::works(shell::cargo(root).args([verb, "--version"]));
    if known() {
        return Ok(());
    }
    if std::env::var_os("MAGIC_OFFLINE_RUSTUP").is_none_or(|value| value != "1") {
        shell::say(&format!("`cargo {verb}` is missing: asking rustup for it"));
        shell::run(Command::new("rustup").args(["component", "add", part]))?;
    }
    if !known() {
        bail!("`cargo {verb}` is missing (cure: `rustup component add {part}`)");
    }
    Ok(())
}

fn system_python() -> Result<PathBuf> {
    let usable = |python: &PathBuf| shell::works(Command::new(python).args(["-c", "import ensurepip, venv"]));
    let there = || ["python3", "python"].iter().filter_map(|name| shell::on_path(name)).find(usable);
    if let Some(python) = there() {
        return Ok(python);
    }
    installed(&["python3", "python3-venv"]);
    there().context("find Python 3 with its venv module (cure: install it; on Debian `apt-get install python3-venv`)")
}

/// The first of these programs that is on the PATH, after installing `packages` if need be.
fn program(names: &[&str], packages: &[&str]) -> Option<PathBuf> {
    let there = || names.iter().find_map(|name| shell::on_path(name));
    there().or_else(|| {
        installed(packages);
        there()
    })
}

/// Installs packages where that is root's business of a Debian machine; elsewhere it does nothing. What came of it is
/// seen by looking for the program again.
fn installed(packages: &[&str]) {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !root || shell::on_path("apt-get").is_none() {
        return;
    }
    let log = std::env::temp_dir().join(format!("magic-apt-{}.log", std::process::id()));
    let apt = |args: &[&str], what: &str| {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=120"]).args(args);
        shell::quietly(&mut apt, what, &log)
    };
    let what = format!("installing {} by apt-get", packages.join(" "));
    shell::say(&what);
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    // Its lists may be old or empty: then it fails at once, and is asked again with new ones.
    let done = apt(&install, &what).or_else(|_| {
        apt(&["update"], "fetching the lists of packages")?;
        apt(&install, &what)
    });
    if let Err(why) = done {
        shell::say(&format!("{why:#}"));
    }
}

/// Says that something was made from a file as it is now.
struct Stamp {
    path: PathBuf,
    digest: String,
}

// === impl Stamp ===
impl Stamp {
    fn of(file: &Path, path: PathBuf) -> Result<Self> {
        let bytes = fs::read(file).with_context(|| format!("read `{}`", file.display()))?;
        Ok(Self { path, digest: format!("{:?}\n", Sha256::digest(bytes)) })
    }

    fn holds(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.digest)
    }

    fn set(&self) -> Result<()> {
        fs::write(&self.path, &self.digest).with_context(|| format!("write `{}`", self.path.display()))
    }
}

#[cfg(test)]
mod tests;
