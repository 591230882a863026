//! Which endpoints of OpenAI each vendor of its family has itself, as data. Conservative: what is not here is translated
//! where the hub can, and refused where it cannot, instead of asking a vendor for a page that it has not.
use crate::operation::Operation::{
    self, ChatCompletions, Completions, Embeddings, Images, Models, Moderations, Responses, Speech, Transcription,
};

/// By the vendors' references as of 2026. Responses: Groq's, OpenRouter's and vLLM's are betas that keep no state and lack
/// fields, so these are translated, and so behave alike. Completions: DeepSeek's is a beta at another base, Mistral's is
/// called otherwise, OpenRouter's undocumented, Groq has none.
const NATIVE: &[(&str, &[Operation])] = &[
    (
        "openai",
        &[ChatCompletions, Responses, Completions, Embeddings, Transcription, Speech, Images, Moderations, Models],
    ),
    // Content filters stand before Azure's models: there is no endpoint for moderations.
    ("azure", &[ChatCompletions, Responses, Completions, Embeddings, Transcription, Speech, Images, Models]),
    // Google and Anthropic behind their own imitation of OpenAI, by `model_params.dialect: openai`.
    ("google", &[ChatCompletions, Embeddings, Images, Models]),
    ("anthropic", &[ChatCompletions, Models]),
    ("mistral", &[ChatCompletions, Embeddings, Transcription, Moderations, Models]),
    ("deepseek", &[ChatCompletions, Models]),
    ("groq", &[ChatCompletions, Transcription, Speech, Models]),
    ("openrouter", &[ChatCompletions, Embeddings, Models]),
    ("together", &[ChatCompletions, Completions, Embeddings, Transcription, Speech, Images, Models]),
    ("ollama", &[ChatCompletions, Completions, Embeddings, Models]),
    ("llama.cpp", &[ChatCompletions, Completions, Embeddings, Models]),
    ("vllm", &[ChatCompletions, Completions, Embeddings, Transcription, Models]),
];

/// Of a server on the operator's own machine nothing is known but that he pointed a profile at it: it is asked for
/// everything but what most lack and the hub can do.
const UNKNOWN: &[Operation] =
    &[ChatCompletions, Completions, Embeddings, Transcription, Speech, Images, Moderations, Models];

/// Whether the vendor has this endpoint in OpenAI's own form.
pub(super) fn speaks(provider: &str, operation: Operation) -> bool {
    let known = NATIVE.iter().find(|(name, _)| *name == provider);
    known.map_or(UNKNOWN, |(_, operations)| operations).contains(&operation)
}
