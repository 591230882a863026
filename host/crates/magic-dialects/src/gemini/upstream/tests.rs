use super::Gemini;
use crate::chat::{Content, Format, Message, Part, Request, Thinking, Tool, ToolChoice};
use crate::dialect::{Call, Vendor};
use crate::quirks;
use magic_types::chat::Role;
use serde_json::{Value, json};

fn written(request: &Request, model: &str) -> (Value, Vec<String>) {
    let written = Gemini.write(request, &Call { model, stream: true, quirks: quirks::of("google") });
    (serde_json::from_slice(&written.body).expect("JSON"), written.lost)
}

fn asking() -> Request {
    Request { messages: vec![Message::new(Role::User, vec![Part::text("q")])], ..Request::default() }
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: "d".to_owned(),
        parameters: Some(json!({ "type": "object", "$defs": { "x": {} }, "additionalProperties": false })),
        strict: None,
        cache_control: None,
        foreign: None,
    }
}

#[test]
fn a_full_request_is_written_whole() {
    let request = Request {
        messages: vec![
            Message::new(Role::System, vec![Part::text("be brief")]),
            Message::new(Role::User, vec![Part::text("q")]),
        ],
        tools: vec![tool("f")],
        tool_choice: Some(ToolChoice::Named("f".to_owned())),
        max_output_tokens: Some(9),
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(3),
        frequency_penalty: Some(0.25),
        presence_penalty: Some(0.75),
        seed: Some(-7),
        stop: vec!["END".to_owned()],
        thinking: Some(Thinking { budget_tokens: Some(100), ..Thinking::default() }),
        ..Request::default()
    };
    let (body, lost) = written(&request, "gemini-2.5-flash");
    assert_eq!(
        body,
        json!({
            "systemInstruction": { "parts": [{ "text": "be brief" }] },
            "contents": [{ "role": "user", "parts": [{ "text": "q" }] }],
            "tools": [{ "functionDeclarations": [{ "name": "f", "description": "d", "parametersJsonSchema":
                { "type": "object", "$defs": { "x": {} }, "additionalProperties": false } }] }],
            "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } },
            "generationConfig": { "maxOutputTokens": 9, "temperature": 0.5, "topP": 0.9, "topK": 3,
                "seed": -7, "stopSequences": ["END"],
                "thinkingConfig": { "thinkingBudget": 100, "includeThoughts": true } },
        })
    );
    assert_eq!(lost, ["frequency_penalty", "presence_penalty"], "refused from 2.5 on");
    let (body, lost) = written(&request, "gemini-1.5-pro");
    assert_eq!(body["generationConfig"]["frequencyPenalty"], json!(0.25));
    assert!(!lost.contains(&"frequency_penalty".to_owned()), "{lost:?}");
}

#[test]
fn what_google_has_no_place_for_is_named_once() {
    let rest = json!({ "logit_bias": { "1": 2 }, "n": 2, "logprobs": false, "store": null, "metadata": {},
        "service_tier": "auto", "modalities": ["text"], "top_logprobs": 3 });
    let mut message = Message::new(Role::User, vec![Part::text("q"), Part::text("r")]);
    message.name = Some("ann".to_owned());
    for part in &mut message.parts {
        part.cache_control = Some(json!({ "type": "ephemeral" }));
    }
    message.parts.push(Part::new(Content::Foreign { kind: "container".to_owned(), json: json!({}) }));
    let search = Tool { foreign: Some(json!({ "type": "web_search_20250305" })), ..tool("web_search") };
    let request = Request {
        messages: vec![message],
        tools: vec![search],
        parallel_tool_calls: Some(false),
        seed: Some(1 << 40),
        stop: ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec(),
        user: Some("u".to_owned()),
        rest: rest.as_object().cloned().unwrap_or_default(),
        ..Request::default()
    };
    let (body, lost) = written(&request, "gemini-2.5-flash");
    assert_eq!(
        lost,
        [
            "messages[0].name",
            "cache_control",
            "messages[0].content[2].container",
            "tools[0].web_search_20250305",
            "seed",
            "stop",
            "user",
            "parallel_tool_calls",
            "logit_bias",
            "n",
            "top_logprobs"
        ]
    );
    assert_eq!(body["generationConfig"]["stopSequences"], json!(["a", "b", "c", "d", "e"]));
    assert_eq!(body.get("tools"), None);
}

#[test]
fn googles_own_fields_pass_and_the_clients_win() {
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    let request = Request {
        rest: object(json!({ "safety_settings": [{ "a": 1 }],
            "extra_body": { "google": { "cached_content": "cachedContents/x", "thinking_config": { "thinkingBudget": 1 } } } })),
        extra: object(json!({ "safetySettings": [], "labels": { "team": "a" }, "grammar": "x",
            "generationConfig": { "mediaResolution": "MEDIA_RESOLUTION_LOW" }, "google_tools": [{ "googleSearch": {} }] })),
        ..asking()
    };
    let (body, lost) = written(&request, "gemini-2.5-flash");
    assert_eq!(body["safetySettings"], json!([{ "a": 1 }]));
    assert_eq!(body["cachedContent"], "cachedContents/x");
    assert_eq!(body["labels"], json!({ "team": "a" }));
    assert_eq!(body["tools"], json!([{ "googleSearch": {} }]));
    assert_eq!(
        body["generationConfig"],
        json!({ "thinkingConfig": { "thinkingBudget": 1 }, "mediaResolution": "MEDIA_RESOLUTION_LOW" })
    );
    assert_eq!(lost, ["grammar"]);
}

#[test]
fn effort_is_a_level_a_budget_or_lost_by_the_models_generation() {
    let config = |model: &str, effort: &str| {
        let thinking = Some(Thinking { effort: Some(effort.to_owned()), ..Thinking::default() });
        let (body, lost) = written(&Request { thinking, ..asking() }, model);
        (body["generationConfig"]["thinkingConfig"].clone(), lost)
    };
    let level = |word: &str| (json!({ "thinkingLevel": word, "includeThoughts": true }), Vec::new());
    assert_eq!(config("gemini-3-flash-preview", "medium"), level("medium"));
    assert_eq!(config("gemini-flash-latest", "xhigh"), level("high"));
    assert_eq!(config("models/gemini-3-pro-preview", "medium"), level("high"));
    assert_eq!(
        config("gemini-3-flash", "none"),
        (json!({ "thinkingLevel": "minimal", "includeThoughts": false }), Vec::new())
    );
    assert_eq!(
        config("gemini-2.5-flash", "none"),
        (json!({ "thinkingBudget": 0, "includeThoughts": false }), Vec::new())
    );
    assert_eq!(
        config("gemini-2.5-pro", "low"),
        (json!({ "thinkingBudget": 1024, "includeThoughts": true }), Vec::new())
    );
    assert_eq!(config("gemini-2.0-flash", "low"), (Value::Null, vec!["reasoning_effort".to_owned()]));
    assert_eq!(config("gemini-2.5-flash", "odd").1, ["reasoning_effort"]);
    let budget = |model: &str, tokens: u64| {
        let thinking = Some(Thinking { budget_tokens: Some(tokens), ..Thinking::default() });
        let (body, lost) = written(&Request { thinking, ..asking() }, model);
        (body["generationConfig"]["thinkingConfig"]["thinkingBudget"].as_u64(), lost.len())
    };
    assert_eq!(budget("gemini-2.5-flash", 63_999), (Some(24_576), 1));
    assert_eq!(budget("gemini-2.5-pro", 0), (Some(128), 1));
    assert_eq!(budget("gemini-2.5-pro", 20_000), (Some(20_000), 0));
}

#[test]
fn a_schema_is_kept_whole_but_not_beside_tools_where_that_is_refused() {
    let schema = json!({ "type": "object", "properties": { "a": { "anyOf": [{ "type": "null" }] } } });
    let format = Format::JsonSchema {
        name: "x".to_owned(),
        description: Some("an answer".to_owned()),
        schema: schema.clone(),
        strict: Some(true),
    };
    let request = Request { format: Some(format), ..asking() };
    let (body, lost) = written(&request, "gemini-2.5-flash");
    let mut described = schema;
    described["description"] = json!("an answer");
    let config = json!({ "responseMimeType": "application/json", "responseJsonSchema": described });
    assert_eq!((&body["generationConfig"], lost.len()), (&config, 0));
    let both = Request { tools: vec![tool("f")], ..request };
    let (body, lost) = written(&both, "gemini-2.5-flash");
    assert_eq!((body.get("generationConfig"), lost), (None, vec!["response_format".to_owned()]));
    assert_eq!(written(&both, "gemini-3-flash").0["generationConfig"], config);
}
