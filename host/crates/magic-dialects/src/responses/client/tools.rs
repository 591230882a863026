//! Tools, the choice among them, and the form of the answer: what a request of `/v1/responses` says of them.
use crate::chat::{Format, Request, Tool, ToolChoice};
use crate::fields::{At, Fields};
use magic_types::Failure;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

pub(super) fn read(fields: &mut Fields<'_>, request: &mut Request) -> Result<(), Failure> {
    let at = At::Field(&At::Root, "tools");
    for (index, value) in fields.list("tools")?.into_iter().enumerate() {
        let tool = tool(value, &At::Index(&at, index), &mut request.rest)?;
        request.tools.push(tool);
    }
    let Some(choice) = fields.take("tool_choice") else { return Ok(()) };
    read_choice(choice, request)
}

/// Only functions are the client's own; all else is carried out by the vendor and goes to nobody else.
fn tool(value: Value, at: &At<'_>, rest: &mut Map<String, Value>) -> Result<Tool, Failure> {
    let kind = match value.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        _ => return Err(At::Field(at, "type").wrong("is missing: name the tool's type, such as `function`")),
    };
    if kind != "function" {
        let name = value.get("name").and_then(Value::as_str).unwrap_or(&kind).to_owned();
        let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let description = text("description");
        return Ok(Tool {
            name,
            description,
            parameters: None,
            strict: None,
            cache_control: None,
            foreign: Some(value),
        });
    }
    let mut tool = Fields::of(value, at)?;
    drop(tool.take("type"));
    let read = Tool {
        name: tool.needed_text("name")?,
        description: tool.text("description")?.unwrap_or_default(),
        parameters: tool.take("parameters"),
        strict: tool.flag("strict")?,
        cache_control: tool.take("cache_control"),
        foreign: None,
    };
    rest.extend(tool.left_over().into_iter().map(|(name, value)| (format!("{at}.{name}"), value)));
    Ok(read)
}

fn read_choice(choice: Value, request: &mut Request) -> Result<(), Failure> {
    let at = At::Field(&At::Root, "tool_choice");
    let kind = choice.get("type").and_then(Value::as_str);
    match (choice.as_str(), kind) {
        (Some(word), _) => request.tool_choice = Some(mode(word, &at)?),
        (None, Some("function")) => {
            request.tool_choice = Some(ToolChoice::Named(Fields::of(choice, &at)?.needed_text("name")?));
        }
        (None, Some("allowed_tools")) => {
            let mut allowed = Fields::of(choice, &at)?;
            let word = allowed.text("mode")?.unwrap_or_else(|| "auto".to_owned());
            request.tool_choice = Some(mode(&word, &At::Field(&at, "mode"))?);
            let allowed = allowed.list("tools")?;
            let names: BTreeSet<&str> = allowed.iter().filter_map(name_of).collect();
            // To offer only these is the same as to allow only these.
            request.tools.retain(|tool| is_named(tool, &names));
        }
        // A hosted tool: only the dialect's own vendors can be told.
        (None, Some(_)) => drop(request.rest.insert("tool_choice".to_owned(), choice)),
        (None, None) => return Err(at.wrong("must be `auto`, `none`, `required` or an object with a `type`")),
    }
    Ok(())
}

fn mode(word: &str, at: &At<'_>) -> Result<ToolChoice, Failure> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" => Ok(ToolChoice::Required),
        other => Err(at.wrong(&format!("`{other}` is no choice (known: auto, none, required)"))),
    }
}

/// A function's name, an MCP server's label, or the type of which there is but one.
fn name_of(allowed: &Value) -> Option<&str> {
    ["name", "server_label", "type"].iter().find_map(|field| allowed.get(field)?.as_str())
}

fn is_named(tool: &Tool, names: &BTreeSet<&str>) -> bool {
    let own = tool.foreign.as_ref().and_then(name_of);
    names.contains(own.unwrap_or(&tool.name))
}

/// `text.format`.
pub(super) fn format(format: Value, at: &At<'_>) -> Result<Format, Failure> {
    let mut format = Fields::of(format, at)?;
    match format.needed_text("type")?.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::JsonObject),
        "json_schema" => Ok(Format::JsonSchema {
            name: format.needed_text("name")?,
            description: format.text("description")?,
            schema: format.take("schema").ok_or_else(|| format.wrong("schema", "is missing: give a JSON Schema"))?,
            strict: format.flag("strict")?,
        }),
        other => {
            let why = format!("`{other}` is no format (known: text, json_object, json_schema)");
            Err(format.wrong("type", &why))
        }
    }
}
