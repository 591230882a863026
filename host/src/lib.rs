//! Magic Proxy, the host: all I/O lives here, all judgement in the `magic-*` crates.
//!
//! Reading order: `cli` (what was asked), `app` (what is started, and in which order), `http` (the route table),
//! `accounts` (who asks, and what it may cost), `bill` (what it did), `upstream` (the way to a model), `sessions` (reasoning), `components` (what guests get of us), `reload` (files to
//! snapshots), `snapshot` (what one request sees), `server`, `tasks`, `telemetry`.

mod accounts;
mod app;
mod bill;
mod cache;
mod cli;
mod components;
mod http;
mod reload;
mod server;
mod sessions;
mod snapshot;
mod store;
mod tasks;
mod telemetry;
mod upstream;

pub use app::{Door, Gateway, Paths, StartError, check};
pub use cli::run;
