//! Reasoning sessions as values: what a session does next, what it has said, and the log both stand in. Knows no
//! HTTP, no model and no component: the host carries out effects and brings back what came of them.
//!
//! Reading order: `event` (the public vocabulary), `log` (where events stand before anyone sees them), `memory` (the
//! log in this process), `driver` (who decides), `budget`, `session` (the machine), then the built-in driver:
//! `prompt`, `action`, `grammar`, `declarative`.

mod action;
mod budget;
mod declarative;
mod driver;
mod event;
mod grammar;
mod log;
mod memory;
mod prompt;
mod session;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod script;

pub use declarative::{Declarative, Generation, Program};
pub use driver::{Directives, Driver, DriverError, Next};
pub use event::{Record, SessionEvent};
pub use log::{EventLog, Head, LogError, LogFuture, NewSession, Status, Summary, Tail};
pub use memory::{Memory, MemoryBounds};
pub use prompt::{Block, Policy, Protocol};
pub use session::{CallReport, Effect, Ending, Input, Session};
