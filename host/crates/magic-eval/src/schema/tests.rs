//! BFCL's schemas in, OpenAI's out.
use super::*;

#[test]
fn bfcls_types_become_json_schemas_at_every_depth_and_names_lose_their_dots() {
    let tool = json!({ "name": "geo.find", "description": "d", "parameters": { "type": "dict", "required": ["type"],
        "properties": {
            "type": { "type": "string" },
            "items": { "type": "tuple", "items": { "type": "float" } },
            "deep": { "type": "dict", "properties": { "far": { "type": "list", "items": { "type": "dict" } } } },
            "whatever": { "type": "any", "description": "anything" },
        } } });
    let wanted = json!({ "type": "function", "function": { "name": "geo_find", "description": "d",
        "parameters": { "type": "object", "required": ["type"], "properties": {
            "type": { "type": "string" },
            "items": { "type": "array", "items": { "type": "number" } },
            "deep": { "type": "object", "properties": { "far": { "type": "array", "items": { "type": "object" } } } },
            "whatever": { "description": "anything" },
        } } } });
    assert_eq!(openai(&tool).unwrap(), wanted);
    assert_eq!(openai(&wanted).unwrap(), wanted, "OpenAI's own form stays as it is");
}

#[test]
fn a_tool_without_a_name_is_refused() {
    assert!(openai(&json!({ "parameters": {} })).unwrap_err().contains("without a `name`"));
    assert!(Tool::read(&json!("f")).is_err());
}
