//! What is known of a request before it is sent. The host finds out; a plan says whether it needs to.
use magic_types::Usage;

/// What a reply is taken to have where the request sets no bound, or a bound that nobody means: a page of text.
const OUTPUT_TOKENS: u64 = 500;

/// The default is a request that needs nothing and weighs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub needs: Needs,
    /// Estimated.
    pub input_tokens: u64,
    /// The most that the reply may have, where the request says so.
    pub output_tokens_max: Option<u64>,
    /// How hard it looks, in thousandths; see [`super::Sketch`].
    pub score: u32,
}

/// What a model must be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub tools: bool,
    pub vision: bool,
    pub json_schema: bool,
}

// === impl Facts ===
impl Facts {
    /// What it takes of a model's window.
    pub(super) fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens_max.unwrap_or(0))
    }

    /// What it will be billed for, as a guess: only the order of the prices hangs on it.
    pub fn usage(&self) -> Usage {
        let output_tokens = self.output_tokens_max.map_or(OUTPUT_TOKENS, |max| max.min(OUTPUT_TOKENS));
        Usage { input_tokens: self.input_tokens, output_tokens, ..Usage::default() }
    }
}
