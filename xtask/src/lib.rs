//! The developer's door, `cargo xtask`: builds, runs, tests and checks the project. No part of the gateway imports it.
//!
//! `cli` names the verbs · `dev` runs the gateway, the model and the benchmarks · `ci` is the test command, stage by
//! stage · `tidy` and `deps` are the checks of our own · `components` builds the guests · `model` brings the small model
//! up · `shell` starts other programs and tells how far they are.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool: its output is its work")]

mod ci;
mod cli;
pub mod components;
mod deps;
mod dev;
pub mod model;
mod shell;
mod supply;
mod tidy;

pub use cli::main;
