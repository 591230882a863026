//! The vendors' own clients, unchanged, as users have them: `openai` for Python and for Node, against the scripted vendor
//! and against the real model.
use crate::stage::{self, ANSWERS, CALLS_CALCULATOR, answer, react_folder, sample};
use magic_tests::{Gateway, Provider, Script, When, chunk, said};
use serde_json::{Value, json};
use std::time::Duration;

/// Of a whole scenario: seconds with the script, minutes with the model on a busy machine.
const SLOW: Duration = Duration::from_secs(900);

#[derive(Clone, Copy)]
enum Client {
    Python,
    Node,
}

#[tokio::test]
async fn the_python_client_is_served_by_the_scripted_vendor() {
    scripted(Client::Python).await;
}

#[tokio::test]
async fn the_node_client_is_served_by_the_scripted_vendor() {
    scripted(Client::Node).await;
}

#[tokio::test]
async fn the_python_client_is_served_by_the_real_model() {
    real(Client::Python).await;
}

#[tokio::test]
async fn the_node_client_is_served_by_the_real_model() {
    real(Client::Node).await;
}

async fn scripted(client: Client) {
    let provider = Provider::start().await;
    let folder = react_folder(&provider, "", "");
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    let cut = format!(
        "  - {{ model_name: cut, provider: local, model_params: {{ model: m, api_base: \"{}\" }} }}\nrouter_settings:",
        provider.base_of("cut")
    );
    folder.write(
        "proxy_config.yaml",
        yaml.replace("router_settings:", &cut).replace("{ thinker:", "{ cut: [cut], thinker:"),
    );
    let gateway = Gateway::start(folder).await;
    provider.on(When::under("plain").times(1), answer(false, "Hello, client."));
    provider.on(When::under("plain").times(1), answer(true, "Hello, streaming client."));
    for script in [CALLS_CALCULATOR, ANSWERS, CALLS_CALCULATOR, ANSWERS] {
        provider.on(When::under("first").times(1), said(script));
    }
    provider.on(When::under("cut"), Script::stream().piece(chunk("So far")).cut());

    let seen = scenario(client, &gateway, ["plain", "thinker", "cut"]).await;

    assert_eq!(seen["models"], json!({ "ids": ["cut", "thinker", "chain", "plain"], "one": "plain" }));
    assert_eq!(
        seen["chat"],
        json!({ "object": "chat.completion", "role": "assistant", "content": "Hello, client.",
        "reasoning": "", "finish_reason": "stop", "total_tokens": 12 })
    );
    let stream = &seen["stream"];
    assert_eq!((&stream["content"], &stream["finish_reason"]), (&json!("Hello, streaming client."), &json!("stop")));
    assert_eq!((&stream["total_tokens"], &stream["pieces"], &stream["raised"]), (&json!(30), &json!(5), &Value::Null));
    for reasoning in [&seen["reasoning"], &seen["reasoning_whole"]] {
        assert_eq!((&reasoning["content"], &reasoning["finish_reason"]), (&json!("17 * 23 = 391."), &json!("stop")));
        assert_eq!(reasoning["total_tokens"], 60);
        let thoughts = reasoning["reasoning"].as_str().unwrap();
        assert!(thoughts.contains("I must multiply 17 by 23.") && thoughts.contains("391"), "{reasoning}");
    }
    assert!(seen["reasoning"]["pieces"].as_u64().unwrap() > 4, "{seen}");
    let cut = &seen["cut"];
    assert_eq!((&cut["content"], &cut["finish_reason"]), (&json!("So far"), &Value::Null));
    assert!(cut["raised"].as_str().is_some_and(|text| !text.is_empty()), "the client raises the error: {cut}");
    is_told_of_the_unknown_model(&seen);
    gateway.finish(&[&provider]).await;
}

async fn real(client: Client) {
    let gateway = sample().await;

    let seen = scenario(client, &gateway, ["local", "local-react", ""]).await;

    let ids = seen["models"]["ids"].as_array().unwrap();
    assert!(ids.contains(&json!("local")) && ids.contains(&json!("local-react")), "{seen}");
    for plain in [&seen["chat"], &seen["stream"]] {
        assert!(plain["content"].as_str().unwrap().chars().any(char::is_alphanumeric), "{plain}");
    }
    assert!(seen["stream"]["pieces"].as_u64().unwrap() > 1, "{seen}");
    for reasoning in [&seen["reasoning"], &seen["reasoning_whole"]] {
        assert!(reasoning["content"].as_str().unwrap().contains("391"), "{reasoning}");
        let thoughts = reasoning["reasoning"].as_str().unwrap();
        assert!(thoughts.contains("calculator") && thoughts.contains("391"), "{reasoning}");
        assert!(reasoning["total_tokens"].as_u64().unwrap() > 0, "{reasoning}");
    }
    assert_eq!((&seen["stream"]["raised"], &seen["reasoning"]["raised"]), (&Value::Null, &Value::Null));
    is_told_of_the_unknown_model(&seen);
    gateway.finish(&[]).await;
}

fn is_told_of_the_unknown_model(seen: &Value) {
    let refused = &seen["not_found"];
    assert_eq!((&refused["class"], &refused["status"]), (&json!("NotFoundError"), &json!(404)), "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("no-such-model"), "{refused}");
    assert_eq!(refused["code"], "not_found");
}

/// What a client saw with `[plain, reasoning, cut]` as its aliases.
async fn scenario(client: Client, gateway: &Gateway, [plain, reasoning, cut]: [&str; 3]) -> Value {
    let mut command = stage::client(match client {
        Client::Python => "scenario.py",
        Client::Node => "scenario.mjs",
    });
    command.env("MAGIC_BASE", gateway.base()).env("MAGIC_QUESTION", "What is 17 * 23?");
    command.env("MAGIC_PLAIN", plain).env("MAGIC_REASONING", reasoning).env("MAGIC_CUT", cut);
    stage::told_by(command, SLOW).await
}
