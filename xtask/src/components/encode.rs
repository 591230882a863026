//! A core module with an embedded component type becomes a component, checked and put in its place in one step.
//! Refuses to compile anything.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use wit_component::{ComponentEncoder, DecodedWasm};

/// Encodes the core module at `module`; the result is validated.
pub(crate) fn component(module: &Path) -> anyhow::Result<Vec<u8>> {
    let core = fs::read(module).with_context(|| format!("read the core module {}", module.display()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .context("read the core module; is it one?")?
        .encode()
        .context("encode the component; does its Cargo.toml turn on the one feature of magic-sdk that it needs?")?;
    match wit_component::decode(&component).context("read the component again")? {
        DecodedWasm::Component(resolve, world) if !resolve.worlds[world].exports.is_empty() => Ok(component),
        DecodedWasm::Component(..) | DecodedWasm::WitPackage(..) => {
            bail!(
                "it exports nothing: does the crate use magic_sdk::declarative!, magic_sdk::driver! or magic_sdk::tool!?"
            )
        }
    }
}

/// Writes `bytes` to `output` by rename, and only when they differ: a watcher never sees half a file, nor a change that
/// is none.
pub(crate) fn place(bytes: &[u8], output: &Path) -> anyhow::Result<()> {
    if fs::read(output).is_ok_and(|current| current == bytes) {
        return Ok(());
    }
    let (Some(dir), Some(name)) = (output.parent(), output.file_name()) else {
        bail!("{} is not a file's path", output.display());
    };
    // A leading dot: watchers of the folder leave such files alone.
    let temporary = dir.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    fs::write(&temporary, bytes).with_context(|| format!("write {}", temporary.display()))?;
    fs::rename(&temporary, output).with_context(|| format!("rename {} to {}", temporary.display(), output.display()))
}

#[cfg(test)]
mod tests;
