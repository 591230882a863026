//! How a pattern ends: an answer, or an error in words. Refuses codes: the host gives those.

use super::{LlmError, Message, error_text};

/// What the session answers.
#[derive(Clone, Debug)]
pub struct Answer(Message);

/// Why there is no answer. The text may be read by a stranger: it names the thing and, if there is one, the cure.
#[derive(Clone, Debug)]
pub struct Error(String);

// === impl Answer ===
impl Answer {
    /// A whole message, e.g. one that calls the client's own tools.
    #[must_use]
    pub fn message(message: Message) -> Self {
        Self(message)
    }

    pub(super) fn into_message(self) -> Message {
        self.0
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self(Message::assistant(text))
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

// === impl Error ===
impl Error {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<LlmError> for Error {
    fn from(error: LlmError) -> Self {
        Self(error_text(&error))
    }
}
