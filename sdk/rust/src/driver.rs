//! The driver pattern: straight-line `async` code, which the host drives from event to event. Refuses I/O, clocks and
//! threads: what a pattern awaits is what it asked the host for, so that a replay of the events decides the same.
//!
//! Reading order: `context` (what an author calls), `ask` and `prompt` (what a model is asked), `answer` (how it ends),
//! `join` (several at once), `awaited` and `machine` (the executor), `random`.

mod answer;
mod ask;
mod awaited;
mod context;
mod join;
mod machine;
mod message;
mod prompt;
mod random;

use crate::bindings::driver::exports::magic::proxy::{driver as wit, pattern_info};

pub use crate::bindings::driver::magic::proxy::types::{
    Completion, FinishReason, LlmError, Message, Part, Role, ToolCall, ToolDefinition, ToolError, ToolOutput,
    ToolResult, Usage,
};
pub use answer::{Answer, Error};
pub use ask::Ask;
pub use context::{Call, Ctx};
pub use join::{Either, either, join_all, race};
#[doc(hidden)]
pub use machine::Machine;
pub use message::{error_text, result_text};
pub use prompt::{Prompt, fill};
pub use random::Random;
pub use wit::{AgentCard, Directive, Event, Limits, SessionContext, Visibility as Show};

/// Makes this crate a driver pattern out of one function, `async fn run(ctx: Ctx) -> Result<Answer, Error>`.
///
/// `options_schema` is the JSON Schema of the options that `ctx.options()` reads; left out, the pattern has none.
#[macro_export]
macro_rules! driver {
    (
        name: $name:expr,
        version: $version:expr,
        description: $description:expr,
        $(options_schema: $schema:expr,)?
        run: $run:expr $(,)?
    ) => {
        /// JSON Schema of the options, where there are any.
        pub const OPTIONS_SCHEMA: Option<&str> = {
            let given: &[&str] = &[$($schema)?];
            match given {
                [schema, ..] => Some(*schema),
                [] => None,
            }
        };

        // Only in WebAssembly: natively a guest is a library under test, and several are linked into one program.
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::bindings::driver::exports::magic::proxy::{driver as wit, pattern_info};

            struct Pattern;
            struct Session($crate::driver::Machine);

            impl wit::Guest for Pattern {
                type Session = Session;
            }

            impl wit::GuestSession for Session {
                fn new(context: wit::SessionContext) -> Self {
                    Self($crate::driver::Machine::new(context, $run))
                }

                fn next(&self, events: Vec<wit::Event>, spent: $crate::driver::Usage) -> Vec<wit::Directive> {
                    self.0.next(events, spent)
                }
            }

            impl pattern_info::Guest for Pattern {
                fn describe() -> pattern_info::Info {
                    $crate::driver::info($name, $version, $description, OPTIONS_SCHEMA)
                }
            }

            $crate::bindings::driver::export_driver!(Pattern with_types_in $crate::bindings::driver);
        };
    };
}

#[doc(hidden)]
#[must_use]
pub fn info(name: &str, version: &str, description: &str, schema: Option<&str>) -> pattern_info::Info {
    pattern_info::Info {
        name: name.into(),
        version: version.into(),
        description: description.trim().into(),
        options_json_schema: schema.map(|schema| schema.trim().into()),
        extra: Vec::new(),
    }
}

// The scripts need the feature that guests' tests turn on.
#[cfg(all(test, feature = "testing"))]
mod tests;
