//! Checks that a guest's own tests call natively. Refuses to need a host.

#[cfg(feature = "pattern")]
mod pattern;
#[cfg(feature = "tool")]
mod tool;

#[cfg(feature = "pattern")]
pub use pattern::{Call, calls};
#[cfg(feature = "tool")]
pub use tool::problems;
