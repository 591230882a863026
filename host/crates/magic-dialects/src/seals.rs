//! Seals: what a vendor signs its model's thoughts and calls with, and takes back from nobody else. The one rule for which
//! seal goes back to whom. Verifies nothing.
//!
//! In the hub Anthropic's seals are as they are, bare base64; so are OpenAI's, Fernet tokens, whose version and time always
//! begin alike. All others bear a mark with a colon, which base64 has not. The seal of a [`ToolCall`] is always Google's
//! and has no mark: nobody else seals calls.
//!
//! [`ToolCall`]: crate::chat::ToolCall

const GOOGLE: &str = "gemini:";
/// Of a call, where a dialect has no field for it on the call itself.
const GOOGLE_CALL: &str = "gemini-call:";
const FERNET: &str = "gAAAA";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Anthropic,
    OpenAi,
    Google,
    /// Known only to differ from those above.
    Other,
}

pub(crate) fn owner(seal: &str) -> Owner {
    if seal.starts_with(GOOGLE) || seal.starts_with(GOOGLE_CALL) {
        Owner::Google
    } else if seal.starts_with(FERNET) {
        Owner::OpenAi
    } else if seal.contains(':') {
        Owner::Other
    } else {
        Owner::Anthropic
    }
}

/// Google's own seal for the hub.
pub(crate) fn of_google(seal: &str) -> String {
    format!("{GOOGLE}{seal}")
}

/// The seal as Google gave it; `None` for another's.
pub(crate) fn to_google(seal: &str) -> Option<&str> {
    seal.strip_prefix(GOOGLE)
}

/// A call's seal as something that stands before the call.
pub(crate) fn of_call(seal: &str) -> String {
    format!("{GOOGLE_CALL}{seal}")
}

/// The reverse of [`of_call`]; `None` for what is no call's.
pub(crate) fn to_call(seal: &str) -> Option<&str> {
    seal.strip_prefix(GOOGLE_CALL)
}

/// A seal for the hub that came with OpenRouter's `format`, which tells whose it is; without one it is as it is.
/// <https://openrouter.ai/docs/use-cases/reasoning-tokens>
pub(crate) fn of_format(format: Option<&str>, seal: String) -> String {
    match format.and_then(|format| format.split('-').next()) {
        None | Some("anthropic" | "unknown" | "") => seal,
        // Of ours, which a client gave back.
        Some(_) if owner(&seal) != Owner::Anthropic => seal,
        Some("google") => of_google(&seal),
        Some(vendor) => format!("{vendor}:{seal}"),
    }
}

/// The reverse of [`of_format`]: OpenRouter's `format`, and the seal.
pub(crate) fn to_format(seal: &str) -> Option<(&'static str, &str)> {
    match owner(seal) {
        Owner::Anthropic => Some(("anthropic-claude-v1", seal)),
        Owner::OpenAi => Some(("openai-responses-v1", seal)),
        Owner::Google => to_google(seal).map(|seal| ("google-gemini-v1", seal)),
        Owner::Other => seal.strip_prefix("xai:").map(|seal| ("xai-responses-v1", seal)),
    }
}

#[cfg(test)]
mod tests;
