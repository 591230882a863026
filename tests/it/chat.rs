//! Plain chat: what goes to the vendor, what comes back, and what the gateway refuses by itself.
use crate::stage::{answer, ask, plain, plain_with};
use magic_tests::{Connection, Folder, Gate, Gateway, Provider, Script, completion, wait_until_async};
use serde_json::json;

/// Everything that a careless gateway would change: spaces, order, escapes, numbers, fields that it does not know.
const ODD_BODY: &str = "{ \"x_vendor\" : {\"b\":1.50,\"a\":[ ]} ,\n\t\"model\" :\"plain\",\"messages\":[{\"role\":\"user\",\
                        \"content\":\"caf\\u00e9 \u{2028} \\/ {curly} %s\",\"cache_control\":{\"type\":\"ephemeral\"}}], \"seed\":\
                        12345678901234567890, \"temperature\": 1e0 , \"logit_bias\":null}  \n";

#[tokio::test]
async fn a_request_reaches_the_vendor_byte_for_byte_but_for_the_model() {
    let (provider, gateway) = plain().await;
    provider.always(Script::json(200, &completion("hi")));

    let reply = gateway.post_bytes("/v1/chat/completions", ODD_BODY.as_bytes()).await;

    assert_eq!(reply.status, 200);
    let call = provider.call(0).await;
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(String::from_utf8(call.body).unwrap(), ODD_BODY.replace("\"plain\"", "\"vendor-model\""));
    drop(reply);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_profiles_defaults_are_added_and_the_clients_own_values_win() {
    let provider = Provider::start().await;
    let yaml = format!(
        "model_list:\n  - model_name: main\n    provider: local\n    model_params:\n      {{ model: vendor-model, api_base: \"{}\", \
         temperature: 0.25, max_tokens: 77, top_p: null }}\nrouter_settings:\n  model_group_alias: {{ plain: [main] }}\n",
        provider.base()
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    provider.always(Script::json(200, &completion("hi")));

    gateway.post_bytes("/v1/chat/completions", br#"{"model":"plain","temperature":1,"n":1}"#).await.whole().await;
    gateway.post_bytes("/v1/chat/completions", br#"{"model":"plain","max_completion_tokens":5}"#).await.whole().await;

    let bodies: Vec<String> = provider.calls().into_iter().map(|call| String::from_utf8(call.body).unwrap()).collect();
    assert_eq!(
        bodies,
        [
            r#"{"max_tokens":77,"model":"vendor-model","temperature":1,"n":1}"#,
            r#"{"temperature":0.25,"model":"vendor-model","max_completion_tokens":5}"#,
        ]
    );
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_whole_reply_reaches_the_client_byte_for_byte() {
    let (provider, gateway) = plain().await;
    let body = "{\n  \"id\": \"x\",  \"vendor_extra\": {\"z\": 1.0, \"a\": \"\\u00e9\"},\"choices\":[] }\n\n";
    provider.always(Script::bytes(200, "application/json; odd=1", body));

    let reply = gateway.chat(&ask("plain", false)).await;

    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json; odd=1"));
    assert_eq!(reply.text().await, body);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_vendors_headers_pass_but_not_those_of_its_connection() {
    let (provider, gateway) = plain().await;
    let good = answer(false, "hi").header("x-request-id", "req_7").header("x-ratelimit-remaining-requests", "9");
    provider.always(good.header("set-cookie", "a=b").header("server", "vendor").header("keep-alive", "timeout=5"));

    let reply = gateway.chat(&ask("plain", false)).await;

    assert_eq!(reply.header("x-request-id"), Some("req_7"));
    assert_eq!(reply.header("x-ratelimit-remaining-requests"), Some("9"));
    for dropped in ["set-cookie", "server", "keep-alive"] {
        assert_eq!(reply.header(dropped), None, "{dropped}");
    }
    drop(reply);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_vendor_gets_the_pools_key_and_nothing_of_the_clients_headers() {
    let provider = Provider::start().await;
    let yaml = format!(
        "model_list:\n  - model_name: main\n    provider: openai\n    model_params: {{ model: m, api_base: \"{}\" }}\n\
         router_settings:\n  model_group_alias: {{ plain: [main] }}\n",
        provider.base()
    );
    let gateway = Gateway::start(Folder::new(&yaml).keys("openai", &["sk-of-the-pool"])).await;
    provider.always(answer(false, "hi"));

    let headers =
        [("authorization", "Bearer sk-of-the-client"), ("cookie", "session=1"), ("x-forwarded-for", "10.0.0.1")];
    let body = ask("plain", false).to_string();
    let reply = gateway.connect().await.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).await;

    assert_eq!(reply.status, 200);
    let call = provider.call(0).await;
    assert_eq!(call.key.as_deref(), Some("sk-of-the-pool"));
    assert_eq!(call.header("content-type"), Some("application/json"));
    assert!(!format!("{:?}", call.headers).contains("of-the-client"));
    assert_eq!((call.header("cookie"), call.header("x-forwarded-for")), (None, None));
    drop(reply);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_unknown_alias_is_404_and_says_what_there_is() {
    let (provider, gateway) = plain().await;

    let error = gateway.chat(&ask("no-such-model", false)).await.error(404).await;

    let message = error["message"].as_str().unwrap();
    assert!(message.contains("no-such-model") && message.contains("plain"), "{message}");
    assert_eq!(error["type"], "invalid_request_error");
    // A profile is not an alias: clients never see profiles.
    gateway.chat(&ask("main", false)).await.error(404).await;
    assert!(provider.calls().is_empty());
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_body_that_is_no_request_is_400_and_names_the_fault() {
    let (provider, gateway) = plain().await;
    let bad = [
        ("", "JSON"),
        ("{\"model\":", "JSON"),
        ("[1]", "JSON"),
        ("{} {}", "JSON"),
        ("{\"messages\":[]}", "model"),
        ("{\"model\":7}", "model"),
        ("{\"model\":null}", "model"),
        ("{\"model\":\"plain\",\"model\":\"other\"}", "model"),
        ("{\"model\":\"plain\",\"stream\":\"yes\"}", "stream"),
        ("\u{feff}{\"model\":\"plain\"}", "JSON"),
    ];
    for (body, named) in bad {
        let error = gateway.post_bytes("/v1/chat/completions", body.as_bytes()).await.error(400).await;
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(named), "{body:?}: {message:?} does not name {named}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let not_utf8 = b"{\"model\":\"pl\xffain\"}";
    gateway.post_bytes("/v1/chat/completions", not_utf8).await.error(400).await;
    assert!(provider.calls().is_empty());
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_body_of_a_hundred_thousand_brackets_is_400_and_harms_nobody() {
    let (provider, gateway) = plain().await;
    provider.always(answer(false, "hi"));
    let deep = format!("{{\"model\":\"plain\",\"messages\":{}", "[".repeat(100_000));

    gateway.post_bytes("/v1/chat/completions", deep.as_bytes()).await.error(400).await;

    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_body_over_the_bound_is_413_whether_its_length_is_told_or_not() {
    let (provider, gateway) = plain_with("server_settings: { body_bytes_max: 2KiB }\n").await;
    provider.always(answer(false, "hi"));
    let fits = json!({ "model": "plain", "filler": "x".repeat(2048 - 30) }).to_string();
    assert!((1900..=2048).contains(&fits.len()));
    assert_eq!(gateway.post_bytes("/v1/chat/completions", fits.as_bytes()).await.status, 200);

    let large = json!({ "model": "plain", "filler": "x".repeat(2048) }).to_string();
    let error = gateway.post_bytes("/v1/chat/completions", large.as_bytes()).await.error(413).await;
    assert!(error["message"].as_str().unwrap().contains("body_bytes_max"), "{error}");

    let mut untold = gateway.connect().await;
    untold.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n").await;
    untold.send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()).as_bytes()).await;
    untold.reply().await.error(413).await;

    assert_eq!(provider.calls().len(), 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_call_while_it_waits_for_a_whole_reply() {
    leaves_before_the_reply(false).await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_call_while_it_waits_for_a_stream() {
    leaves_before_the_reply(true).await;
}

async fn leaves_before_the_reply(stream: bool) {
    let (provider, gateway) = keyed("sk-leaves").await;
    provider.once(Script::silence());
    let waiting = begin(&gateway, stream).await;
    let call = provider.call(0).await;
    assert!(call.is_under_way());

    drop(waiting);

    call.was_left().await;
    settled(&gateway, "sk-leaves").await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_call_in_the_middle_of_a_whole_reply() {
    let (provider, gateway) = keyed("sk-leaves-whole").await;
    provider.once(Script::bytes(200, "application/json", "{\"choices\"").header("x", "y").gate(&Gate::default()));
    let waiting = begin(&gateway, false).await;
    let call = provider.call(0).await;

    drop(waiting);

    call.was_left().await;
    settled(&gateway, "sk-leaves-whole").await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_call_in_the_middle_of_a_stream() {
    let (provider, gateway) = keyed("sk-leaves-stream").await;
    provider.once(Script::stream().piece(magic_tests::chunk("first")).hang());
    let mut reply = gateway.chat(&ask("plain", true)).await;
    assert!(reply.frame().await.unwrap().contains("first"));
    assert_eq!(gateway.key("openai", "sk-leaves-stream").await["in_flight"], 1);

    drop(reply);

    provider.call(0).await.was_left().await;
    settled(&gateway, "sk-leaves-stream").await;
    gateway.finish(&[&provider]).await;
}

async fn keyed(key: &str) -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let yaml = format!(
        "model_list:\n  - model_name: main\n    provider: openai\n    model_params: {{ model: m, api_base: \"{}\" }}\n\
         router_settings:\n  model_group_alias: {{ plain: [main] }}\n",
        provider.base()
    );
    let gateway = Gateway::start(Folder::new(&yaml).keys("openai", &[key])).await;
    (provider, gateway)
}

async fn begin(gateway: &Gateway, stream: bool) -> Connection {
    gateway.begin("/v1/chat/completions", &ask("plain", stream)).await
}

/// A request that was left counts no more, and its key is to blame for nothing.
async fn settled(gateway: &Gateway, key: &str) {
    wait_until_async("the lease is settled", || async { gateway.key("openai", key).await["in_flight"] == 0 }).await;
    assert_eq!(gateway.key("openai", key).await["state"], "available");
}

#[tokio::test]
async fn more_requests_than_keys_are_in_flight_at_once() {
    let (provider, gateway) = keyed("sk-only-one").await;
    let gate = Gate::default();
    provider.always(answer(false, "hi").after(&gate));
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(begin(&gateway, false).await);
    }

    provider.call(4).await;

    assert_eq!(gateway.key("openai", "sk-only-one").await["in_flight"], 5);
    gate.open();
    for connection in waiting {
        assert_eq!(connection.reply().await.status, 200);
    }
    settled(&gateway, "sk-only-one").await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_openais_shape() {
    let (provider, gateway) = plain().await;

    let error = gateway.get("/v1/no/such/path").await.error(404).await;
    assert!(error["message"].as_str().unwrap().contains("/v1/no/such/path"), "{error}");
    gateway.post("/v1/images/variations", &json!({})).await.error(404).await;
    gateway.get("/v1/chat/completions").await.error(405).await;

    gateway.finish(&[&provider]).await;
}
