//! A loaded component: what it is, what it says of itself, and the way to call it. Immutable; its memory goes when the
//! last `Arc` goes, so calls under way finish on the version they began with.
use crate::caller::Caller;
use crate::defaults::Limits;
use crate::drive::Drive;
use crate::gate::Gate;
use crate::host::Host;
use crate::kinds::driver::{self, Driver};
use crate::kinds::toolbox::Toolbox;
use crate::lines::Lines;
use crate::live::Guard;
use crate::policy::Policy;
use crate::runtime::Runtime;
use magic_types::Digest;
use magic_types::chat::{ToolCall, ToolDefinition, ToolError, ToolOutput};
use magic_types::directive::SessionContext;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a component is, by what it exports. Each kind has its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Pattern,
    Tool,
}

/// One block of a declarative pattern's prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `[A-Z][A-Z0-9_]{0,63}`
    pub tag: String,
    pub content: String,
}

/// One loaded version of one file.
pub struct Component {
    /// The pattern's name: what its `pattern-info` says, else the file's name. A tool's component: the file's name.
    pub name: String,
    /// The file's name without `.wasm`.
    pub file: String,
    pub kind: Kind,
    /// Of the file's bytes.
    pub digest: Digest,
    /// Size of the file.
    pub bytes: usize,
    /// From `pattern-info`, where there is one.
    pub version: Option<String>,
    /// From `pattern-info`, where there is one.
    pub description: Option<String>,
    /// How long it took to compile, or to get from the cache.
    pub compile: Duration,
    pub(crate) shape: Shape,
    pub(crate) guest: Arc<Guest>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) _live: Guard,
}

pub(crate) enum Shape {
    /// Asked once at load; no code is kept.
    Declarative(Vec<Step>),
    Driver(Driver),
    Toolbox(Toolbox),
}

/// Through which of the runtime's doors a call comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// With everybody else.
    Pool,
    /// The first call of a new file: its place is kept free, or a busy gateway could not take a repaired component.
    Probe,
}

/// What every call of one component shares: who it is, what it may do, what it may spend.
pub(crate) struct Guest {
    pub(crate) file: String,
    pub(crate) kind: Kind,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) door: Door,
    pub(crate) lines: Lines,
}

// === impl Kind ===
impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Tool => "tool",
        }
    }

    /// The watched folder it belongs in.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Pattern => "patterns",
            Self::Tool => "tools",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Component ===
impl Component {
    /// The blocks of a declarative pattern; `None` for a driver or a tool.
    pub fn structure(&self) -> Option<&[Step]> {
        match &self.shape {
            Shape::Declarative(steps) => Some(steps),
            Shape::Driver(_) | Shape::Toolbox(_) => None,
        }
    }

    /// What a tool component defines; empty for a pattern.
    pub fn tools(&self) -> &[ToolDefinition] {
        match &self.shape {
            Shape::Declarative(_) | Shape::Driver(_) => &[],
            Shape::Toolbox(toolbox) => toolbox.tools(),
        }
    }

    /// Whether its sessions are driven by its own code; see [`Component::drive`].
    pub fn is_driver(&self) -> bool {
        match &self.shape {
            Shape::Driver(_) => true,
            Shape::Declarative(_) | Shape::Toolbox(_) => false,
        }
    }

    /// JSON Schema of a session's options, where the driver gives one.
    pub fn options_schema(&self) -> Option<&str> {
        match &self.shape {
            Shape::Driver(driver) => driver.options_schema(),
            Shape::Declarative(_) | Shape::Toolbox(_) => None,
        }
    }

    /// Checks a session's options against the driver's schema; without one only `{}` is taken. The text is for whoever
    /// chose them: every violation (up to twenty) with its path.
    pub fn check_options(&self, options_json: &str) -> Result<(), String> {
        match &self.shape {
            Shape::Driver(driver) => driver.check_options(options_json),
            Shape::Declarative(_) | Shape::Toolbox(_) => driver::none_taken(options_json),
        }
    }

    /// Begins a session of a driver; no code runs before the first call of [`Drive::next`], which fails where the
    /// component is none. The session stays with this version of the file. The options are not checked again.
    pub fn drive(self: &Arc<Self>, ctx: SessionContext) -> Drive {
        Drive::new(Arc::clone(self), ctx)
    }

    /// Checks arguments against the tool's schema. The text of `InvalidArguments` is for the model: every violation
    /// (up to twenty) with its path. `NotFound` if the component has no such tool.
    pub fn check_arguments(&self, tool: &str, arguments_json: &str) -> Result<(), ToolError> {
        match &self.shape {
            Shape::Declarative(_) | Shape::Driver(_) => Err(ToolError::NotFound),
            Shape::Toolbox(toolbox) => toolbox.check_arguments(tool, arguments_json),
        }
    }

    /// Calls one tool on a fresh instance, arguments checked first. Whatever the guest does, this returns within its
    /// `wall_ms_max` and the bounded wait for a place. Blank arguments are `{}`. The guest may ask
    /// `caller`, and its requests carry the key. Dropping the future ends the call.
    pub async fn call(&self, call: &ToolCall, caller: Caller, host: Arc<dyn Host>) -> Result<ToolOutput, ToolError> {
        match &self.shape {
            Shape::Declarative(_) | Shape::Driver(_) => Err(ToolError::NotFound),
            Shape::Toolbox(toolbox) => toolbox.call(&self.runtime, &self.guest, call, caller, host).await,
        }
    }

    /// What one call may spend.
    pub fn limits(&self) -> Limits {
        self.guest.limits
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name)
            .field("file", &self.file)
            .field("kind", &self.kind)
            .field("digest", &self.digest)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

// === impl Guest ===
impl Guest {
    /// The file to which a denial says a key must be added.
    pub(crate) fn policy_file(&self) -> String {
        format!("{}/{}.policy.yaml", self.kind.folder(), self.file)
    }
}
