//! Why a runtime, a file or a policy was refused: a variant per thing somebody can act on, each with its cure. Why a
//! call failed is `magic_types::chat::ToolError`.
use magic_types::Digest;

/// The runtime itself could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("set up the WebAssembly engine: {0}")]
    Engine(String),
    #[error("start the epoch ticker's thread: {0}")]
    Ticker(#[source] std::io::Error),
}

/// A file was refused. The text stands in the admin's list of problems; nothing that runs is changed by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the file is empty: it may still be being written")]
    Empty,
    #[error(
        "the file is {bytes} bytes, more than {bytes_max}: build it smaller (`opt-level = \"s\"`, strip debug names)"
    )]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("the file is not WebAssembly: it starts with {start}; a component starts with `\\0asm`")]
    NotWasm { start: String },
    #[error("the file is cut off after {bytes} bytes: copy it again, best by writing beside and renaming")]
    Truncated { bytes: usize },
    #[error("the file is not valid WebAssembly: {0}")]
    Invalid(String),
    #[error(
        "the file is a core module without a `component-type` section: build it with `cargo xtask components`, or turn it \
         into a component with `wasm-tools component new`"
    )]
    BareModule,
    #[error("the core module cannot be made a component: {0}")]
    Encode(String),
    #[error(
        "the component exports none of `get-prompt-structure` (a pattern), `magic:proxy/driver@0.1.0` (a driver pattern) \
         and `magic:proxy/toolbox@0.1.0` (a tool); it exports {exports}"
    )]
    NoShape { exports: String },
    #[error("the component is built for `{found}`, this gateway speaks `magic:proxy@0.1`: rebuild it against wit/")]
    Version { found: String },
    #[error("the component is a {found}, but it lies in {folder}/: move it to {cure}/")]
    WrongFolder { found: &'static str, folder: &'static str, cure: &'static str },
    #[error("the component is more than one of a pattern, a driver pattern and a tool: build one component for each")]
    TwoShapes,
    #[error("the component imports what this gateway does not give: {0}")]
    UnknownImport(String),
    #[error("the component exports the right name with the wrong type: {0}")]
    WrongType(String),
    #[error("compile the component: {0}")]
    Compile(String),
    #[error("the component was not compiled within {seconds} s: make it smaller")]
    CompileTimedOut { seconds: u64 },
    /// It was called once with every capability denied, and failed.
    #[error("the component failed its first call (`{function}`, with every capability denied): {why}")]
    Probe { function: &'static str, why: String },
    #[error("the pattern's prompt structure: {0}")]
    Structure(String),
    #[error("the component's `describe`: {0}")]
    Definition(String),
    #[error("the component's `pattern-info`: {0}")]
    Info(String),
    #[error("the runtime is shutting down or its compiler failed: {0}")]
    Internal(String),
}

/// A policy file was refused; line and column are in the text where they are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("the policy is not valid: {0}")]
    Yaml(String),
    #[error("`{path}`: {message}")]
    Value { path: String, message: String },
}

/// An error of the toolchain for a list of problems: names in it are the file's own, so its length is bounded.
pub(crate) fn told(error: &impl std::fmt::Display) -> String {
    crate::lines::cut(&format!("{error:#}"), crate::defaults::PROBLEM_BYTES_MAX).to_owned()
}

/// For log lines: which bytes an error is about.
pub(crate) fn short(digest: Digest) -> String {
    digest.to_string().chars().take(12).collect()
}
