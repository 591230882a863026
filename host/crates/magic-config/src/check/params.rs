//! Generation parameters: what is known of them, and what a profile gives. A vendor's own pass through unread.
use crate::problem::nearest;
use crate::walk::Fields;
use serde_json::{Map, Value};

/// Generation parameters that are numbers wherever they exist.
const NUMBERS: [&str; 13] = [
    "temperature",
    "top_p",
    "top_k",
    "top_a",
    "min_p",
    "typical_p",
    "max_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "presence_penalty",
    "repeat_penalty",
    "repetition_penalty",
    "seed",
];

/// The others that the vendors document. What is in neither list passes as well; these are what a slip of the pen is measured
/// against.
const OTHERS: [&str; 15] = [
    "stop",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "response_format",
    "reasoning_effort",
    "service_tier",
    "safety_settings",
    "thinking",
    "verbosity",
    "parallel_tool_calls",
    "tool_choice",
    "user",
    "cache_prompt",
];

/// Parts of a request that are the client's or the gateway's to say.
const OF_THE_REQUEST: [&str; 6] = ["messages", "prompt", "input", "stream", "stream_options", "tools"];

/// The generation parameters that are known.
fn known() -> impl Iterator<Item = &'static str> {
    NUMBERS.into_iter().chain(OTHERS)
}

/// The fields of a request that are known.
pub(super) fn of_a_request() -> impl Iterator<Item = &'static str> {
    known().chain(OF_THE_REQUEST)
}

/// The known word of which `key` looks like a slip. Short words are near each other without being slips.
pub(super) fn misspelt(key: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let known: Vec<&'static str> = known.collect();
    nearest(key, &known).filter(|meant| *meant != key && key.len() > 5)
}

/// Everything in `model_params` that nobody has asked for. Vendors add parameters faster than we could list them, so an
/// unknown one passes, unless it looks like a known one misspelt.
pub(super) fn read(fields: Fields<'_>) -> Map<String, Value> {
    let asked = fields.asked().to_vec();
    let mut params = Map::new();
    for (key, value) in fields.rest() {
        if OF_THE_REQUEST.contains(&key) {
            value.problem("belongs to a request, not to a profile");
        } else if let Some(meant) = misspelt(key, asked.iter().copied().chain(known())) {
            value.problem_hint("unknown key", format!("did you mean `{meant}`?"));
        }
        let Some(json) = value.json() else { continue };
        if json.is_null() {
            continue;
        }
        if NUMBERS.contains(&key) && !json.is_number() {
            value.problem("expected a number");
        }
        params.insert(key.to_owned(), json);
    }
    params
}
