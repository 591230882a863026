//! What Anthropic is sent: a conversation of any dialect as a `/v1/messages` body. What the model would refuse is left
//! out and named.
use crate::chat::{Format, Request, Tool, ToolChoice, forces_a_tool};
use crate::dialect::{Call, Decoder, Vendor, Written};
use crate::lost::Lost;
use magic_types::Failure;
use magic_types::stream::ChatEvent;
use serde_json::{Map, Value, json};

use super::model::Version;
use super::stream;

mod content;
mod schema;
mod thinking;
mod turns;

/// Fields of Anthropic's own that clients of other dialects may set; OpenAI has no meaning of its own for any of them.
const OWN_FIELDS: [&str; 10] = [
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "mcp_servers",
    "output_config",
    "speed",
    "thinking",
    "user_profile_id",
];
const JSON_HINT: &str = "Answer with one JSON object and nothing else.";

pub(crate) struct Messages;

// === impl Vendor for Messages ===
impl Vendor for Messages {
    fn write(&self, request: &Request, call: &Call<'_>) -> Written {
        let mut body = Map::new();
        let mut lost = Lost::default();
        let version = Version::of(call.model);
        rest(request, &mut body, &mut lost);
        let mut turns = turns::of(request, &mut lost);
        format(request, version, &mut body, &mut turns.system, &mut lost);
        tools(request, version, &mut body, &mut lost);
        thinking::write(request, version, &turns, &mut body, &mut lost);
        sampling(request, version, &mut body, &mut lost);
        let stop: Vec<&String> = request.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
        // Anthropic refuses a stop sequence of nothing but white space.
        lost.when(stop.len() < request.stop.len(), "stop");
        if !stop.is_empty() {
            body.insert("stop_sequences".to_owned(), json!(stop));
        }
        // Anthropic refuses an address or a number, which many clients give here, and more than 256 characters.
        let user = request.user.as_ref().filter(|user| is_opaque(user));
        lost.when(user.is_none() && request.user.is_some(), "user");
        if let Some(user) = user {
            body.insert("metadata".to_owned(), json!({ "user_id": user }));
        }
        if !turns.system.is_empty() {
            body.insert("system".to_owned(), Value::Array(turns.system));
        }
        body.insert("messages".to_owned(), turns.turns.into_iter().map(turns::Turn::into_json).collect());
        body.insert("model".to_owned(), json!(call.model));
        body.insert("stream".to_owned(), json!(call.stream));
        Written { body: Value::Object(body).to_string().into(), lost: lost.into_names() }
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(stream::Decoder::new())
    }

    fn decode_whole(&self, json: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
        stream::decode_whole(json)
    }
}

/// No e-mail address and no telephone number: <https://platform.claude.com/docs/en/api/messages> (`metadata.user_id`).
fn is_opaque(user: &str) -> bool {
    let is_number = user.chars().any(|char| char.is_ascii_digit())
        && user.chars().all(|char| char.is_ascii_digit() || "+-() .".contains(char));
    let is_phone = is_number && user.len() >= 7;
    !is_phone && !user.contains('@') && user.len() <= 256
}

/// Fields that have no place in the hub. What the client set wins over the profile's.
fn rest(request: &Request, body: &mut Map<String, Value>, lost: &mut Lost) {
    body.extend(request.extra.clone());
    for (name, value) in &request.rest {
        let is_own = match name.as_str() {
            // OpenAI's tiers have other names, but for `auto`.
            "service_tier" => value == "auto" || value == "standard_only",
            // Of the free fields that OpenAI takes, Anthropic knows the user alone and refuses others.
            "metadata" if value.as_object().is_some_and(|fields| fields.keys().all(|key| key == "user_id")) => continue,
            "metadata" => false,
            name => OWN_FIELDS.contains(&name),
        };
        if is_own {
            body.insert(name.clone(), value.clone());
        } else {
            lost.field(name, value);
        }
    }
    let metadata = request.rest.get("metadata");
    if let Some(id) = metadata.and_then(|metadata| metadata.get("user_id")).filter(|_| request.user.is_none()) {
        body.insert("metadata".to_owned(), json!({ "user_id": id }));
    }
    lost.when(request.seed.is_some(), "seed");
    lost.when(request.frequency_penalty.is_some_and(|penalty| penalty != 0.0), "frequency_penalty");
    lost.when(request.presence_penalty.is_some_and(|penalty| penalty != 0.0), "presence_penalty");
}

/// A schema goes out as Anthropic's structured output. Older models, and a mere `json_object`, get it as a hint, and the
/// field is named: nothing then enforces it.
fn format(
    request: &Request,
    version: Version,
    body: &mut Map<String, Value>,
    system: &mut Vec<Value>,
    lost: &mut Lost,
) {
    let hint = match &request.format {
        None | Some(Format::Text) => return,
        Some(Format::JsonSchema { schema, .. }) if version.has_formats() => {
            let format = json!({ "type": "json_schema", "schema": schema::closed(schema.clone()) });
            config(body).insert("format".to_owned(), format);
            return;
        }
        Some(Format::JsonSchema { schema, .. }) => format!("{JSON_HINT} It must satisfy this JSON Schema: {schema}"),
        Some(Format::JsonObject) => JSON_HINT.to_owned(),
    };
    system.push(json!({ "type": "text", "text": hint }));
    lost.name("response_format");
}

/// The body's `output_config`, made if it is not there.
fn config(body: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let config = body.entry("output_config").or_insert_with(|| Value::Object(Map::new()));
    if !config.is_object() {
        *config = Value::Object(Map::new());
    }
    match config {
        Value::Object(fields) => fields,
        _ => unreachable!("it was just made an object"),
    }
}

fn tools(request: &Request, version: Version, body: &mut Map<String, Value>, lost: &mut Lost) {
    let tools: Vec<Value> =
        request.tools.iter().enumerate().filter_map(|(at, tool)| self::tool(at, tool, version, lost)).collect();
    if tools.is_empty() {
        // Anthropic refuses a choice among no tools.
        lost.when(forces_a_tool(request), "tool_choice");
        return;
    }
    // Own tools of the profile stand in `extra`: the request's come behind them.
    match body.entry("tools").or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(list) => list.extend(tools),
        other => *other = Value::Array(tools),
    }
    let mut choice = match &request.tool_choice {
        None if request.parallel_tool_calls != Some(false) => return,
        None | Some(ToolChoice::Auto) => json!({ "type": "auto" }),
        Some(ToolChoice::Required) => json!({ "type": "any" }),
        Some(ToolChoice::Named(name)) => json!({ "type": "tool", "name": name }),
        Some(ToolChoice::None) => json!({ "type": "none" }),
    };
    // `none` has no such field.
    if let Some(fields) = choice.as_object_mut()
        && request.parallel_tool_calls == Some(false)
        && request.tool_choice != Some(ToolChoice::None)
    {
        fields.insert("disable_parallel_tool_use".to_owned(), json!(true));
    }
    body.insert("tool_choice".to_owned(), choice);
}

fn tool(at: usize, tool: &Tool, version: Version, lost: &mut Lost) -> Option<Value> {
    if let Some(foreign) = &tool.foreign {
        let kind = foreign.get("type").and_then(Value::as_str).unwrap_or("foreign");
        // Anthropic's own tools have the date of their version in their type: `web_search_20250305`.
        let date = kind.rsplit('_').next().unwrap_or_default();
        let is_dated = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
        if is_dated || kind == "mcp_toolset" {
            return Some(foreign.clone());
        }
        lost.name(format!("tools[{at}].{kind}"));
        return None;
    }
    let mut json = json!({ "name": tool.name, "input_schema": schema::of_object(tool.parameters.as_ref()) });
    if let Some(fields) = json.as_object_mut() {
        if !tool.description.is_empty() {
            fields.insert("description".to_owned(), json!(tool.description));
        }
        if let Some(cache_control) = &tool.cache_control {
            fields.insert("cache_control".to_owned(), cache_control.clone());
        }
        if tool.strict == Some(true) {
            if version.has_formats() {
                fields.insert("strict".to_owned(), json!(true));
                let schema = fields.remove("input_schema").unwrap_or_default();
                fields.insert("input_schema".to_owned(), schema::closed(schema));
            } else {
                lost.name(format!("tools[{at}].strict"));
            }
        }
    }
    Some(json)
}

/// Temperatures of Anthropic end at 1. While it thinks, a model takes no temperature but 1, no `top_k`, and `top_p` from
/// 0.95 on: <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>.
fn sampling(request: &Request, version: Version, body: &mut Map<String, Value>, lost: &mut Lost) {
    let thinks = thinking::is_on(body);
    let temperature = request.temperature.map(|asked| asked.clamp(0.0, 1.0));
    lost.when(temperature != request.temperature, "temperature");
    let mut take = |name: &str, value: Option<Value>, is_default: bool, is_refused: bool| {
        let Some(value) = value else { return };
        if version.refuses_numbers() || is_refused {
            // A model that refuses it does what the default says.
            lost.when(!is_default, name);
        } else {
            body.insert(name.to_owned(), value);
        }
    };
    take(
        "temperature",
        temperature.map(|value| json!(value)),
        temperature == Some(1.0),
        thinks && temperature != Some(1.0),
    );
    let low = request.top_p.is_some_and(|top_p| top_p < 0.95);
    let two_ways = version.samples_one_way() && temperature.is_some();
    take("top_p", request.top_p.map(|value| json!(value)), request.top_p == Some(1.0), two_ways || (thinks && low));
    take("top_k", request.top_k.map(|value| json!(value)), false, thinks);
}

#[cfg(test)]
mod tests;
