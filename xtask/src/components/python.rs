//! Makes the component of a guest written in Python, with `componentize-py` from PyPI, which brings CPython as
//! WebAssembly: it runs the guest's imports and keeps the memory that they leave. Refuses to know what the guest does.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::{guest::Guest, toolchain::target_dir};
use crate::ci::needs;

/// Makes a folder a guest in Python, and pins what makes the component. Beside it lie the module `app` and, in `wit/`, the
/// guest's own world `magic:NAME/NAME`.
pub(crate) const MARK: &str = "requirements.txt";

pub(crate) fn component(root: &Path, guest: &Guest) -> anyhow::Result<Vec<u8>> {
    let python =
        needs::python_with(root, "components-venv", &guest.source.join(MARK), "what makes components of Python")?;
    writeln!(std::io::stderr(), "components: making {} with componentize-py", guest.name).context("write to stderr")?;
    let output = target_dir(root).join(format!("{}-{}.wasm", guest.folder, guest.name));
    std::fs::create_dir_all(target_dir(root)).with_context(|| format!("create {}", target_dir(root).display()))?;
    let mut command = Command::new(python.with_file_name("componentize-py"));
    command.args(["--quiet", "--wit-path"]).arg(root.join("wit"));
    command.arg("--wit-path").arg(guest.source.join("wit"));
    command
        .args(["--world", &format!("magic:{0}/{0}", guest.name), "componentize", "--python-path"])
        .arg(&guest.source);
    command.args(["app", "--output"]).arg(&output);
    // An environment that happens to be active must not end up in the component.
    command.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH").stdin(Stdio::null()).stdout(std::io::stderr());
    let status = command.status().context("start componentize-py")?;
    if !status.success() {
        bail!("componentize-py failed ({status}); its messages are above");
    }
    std::fs::read(&output).with_context(|| format!("read {}", output.display()))
}
