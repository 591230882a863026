//! Which protocol `auto` means for a chain of profiles: a table of vendors that are known to take tools in their own
//! form. Asks nobody; a server of which nothing is known gets tags, which any model can write.
use crate::agent::ToolProtocol;
use crate::config::Alias;
use crate::profile::{DialectName, Profile};
use crate::provider::{Provider, host_of};

/// What is known of the backend of one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    /// It takes definitions of tools and answers with calls, whatever the model.
    pub(crate) native_tools: bool,
    /// It takes `response_format: json_schema`, as far as is known.
    pub(crate) json_schema: bool,
}

/// Vendors whose chat models take tools, and the beginnings of the names of those that do not. OpenRouter, Together, Ollama
/// and vLLM are not here: whether they do is the model's affair, and they answer 4xx where it does not.
const NATIVE: [(Provider, &[&str]); 7] = [
    (
        Provider::OpenAi,
        &["chatgpt-4o", "gpt-3.5-turbo-instruct", "gpt-4o-mini-search", "gpt-4o-search", "o1-mini", "o1-preview"],
    ),
    // A deployment's name says nothing of its model.
    (Provider::Azure, &[]),
    (Provider::Google, &["gemma", "models/gemma"]),
    (Provider::Anthropic, &["claude-2", "claude-instant"]),
    (Provider::Mistral, &["open-codestral-mamba", "open-mistral-7b", "open-mixtral-8x7b"]),
    (Provider::DeepSeek, &[]),
    // A system that calls tools of its own and refuses others'.
    (Provider::Groq, &["compound", "groq/compound"]),
];

// === impl Backend ===
impl Backend {
    pub(crate) fn of(provider: Provider, api_base: &str, model: &str) -> Self {
        // At another address the provider's word says only which dialect is spoken there.
        let is_vendor = provider.default_api_base().is_none_or(|own| host_of(own) == host_of(api_base));
        let row = NATIVE.iter().find(|(vendor, _)| *vendor == provider);
        let native_tools =
            is_vendor && row.is_some_and(|(_, without)| !without.iter().any(|name| model.starts_with(name)));
        // DeepSeek answers 400: `This response_format type is unavailable now`.
        Self { native_tools, json_schema: !(is_vendor && provider == Provider::DeepSeek) }
    }
}

// === impl Alias ===
impl Alias {
    /// The protocol of its sessions: what its first profile says, and for `auto` native calls where every profile that may
    /// come to serve it is known to take them, so that a fallback can go on with the same conversation; else tags.
    pub fn tool_protocol(&self) -> ToolProtocol {
        let said = self.chain.first().map_or(ToolProtocol::Tags, |first| first.agent.tool_protocol);
        let mut all = self.chain.iter().chain(&self.context_window_fallbacks).chain(&self.content_policy_fallbacks);
        match said {
            ToolProtocol::Auto if all.all(|profile| takes_native_calls(profile)) => ToolProtocol::Native,
            ToolProtocol::Auto => ToolProtocol::Tags,
            ToolProtocol::Tags | ToolProtocol::Native | ToolProtocol::JsonSchema | ToolProtocol::Grammar => said,
        }
    }
}

/// Anthropic refuses to go on after a call without the sealed thoughts that led to it, and a pattern never sees a seal.
fn takes_native_calls(profile: &Profile) -> bool {
    let kind = profile.params.get("thinking").and_then(|thinking| thinking.get("type"));
    let seals = profile.dialect == DialectName::Anthropic && kind.is_some_and(|kind| kind != "disabled");
    !seals && Backend::of(profile.provider, &profile.api_base, &profile.model).native_tools
}

#[cfg(test)]
mod tests;
