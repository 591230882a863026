//! What a guest of Magic Proxy is written with: one macro for a declarative pattern, one trait and one macro for a
//! tool, typed wrappers around what the host offers. Refuses to hold logic: a guest's own code stays testable natively.
//!
//! A pattern is its prompts:
//! ```ignore
//! magic_sdk::declarative! {
//!     "SYSTEM_RULE" => include_str!("../prompts/system_rule.md"),
//!     "EXAMPLE" => include_str!("../prompts/example.md"),
//! }
//! ```
//! A tool is a type with typed arguments:
//! ```ignore
//! struct Reverse;
//!
//! #[derive(serde::Deserialize)]
//! struct Args { text: String }
//!
//! impl magic_sdk::Tool for Reverse {
//!     type Args = Args;
//!     const NAME: &str = "reverse";
//!     const DESCRIPTION: &str = "Reverses a text, character by character.";
//!     const SCHEMA: &str = include_str!("../schema/reverse.json");
//!     const HINTS: magic_sdk::Hints = magic_sdk::Hints::PURE;
//!     fn call(args: Args) -> Result<magic_sdk::Output, magic_sdk::Error> {
//!         Ok(args.text.chars().rev().collect::<String>().into())
//!     }
//! }
//! magic_sdk::tool!(Reverse);
//! ```
//! A driver pattern is one function, which asks the host and waits:
//! ```ignore
//! async fn run(ctx: Ctx) -> Result<Answer, Error> {
//!     let draft = ctx.ask(Ask::from(Prompt::new(DRAFT).conversation(&ctx)).show(Show::Thought)).await?.text();
//!     ctx.answer(Prompt::new(FINISH).conversation(&ctx).user(fill(REVIEW, &[("draft", &draft)]))).await
//! }
//! magic_sdk::driver! { name: "two_steps", version: "0.1.0", description: "Drafts, then answers.", run: run }
//! ```
//! A guest turns on exactly one feature, `driver`, `pattern` or `tool`. What a guest does not call it does not import.

#[cfg(feature = "tool")]
pub mod call_context;
#[cfg(feature = "tool")]
pub mod clock;
#[cfg(feature = "tool")]
pub mod config;
#[cfg(feature = "driver")]
pub mod driver;
#[cfg(feature = "tool")]
pub mod http;
#[cfg(feature = "tool")]
pub mod kv;
#[cfg(feature = "tool")]
pub mod log;
#[cfg(feature = "pattern")]
pub mod pattern;
#[cfg(feature = "driver")]
pub mod reading;
#[cfg(any(feature = "testing", feature = "tool"))]
pub mod testing;
#[cfg(feature = "tool")]
mod tool;

#[doc(hidden)]
pub mod bindings;

#[cfg(feature = "tool")]
pub use tool::{Error, Hints, Output, Tool};
#[cfg(feature = "tool")]
#[doc(hidden)]
pub use tool::{definition, run};
