//! Which requests ask the same: a digest of what a rule says matters, and of what always does.
use bytes::Bytes;
use magic_config::CacheRule;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::fmt;

pub(super) type Key = [u8; 32];

/// Part of every key: a build that reads requests otherwise must not find what this one has written.
const VERSION: &[u8] = b"magic-cache-1";

/// What always matters, whatever the rule says: what is asked, and what gives the answer another shape.
const ALWAYS: [&str; 56] = [
    "audio",
    "background",
    "container",
    "contents",
    "context_management",
    "conversation",
    "dimensions",
    "echo",
    "encoding_format",
    "file",
    "function_call",
    "functions",
    "grammar",
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "include",
    "input",
    "instructions",
    "json_schema",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "mcp_servers",
    "messages",
    "modalities",
    "n",
    "output_compression",
    "output_config",
    "output_format",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "quality",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "size",
    "speed",
    "stop",
    "stop_sequences",
    "stream_format",
    "stream_options",
    "style",
    "suffix",
    "system",
    "text",
    "thinking",
    "tool_choice",
    "tools",
    "top_logprobs",
    "verbosity",
    "voice",
    "web_search_options",
];

/// Levels of a value that are put in order. Each is read once more than the one around it, so this also bounds the work;
/// what is deeper counts as it is written.
const DEPTH_MAX: usize = 16;

/// In a larger body every field counts as it is written: to put 10 MB in order took 400 ms, in which others wait.
const ORDERED_BYTES_MAX: usize = 256 * 1024;

/// A request, as far as the cache looks at it.
pub(crate) struct Question<'a> {
    pub(crate) rule: &'a CacheRule,
    /// The models that could answer, in one text: none answers for one that could not because one rule is for both.
    pub(crate) answerers: &'a str,
    /// The endpoint, in one word that stays the same.
    pub(crate) operation: &'a str,
    /// Whether a stream is asked for: the two are never each other's answer.
    pub(crate) stream: bool,
    pub(crate) body: &'a Bytes,
}

/// Why a request is not looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The body is no JSON object.
    NotJson,
    /// An object has a field twice. Readers differ in which of them counts, so the answer could be one to another question.
    Twice,
}

/// The rule for an alias: the first that names the first profile of its chain.
pub(crate) fn rule_for<'a>(rules: &'a [CacheRule], first_profile: &str) -> Option<&'a CacheRule> {
    rules.iter().find(|rule| rule.model_names.iter().any(|name| name == first_profile))
}

// === impl Question ===
impl Question<'_> {
    pub(super) fn key(&self) -> Result<Key, Why> {
        let Ok(Fields(fields)) = serde_json::from_slice::<Fields<'_>>(self.body) else { return Err(Why::NotJson) };
        let fields = in_order(fields).ok_or(Why::Twice)?;
        let rule = self.rule;
        let mut hash = Sha256::new();
        let mut put = |text: &[u8]| {
            // Lengths keep two neighbours from passing for two others.
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        put(VERSION);
        put(self.operation.as_bytes());
        put(&[u8::from(self.stream)]);
        put(self.answerers.as_bytes());
        let matters = |name: &str| ALWAYS.contains(&name) || rule.include_in_key.iter().any(|field| field == name);
        let depth = if self.body.len() > ORDERED_BYTES_MAX { 0 } else { DEPTH_MAX };
        let mut text = String::new();
        for (name, value) in fields.iter().filter(|(name, _)| matters(name)) {
            text.clear();
            canonical(value, depth, &mut text)?;
            put(name.as_bytes());
            put(text.as_bytes());
        }
        Ok(hash.finalize().into())
    }
}

/// The value with the fields of its objects in order, without blanks, numbers as written.
fn canonical(value: &RawValue, depth: usize, text: &mut String) -> Result<(), Why> {
    let written = value.get();
    match written.as_bytes().first() {
        Some(b'{') if depth > 0 => {
            let Ok(Fields(fields)) = serde_json::from_str::<Fields<'_>>(written) else { return Err(Why::NotJson) };
            text.push('{');
            for (name, value) in in_order(fields).ok_or(Why::Twice)? {
                string(&name, text);
                text.push(':');
                canonical(value, depth - 1, text)?;
                text.push(',');
            }
            text.push('}');
        }
        Some(b'[') if depth > 0 => {
            let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(written) else { return Err(Why::NotJson) };
            text.push('[');
            for item in items {
                canonical(item, depth - 1, text)?;
                text.push(',');
            }
            text.push(']');
        }
        // Two spellings of one text are the same text.
        Some(b'"') if written.contains('\\') => match serde_json::from_str::<String>(written) {
            Ok(read) => string(&read, text),
            // Half of a surrogate pair: no text, but it is what was asked.
            Err(_) => text.push_str(written),
        },
        Some(b'"') => string(written.trim_matches('"'), text),
        _ => text.push_str(written),
    }
    Ok(())
}

/// With its length before it, so that nothing in it passes for its end.
fn string(read: &str, text: &mut String) {
    text.push_str(&read.len().to_string());
    text.push('"');
    text.push_str(read);
}

/// `None` when there are two of one name.
fn in_order<T>(mut fields: Vec<(String, T)>) -> Option<Vec<(String, T)>> {
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    let twice = fields.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
    (!twice).then_some(fields)
}

/// An object's fields as they are written. A map would take one of two that have the same name, in silence.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
