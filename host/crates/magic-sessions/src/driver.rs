//! Who decides what a session does next: the built-in loop, or a component behind magic-plugins. No I/O here.
use magic_types::Usage;
use magic_types::directive::{Directive, Event};

/// A pattern at work: told what happened, it says what shall be done. Deterministic for one session context, so that a
/// session can be replayed from its events.
pub trait Driver: Send {
    /// `events` is never empty; the first call holds [`Event::Start`]. An empty list means "nothing yet" and is an
    /// error of the pattern when nothing is outstanding.
    fn next(&mut self, events: &[Event], spent: &Usage) -> Result<Vec<Directive>, DriverError>;
}

/// Why a driver could not say what to do. Ends the session; the text may be read by a stranger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The component trapped, looped or overran a limit.
    #[error("the pattern failed: {0}")]
    Component(String),
    /// The pattern ran but broke its contract.
    #[error("the pattern broke its contract: {0}")]
    Contract(String),
}
