//! A folder of this run's own for configs, caches and logs; gone when the run is.
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("magic-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("make the folder `{}`", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// `name` may have folders in it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("make the folder `{}`", folder.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("write `{}`", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is in the system's folder for such things.
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}
