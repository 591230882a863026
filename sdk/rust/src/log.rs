//! Lines for the gateway's log. Refuses secrets and bodies by convention: what is logged is read by operators.

use crate::bindings::tool::magic::proxy::logging::{Level, log};

/// For whoever debugs this tool.
pub fn debug(message: &str) {
    log(Level::Debug, message);
}

/// Something an operator may want to know.
pub fn info(message: &str) {
    log(Level::Info, message);
}

/// The tool coped, but somebody should know.
pub fn warn(message: &str) {
    log(Level::Warn, message);
}

/// Somebody must act.
pub fn error(message: &str) {
    log(Level::Error, message);
}
