//! The tool trait, its macro, and the step between JSON text and typed arguments. Refuses to know any tool.

use serde::de::DeserializeOwned;

use crate::bindings::tool::magic::proxy::types;

/// Why a call failed, as the model is told. `InvalidArguments` says what to mend.
pub type Error = types::ToolError;

/// What the model reads, and optionally JSON for machines.
pub type Output = types::ToolOutput;

/// What a call may do to the world; the meaning is that of the MCP tool annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hints {
    /// Modifies nothing: may be retried and run in parallel.
    pub read_only: bool,
    /// May destroy data.
    pub destructive: bool,
    /// Same arguments, same effect: may be called again after a crash.
    pub idempotent: bool,
    /// Reaches outside the gateway.
    pub open_world: bool,
}

/// One tool. The consts are what the model is told about it.
pub trait Tool {
    /// The arguments; derive `Deserialize`, deny unknown fields.
    type Args: DeserializeOwned;
    /// `[a-zA-Z0-9_-]{1,64}`, unique in its component.
    const NAME: &str;
    /// For a model: when to call it, what it returns, what it refuses.
    const DESCRIPTION: &str;
    /// JSON Schema (draft 2020-12) of an object that `Args` reads; its `examples` are checked by `testing::problems`.
    const SCHEMA: &str;
    /// JSON Schema of [`Output::structured`].
    const OUTPUT_SCHEMA: Option<&str> = None;
    const HINTS: Hints;

    /// One call, on a fresh instance.
    fn call(args: Self::Args) -> Result<Output, Error>;
}

/// Makes this crate a tool component of the given [`Tool`](crate::Tool) types.
#[macro_export]
macro_rules! tool {
    ($($tool:ty),+ $(,)?) => {
        // Only in WebAssembly: natively a guest is a library under test, and several are linked into one program.
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Toolbox;

            impl $crate::bindings::tool::exports::magic::proxy::toolbox::Guest for Toolbox {
                fn describe() -> Vec<$crate::bindings::tool::magic::proxy::types::ToolDefinition> {
                    vec![$($crate::definition::<$tool>()),+]
                }

                fn call(name: String, arguments_json: String) -> Result<$crate::Output, $crate::Error> {
                    $(if name == <$tool as $crate::Tool>::NAME {
                        return $crate::run::<$tool>(&arguments_json);
                    })+
                    Err($crate::Error::NotFound)
                }
            }

            $crate::bindings::tool::export_tool!(Toolbox with_types_in $crate::bindings::tool);
        };
    };
}

#[doc(hidden)]
#[must_use]
pub fn definition<T: Tool>() -> types::ToolDefinition {
    types::ToolDefinition {
        name: T::NAME.into(),
        description: T::DESCRIPTION.trim().into(),
        parameters_json_schema: T::SCHEMA.trim().into(),
        output_json_schema: T::OUTPUT_SCHEMA.map(|schema| schema.trim().into()),
        hints: T::HINTS.flags(),
    }
}

#[doc(hidden)]
pub fn run<T: Tool>(arguments_json: &str) -> Result<Output, Error> {
    // A model that has nothing to say often sends nothing at all.
    let text = if arguments_json.trim().is_empty() { "{}" } else { arguments_json };
    match serde_json::from_str(text) {
        Ok(args) => T::call(args),
        Err(error) => {
            Err(Error::InvalidArguments(format!("the arguments do not fit the schema of `{}`: {error}", T::NAME)))
        }
    }
}

// === impl Hints ===
impl Hints {
    /// Changes nothing and reaches nothing outside.
    pub const PURE: Self = Self { read_only: true, destructive: false, idempotent: true, open_world: false };
    /// Reads from outside and changes nothing there.
    pub const READS_OUTSIDE: Self = Self { open_world: true, ..Self::PURE };

    fn flags(self) -> types::ToolHints {
        use types::ToolHints as Flags;
        let pairs = [
            (self.read_only, Flags::READ_ONLY),
            (self.destructive, Flags::DESTRUCTIVE),
            (self.idempotent, Flags::IDEMPOTENT),
            (self.open_world, Flags::OPEN_WORLD),
        ];
        pairs.into_iter().filter(|(set, _)| *set).fold(Flags::empty(), |flags, (_, flag)| flags | flag)
    }
}

// === impl Output ===
impl From<String> for Output {
    fn from(text: String) -> Self {
        Self { text, structured: None }
    }
}

#[cfg(test)]
mod tests;
