//! What a client can ask of the gateway: one word for each endpoint of `/v1`. Knows no path and no vendor.
//! And the answer to those that are no conversation.
use crate::dialect::Dialect;
use bytes::Bytes;
use magic_types::Usage;

/// An endpoint as clients know it, whoever serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    ChatCompletions,
    Responses,
    /// Anthropic's `/v1/messages`.
    Messages,
    /// The old text completion.
    Completions,
    /// Anthropic's `/v1/messages/count_tokens`.
    CountTokens,
    Embeddings,
    Transcription,
    Speech,
    Images,
    Moderations,
    /// The list of models: asked of a vendor to see whether a key is still good.
    Models,
}

/// What a client gets for an operation that is no conversation, once the vendor's reply has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub content_type: &'static str,
    pub body: Bytes,
    pub usage: Option<Usage>,
    /// The vendor counted nothing: `usage` is [`crate::counting`]'s guess, for budgets and not for bills.
    pub usage_is_estimated: bool,
}

// === impl Answer ===
impl Answer {
    pub fn json(body: String, usage: Option<Usage>) -> Self {
        Self { content_type: "application/json", body: body.into(), usage, usage_is_estimated: false }
    }
}

// === impl Operation ===
impl Operation {
    pub const ALL: [Self; 11] = [
        Self::ChatCompletions,
        Self::Responses,
        Self::Messages,
        Self::Completions,
        Self::CountTokens,
        Self::Embeddings,
        Self::Transcription,
        Self::Speech,
        Self::Images,
        Self::Moderations,
        Self::Models,
    ];

    /// The word in logs, metrics and cache rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Completions => "completions",
            Self::CountTokens => "count_tokens",
            Self::Embeddings => "embeddings",
            Self::Transcription => "transcription",
            Self::Speech => "speech",
            Self::Images => "images",
            Self::Moderations => "moderations",
            Self::Models => "models",
        }
    }

    /// The dialect in which a client speaks; `None` where it holds no conversation.
    pub fn client_dialect(self) -> Option<Dialect> {
        match self {
            Self::ChatCompletions => Some(Dialect::Chat),
            Self::Responses => Some(Dialect::Responses),
            Self::Messages => Some(Dialect::Messages),
            Self::Completions => Some(Dialect::Completions),
            Self::CountTokens
            | Self::Embeddings
            | Self::Transcription
            | Self::Speech
            | Self::Images
            | Self::Moderations
            | Self::Models => None,
        }
    }
}

#[cfg(test)]
mod tests;
