//! How an answer shall be made: `generationConfig`. <https://ai.google.dev/api/generate-content#generationconfig>
use crate::chat::{Format, Request, Thinking};
use serde_json::{Map, Value, json};

use super::model::{self, Generation};
use crate::lost::Lost;

/// Google refuses more.
const STOPS_MAX: usize = 5;

pub(super) fn write(request: &Request, model: &str, lost: &mut Lost) -> Map<String, Value> {
    let mut out = Map::new();
    let numbers = [
        ("temperature", request.temperature.map(Value::from)),
        ("topP", request.top_p.map(Value::from)),
        ("topK", request.top_k.map(Value::from)),
        ("maxOutputTokens", request.max_output_tokens.map(Value::from)),
    ];
    penalties(request, model, &mut out, lost);
    out.extend(numbers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    // Google's seed has 32 bits.
    match request.seed.map(i32::try_from) {
        Some(Ok(seed)) => drop(out.insert("seed".to_owned(), json!(seed))),
        Some(Err(_)) => lost.name("seed"),
        None => {}
    }
    if request.stop.len() > STOPS_MAX {
        lost.name("stop");
    }
    if !request.stop.is_empty() {
        let stops: Vec<&String> = request.stop.iter().take(STOPS_MAX).collect();
        out.insert("stopSequences".to_owned(), json!(stops));
    }
    if let Some(format) = &request.format {
        // Before Gemini 3 the two exclude each other, and the request would be refused for asking.
        if model::generation(model) != Generation::Level && !request.tools.is_empty() && *format != Format::Text {
            lost.name("response_format");
        } else {
            form(format, &mut out);
        }
    }
    if let Some(config) = request.thinking.as_ref().and_then(|thinking| thoughts(thinking, model, lost)) {
        out.insert("thinkingConfig".to_owned(), config);
    }
    out
}

/// From Gemini 2.5 on a penalty is refused: "Penalty is not enabled for …".
fn penalties(request: &Request, model: &str, out: &mut Map<String, Value>, lost: &mut Lost) {
    let penalties = [
        ("frequencyPenalty", "frequency_penalty", request.frequency_penalty),
        ("presencePenalty", "presence_penalty", request.presence_penalty),
    ];
    for (its, ours, penalty) in penalties {
        let Some(penalty) = penalty.filter(|penalty| *penalty != 0.0) else { continue };
        if model::generation(model) == Generation::Early {
            out.insert(its.to_owned(), json!(penalty));
        } else {
            lost.name(ours);
        }
    }
}

/// Google's name of a setting that has no name in OpenAI's dialect and may be given beside it, in either spelling.
pub(super) fn own_name(name: &str) -> Option<&'static str> {
    const OWN: &[(&str, &str)] = &[
        ("thinking_config", "thinkingConfig"),
        ("media_resolution", "mediaResolution"),
        ("response_modalities", "responseModalities"),
        ("speech_config", "speechConfig"),
        ("image_config", "imageConfig"),
        ("response_logprobs", "responseLogprobs"),
        ("enable_enhanced_civic_answers", "enableEnhancedCivicAnswers"),
    ];
    OWN.iter().find(|(snake, camel)| name == *snake || name == *camel).map(|(_, camel)| *camel)
}

fn form(format: &Format, out: &mut Map<String, Value>) {
    let schema = match format {
        Format::Text => return,
        Format::JsonObject => None,
        Format::JsonSchema { schema, description, .. } => Some(described(schema, description.as_deref())),
    };
    out.insert("responseMimeType".to_owned(), json!("application/json"));
    out.extend(schema.map(|schema| ("responseJsonSchema".to_owned(), schema)));
}

fn described(schema: &Value, description: Option<&str>) -> Value {
    let mut schema = schema.clone();
    if let (Some(text), Some(object)) = (description, schema.as_object_mut()) {
        object.entry("description").or_insert_with(|| json!(text));
    }
    schema
}

/// By Google's own table for OpenAI's words: <https://ai.google.dev/gemini-api/docs/openai#thinking>.
fn thoughts(thinking: &Thinking, model: &str, lost: &mut Lost) -> Option<Value> {
    let generation = model::generation(model);
    if generation == Generation::Early {
        if thinking.effort.as_deref().is_some_and(|word| word != "none") || thinking.budget_tokens.unwrap_or(0) > 0 {
            lost.name("reasoning_effort");
        }
        return None;
    }
    let mut config = Map::new();
    // A level and a budget in one request are refused.
    match (thinking.effort.as_deref(), thinking.budget_tokens) {
        (Some(word), None) | (Some(word), Some(_)) if generation == Generation::Level => match level(word, model) {
            Some(level) => drop(config.insert("thinkingLevel".to_owned(), json!(level))),
            None => lost.name("reasoning_effort"),
        },
        (_, Some(asked)) => {
            let given = within_bounds(asked, model);
            if given != asked {
                lost.name("thinking.budget_tokens");
            }
            config.insert("thinkingBudget".to_owned(), json!(given));
        }
        (Some(word), None) => match budget(word, model) {
            Some(budget) => drop(config.insert("thinkingBudget".to_owned(), json!(budget))),
            None => lost.name("reasoning_effort"),
        },
        (None, None) => {}
    }
    let is_off = thinking.effort.as_deref() == Some("none") || thinking.budget_tokens == Some(0);
    config.insert("includeThoughts".to_owned(), json!(thinking.shown.unwrap_or(!is_off)));
    Some(Value::Object(config))
}

/// Google refuses a budget out of its model's bounds, and other vendors' clients know other bounds.
fn within_bounds(budget: u64, model: &str) -> u64 {
    if model.contains("-pro") { budget.clamp(128, 32_768) } else { budget.min(24_576) }
}

fn level(word: &str, model: &str) -> Option<&'static str> {
    let name = model::bare(model);
    let is_pro = name.contains("-pro");
    match word {
        // Pro cannot think less than this; no model of this generation can be kept from thinking.
        "none" | "minimal" if is_pro => Some("low"),
        "none" | "minimal" => Some("minimal"),
        "low" => Some("low"),
        // The first of the Pro models knows two levels only.
        "medium" if name.starts_with("gemini-3-pro") => Some("high"),
        "medium" => Some("medium"),
        "high" | "xhigh" | "max" => Some("high"),
        _ => None,
    }
}

fn budget(word: &str, model: &str) -> Option<u32> {
    match word {
        // Pro refuses 0; this is its least.
        "none" if model.contains("-pro") => Some(128),
        "none" => Some(0),
        "minimal" | "low" => Some(1_024),
        "medium" => Some(8_192),
        "high" | "xhigh" | "max" => Some(24_576),
        _ => None,
    }
}
