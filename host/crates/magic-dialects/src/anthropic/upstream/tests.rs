use super::Messages;
use crate::chat::{
    Content, Format, Media, MediaKind, Message, Part, Request, Source, Thinking, Tool, ToolCall, ToolChoice,
};
use crate::dialect::{Call, Vendor};
use crate::quirks;
use magic_types::chat::Role;
use serde_json::{Map, Value, json};

const OLD: &str = "claude-sonnet-4-20250514";
const MIDDLE: &str = "claude-sonnet-4-5-20250929";
const ADAPTIVE: &str = "claude-opus-4-6";
const NEW: &str = "claude-opus-4-7";

fn written(model: &str, request: &Request) -> (Value, Vec<String>) {
    let call = Call { model, stream: true, quirks: quirks::of("anthropic") };
    let written = Messages.write(request, &call);
    (serde_json::from_slice(&written.body).expect("JSON"), written.lost)
}

fn text(role: Role, text: &str) -> Message {
    Message::new(role, vec![Part::text(text)])
}

fn one(content: Content) -> Vec<Part> {
    vec![Part::new(content)]
}

fn asked(messages: Vec<Message>) -> Request {
    Request { messages, ..Request::default() }
}

fn hi() -> Request {
    asked(vec![text(Role::User, "hi")])
}

fn called(arguments: &str) -> Vec<Message> {
    let id = "call:1".to_owned();
    let call = ToolCall { id: id.clone(), name: "f".to_owned(), arguments: arguments.to_owned(), signature: None };
    let result = Content::ToolResult { call_id: id, parts: vec![Part::text("r")], is_error: false };
    vec![
        text(Role::User, "go"),
        Message::new(Role::Assistant, one(Content::ToolCall(call))),
        text(Role::User, "and?"),
        Message::new(Role::Tool, one(result)),
    ]
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: String::new(),
        parameters: None,
        strict: None,
        cache_control: None,
        foreign: None,
    }
}

fn effort(word: &str) -> Option<Thinking> {
    Some(Thinking { effort: Some(word.to_owned()), ..Thinking::default() })
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

#[test]
fn system_messages_lead_and_speakers_alternate() {
    let (body, lost) = written(
        MIDDLE,
        &asked(vec![
            text(Role::System, "a"),
            text(Role::User, "1"),
            text(Role::System, "b"),
            text(Role::User, "2"),
            text(Role::Assistant, "3"),
            text(Role::Assistant, "4  "),
        ]),
    );
    assert_eq!(body["system"], json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]));
    let block = |text: &str| json!({ "type": "text", "text": text });
    let turns = json!([{ "role": "user", "content": [block("1"), block("2")] },
        { "role": "assistant", "content": [block("3"), block("4")] }]);
    assert_eq!((&body["messages"], lost), (&turns, Vec::new()));
    assert_eq!((&body["max_tokens"], &body["stream"], &body["model"]), (&json!(32_000), &json!(true), &json!(MIDDLE)));
}

#[test]
fn results_of_tools_lead_the_users_turn_and_ids_are_ones_that_anthropic_takes() {
    let (body, lost) = written(MIDDLE, &asked(called("{\"x\":1}")));
    assert_eq!(
        body["messages"][1]["content"][0],
        json!({ "type": "tool_use", "id": "call_1", "name": "f", "input": { "x": 1 } })
    );
    let user = &body["messages"][2]["content"];
    assert_eq!((&user[0]["type"], &user[0]["tool_use_id"]), (&json!("tool_result"), &json!("call_1")));
    assert_eq!((&user[1]["text"], lost), (&json!("and?"), Vec::new()));
}

#[test]
fn arguments_that_are_no_object_are_wrapped_and_not_lost() {
    let input =
        |arguments: &str| written(MIDDLE, &asked(called(arguments))).0["messages"][1]["content"][0]["input"].clone();
    assert_eq!(input(""), json!({}));
    assert_eq!(input("{\"x\":"), json!({ "INVALID_JSON": "{\"x\":" }));
    assert_eq!(input("[1]"), json!({ "INVALID_JSON": "[1]" }));
}

#[test]
fn a_conversation_of_system_messages_alone_is_the_users() {
    let (body, lost) = written(MIDDLE, &asked(vec![text(Role::System, "a"), text(Role::System, "b")]));
    assert_eq!((&body["system"][0]["text"], &body["messages"][0]["content"][0]["text"]), (&json!("a"), &json!("b")));
    assert_eq!(lost, ["messages[1].role"]);
}

#[test]
fn field_10_cache_marks_and_sealed_thoughts_are_kept_and_unsealed_ones_named() {
    let mut part = Part::text("long");
    part.cache_control = Some(json!({ "type": "ephemeral" }));
    let sealed = Content::Reasoning { text: "t".to_owned(), signature: Some("s".to_owned()) };
    let bare = Content::Reasoning { text: "t".to_owned(), signature: None };
    let others = Content::Reasoning { text: "t".to_owned(), signature: Some("gemini:s".to_owned()) };
    let openais = Content::RedactedReasoning("gAAAAABo".to_owned());
    let parts = vec![Part::new(sealed), Part::new(bare), Part::new(others), Part::new(openais), Part::text("x")];
    let request =
        asked(vec![Message::new(Role::User, vec![part]), Message::new(Role::Assistant, parts), text(Role::User, "y")]);
    let (body, lost) = written(MIDDLE, &request);
    assert_eq!(body["messages"][0]["content"][0]["cache_control"], json!({ "type": "ephemeral" }));
    assert_eq!(body["messages"][1]["content"][0], json!({ "type": "thinking", "thinking": "t", "signature": "s" }));
    assert_eq!(lost, ["reasoning"]);
}

#[test]
fn media_that_anthropic_cannot_take_are_named() {
    let media = |kind, source| Part::new(Content::Media(Media { kind, source, detail: None, name: None }));
    let inline = |mime: &str| Source::Inline { mime: mime.to_owned(), base64: "AA==".to_owned() };
    let parts = vec![
        media(MediaKind::Image, inline("image/jpg")),
        media(MediaKind::Audio, inline("audio/wav")),
        media(MediaKind::File, Source::Id("file-openai".to_owned())),
        Part::new(Content::Foreign { kind: "hologram".to_owned(), json: json!({}) }),
        media(MediaKind::File, Source::Inline { mime: "text/csv".to_owned(), base64: "YSxi".to_owned() }),
    ];
    let (body, lost) = written(MIDDLE, &asked(vec![Message::new(Role::User, parts)]));
    let source = json!({ "type": "base64", "media_type": "image/jpeg", "data": "AA==" });
    let text = json!({ "type": "text", "media_type": "text/plain", "data": "a,b" });
    let blocks = json!([{ "type": "image", "source": source }, { "type": "document", "source": text }]);
    assert_eq!(body["messages"][0]["content"], blocks);
    let names = ["[1].input_audio", "[2].file", "[3].hologram"].map(|name| format!("messages[0].content{name}"));
    assert_eq!(lost, names);
}

#[test]
fn fields_without_a_place_are_named_and_anthropics_own_pass() {
    let rest = json!({ "logit_bias": { "1": 2 }, "n": 1, "store": false, "logprobs": null, "container": "c",
        "service_tier": "flex", "metadata": { "team": "x" } });
    let request = Request {
        seed: Some(1),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(0.0),
        stop: vec!["\n".to_owned(), "END".to_owned()],
        user: Some("u".to_owned()),
        rest: object(rest),
        extra: object(json!({ "service_tier": "standard_only", "anything": 1 })),
        ..hi()
    };
    let (body, lost) = written(MIDDLE, &request);
    assert_eq!(lost, ["logit_bias", "metadata", "service_tier", "seed", "frequency_penalty", "stop"]);
    assert_eq!(
        (&body["container"], &body["anything"], &body["service_tier"]),
        (&json!("c"), &json!(1), &json!("standard_only"))
    );
    assert_eq!((&body["stop_sequences"], &body["metadata"]), (&json!(["END"]), &json!({ "user_id": "u" })));
}

#[test]
fn choices_of_tools_are_translated_and_need_tools() {
    let choice = |tool_choice, parallel_tool_calls, tools| {
        let (body, lost) = written(MIDDLE, &Request { tool_choice, parallel_tool_calls, tools, ..hi() });
        (body["tool_choice"].clone(), lost)
    };
    let tools = || vec![tool("f")];
    assert_eq!(choice(None, None, tools()), (Value::Null, Vec::new()));
    assert_eq!(choice(None, Some(false), tools()).0, json!({ "type": "auto", "disable_parallel_tool_use": true }));
    assert_eq!(choice(Some(ToolChoice::Required), Some(true), tools()).0, json!({ "type": "any" }));
    assert_eq!(choice(Some(ToolChoice::None), Some(false), tools()).0, json!({ "type": "none" }));
    assert_eq!(
        choice(Some(ToolChoice::Named("f".to_owned())), None, tools()).0,
        json!({ "type": "tool", "name": "f" })
    );
    assert_eq!(choice(Some(ToolChoice::Required), None, Vec::new()), (Value::Null, vec!["tool_choice".to_owned()]));
    let strange = Tool { foreign: Some(json!({ "type": "web_search_preview" })), ..tool("w") };
    assert_eq!(choice(None, None, vec![strange]).1, ["tools[0].web_search_preview"]);
}

#[test]
fn effort_is_a_budget_for_older_models_and_a_word_for_newer_ones() {
    let thinking = |model: &str, max_output_tokens| {
        let (body, lost) = written(model, &Request { thinking: effort("high"), max_output_tokens, ..hi() });
        (body["thinking"].clone(), body["output_config"]["effort"].clone(), body["max_tokens"].clone(), lost)
    };
    let budget = |tokens: u64| json!({ "type": "enabled", "budget_tokens": tokens });
    assert_eq!(thinking(OLD, None), (budget(16_384), Value::Null, json!(32_000), Vec::new()));
    let named = vec!["reasoning_effort".to_owned()];
    assert_eq!(thinking(MIDDLE, Some(4000)), (budget(2000), Value::Null, json!(4000), named.clone()));
    assert_eq!(thinking(MIDDLE, Some(1024)), (Value::Null, Value::Null, json!(1024), named));
    assert_eq!(thinking(NEW, Some(10)), (json!({ "type": "adaptive" }), json!("high"), json!(10), Vec::new()));
    let off = Request { thinking: effort("none"), ..hi() };
    assert_eq!(written(MIDDLE, &off).0["thinking"], json!({ "type": "disabled" }));
    let number = Request { thinking: Some(Thinking { budget_tokens: Some(2000), ..Thinking::default() }), ..hi() };
    let (body, lost) = written(NEW, &number);
    assert_eq!((&body["output_config"]["effort"], lost), (&json!("medium"), vec!["thinking.budget_tokens".to_owned()]));
    assert_eq!(written(ADAPTIVE, &number).0["thinking"], budget(2000));
}

#[test]
fn thinking_gives_way_to_a_forced_tool_and_to_a_turn_without_its_thoughts() {
    let forced =
        Request { tools: vec![tool("f")], tool_choice: Some(ToolChoice::Required), thinking: effort("low"), ..hi() };
    let (body, lost) = written(NEW, &forced);
    assert_eq!((&body["thinking"], lost), (&Value::Null, vec!["reasoning_effort".to_owned()]));
    let goes_on = Request { thinking: effort("low"), ..asked(called("{}")) };
    let (body, lost) = written(MIDDLE, &goes_on);
    assert_eq!((&body["thinking"], lost), (&Value::Null, vec!["reasoning_effort".to_owned()]));
    assert_eq!(written(NEW, &goes_on).0["thinking"], json!({ "type": "adaptive" }));
}

#[test]
fn sampling_is_within_what_the_model_takes_and_named_where_not() {
    let sampled = |model: &str, thinking: Option<Thinking>, temperature, top_p, top_k| {
        let request = Request { temperature, top_p, top_k, thinking, ..hi() };
        let (body, lost) = written(model, &request);
        (["temperature", "top_p", "top_k"].map(|name| body.get(name).cloned()), lost.join(" "))
    };
    let kept = |temperature: f64| [Some(json!(temperature)), None, None];
    assert_eq!(sampled(MIDDLE, None, Some(1.5), None, None), (kept(1.0), "temperature".to_owned()));
    assert_eq!(sampled(MIDDLE, None, Some(0.5), Some(0.5), None), (kept(0.5), "top_p".to_owned()));
    assert_eq!(sampled(OLD, None, Some(0.5), Some(0.5), None).1, "");
    assert_eq!(
        sampled(NEW, None, Some(0.5), Some(0.5), Some(4)),
        ([None, None, None], "temperature top_p top_k".to_owned())
    );
    assert_eq!(sampled(NEW, None, Some(1.0), None, None), ([None, None, None], String::new()));
    assert_eq!(sampled(OLD, effort("low"), Some(0.5), Some(0.9), Some(4)).1, "temperature top_p top_k");
    assert_eq!(sampled(OLD, effort("low"), None, Some(0.95), None).1, "");
}

#[test]
fn a_schema_is_a_structured_output_and_a_named_hint_where_there_are_none() {
    let schema = json!({ "type": "object", "properties": { "type": { "type": "object", "properties": {} } } });
    let format = Format::JsonSchema { name: "n".to_owned(), description: None, schema, strict: None };
    let request = Request { format: Some(format), ..hi() };
    let (body, lost) = written(MIDDLE, &request);
    let inner = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let closed = json!({ "type": "object", "properties": { "type": inner }, "additionalProperties": false });
    assert_eq!(body["output_config"]["format"], json!({ "type": "json_schema", "schema": closed }));
    assert!(lost.is_empty());
    let (body, lost) = written(OLD, &request);
    assert!(body["system"][0]["text"].as_str().is_some_and(|text| text.contains("JSON Schema")));
    assert_eq!(lost, ["response_format"]);
    let (_, lost) = written(MIDDLE, &Request { format: Some(Format::JsonObject), ..hi() });
    assert_eq!(lost, ["response_format"]);
}

#[test]
fn an_answer_without_a_bound_ends_where_the_model_ends_it() {
    let default = |model: &str| written(model, &hi()).0["max_tokens"].clone();
    for (model, tokens) in [
        ("claude-3-opus-20240229", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-20250219", 32_000),
        ("claude-opus-4-1", 32_000),
        ("somebodys-imitation", 32_000),
    ] {
        assert_eq!(default(model), json!(tokens), "{model}");
    }
}

#[test]
fn a_user_who_is_an_address_or_a_number_is_not_told() {
    for (user, is_told) in [("u-7", true), ("a@b.example", false), ("+49 171 5550123", false), ("12", true)] {
        let (body, lost) = written(MIDDLE, &Request { user: Some(user.to_owned()), ..hi() });
        assert_eq!(body["metadata"]["user_id"] == user, is_told, "{user}");
        assert_eq!(lost.contains(&"user".to_owned()), !is_told, "{user}");
    }
}
