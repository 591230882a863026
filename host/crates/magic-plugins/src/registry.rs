//! Which component owns which name: an immutable snapshot. Replacing a component means building a new one.
use crate::component::{Component, Kind};
use std::collections::HashMap;
use std::sync::Arc;

/// All loaded components. Cheap to look up, never changed; the host swaps the whole.
#[derive(Clone, Debug, Default)]
pub struct Components {
    /// Sorted by kind and file name.
    all: Vec<Arc<Component>>,
    patterns: HashMap<String, Arc<Component>>,
    tools: HashMap<String, Arc<Component>>,
}

/// A component that was left out, because another one, earlier by file name, has a name that it wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} `{name}` of {}/{file}.wasm is already defined by {}/{owner}.wasm: rename one of them", kind.folder(), kind.folder())]
pub struct Clash {
    pub kind: Kind,
    /// The pattern's or tool's name.
    pub name: String,
    /// File name, without its ending, of the component that was left out.
    pub file: String,
    /// File name, without its ending, of the component that has the name.
    pub owner: String,
}

// === impl Components ===
impl Components {
    pub fn empty() -> Self {
        Self::default()
    }

    /// Registers what fits. A component that wants a name which an earlier one has (by file name) is left out whole
    /// and reported.
    pub fn new(mut list: Vec<Arc<Component>>) -> (Self, Vec<Clash>) {
        list.sort_by(|a, b| (a.kind, &a.file).cmp(&(b.kind, &b.file)));
        let mut components = Self::default();
        let mut clashes = Vec::new();
        for component in list {
            match components.clash(&component) {
                Some(clash) => clashes.push(clash),
                None => components.add(component),
            }
        }
        (components, clashes)
    }

    pub fn pattern(&self, name: &str) -> Option<Arc<Component>> {
        self.patterns.get(name).cloned()
    }

    /// The component that defines the tool of this function name.
    pub fn toolbox_of(&self, tool: &str) -> Option<Arc<Component>> {
        self.tools.get(tool).cloned()
    }

    /// Every component, by kind and file name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Component>> {
        self.all.iter()
    }

    pub fn patterns(&self) -> impl Iterator<Item = &Arc<Component>> {
        self.all.iter().filter(|component| component.kind == Kind::Pattern)
    }

    pub fn toolboxes(&self) -> impl Iterator<Item = &Arc<Component>> {
        self.all.iter().filter(|component| component.kind == Kind::Tool)
    }

    fn clash(&self, wanting: &Component) -> Option<Clash> {
        let (names, owners) = match wanting.kind {
            Kind::Pattern => (vec![wanting.name.clone()], &self.patterns),
            Kind::Tool => (wanting.tools().iter().map(|tool| tool.name.clone()).collect(), &self.tools),
        };
        names.into_iter().find_map(|name| {
            let owner = owners.get(&name)?.file.clone();
            Some(Clash { kind: wanting.kind, name, file: wanting.file.clone(), owner })
        })
    }

    fn add(&mut self, component: Arc<Component>) {
        match component.kind {
            Kind::Pattern => {
                self.patterns.insert(component.name.clone(), Arc::clone(&component));
            }
            Kind::Tool => {
                for tool in component.tools() {
                    self.tools.insert(tool.name.clone(), Arc::clone(&component));
                }
            }
        }
        self.all.push(component);
    }
}

#[cfg(test)]
mod tests;
