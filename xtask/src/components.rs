//! Builds every guest crate into `patterns/<name>.wasm` and `tools/<name>.wasm`, and nothing that did not change.
//! Knows nothing of what a component does: the runtime checks that.
//!
//! The parts, in the order in which they run: `guest` finds the crates and digests their inputs, `toolchain` finds or
//! fetches a compiler with the wasm target, `encode` turns a core module into a component and puts it in its place. A
//! guest in Python goes through `python` in place of the compiler.

mod encode;
mod guest;
mod python;
mod toolchain;

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use guest::{Guest, Language, Stamp};

/// Builds what is stale below `root` (the repository) and returns the path of every component, fresh or not.
/// Progress goes to stderr, one line a component to stdout.
pub(crate) fn build(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let guests = guest::discover(root)?;
    let toolchain = toolchain::choose(root)?;
    let shared = |guest: &Guest| match guest.language {
        Language::Rust => guest::shared_inputs(root, toolchain.identity()),
        Language::Python => guest::shared_inputs_of_python(root),
    };
    let mut stale = Vec::new();
    for guest in &guests {
        let inputs = guest.inputs(&shared(guest)?)?;
        if !Stamp::read(root, guest).is_some_and(|stamp| stamp.holds(&inputs, guest)) {
            stale.push((guest, inputs));
        }
    }
    for group in by_world(&stale).values() {
        toolchain.compile(root, group)?;
    }
    for (guest, inputs) in &stale {
        let component = match guest.language {
            Language::Rust => encode::component(&toolchain::target_dir(root).join(guest.module_file())),
            Language::Python => python::component(root, guest),
        };
        let component = component.with_context(|| format!("component `{}`", guest.name))?;
        encode::place(&component, &guest.output)?;
        // The inputs are digested again: a file saved while the compiler ran must not count as built.
        if guest.inputs(&shared(guest)?)? == *inputs {
            Stamp::of(inputs, &component).write(root, guest)?;
        }
    }
    report(&guests, &stale)?;
    Ok(guests.into_iter().map(|guest| guest.output).collect())
}

/// One run of cargo a world: features are united over what one run selects, and a guest that is linked with the bindings
/// of two worlds claims both. The folder is part of it, for it decides what a component must export.
fn by_world<'a>(stale: &[(&'a Guest, String)]) -> BTreeMap<(&'static str, &'a str), Vec<&'a Guest>> {
    let mut groups: BTreeMap<(&'static str, &str), Vec<&Guest>> = BTreeMap::new();
    for (guest, _) in stale.iter().filter(|(guest, _)| guest.language == Language::Rust) {
        groups.entry((guest.folder, &guest.world)).or_default().push(guest);
    }
    groups
}

fn report(guests: &[Guest], stale: &[(&Guest, String)]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for guest in guests {
        let bytes = std::fs::read(&guest.output).with_context(|| format!("read {}", guest.output.display()))?;
        let digest = guest::hex(&bytes);
        let digest = digest.get(..12).unwrap_or_default();
        let state = if stale.iter().any(|(other, _)| other.output == guest.output) { "built" } else { "fresh" };
        let name = format!("{}/{}.wasm", guest.folder, guest.name);
        writeln!(out, "{name:<40} {:>9} bytes  sha256 {digest}  {state}", bytes.len())?;
    }
    Ok(())
}
