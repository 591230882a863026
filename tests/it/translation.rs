//! From one dialect to another: what is lost is named, what can be kept is kept, and errors arrive in the client's shape.
use crate::dialects::{Client, Vendor};
use crate::stage::{answer, ask, plain_yaml};
use magic_tests::{Completion, Folder, GREETING, Gateway, Provider, Reply, Script, completion, little_model};
use serde_json::{Value, json};

/// Alias `alias` of this vendor; `params`: more of the profile's.
async fn over(provider: &Provider, vendor: &str, model: &str, params: &str) -> Gateway {
    let yaml = plain_yaml(&provider.base())
        .replace("provider: local", &format!("provider: {vendor}"))
        .replace("model: vendor-model", &format!("model: {model}{params}"))
        .replace("plain:", "alias:");
    Gateway::start(Folder::new(&yaml).keys(vendor, &[&key(vendor)])).await
}

fn key(vendor: &str) -> String {
    format!("sk-translation-{vendor}")
}

fn dropped(reply: &Reply) -> Vec<String> {
    let names = reply.header("x-magic-dropped").unwrap_or_default();
    let mut names: Vec<String> = names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn field_10_what_a_vendor_has_no_word_for_is_named_for_each_target() {
    let body = json!({ "model": "alias", "messages": [{ "role": "user", "content": "hello" }], "logit_bias": { "5": 1 },
        "seed": 3, "n": 1, "user": "u-7", "x_unknown": true });
    for (vendor, model, lost) in [
        ("openai", "little", [].as_slice()),
        ("anthropic", "little", &["logit_bias", "seed", "x_unknown"]),
        ("google", "gemini-3-little", &["logit_bias", "user", "x_unknown"]),
    ] {
        for stream in [false, true] {
            let provider = little_model().await;
            let gateway = over(&provider, vendor, model, "").await;
            let mut body = body.clone();
            body["stream"] = json!(stream);
            let reply = gateway.chat(&body).await;
            assert_eq!(reply.status, 200, "{vendor}");
            let names = dropped(&reply);
            for name in lost {
                assert!(names.iter().any(|found| found == name), "{vendor} {stream}: {name} is not in {names:?}");
            }
            assert_eq!(names.len(), lost.len(), "{vendor} {stream}: {names:?}");
            reply.whole().await;
            // Nothing is both named and sent.
            let sent = provider.call(0).await.json();
            for name in lost {
                assert_eq!(sent.get(*name), None, "{vendor}: {sent}");
            }
            gateway.finish(&[&provider]).await;
        }
    }
}

#[tokio::test]
async fn field_10_cache_control_of_an_openai_client_reaches_anthropic_unchanged() {
    let provider = little_model().await;
    let gateway = over(&provider, "anthropic", "little", "").await;
    let (short, long) = (json!({ "type": "ephemeral" }), json!({ "type": "ephemeral", "ttl": "1h" }));
    let body = json!({ "model": "alias", "messages": [
        { "role": "system", "content": [{ "type": "text", "text": "A long policy.", "cache_control": long }] },
        { "role": "user", "content": [{ "type": "text", "text": "A long book.", "cache_control": short },
            { "type": "text", "text": "hello" }] },
    ], "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } }, "cache_control": short }] });

    let reply = gateway.chat(&body).await;

    assert_eq!((reply.status, dropped(&reply)), (200, vec![]));
    let usage = reply.json().await["usage"].clone();
    assert_eq!(
        (&usage["prompt_tokens"], &usage["prompt_tokens_details"]["cached_tokens"]),
        (&json!(11), &json!(3)),
        "{usage}"
    );
    let sent = provider.call(0).await.json();
    assert_eq!(sent["system"][0]["cache_control"], long, "{sent}");
    assert_eq!(sent["messages"][0]["content"][0]["cache_control"], short, "{sent}");
    assert_eq!(sent["messages"][0]["content"][1].get("cache_control"), None, "{sent}");
    assert_eq!(sent["tools"][0]["cache_control"], short, "{sent}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_10_where_there_is_no_cache_control_its_loss_is_told() {
    let provider = little_model().await;
    let gateway = over(&provider, "google", "gemini-3-little", "").await;
    let content = json!([{ "type": "text", "text": "hello", "cache_control": { "type": "ephemeral" } }]);
    let body = json!({ "model": "alias", "max_tokens": 9, "messages": [{ "role": "user", "content": content }] });
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let reply = gateway.post(path, &body).await;
        assert_eq!(reply.status, 200, "{path}");
        let names = dropped(&reply);
        assert!(names.iter().any(|name| name.contains("cache_control")), "{path}: {names:?}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_error_of_anthropic_reaches_an_openai_client_in_openais_shape_with_its_status() {
    let provider = Provider::start().await;
    let gateway = over(&provider, "anthropic", "little", "").await;
    let error = |kind: &str| json!({ "type": "error", "error": { "type": kind, "message": "max_tokens: too many" }, "request_id": "req_1" });
    for (status, kind) in [(400, "invalid_request_error"), (413, "request_too_large"), (422, "invalid_request_error")] {
        for stream in [false, true] {
            provider.once(Script::json(status, &error(kind)));
            let found = gateway.chat(&ask("alias", stream)).await.error(status).await;
            assert!(found["message"].as_str().unwrap().contains("max_tokens: too many"), "{found}");
            assert_eq!(found["type"], "invalid_request_error", "{found}");
        }
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_error_of_openai_reaches_an_anthropic_client_in_anthropics_shape_with_its_status() {
    let provider = Provider::start().await;
    let gateway = over(&provider, "openai", "little", "").await;
    for stream in [false, true] {
        provider.once(Script::error(422, "temperature: too hot"));
        let body = json!({ "model": "alias", "max_tokens": 9, "stream": stream, "messages": [{ "role": "user", "content": "hello" }] });
        let reply = gateway.post("/v1/messages", &body).await;
        assert_eq!(reply.status, 422);
        let found = reply.json().await;
        assert_eq!(
            (&found["type"], &found["error"]["type"]),
            (&json!("error"), &json!("invalid_request_error")),
            "{found}"
        );
        assert!(found["error"]["message"].as_str().unwrap().contains("temperature: too hot"), "{found}");
        assert_eq!(found["error"].get("param"), None, "nothing of the other shape: {found}");
    }
    // Ours have that shape as well.
    let body = json!({ "model": "nobody", "max_tokens": 9, "messages": [] });
    let reply = gateway.post("/v1/messages", &body).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json().await["error"]["type"], "not_found_error");
    gateway.finish(&[&provider]).await;
}

/// A stream that breaks is told in the client's own frames, and ends without a forged end.
#[tokio::test]
async fn field_5_a_translated_stream_that_breaks_ends_with_an_error_of_the_clients_shape() {
    for (vendor, model) in [("openai", "little"), ("anthropic", "little"), ("google", "gemini-3-little")] {
        let provider = little_model().await;
        let gateway = over(&provider, vendor, model, "").await;
        let body = json!({ "model": "alias", "max_tokens": 9, "stream": true, "messages": [{ "role": "user", "content": "breaks off" }] });

        let chat = gateway.chat(&body).await.text().await;
        let found = Completion::of_stream(&chat);
        assert_eq!((found.content.as_str(), found.done), ("So far so good", false), "{vendor}: {chat}");
        assert!(found.error["message"].is_string() && found.finish_reason.is_none(), "{vendor}: {chat}");

        let messages = gateway.post("/v1/messages", &body).await.text().await;
        assert!(messages.contains("event: error\n"), "{vendor}: {messages}");
        assert!(!messages.contains("message_stop") && !messages.contains("end_turn"), "{vendor}: {messages}");
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn azure_is_asked_by_deployment_version_and_its_own_header() {
    for (params, version) in [("", "2024-10-21"), (", api_version: \"2025-04-01-preview\"", "2025-04-01-preview")] {
        let provider = Provider::start().await;
        provider.always(answer(false, "from azure"));
        let yaml = plain_yaml(&provider.root())
            .replace("provider: local", "provider: azure")
            .replace("model: vendor-model", &format!("model: my-deployment{params}"));
        let gateway = Gateway::start(Folder::new(&yaml).keys("azure", &[&key("azure")])).await;

        let reply = gateway.chat(&ask("plain", false)).await.json().await;

        assert_eq!(Completion::of_whole(&reply).content, "from azure");
        let call = provider.call(0).await;
        assert_eq!(call.path, format!("/openai/deployments/my-deployment/chat/completions?api-version={version}"));
        assert_eq!((call.header("api-key"), call.header("authorization")), (Some(key("azure").as_str()), None));
        gateway.post("/v1/embeddings", &json!({ "model": "plain", "input": "x" })).await.whole().await;
        assert_eq!(
            provider.call(1).await.path,
            format!("/openai/deployments/my-deployment/embeddings?api-version={version}")
        );
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn anthropic_is_sent_its_key_its_version_and_the_clients_beta() {
    let provider = little_model().await;
    let gateway = over(&provider, "anthropic", "little", "").await;
    let body =
        json!({ "model": "alias", "max_tokens": 9, "messages": [{ "role": "user", "content": "hello" }] }).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("x-api-key", "the-clients-own"),
        ("authorization", "Bearer the-clients-own"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "context-1m-2025-08-07"),
    ];
    let reply = gateway.connect().await.request("POST", "/v1/messages", &headers, body.as_bytes()).await;
    assert_eq!(reply.json().await["content"][0]["text"], GREETING);

    // A client that names no version gets ours.
    assert_eq!(gateway.post_bytes("/v1/messages", body.as_bytes()).await.status, 200);
    assert_eq!(gateway.chat(&ask("alias", false)).await.status, 200);

    for (number, beta) in [Some("context-1m-2025-08-07"), None, None].into_iter().enumerate() {
        let call = provider.call(number).await;
        assert_eq!(call.header("x-api-key"), Some(key("anthropic").as_str()));
        assert_eq!((call.header("authorization"), call.header("anthropic-version")), (None, Some("2023-06-01")));
        assert_eq!(call.header("anthropic-beta"), beta);
        assert!(!format!("{:?}", call.headers).contains("the-clients-own"), "{:?}", call.headers);
    }
    gateway.finish(&[&provider]).await;
}

/// The same dialect on both sides: not a byte of the body changes but the model's name.
#[tokio::test]
async fn field_10_an_anthropic_client_of_anthropic_loses_nothing() {
    let provider = Provider::start().await;
    let gateway = over(&provider, "anthropic", "little", "").await;
    let reply = "{ \"type\":\"message\", \"content\":[{\"type\":\"text\",\"text\":\"h\\u00e9\"}], \"stop_reason\":\"end_turn\", \"new\": {\"b\":1.0} }";
    provider.always(Script::bytes(200, "application/json", reply));
    let body = "{ \"x\": {\"b\": 1.0, \"a\": 2}, \"model\" : \"alias\",\"max_tokens\":9, \"messages\":[{\"role\":\"user\",\
                \"content\":[{\"type\":\"text\",\"text\":\"h\\u00e9\",\"cache_control\":{\"ttl\":\"1h\",\"type\":\"ephemeral\"}}]}] }";

    let found = gateway.post_bytes("/v1/messages", body.as_bytes()).await;

    assert_eq!((found.status, dropped(&found)), (200, vec![]));
    assert_eq!(found.text().await, reply);
    assert_eq!(String::from_utf8(provider.call(0).await.body).unwrap(), body.replace("alias", "little"));
    gateway.finish(&[&provider]).await;
}

/// The tokens of a translated reply are counted as the client's vendor counts them.
#[tokio::test]
async fn usage_means_what_it_means_in_the_clients_dialect() {
    for (vendor, model) in [("openai", "little"), ("anthropic", "little"), ("google", "gemini-3-little")] {
        let provider = little_model().await;
        let gateway = over(&provider, vendor, model, "").await;
        let body = json!({ "model": "alias", "max_tokens": 9, "messages": [{ "role": "user", "content": "hello" }] });
        let chat = gateway.chat(&body).await.json().await["usage"].clone();
        assert_eq!(
            (&chat["prompt_tokens"], &chat["completion_tokens"], &chat["total_tokens"]),
            (&json!(11), &json!(7), &json!(18)),
            "{vendor}"
        );
        let cached = &chat["prompt_tokens_details"]["cached_tokens"];
        assert_eq!(cached, 3, "{vendor}: {chat}");
        let messages = gateway.post("/v1/messages", &body).await.json().await["usage"].clone();
        let of = |name: &str| messages[name].as_u64().unwrap_or_default();
        assert_eq!(
            (of("input_tokens"), of("cache_read_input_tokens"), of("output_tokens")),
            (8, 3, 7),
            "{vendor}: {messages}"
        );
        gateway.finish(&[&provider]).await;
    }
}

/// What OpenAI's clients may send to a vendor of their own dialect that refuses it.
#[tokio::test]
async fn field_14_reasoning_goes_back_to_deepseek_only_with_tool_calls() {
    let provider = Provider::start().await;
    provider.always(Script::json(200, &completion("good")));
    let gateway = over(&provider, "deepseek", "deepseek-reasoner", "").await;
    let call = json!([{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } }]);
    let body = json!({ "model": "alias", "messages": [
        { "role": "user", "content": "one" },
        { "role": "assistant", "content": "plain", "reasoning_content": "I thought plainly." },
        { "role": "user", "content": "two" },
        { "role": "assistant", "content": "", "reasoning_content": "I thought of a tool.", "tool_calls": call },
        { "role": "tool", "tool_call_id": "c1", "content": "done" },
    ] });

    assert_eq!(gateway.chat(&body).await.status, 200);

    let sent: Value = provider.call(0).await.json();
    assert_eq!(sent["messages"][1].get("reasoning_content"), None, "{sent}");
    assert_eq!(sent["messages"][3]["reasoning_content"], "I thought of a tool.", "{sent}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_vendor_that_does_not_stream_is_written_as_the_stream_that_was_asked_for() {
    for (vendor, family) in [("anthropic", Vendor::Anthropic), ("google", Vendor::Google)] {
        let provider = Provider::start().await;
        let gateway = over(&provider, vendor, "little", "").await;
        provider.always(family.whole("All at once."));

        let reply = gateway.chat(&ask("alias", true)).await;

        assert_eq!(reply.header("content-type"), Some("text/event-stream"), "{vendor}");
        let stream = reply.text().await;
        assert_eq!(Client::Chat.text(&stream), "All at once.", "{vendor}: {stream}");
        assert!(Client::Chat.is_whole(&stream), "{vendor}: {stream}");
        gateway.finish(&[&provider]).await;
    }
}
