//! Vendors that speak OpenAI's dialect, as data: what they strip, rename and spell in their own way. No code per vendor.

/// How a vendor of the `Chat` dialect departs from it.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// The provider's word in the config.
    pub provider: &'static str,
    /// Top-level parameters that the vendor refuses or does not know.
    pub strip: &'static [&'static str],
    /// Parameters that it calls by another name: ours, its.
    pub rename: &'static [(&'static str, &'static str)],
    /// Whether a bound on the answer is written as `max_completion_tokens`; else as `max_tokens`, which all but those that
    /// refuse it know.
    pub new_max: bool,
    /// Fields of a message that it refuses.
    pub strip_in_messages: &'static [&'static str],
    /// Whether it knows the role `developer`; else such a message is the system's.
    pub developer: bool,
    pub reasoning: ReasoningBack,
    pub thinking: ThinkingWord,
    /// Whether it honours Anthropic's `cache_control` on parts and tools.
    pub cache_control: bool,
    /// Whether a call's seal goes back in `extra_content.google.thought_signature`.
    pub call_signatures: bool,
    /// Whether another dialect's `top_k` means something to it. A `Chat` client's own goes through as it is.
    pub top_k: bool,
}

/// Whether an assistant message's reasoning goes back to the vendor, and under which name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningBack {
    /// The vendor ignores or refuses it.
    Never,
    /// DeepSeek: 400 for it on plain turns, 400 without it on turns with tool calls.
    WithToolCalls(&'static str),
    /// Under this field.
    Always(&'static str),
    /// OpenRouter's list of sealed blocks.
    Details,
}

/// In which words the vendor is asked to think more or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingWord {
    /// `reasoning_effort`.
    Effort,
    /// `reasoning: {effort, max_tokens, exclude}`.
    Object,
    /// `thinking: {type}`: on or off.
    Switch,
}

/// Most imitators know the first name of this parameter only; where both are known they mean the same.
const OLD_MAX: (&str, &str) = ("max_completion_tokens", "max_tokens");

const PLAIN: Quirks = Quirks {
    provider: "",
    strip: &[],
    rename: &[OLD_MAX],
    new_max: false,
    strip_in_messages: &[],
    developer: true,
    reasoning: ReasoningBack::Never,
    thinking: ThinkingWord::Effort,
    cache_control: false,
    call_signatures: false,
    top_k: true,
};

/// Rows and the reason of each departure.
const TABLE: &[Quirks] = &[
    // Answers 400 `Unrecognized request argument` for what is not its own; its reasoning models refuse `max_tokens`.
    Quirks { provider: "openai", rename: &[], new_max: true, top_k: false, ..PLAIN },
    Quirks { provider: "azure", rename: &[], new_max: true, top_k: false, ..PLAIN },
    // Answers 422 `extra_forbidden` for every unknown parameter; counts usage into every stream unasked.
    // https://docs.mistral.ai/api/#tag/chat/operation/chat_completion_v1_chat_completions_post
    Quirks {
        provider: "mistral",
        strip: &[
            "audio",
            "logit_bias",
            "logprobs",
            "modalities",
            "prompt_cache_retention",
            "safety_identifier",
            "service_tier",
            "store",
            "stream_options",
            "top_k",
            "top_logprobs",
            "user",
            "verbosity",
            "web_search_options",
        ],
        rename: &[OLD_MAX, ("seed", "random_seed")],
        strip_in_messages: &["refusal", "annotations", "audio", "function_call"],
        developer: false,
        ..PLAIN
    },
    // https://api-docs.deepseek.com/guides/thinking_mode
    Quirks {
        provider: "deepseek",
        strip: &["top_k"],
        developer: false,
        reasoning: ReasoningBack::WithToolCalls("reasoning_content"),
        thinking: ThinkingWord::Switch,
        ..PLAIN
    },
    // "Currently not supported and will result in a 400 error": https://console.groq.com/docs/openai
    Quirks {
        provider: "groq",
        strip: &[
            "logit_bias",
            "logprobs",
            "min_p",
            "prediction",
            "prompt_cache_key",
            "prompt_cache_retention",
            "safety_identifier",
            "top_k",
            "top_logprobs",
            "verbosity",
            "web_search_options",
        ],
        rename: &[],
        new_max: true,
        strip_in_messages: &["name", "annotations", "audio", "refusal"],
        ..PLAIN
    },
    // Passes `cache_control` and sealed reasoning on to the vendors behind it:
    // https://openrouter.ai/docs/use-cases/reasoning-tokens
    Quirks {
        provider: "openrouter",
        reasoning: ReasoningBack::Details,
        thinking: ThinkingWord::Object,
        cache_control: true,
        ..PLAIN
    },
    Quirks { provider: "together", ..PLAIN },
    // Reads a message's `reasoning` back as thinking: https://docs.ollama.com/api/openai-compatibility
    Quirks { provider: "ollama", reasoning: ReasoningBack::Always("reasoning"), ..PLAIN },
    // Its templates read `reasoning_content` of earlier turns, where they want it.
    Quirks { provider: "llama.cpp", rename: &[], reasoning: ReasoningBack::Always("reasoning_content"), ..PLAIN },
    // Renamed the field from `reasoning_content`: https://docs.vllm.ai/en/latest/features/reasoning_outputs.html
    Quirks { provider: "vllm", rename: &[], reasoning: ReasoningBack::Always("reasoning"), ..PLAIN },
    // Whatever it is, it is most likely one of the two above.
    Quirks { provider: "local", rename: &[], reasoning: ReasoningBack::Always("reasoning_content"), ..PLAIN },
    // Its OpenAI endpoint: https://ai.google.dev/gemini-api/docs/openai
    Quirks { provider: "google", call_signatures: true, top_k: false, ..PLAIN },
];

/// The quirks of a provider; one that is not in the table has none but the old name of `max_tokens`.
pub fn of(provider: &str) -> &'static Quirks {
    TABLE.iter().find(|quirks| quirks.provider == provider).unwrap_or(&PLAIN)
}

// === impl Quirks ===
impl Quirks {
    /// The vendor's name for a parameter; `None` for one that it does not take.
    pub fn name<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.strip.contains(&key) {
            return None;
        }
        let renamed = self.rename.iter().find(|(ours, _)| *ours == key);
        Some(renamed.map_or(key, |(_, its)| *its))
    }
}

#[cfg(test)]
mod tests;
