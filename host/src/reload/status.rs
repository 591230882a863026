//! What the reload loop last saw, for `/admin/components`. Written by the loop, read by the admin.
use magic_plugins::{Component, Kind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// One component file.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) file: String,
    /// What serves, if anything does.
    pub(crate) component: Option<Arc<Component>>,
    pub(crate) loaded_at: Option<SystemTime>,
    /// What is wrong with the newest version of the file.
    pub(crate) problem: Option<String>,
}

#[derive(Default)]
pub(crate) struct Status(Mutex<Seen>);

/// The last look.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) rows: Vec<Row>,
    /// Of the config as it lies there; empty when it is what serves.
    pub(crate) problems: Vec<String>,
}

impl Status {
    pub(crate) fn set(&self, rows: Vec<Row>, problems: Vec<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Seen { rows, problems };
    }

    pub(crate) fn get(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
