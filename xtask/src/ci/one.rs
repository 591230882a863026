//! The tests of one crate, one guest or the page, by name.
use std::path::Path;

use anyhow::Result;

use super::{Ground, counted, frontend, guest_cargo, integration_with, tally::Tally};
use crate::{deps, shell};

const PAGE: &str = "frontend";

/// What a name on the command line means.
pub(crate) enum One {
    Crate(String),
    Guest(String),
    Integration,
    Page,
}

/// Every name there is.
pub(crate) fn names(root: &Path) -> Result<Vec<String>> {
    let mut names = deps::members(root, None)?;
    names.extend(deps::members(root, Some(super::GUESTS))?);
    names.push(PAGE.to_owned());
    Ok(names)
}

// === impl One ===
impl One {
    /// `magic-` may be left out of a name.
    pub(crate) fn find(root: &Path, name: &str) -> Result<Option<Self>> {
        let named = |full: &String| full == name || full.strip_prefix("magic-") == Some(name);
        if name == PAGE {
            return Ok(Some(Self::Page));
        }
        if let Some(found) = deps::members(root, None)?.into_iter().find(named) {
            return Ok(Some(if found == "magic-tests" { Self::Integration } else { Self::Crate(found) }));
        }
        Ok(deps::members(root, Some(super::GUESTS))?.into_iter().find(named).map(Self::Guest))
    }

    /// Runs the tests, with the arguments for the test binary.
    pub(crate) fn test(&self, ground: &mut Ground<'_>, args: &[String], tally: &mut Tally) -> Result<()> {
        match self {
            Self::Page => frontend(ground, tally),
            Self::Integration => integration_with(ground, args, tally),
            Self::Crate(name) => counted(shell::cargo(ground.root).args(["test", "-p", name, "--"]).args(args), tally),
            Self::Guest(name) => counted(guest_cargo(ground.root, "test").args(["-p", name, "--"]).args(args), tally),
        }
    }
}
