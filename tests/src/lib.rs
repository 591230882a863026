//! The kit of the integration tests: a gateway in this process, a scripted vendor, clients that see exact bytes, and a
//! look at what is left behind. Asserts and panics freely: it is only ever called by tests.
#![expect(clippy::expect_used, clippy::panic, reason = "a test kit: a surprise ends the test")]

mod client;
mod collector;
mod folder;
mod gateway;
mod leftovers;
mod logs;
mod openai;
mod process;
mod provider;
mod session;
mod tls;
mod vendors;
mod wait;
mod wasm;

pub use client::{Connection, Reply};
pub use collector::{Collector, Measured, Span};
pub use folder::{Folder, repository};
pub use gateway::{Gateway, key_id};
pub use logs::{logged, never_logged};
pub use openai::{Completion, chunk, completion, data_frames, said, said_frames};
pub use process::{Ended, Process, proxy_binary};
pub use provider::{Call, Gate, HalfWay, Provider, Refused, Script, When};
pub use session::{Event, Events};
pub use tls::{Trust, pem, tls_connect, tls_get};
pub use vendors::{GREETING, little_model};
pub use wait::{PATIENCE, wait_until, wait_until_async, within};
pub use wasm::{SCHEMA, ToolWat, pattern_wat};
