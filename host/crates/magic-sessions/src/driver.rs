//! Who decides what a session does next: the built-in loop, or a component behind magic-plugins. No I/O here.
use magic_types::Usage;
use magic_types::directive::{Directive, Event};
use std::pin::Pin;

/// A pattern at work: told what happened, it says what shall be done. Deterministic for one session context, so that a
/// session can be replayed from its events.
pub trait Driver: Send {
    /// `events` is never empty; the first call holds [`Event::Start`]. An empty list means "nothing yet" and is an
    /// error of the pattern when nothing is outstanding.
    fn next<'a>(&'a mut self, events: &'a [Event], spent: &'a Usage) -> Next<'a>;
}

pub type Directives = Result<Vec<Directive>, DriverError>;

/// What a driver says: at once, or once its component has run.
pub enum Next<'a> {
    Ready(Directives),
    Later(Pin<Box<dyn Future<Output = Directives> + Send + 'a>>),
}

// === impl Next ===

impl Next<'_> {
    pub(crate) async fn said(self) -> Directives {
        match self {
            Self::Ready(directives) => directives,
            Self::Later(directives) => directives.await,
        }
    }
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
