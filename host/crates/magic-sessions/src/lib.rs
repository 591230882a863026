//! Reasoning sessions as values: what a session does next, what it has said, and the log both stand in. Knows no
//! HTTP, no model and no component: the host carries out effects and brings back what came of them.
//!
//! Reading order: `event` (the public vocabulary), `spec` (what a session is run with), `log` and `queue` (where sessions
//! stand and whose they are), `memory` and `sqlite` (the two that keep them), `record` (the form on disk), `driver` (who
//! decides), `budget`, `session` (the machine), `journal`, `replay` and `seam` (a session taken up again), then the
//! built-in driver: `prompt`, `action`, `grammar`, `declarative`; `framed` for drivers that are components.

mod action;
mod budget;
mod declarative;
mod driver;
mod event;
mod framed;
mod grammar;
mod journal;
mod log;
mod memory;
mod prompt;
mod queue;
mod record;
mod replay;
mod seam;
mod session;
mod spec;
mod sqlite;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod script;

pub use budget::{Limit, Spent};
pub use declarative::{Declarative, Generation, Program, ladder_words};
pub use driver::{Directives, Driver, DriverError, Next};
pub use event::{Record, SessionEvent};
pub use framed::Framed;
pub use journal::{Entry, Journal};
pub use log::{Beginning, EventLog, Head, LogError, LogFuture, NewSession, Status, Summary, Tail, Write};
pub use memory::{Memory, MemoryBounds};
pub use prompt::{Block, Policy, Protocol, preamble};
pub use queue::{Backing, Claim, Lease, Queue, Wanted};
pub use record::Unreadable;
pub use replay::{Outstanding, Replayed, half_told, replay};
pub use seam::{MIGRATED, RESTARTED, Seam, without_void};
pub use session::{CallReport, Delegation, Effect, Ending, Input, Session};
pub use spec::{Guide, Rules, Spec};
pub use sqlite::{Sqlite, SqliteBounds};
