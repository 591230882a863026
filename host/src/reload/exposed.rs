//! Files of secrets that everybody on this machine can read. That is told and stops nothing: the files are the operator's.
use super::files::list;
use crate::app::Paths;
use magic_config::Config;
use std::path::PathBuf;

/// Blocks.
pub(super) fn exposed(paths: &Paths, config: &Config) -> Vec<PathBuf> {
    let listed = [&paths.keys, &paths.env].into_iter().flat_map(|folder| list(folder, "env").unwrap_or_default());
    let key = config.server_settings.listener.tls.iter().map(|tls| paths.beside_config(&tls.key));
    listed.chain(key).filter(|file| is_exposed(file)).collect()
}

#[cfg(unix)]
fn is_exposed(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    const READ_BY_ALL: u32 = 0o004;
    std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & READ_BY_ALL != 0)
}

#[cfg(not(unix))]
fn is_exposed(_: &std::path::Path) -> bool {
    false
}
