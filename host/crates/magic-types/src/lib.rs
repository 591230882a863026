//! The words every crate shares, as plain values. Knows no wire form, no file form and no clock.
//!
//! Reading order: `ids`, `failure`, `usage`, `chat` (what a model is asked and says), `stream` (the same, piece by
//! piece), `directive` (what a pattern is told and may ask for), `secret`.
//!
//! None of these types is serialisable: each boundary (wire, disk, WIT, config) owns structs of its own.

pub mod chat;
pub mod directive;
pub mod failure;
pub mod ids;
pub mod secret;
pub mod stream;
pub mod usage;

pub use failure::{Failure, Fault, Kind, UpstreamReply};
pub use ids::{AliasName, Digest, KeyId, ProfileName, SessionId};
pub use secret::Secret;
pub use usage::Usage;
