//! The component runtime: loads WebAssembly patterns and tools, checks them, calls them inside their limits. The only
//! crate that knows wasmtime. It opens no socket: what a guest may do outside goes through [`Host`], after the policy.
//!
//! Reading order: `defaults` (every number), `policy` (what a component may do), `host` (who does it), `error`,
//! `runtime` (load), `classify` (what a file is, before it is compiled), `component` (a loaded one), `call` (one call,
//! always in the same order), `state` (what one call owns), `imports` (what a guest may ask for), `trap` (why a call
//! ended), `drive` (a session of a driver pattern), `convert` (what it is told and says), `registry` (which component owns
//! which name).

mod address;
mod bindings;
mod cache;
mod call;
mod caller;
mod classify;
mod component;
mod convert;
mod defaults;
mod destination;
mod drive;
mod engine;
mod error;
mod gate;
mod host;
mod imports;
mod kinds;
mod kv;
mod limits;
mod lines;
mod live;
mod policy;
mod registry;
mod runtime;
mod schema;
mod state;
mod trap;
mod wasi;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod testing;

pub use address::{address_allowed, address_is_link_local};
pub use caller::Caller;
pub use component::{Component, Kind, Step};
pub use defaults::{Limits, Options};
pub use drive::{Drive, DriveError};
pub use error::{Error, LoadError, PolicyError};
pub use host::{Host, Inbound, Outbound, OutboundError};
pub use live::Live;
pub use policy::Policy;
pub use registry::{Clash, Components};
pub use runtime::{Runtime, Source};
