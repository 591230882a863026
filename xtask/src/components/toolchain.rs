//! A compiler with the wasm target: found, or fetched by the means the machine has. Refuses to touch the host's build.
//!
//! The order: (1) the active toolchain has the target; (2) Debian's own compiler with its sources is installed already;
//! (3) rustup adds the target, unless `MAGIC_OFFLINE_RUSTUP=1`; (4) as root on Debian, apt-get installs that compiler;
//! (5) an error that says what to do by hand. What is there comes before what must be fetched: a second run never waits.

use std::{
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::guest::Guest;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_LLD: &str = "/usr/bin/wasm-ld";
/// A server that does not answer must not stop the build; adding the target takes seconds where it works.
const RUSTUP_WAIT: Duration = Duration::from_secs(60);
/// About 200 MB are fetched and unpacked.
const APT_WAIT: Duration = Duration::from_secs(900);
const BY_HAND: &str = "no compiler for wasm32-unknown-unknown; do one of these and run again:
  rustup target add wasm32-unknown-unknown      (any machine with rustup and a network)
  apt-get install rustc-web cargo-web rust-web-src lld      (Debian, as root)
or, where that installs one older than the `rust-version` of sdk/Cargo.toml, a newer Debian or its security archive;
or put the target's std into the active toolchain by your distribution's package (often `rust-std-static-wasm32-unknown-unknown`
or `rust-wasm`)";

/// How guests are compiled on this machine.
pub(crate) struct Toolchain {
    kind: Kind,
    identity: String,
}

enum Kind {
    /// The active toolchain, target included.
    Active { cargo: OsString },
    /// Debian's compiler, which builds std from its own sources and links by the given lld.
    Debian { lld: PathBuf },
}

/// All guests share it, so that std is built once.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    root.join("target").join("guests")
}

/// Finds a compiler, fetching one if it must.
pub(crate) fn choose(root: &Path) -> anyhow::Result<Toolchain> {
    if let Some(toolchain) = active(root).or_else(|| debian(root)) {
        return Ok(toolchain);
    }
    let offline = std::env::var_os("MAGIC_OFFLINE_RUSTUP").is_some_and(|value| value == "1");
    let fetched = if !offline && rustup_adds_target(root)? { active(root) } else { None };
    if let Some(toolchain) = fetched {
        return Ok(toolchain);
    }
    if Path::new("/usr/bin/apt-get").is_file() && is_root() {
        apt_installs_compiler(root)?;
        if let Some(toolchain) = debian(root) {
            return Ok(toolchain);
        }
    }
    bail!(BY_HAND)
}

// === impl Toolchain ===
impl Toolchain {
    /// Names the compiler exactly: another one may make other bytes.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Compiles guests of one world to core modules.
    pub(crate) fn compile(&self, root: &Path, guests: &[&Guest]) -> anyhow::Result<()> {
        let names: Vec<&str> = guests.iter().map(|guest| guest.name.as_str()).collect();
        say(&format!("compiling {} to {TARGET}", names.join(", ")))?;
        let mut command = match &self.kind {
            Kind::Active { cargo } => Command::new(cargo),
            Kind::Debian { .. } => {
                if !target_dir(root).join(TARGET).is_dir() {
                    say("with Debian's compiler; the first time std is built too, which takes a minute or two")?;
                }
                Command::new(DEBIAN_CARGO)
            }
        };
        quiet_environment(&mut command);
        if let Kind::Debian { .. } = &self.kind {
            command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(root));
        command.args(["build", "--release", "--target", TARGET]);
        command.arg("--manifest-path").arg(root.join("sdk").join("Cargo.toml"));
        command.arg("--target-dir").arg(target_dir(root));
        for name in names {
            command.args(["-p", name]);
        }
        // Cargo's own lines are the progress; results go to stdout and these do not.
        command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.status().context("start cargo for the guests")?;
        if !status.success() {
            bail!("the guests did not compile ({status}); the compiler's messages are above");
        }
        Ok(())
    }

    /// Paths of this machine are kept out of panic messages, so that two machines make the same bytes.
    fn rustflags(&self, root: &Path) -> OsString {
        let mut flags = vec![format!("--remap-path-prefix={}=/magic", root.display())];
        if let Some(home) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(default_cargo_home) {
            flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
        }
        if let Kind::Debian { lld } = &self.kind {
            flags.push(format!("-Clinker={}", lld.display()));
            flags.push("-Clinker-flavor=wasm-ld".to_owned());
        }
        flags.join("\u{1f}").into()
    }
}

fn active(root: &Path) -> Option<Toolchain> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]).current_dir(root))?;
    if !Path::new(&sysroot).join("lib/rustlib").join(TARGET).join("lib").is_dir() {
        return None;
    }
    let identity = output(Command::new(&rustc).arg("-vV").current_dir(root))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Some(Toolchain { kind: Kind::Active { cargo }, identity: format!("active\n{identity}") })
}

fn debian(root: &Path) -> Option<Toolchain> {
    if !Path::new(DEBIAN_CARGO).is_file() {
        return None;
    }
    let mut rustc = Command::new(DEBIAN_RUSTC);
    let sysroot = output(rustc.args(["--print", "sysroot"]))?;
    if !Path::new(&sysroot).join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file() {
        return None;
    }
    let identity = output(Command::new(DEBIAN_RUSTC).arg("-vV"))?;
    // A machine that was set up long ago has an older one, which its security archive replaces.
    if release(&identity)? < wanted(root)? {
        return None;
    }
    let lld = rustup_lld(root).or_else(|| Some(PathBuf::from(DEBIAN_LLD)).filter(|path| path.is_file()))?;
    Some(Toolchain { kind: Kind::Debian { lld }, identity: format!("debian\n{identity}") })
}

/// `release: 1.96.0` of `rustc -vV`, as (1, 96).
fn release(identity: &str) -> Option<(u32, u32)> {
    version(identity.lines().find_map(|line| line.strip_prefix("release: "))?)
}

/// `rust-version` of the guests' workspace.
fn wanted(root: &Path) -> Option<(u32, u32)> {
    let manifest = std::fs::read_to_string(root.join("sdk").join("Cargo.toml")).ok()?;
    version(manifest.lines().find_map(|line| line.strip_prefix("rust-version = "))?.trim_matches('"'))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The linker that the rustup toolchain brings; newer than Debian's, and closer to the compiler.
fn rustup_lld(root: &Path) -> Option<PathBuf> {
    let sysroot = PathBuf::from(output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root))?);
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|lld| lld.is_file())
}

fn rustup_adds_target(root: &Path) -> anyhow::Result<bool> {
    say(&format!("the active toolchain lacks {TARGET}: asking rustup for it (at most {}s)", RUSTUP_WAIT.as_secs()))?;
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).current_dir(root);
    let added = bounded(&mut rustup, RUSTUP_WAIT);
    if !added {
        say("rustup could not add it; trying what the system's packages offer")?;
    }
    Ok(added)
}

fn apt_installs_compiler(root: &Path) -> anyhow::Result<()> {
    let mut packages = vec!["rustc-web", "cargo-web", "rust-web-src"];
    if rustup_lld(root).is_none() {
        packages.push("lld");
    }
    say(&format!("installing {} by apt-get (about 200 MB; a minute or two)", packages.join(" ")))?;
    let install = || {
        let mut apt = apt_get();
        apt.args(["install", "--yes", "--no-install-recommends"]).args(&packages);
        bounded(&mut apt, APT_WAIT)
    };
    // Old lists offer an old compiler, or none: they are asked for anew first, and used as they are where that fails.
    if !bounded(apt_get().arg("update"), APT_WAIT) {
        say("apt-get update failed: going on with the lists that are there")?;
    }
    if !install() {
        say("apt-get could not install them; its messages are above")?;
    }
    Ok(())
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=120"]);
    apt
}

/// Takes out what the cargo that runs this program set for itself; what says where crates come from stays.
fn quiet_environment(command: &mut Command) {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_BUILD_JOBS",
        "CARGO_TERM_",
    ];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let of_cargo = text.starts_with("CARGO") && !KEPT.iter().any(|kept| text.starts_with(kept));
        let of_rustc = text.starts_with("RUSTC") || text.starts_with("RUSTFLAGS") || text.starts_with("RUSTDOC");
        if of_cargo || of_rustc {
            command.env_remove(&name);
        }
    }
}

/// Runs a command to its end or to the deadline; its output goes to stderr. False where it failed, was late or is absent.
fn bounded(command: &mut Command, wait: Duration) -> bool {
    let deadline = Instant::now() + wait;
    let Ok(mut child) = command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr())).spawn() else {
        return false;
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) | Err(_) => {
                drop(child.kill());
                drop(child.wait());
                return false;
            }
        }
    }
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn default_cargo_home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"))
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stderr(), "components: {line}").context("write to stderr")
}

#[cfg(test)]
mod tests;
