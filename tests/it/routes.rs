//! Why a leg was chosen or skipped: the header `x-magic-route` on every reply, and `POST /admin/explain`, which changes nothing.
use crate::dialects::{Client, Vendor};
use crate::stage::{answer, ask};
use magic_tests::{Folder, Gate, Gateway, Provider, Script, When, chunk, key_id};
use serde_json::{Value, json};

/// Alias `both`: a profile with a key, and a translated one without.
async fn both() -> (Provider, Gateway) {
    let vendor = Provider::start().await;
    let yaml = format!(
        "model_list:\n  - {{ model_name: first, provider: openai, model_params: {{ model: m, api_base: \"{}\" }} }}\n{}\
         router_settings:\n  model_group_alias: {{ both: [first, second], only: [first] }}\n\
         breaker_settings: {{ enabled: false }}\n",
        vendor.base_of("first"),
        Vendor::Anthropic.profile("second", &vendor.base_of("second"), ""),
    );
    let gateway = Gateway::start(Folder::new(&yaml).keys("openai", &["sk-routes"])).await;
    (vendor, gateway)
}

fn route(reply: &magic_tests::Reply) -> &str {
    reply.header("x-magic-route").unwrap_or("no header")
}

#[tokio::test]
async fn the_header_tells_of_a_success_whole_or_streamed_passed_or_translated() {
    let (vendor, gateway) = both().await;
    let key = key_id("openai", "sk-routes");
    for client in Client::ALL {
        for stream in [false, true] {
            // Responses pass to a vendor that has them; the scripted one answers chat only.
            if client != Client::Responses {
                vendor.clear().on(When::under("first"), Vendor::Openai.answers(stream, "hi"));
                let reply = gateway.post(client.path(), &client.ask("both", stream)).await;
                assert_eq!((reply.status, route(&reply)), (200, "first=served"), "{client:?} {stream}");
                reply.whole().await;
            }
            vendor.clear().on(When::under("first"), Script::error(500, "oops"));
            vendor.on(When::under("second"), Vendor::Anthropic.answers(stream, "hi"));
            let reply = gateway.post(client.path(), &client.ask("both", stream)).await;
            let expected = format!("first=upstream_error({key}), second=served");
            assert_eq!((reply.status, route(&reply)), (200, expected.as_str()), "{client:?} {stream}");
            reply.whole().await;
        }
    }
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn the_header_comes_before_the_streams_end() {
    let (vendor, gateway) = both().await;
    let gate = Gate::default();
    vendor.once(Script::stream().piece(chunk("first")).gate(&gate).piece("data: [DONE]\n\n").end());
    let mut reply = gateway.chat(&ask("both", true)).await;
    assert_eq!(route(&reply), "first=served");
    assert_eq!(reply.frame().await, Some(chunk("first")));
    gate.open();
    reply.whole().await;
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn the_header_tells_of_a_failure_in_every_dialect() {
    let (vendor, gateway) = both().await;
    let key = key_id("openai", "sk-routes");
    vendor.always(Script::error(500, "oops"));
    for client in Client::ALL {
        for stream in [false, true] {
            let reply = gateway.post(client.path(), &client.ask("both", stream)).await;
            let expected = format!("first=upstream_error({key}), second=upstream_error");
            assert_eq!((reply.status, route(&reply)), (503, expected.as_str()), "{client:?} {stream}");
        }
    }
    for (path, body) in [
        ("/v1/embeddings", json!({ "model": "only", "input": "hi" })),
        ("/v1/completions", json!({ "model": "only", "prompt": "hi" })),
    ] {
        let reply = gateway.post(path, &body).await;
        assert_eq!((reply.status, route(&reply)), (503, format!("first=upstream_error({key})").as_str()), "{path}");
    }
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn the_header_tells_of_a_clients_own_mistake_and_of_a_leg_that_is_unfit() {
    let (vendor, gateway) = both().await;
    let key = key_id("openai", "sk-routes");
    vendor.on(When::under("first"), Script::error(400, "no such thing"));
    let reply = gateway.chat(&ask("both", false)).await;
    assert_eq!((reply.status, route(&reply)), (400, format!("first=invalid_request({key})").as_str()));

    vendor.clear().on(When::under("first"), Script::error(500, "oops"));
    let reply = gateway.post("/v1/embeddings", &json!({ "model": "both", "input": "hi" })).await;
    let told = route(&reply).to_owned();
    assert_eq!(reply.status, 503);
    assert!(told.starts_with(&format!("first=upstream_error({key}), second=unfit(")), "{told}");
    assert_eq!(vendor.calls_of("second"), 0);
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn a_model_that_nobody_has_has_no_route() {
    let (vendor, gateway) = both().await;
    let reply = gateway.chat(&ask("nobody", false)).await;
    assert_eq!(reply.header("x-magic-route"), None);
    reply.error(404).await;
    gateway.finish(&[&vendor]).await;
}

/// An alias each of whose legs is skipped for a reason of its own, but the last.
async fn every_reason() -> (Provider, Gateway) {
    let vendor = Provider::start().await;
    let profile = |name: &str, provider: &str| {
        let base = vendor.base_of(name);
        format!(
            "  - {{ model_name: {name}, provider: {provider}, model_params: {{ model: m, api_base: \"{base}\" }} }}\n"
        )
    };
    let yaml = format!(
        "model_list:\n{}{}{}{}{}{}router_settings:\n  model_group_alias:\n\
         \x20   all: {{ chain: [keyless, retired, resting, broken, claude, well], context_window_fallbacks: [well] }}\n\
         \x20   retired: [retired]\n    resting: [resting]\n    broken: [broken]\n\
         breaker_settings: {{ failures: 1, open_seconds: 60 }}\n",
        profile("keyless", "openrouter"),
        profile("retired", "openai"),
        profile("resting", "mistral"),
        profile("broken", "local"),
        profile("claude", "anthropic"),
        profile("well", "together"),
    );
    let folder = Folder::new(&yaml).keys("openai", &["sk-explain-retired"]).keys("mistral", &["sk-explain-resting"]);
    let folder = folder.keys("anthropic", &["sk-explain-claude"]).keys("together", &["sk-explain-a", "sk-explain-b"]);
    let gateway = Gateway::start(folder).await;
    vendor.on(When::under("retired"), Script::error(401, "invalid api key"));
    vendor.on(When::under("resting"), Script::error(429, "slow down").header("retry-after", "600"));
    vendor.on(When::under("broken"), Script::error(500, "oops"));
    for alias in ["retired", "resting", "broken"] {
        assert_eq!(gateway.chat(&ask(alias, false)).await.status, 503);
    }
    (vendor, gateway)
}

#[tokio::test]
async fn explain_says_of_every_leg_why_it_would_be_skipped() {
    let (vendor, gateway) = every_reason().await;

    let told = gateway.post("/admin/explain", &json!({ "model": "all", "operation": "embeddings" })).await.json().await;

    assert_eq!((&told["model"], &told["operation"]), (&json!("all"), &json!("embeddings")));
    let legs = told["legs"].as_array().unwrap();
    let seen: Vec<(&str, &str, &str)> =
        legs.iter().map(|leg| (word(leg, "profile"), word(leg, "lane"), why(leg))).collect();
    assert_eq!(
        seen,
        [
            ("keyless", "chain", "no_key"),
            ("retired", "chain", "keys_retired"),
            ("resting", "chain", "keys_resting"),
            ("broken", "chain", "breaker_open"),
            ("claude", "chain", "unfit"),
            ("well", "chain", "none"),
            ("well", "context_window", "other_lane"),
        ],
        "{told:#}"
    );
    let first: Vec<&str> =
        legs.iter().filter(|leg| leg["tried_first"] == true).map(|leg| word(leg, "profile")).collect();
    assert_eq!(first, ["well"]);
    assert_eq!(legs[1]["keys"], json!({ "available": 0, "quarantined": 0, "retired": 1 }));
    assert_eq!(legs[2]["keys"], json!({ "available": 0, "quarantined": 1, "retired": 0 }));
    assert_eq!(legs[5]["keys"], json!({ "available": 2, "quarantined": 0, "retired": 0 }));
    assert_eq!(legs[3]["breaker"]["state"], "open");
    // Without a word it is chat completions, which Anthropic's serves.
    let told = gateway.post("/admin/explain", &json!({ "model": "all" })).await.json().await;
    assert_eq!(told["operation"], "chat_completions");
    assert_eq!(told["legs"][4]["skipped"], Value::Null);
    assert_eq!(told["legs"][4]["tried_first"], true);
    gateway.finish(&[&vendor]).await;
}

fn word<'v>(leg: &'v Value, name: &str) -> &'v str {
    leg[name].as_str().unwrap_or("none")
}

/// Without the explanation in brackets.
fn why(leg: &Value) -> &str {
    word(leg, "skipped").split('(').next().unwrap_or_default()
}

#[tokio::test]
async fn explain_changes_nothing() {
    let (vendor, gateway) = every_reason().await;
    let state = async || {
        let mut seen = Vec::new();
        for path in ["/admin/keys", "/admin/breakers"] {
            let mut json = gateway.get(path).await.json().await;
            forget_time(&mut json);
            seen.push(json);
        }
        seen
    };
    let (before, calls) = (state().await, vendor.calls().len());

    let mut told = Vec::new();
    for _ in 0..20 {
        let mut one = gateway.post("/admin/explain", &json!({ "model": "all" })).await.json().await;
        forget_time(&mut one);
        told.push(one);
    }

    assert!(told.iter().all(|one| one == &told[0]), "asking twice changes the answer");
    assert_eq!(state().await, before, "no key is leased and no probe's place taken");
    assert_eq!(vendor.calls().len(), calls, "nothing is sent");
    gateway.finish(&[&vendor]).await;
}

fn forget_time(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.remove("seconds_left");
            fields.values_mut().for_each(forget_time);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_time),
        _ => {}
    }
}

#[tokio::test]
async fn explain_takes_no_probes_place() {
    let vendor = Provider::start().await;
    let yaml = crate::stage::plain_yaml(&vendor.base()) + "breaker_settings: { failures: 1, open_seconds: 0.05 }\n";
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    vendor.once(Script::error(500, "oops")).always(answer(false, "well again"));
    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 503);
    let explained = async || gateway.post("/admin/explain", &json!({ "model": "plain" })).await.json().await;
    magic_tests::wait_until_async("it is half-open", || async {
        explained().await["legs"][0]["breaker"]["state"] == "half_open"
    })
    .await;
    for _ in 0..3 {
        let leg = explained().await["legs"][0].clone();
        assert_eq!((&leg["breaker"]["probing"], &leg["tried_first"]), (&json!(false), &json!(true)), "{leg}");
    }
    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn explain_refuses_what_it_does_not_know() {
    let (vendor, gateway) = both().await;
    for (body, status, named) in [
        (json!({ "model": "nobody" }), 404, "nobody"),
        (json!({ "model": "both", "operation": "divination" }), 400, "divination"),
        (json!({ "model": "both", "modle": 1 }), 400, "modle"),
        (json!({}), 400, "model"),
    ] {
        let error = gateway.post("/admin/explain", &body).await.error(status).await;
        assert!(error["message"].as_str().unwrap().contains(named), "{error}");
    }
    gateway.finish(&[&vendor]).await;
}
