//! Gateways over guests of the tests' own, and a vendor that makes a session call them.
use magic_tests::{Events, Folder, Gateway, Provider, Script, When, pattern_wat, said};
use serde_json::{Value, json};
use std::fs;

/// Alias `plain`, and alias `think` that reasons with the pattern `ponder` and whatever tools are loaded.
pub(crate) fn yaml(provider: &Provider) -> String {
    format!(
        "model_list:\n\
         \x20 - {{ model_name: main, provider: local, model_params: {{ model: m, api_base: \"{}\" }} }}\n\
         \x20 - model_name: thinker\n    provider: local\n    model_params:\n      model: m\n      api_base: \"{}\"\n\
         \x20     agent_settings: {{ reasoning_mode: ponder }}\n\
         router_settings:\n  model_group_alias:\n    plain: [main]\n    think: [thinker]\n",
        provider.base_of("plain"),
        provider.base_of("think"),
    )
}

/// The files of a gateway with that config and the pattern `ponder`.
pub(crate) fn folder(provider: &Provider) -> Folder {
    let folder = Folder::new(&yaml(provider));
    folder.write("patterns/ponder.wasm", ponder("Think it over."));
    folder
}

/// A version of the pattern `ponder`.
pub(crate) fn ponder(rule: &str) -> Vec<u8> {
    pattern_wat(&[("SYSTEM_RULE", rule)])
}

/// The vendor's part in sessions that are asked to `word`: one call of this tool, then an answer, whatever it said.
pub(crate) fn teach(provider: &Provider, word: &str, tool: &str, arguments: &Value) {
    let answer = format!("<THOUGHT>I have seen it.</THOUGHT><FINAL_ANSWER>{word} is done</FINAL_ANSWER>");
    provider.on(When::says(&format!("I shall {word}.")), said(&answer));
    provider.on(When::says(&format!("Please {word}.")), acts(word, tool, arguments));
}

fn acts(word: &str, tool: &str, arguments: &Value) -> Script {
    let action = json!({ "tool_name": tool, "arguments": arguments });
    said(&format!("<THOUGHT>I shall {word}.</THOUGHT><ACTION>{action}</ACTION>"))
}

/// What a session saw of its one tool call.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Whether the call succeeded; `None` where there was no such tool to call.
    pub(crate) ok: Option<bool>,
    pub(crate) observation: String,
}

/// The order for a session that was taught.
pub(crate) fn order(word: &str, mode: Option<&str>) -> Value {
    json!({ "model_alias": "think", "reasoning_mode": mode, "user_query": format!("Please {word}.") })
}

/// A session from its beginning.
pub(crate) async fn begin(gateway: &Gateway, word: &str) -> Events {
    Events::new(gateway.post("/v1/react/sessions", &order(word, None)).await).await
}

/// A session to its answer.
pub(crate) async fn session(gateway: &Gateway, word: &str) -> Seen {
    finish(begin(gateway, word).await, word).await
}

/// The same with another pattern than the alias' own.
pub(crate) async fn session_with(gateway: &Gateway, word: &str, pattern: &str) -> Seen {
    let events = Events::new(gateway.post("/v1/react/sessions", &order(word, Some(pattern))).await).await;
    finish(events, word).await
}

/// The rest of a session.
///
/// # Panics
/// When it does not end with the answer that the vendor gives.
pub(crate) async fn finish(events: Events, word: &str) -> Seen {
    let events = events.rest().await;
    let last = events.last().expect("a session has events");
    assert_eq!(
        (last.name.as_str(), &last.payload["answer"]),
        ("FinalAnswerStreamEnd", &json!(format!("{word} is done"))),
        "{events:?}"
    );
    let named = |name: &str| events.iter().find(|event| event.name == name).map(|event| &event.payload);
    let observation = named("Observation").and_then(|payload| payload["text"].as_str());
    Seen {
        ok: named("AgentToolCallEnd").and_then(|payload| payload["ok"].as_bool()),
        observation: observation.unwrap_or_else(|| panic!("no observation: {events:?}")).to_owned(),
    }
}

/// A file's row in `/admin/components`.
pub(crate) fn row<'a>(seen: &'a Value, file: &str) -> Option<&'a Value> {
    seen["components"].as_array()?.iter().find(|row| row["file"] == file)
}

/// A file's status there.
pub(crate) fn status<'a>(seen: &'a Value, file: &str) -> Option<&'a str> {
    row(seen, file)?["status"].as_str()
}

/// A file's problem there, empty where there is none.
pub(crate) fn problem<'a>(seen: &'a Value, file: &str) -> &'a str {
    row(seen, file).and_then(|row| row["problem"].as_str()).unwrap_or_default()
}

/// Waits until a file has this status, and shows all.
pub(crate) async fn until(gateway: &Gateway, file: &str, wanted: &str) -> Value {
    gateway.wait_for_components(&format!("`{file}` is {wanted}"), |seen| status(seen, file) == Some(wanted)).await
}

/// Waits until a file is not listed any more.
pub(crate) async fn until_gone(gateway: &Gateway, file: &str) {
    gateway
        .wait_for_components(&format!("`{file}` is gone"), |seen| {
            seen["components"].is_array() && row(seen, file).is_none()
        })
        .await;
}

/// Writes a file as it lies there, without care for who reads it meanwhile.
pub(crate) fn write_in_place(folder: &Folder, name: &str, bytes: &[u8]) {
    fs::write(folder.path(name), bytes).expect("write a file");
}
