//! Usage in each dialect's words, for decoders and the onlooker alike. Lenient: an odd count is no reason to lose an answer.
use magic_types::Usage;
use serde::Deserialize;
use serde_json::Value;

/// OpenAI's, of chat completions and of responses: the same numbers under two sets of names, and imitators' spellings.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct OpenAi(Usage);

/// Anthropic's: the prompt in three parts, of which a stream's later events repeat some.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Anthropic {
    fresh: Option<u64>,
    written: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
    thoughts: Option<u64>,
}

// === impl OpenAi ===
impl From<Value> for OpenAi {
    fn from(told: Value) -> Self {
        let most = |paths: &[&str]| paths.iter().filter_map(|path| count(&told, path)).max().unwrap_or(0);
        Self(Usage {
            input_tokens: most(&["/prompt_tokens", "/input_tokens"]),
            output_tokens: most(&["/completion_tokens", "/output_tokens"]),
            cached_input_tokens: most(&[
                "/prompt_tokens_details/cached_tokens",
                "/input_tokens_details/cached_tokens",
                // DeepSeek's: https://api-docs.deepseek.com/guides/kv_cache
                "/prompt_cache_hit_tokens",
            ]),
            // OpenRouter's; a response of ours says it as well.
            cache_write_tokens: most(&[
                "/prompt_tokens_details/cache_write_tokens",
                "/input_tokens_details/cache_write_tokens",
            ]),
            reasoning_tokens: most(&[
                "/completion_tokens_details/reasoning_tokens",
                "/output_tokens_details/reasoning_tokens",
            ]),
            cost_micros: None,
        })
    }
}

impl OpenAi {
    pub(crate) fn into_usage(self) -> Usage {
        self.0
    }
}

// === impl Anthropic ===
impl From<Value> for Anthropic {
    fn from(told: Value) -> Self {
        Self {
            fresh: count(&told, "/input_tokens"),
            written: count(&told, "/cache_creation_input_tokens"),
            cached: count(&told, "/cache_read_input_tokens"),
            output: count(&told, "/output_tokens"),
            thoughts: count(&told, "/output_tokens_details/thinking_tokens"),
        }
    }
}

impl Anthropic {
    /// What it says replaces what was known. Anthropic counts what its cache read and wrote apart; the whole prompt is
    /// the sum.
    pub(crate) fn over(self, known: Usage) -> Usage {
        let cached = self.cached.unwrap_or(known.cached_input_tokens);
        let written = self.written.unwrap_or(known.cache_write_tokens);
        let fresh =
            known.input_tokens.saturating_sub(known.cached_input_tokens).saturating_sub(known.cache_write_tokens);
        Usage {
            input_tokens: self.fresh.unwrap_or(fresh).saturating_add(cached).saturating_add(written),
            output_tokens: self.output.unwrap_or(known.output_tokens),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            reasoning_tokens: self.thoughts.unwrap_or(known.reasoning_tokens),
            cost_micros: None,
        }
    }
}

/// A count in any spelling.
fn count(told: &Value, path: &str) -> Option<u64> {
    let value = told.pointer(path)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let whole = |number: f64| number as u64;
    value.as_u64().or_else(|| value.as_f64().map(whole))
}

#[cfg(test)]
mod tests;
