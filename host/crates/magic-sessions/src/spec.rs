//! What a session is run with, pinned when it begins: neither a reload nor a restart changes it. Values only.
use crate::declarative::Program;
use magic_types::AliasName;
use magic_types::directive::{Limits, SessionContext};
use std::collections::HashSet;

/// Everything that decides what a session does, beside what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    pub context: SessionContext,
    pub guide: Guide,
    /// The aliases that delegated down to this session, the first of all first, and its own.
    pub lineage: Vec<AliasName>,
    /// Tools whose calls wait for a person.
    pub guarded_tools: Vec<String>,
    /// The client's own tools: a call of one is the client's to carry out, and ends the session.
    pub client_tools: Vec<String>,
}

/// Who decides: the built-in loop with a prompt, or the pattern's component.
#[derive(Clone, Debug, PartialEq)]
pub enum Guide {
    Loop(Box<Program>),
    Component {
        /// Stands first in everything that the component asks: server policy and the client's instructions.
        preamble: Option<String>,
        generation: crate::declarative::Generation,
    },
}

/// What the machine itself holds a pattern to.
#[derive(Clone, Debug)]
pub struct Rules {
    pub limits: Limits,
    pub guarded_tools: HashSet<String>,
    pub client_tools: HashSet<String>,
    pub agents: HashSet<String>,
    pub lineage: Vec<AliasName>,
}

// === impl Rules ===

impl Rules {
    /// Limits, and nothing else to hold a pattern to.
    pub fn limited(limits: Limits) -> Self {
        Self {
            limits,
            guarded_tools: HashSet::new(),
            client_tools: HashSet::new(),
            agents: HashSet::new(),
            lineage: Vec::new(),
        }
    }
}

impl From<&Spec> for Rules {
    fn from(spec: &Spec) -> Self {
        Self {
            limits: spec.context.limits,
            guarded_tools: spec.guarded_tools.iter().cloned().collect(),
            client_tools: spec.client_tools.iter().cloned().collect(),
            agents: spec.context.agents.iter().map(|agent| agent.name.clone()).collect(),
            lineage: spec.lineage.clone(),
        }
    }
}
