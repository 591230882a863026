//! A value that must never be seen. It cannot be formatted, compared or serialised; it is zeroed on drop.
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key's secret. The one way to its text is [`Secret::expose`], called where a header is written and nowhere else.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    /// The text, for the one header write it exists for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
