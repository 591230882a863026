//! The JSON of a `GenerateContentResponse`, as far as it is read. Lenient: what is absent or null is nothing.
use crate::errors;
use magic_types::{Failure, Kind, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response<'a> {
    #[serde(borrow, default)]
    pub(crate) candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow, default)]
    pub(crate) prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(default)]
    pub(crate) usage_metadata: Option<UsageMetadata>,
    #[serde(borrow, default)]
    pub(crate) response_id: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Candidate<'a> {
    #[serde(borrow, default)]
    pub(crate) content: Option<Content<'a>>,
    #[serde(borrow, default)]
    pub(crate) finish_reason: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) index: Option<u32>,
}

#[derive(Deserialize)]
pub(crate) struct Content<'a> {
    #[serde(borrow, default)]
    pub(crate) parts: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part<'a> {
    #[serde(borrow, default)]
    pub(crate) text: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) thought: Option<bool>,
    #[serde(borrow, default)]
    pub(crate) thought_signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) function_call: Option<FunctionCall<'a>>,
    #[serde(borrow, default)]
    pub(crate) inline_data: Option<Blob<'a>>,
    #[serde(borrow, default)]
    pub(crate) executable_code: Option<ExecutableCode<'a>>,
    #[serde(borrow, default)]
    pub(crate) code_execution_result: Option<CodeResult<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct FunctionCall<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Cow<'a, str>>,
    /// As Google wrote it: no number loses a digit.
    #[serde(borrow, default)]
    pub(crate) args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Blob<'a> {
    #[serde(borrow, default)]
    pub(crate) mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) data: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct ExecutableCode<'a> {
    #[serde(borrow, default)]
    pub(crate) code: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct CodeResult<'a> {
    #[serde(borrow, default)]
    pub(crate) output: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PromptFeedback<'a> {
    #[serde(borrow, default)]
    pub(crate) block_reason: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsageMetadata {
    #[serde(default)]
    prompt_token_count: Option<u64>,
    #[serde(default)]
    candidates_token_count: Option<u64>,
    #[serde(default)]
    thoughts_token_count: Option<u64>,
    #[serde(default)]
    cached_content_token_count: Option<u64>,
    /// What tools of Google's own put into the prompt: not in `promptTokenCount`.
    #[serde(default)]
    tool_use_prompt_token_count: Option<u64>,
}

// === impl Response ===
impl Response<'_> {
    /// The failure that a reply is, if it is one: an error, or a prompt that was refused. `json` is the whole of it.
    pub(crate) fn failure(&self, json: &[u8]) -> Option<Failure> {
        if self.error.is_some() {
            return Some(errors::in_band(json));
        }
        let reason = self.prompt_feedback.as_ref()?.block_reason.as_deref()?;
        if reason == "BLOCK_REASON_UNSPECIFIED" {
            return None;
        }
        let text = format!("the model's vendor refused the prompt: {reason}");
        Some(Failure::new(Kind::ContentPolicy, text))
    }
}

// === impl UsageMetadata ===
impl UsageMetadata {
    pub(crate) fn into_usage(self) -> Usage {
        let thoughts = self.thoughts_token_count.unwrap_or(0);
        let prompt = self.prompt_token_count.unwrap_or(0);
        Usage {
            input_tokens: prompt.saturating_add(self.tool_use_prompt_token_count.unwrap_or(0)),
            output_tokens: self.candidates_token_count.unwrap_or(0).saturating_add(thoughts),
            cached_input_tokens: self.cached_content_token_count.unwrap_or(0),
            reasoning_tokens: thoughts,
            cache_write_tokens: 0,
            cost_micros: None,
        }
    }
}
