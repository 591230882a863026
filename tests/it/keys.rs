//! Keys that remember: over restarts, reloads and files that come and go; how they come back; and who may see them.
use crate::stage::{answer, ask};
use magic_tests::{
    Call, Folder, Gateway, Process, Provider, Script, When, completion, key_id, never_logged, wait_until,
    wait_until_async,
};
use serde_json::{Value, json};
use std::time::Duration;

fn yaml(provider: &Provider, more: &str) -> String {
    format!(
        "model_list:\n  - model_name: main\n    provider: openai\n    model_params: {{ model: m, api_base: \"{}\" }}\n\
         router_settings:\n  model_group_alias: {{ plain: [main] }}\n{more}",
        provider.base()
    )
}

/// Three keys whose names are the test's own: what is done with them is in `more`.
async fn gateway(name: &str, more: &str) -> (Provider, Gateway, [String; 3]) {
    let provider = Provider::start().await;
    let keys = ["bad", "busy", "good"].map(|key| format!("sk-{name}-{key}"));
    let folder = Folder::new(&yaml(&provider, more)).keys("openai", &[&keys[0], &keys[1], &keys[2]]);
    (provider, Gateway::start(folder).await, keys)
}

fn state(key: &Value) -> (String, String) {
    (key["state"].as_str().unwrap().to_owned(), key["why"].as_str().unwrap_or_default().to_owned())
}

async fn states(gateway: &Gateway, keys: &[String; 3]) -> [(String, String); 3] {
    let [bad, busy, good] = keys;
    [
        state(&gateway.key("openai", bad).await),
        state(&gateway.key("openai", busy).await),
        state(&gateway.key("openai", good).await),
    ]
}

fn after_use() -> [(String, String); 3] {
    [("retired", "key_rejected"), ("quarantined", "rate_limited"), ("available", "")]
        .map(|(state, why)| (state.to_owned(), why.to_owned()))
}

/// The first key is rejected, the second throttled, the third works.
async fn use_up(provider: &Provider, gateway: &Gateway, keys: &[String; 3]) {
    provider.on(When::key(&keys[0]), Script::error(401, "no such key"));
    provider.on(When::key(&keys[1]), Script::error(429, "slow down").header("retry-after", "3000"));
    provider.on(When::key(&keys[2]), answer(false, "good"));
    // Which key comes first is the pool's affair.
    wait_until_async("each key was tried", || async {
        assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
        states(gateway, keys).await == after_use()
    })
    .await;
}

async fn only_the_good_one_is_asked(provider: &Provider, gateway: &Gateway, keys: &[String; 3]) {
    let before = provider.calls().len();
    for _ in 0..3 {
        assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    }
    assert_eq!(provider.keys().split_off(before), [keys[2].as_str(); 3]);
}

#[tokio::test]
async fn field_12_keys_are_classified_and_remembered_over_a_restart() {
    let (provider, mut gateway, keys) = gateway("over-restart", "").await;
    use_up(&provider, &gateway, &keys).await;

    for _ in 0..2 {
        gateway.restart().await;
        assert_eq!(states(&gateway, &keys).await, after_use());
        only_the_good_one_is_asked(&provider, &gateway, &keys).await;
    }

    let left = gateway.key("openai", &keys[1]).await["seconds_left"].as_u64().unwrap();
    assert!((2800..=3000).contains(&left), "the rest goes on, it does not begin anew: {left}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn keys_keep_their_state_over_reloads_good_and_bad() {
    let (provider, gateway, keys) = gateway("over-reload", "").await;
    use_up(&provider, &gateway, &keys).await;
    let (good, bad) = (yaml(&provider, "breaker_settings: { failures: 9 }\n"), yaml(&provider, "nonsense: 1\n"));

    gateway.folder().write("proxy_config.yaml", &bad);
    gateway.wait_for_components("it is refused", |seen| seen["config"]["status"] == "refused").await;
    assert_eq!(states(&gateway, &keys).await, after_use());
    only_the_good_one_is_asked(&provider, &gateway, &keys).await;

    gateway.folder().write("proxy_config.yaml", &good);
    gateway
        .wait_for_components("it is live", |seen| {
            seen["config"]["status"] == "live" && seen["generation"].as_u64() > Some(1)
        })
        .await;
    assert_eq!(states(&gateway, &keys).await, after_use());
    only_the_good_one_is_asked(&provider, &gateway, &keys).await;
    gateway.finish(&[&provider]).await;
}

/// Whether `GET /admin/keys` has it.
async fn is_listed(gateway: &Gateway, key: &str) -> bool {
    gateway.get("/admin/keys").await.text().await.contains(&key_id("openai", key))
}

#[tokio::test]
async fn a_key_that_goes_and_comes_back_is_what_it_was() {
    let (provider, mut gateway, keys) = gateway("gone-and-back", "").await;
    use_up(&provider, &gateway, &keys).await;
    let file = "keys_pool/keys_pool_openai.env";
    for restarted in [false, true] {
        gateway.folder().write(file, &keys[2]);
        wait_until_async("the others are gone", || async {
            !is_listed(&gateway, &keys[0]).await && !is_listed(&gateway, &keys[1]).await
        })
        .await;
        if restarted {
            gateway.restart().await;
        }

        gateway.folder().write(file, keys.join("\n"));
        wait_until_async("they are back", || async { is_listed(&gateway, &keys[0]).await }).await;

        assert_eq!(states(&gateway, &keys).await, after_use());
        only_the_good_one_is_asked(&provider, &gateway, &keys).await;
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_quarantine_ends_by_itself() {
    let (provider, gateway, keys) =
        gateway("ends-by-itself", "key_management_settings: { quarantine_duration_seconds: 1 }\n").await;
    for key in &keys {
        provider.on(When::key(key).times(1), Script::error(429, "slow down"));
    }
    provider.always(answer(false, "good"));
    let refused = gateway.chat(&ask("plain", false)).await;
    assert!(refused.header("retry-after").is_some());
    refused.error(503).await;

    wait_until_async("the rest is over", || async {
        states(&gateway, &keys).await.iter().all(|(state, _)| state == "available")
    })
    .await;

    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    gateway.finish(&[&provider]).await;
}

fn is_check(call: &Call) -> bool {
    call.method == "GET" && call.path == "/v1/models"
}

#[tokio::test]
async fn a_retired_key_that_its_vendor_takes_again_comes_back_and_another_does_not() {
    let (provider, mut gateway, keys) = gateway("rechecked", "key_management_settings: { recheck_seconds: 1 }\n").await;
    let (mended, lost) = (keys[0].clone(), keys[1].clone());
    provider.answers(move |call| match (is_check(call), call.key.as_deref()) {
        (true, Some(key)) if key == mended => Script::json(200, &json!({ "object": "list", "data": [] })),
        (false, Some(key)) if key != mended && key != lost => Script::json(200, &completion("good")),
        _ => Script::error(401, "no such key"),
    });
    let checked =
        |key: &str| provider.calls().iter().filter(|call| is_check(call) && call.key.as_deref() == Some(key)).count();
    wait_until_async("both were rejected", || async {
        assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
        let asked = provider.keys();
        asked.contains(&keys[0]) && asked.contains(&keys[1])
    })
    .await;

    wait_until("both were asked for again", || checked(&keys[0]) > 0 && checked(&keys[1]) > 1).await;
    wait_until_async("the one is back", || async { state(&gateway.key("openai", &keys[0]).await).0 == "available" })
        .await;

    assert_eq!(state(&gateway.key("openai", &keys[1]).await).0, "retired");
    assert_eq!(checked(&keys[2]), 0, "a key that works is not checked");
    // What came back is remembered, too.
    gateway.restart().await;
    assert_eq!(state(&gateway.key("openai", &keys[0]).await).0, "available");
    assert_eq!(state(&gateway.key("openai", &keys[1]).await).0, "retired");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_key_whose_last_request_was_granted_rests_before_the_vendor_refuses_it() {
    for stream in [false, true] {
        let (provider, gateway, keys) = gateway(&format!("spent-{stream}"), "").await;
        let spent = answer(stream, "the last one")
            .header("x-ratelimit-remaining-requests", "0")
            .header("x-ratelimit-reset-requests", "20m0s");
        provider.once(spent).always(answer(stream, "good"));

        assert_eq!(gateway.chat(&ask("plain", stream)).await.status, 200);

        let first = provider.keys().swap_remove(0);
        let key = gateway.key("openai", &first).await;
        assert_eq!(state(&key).0, "quarantined", "{key}");
        assert!((1100..=1200).contains(&key["seconds_left"].as_u64().unwrap()), "{key}");
        for _ in 0..4 {
            let reply = gateway.chat(&ask("plain", stream)).await;
            assert_eq!(reply.status, 200);
            reply.whole().await;
        }
        assert!(!provider.keys().split_off(1).contains(&first), "{:?}", provider.keys());
        assert!(keys.contains(&first));
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn a_new_key_is_used_without_a_restart() {
    let provider = Provider::start().await;
    let gateway = Gateway::start(Folder::new(&yaml(&provider, ""))).await;
    provider.always(answer(false, "good"));
    gateway.chat(&ask("plain", false)).await.error(503).await;

    gateway.folder().write("keys_pool/keys_pool_openai.env", "# fresh\nOPENAI_API_KEY=sk-new-one\n");
    wait_until_async("it is served", || async { gateway.chat(&ask("plain", false)).await.status == 200 }).await;
    gateway.folder().write("keys_pool/keys_pool_openai.env", "sk-new-two\n");
    wait_until_async("the second is used", || async {
        assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
        provider.keys().contains(&"sk-new-two".to_owned())
    })
    .await;

    let before = provider.calls().len();
    gateway.chat(&ask("plain", false)).await.whole().await;
    assert_eq!(provider.keys().split_off(before), ["sk-new-two"], "the first is gone");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_verb_keys_shows_what_the_admin_shows_and_never_a_secret() {
    let (provider, mut gateway, keys) = gateway("shown", "").await;
    use_up(&provider, &gateway, &keys).await;
    let ids = keys.each_ref().map(|key| key_id("openai", key));
    // A gateway that runs keeps its file open; a stopped one has closed it.
    for restarted in [false, true] {
        if restarted {
            gateway.restart().await;
        }
        let admin = gateway.get("/admin/keys").await.json().await;
        // Writes are queued: the file is what it will be a moment later.
        let mut shown = Value::Null;
        wait_until_async("the file has it", || async {
            let ended = Process::start(gateway.folder(), &["keys", "--json"]).await.ended().await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            ended.stdout.contains("quarantined")
        })
        .await;
        for args in [["keys", "--json"].as_slice(), &["keys"]] {
            let ended = Process::start(gateway.folder(), args).await.ended().await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            for key in &keys {
                assert!(!ended.stdout.contains(key) && !ended.stderr.contains(key), "a secret in {ended:?}");
            }
            if args.len() == 2 {
                shown = serde_json::from_str(&ended.stdout).unwrap();
                continue;
            }
            for (id, (state, why)) in ids.iter().zip(after_use()) {
                let line = ended.stdout.lines().find(|line| line.contains(id.as_str())).unwrap();
                assert!(line.contains("openai") && line.contains(&state) && line.contains(&why), "{line}");
            }
        }
        assert_eq!(without_time(shown), without_time(admin));
    }
    for key in &keys {
        never_logged(key);
    }
    gateway.finish(&[&provider]).await;
}

/// Pools and keys in order, without what only a running gateway knows and what the clock changes.
fn without_time(mut shown: Value) -> Value {
    for pool in shown["pools"].as_array_mut().unwrap() {
        let keys = pool["keys"].as_array_mut().unwrap();
        keys.sort_by_key(|key| key["id"].as_str().unwrap().to_owned());
        for key in keys {
            let key = key.as_object_mut().unwrap();
            key.remove("in_flight");
            if let Some(left) = key["seconds_left"].as_u64() {
                assert!(Duration::from_secs(left) <= Duration::from_secs(3000), "{left}");
                key.insert("seconds_left".to_owned(), json!("some"));
            }
        }
    }
    shown
}

#[tokio::test]
async fn servers_that_need_no_key_are_sent_the_one_that_is_there() {
    let provider = Provider::start().await;
    provider.always(answer(false, "good"));
    let profile = |name: &str, word: &str| {
        let base = provider.base_of(name);
        format!("  - {{ model_name: {name}, provider: {word}, model_params: {{ model: m, api_base: \"{base}\" }} }}\n")
    };
    let yaml = format!(
        "model_list:\n{}{}{}router_settings:\n  model_group_alias: {{ llama: [llama], home: [home], bare: [bare] }}\n",
        profile("llama", "llama.cpp"),
        profile("home", "local"),
        profile("bare", "vllm")
    );
    let folder = Folder::new(&yaml).keys("llama.cpp", &["sk-of-llama"]).keys("local", &["sk-of-home"]);
    let gateway = Gateway::start(folder).await;
    for (alias, key) in [("llama", Some("Bearer sk-of-llama")), ("home", Some("Bearer sk-of-home")), ("bare", None)] {
        assert_eq!(gateway.chat(&ask(alias, false)).await.status, 200);
        assert_eq!(provider.calls().pop().unwrap().header("authorization"), key, "{alias}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_key_that_its_vendor_repeats_reaches_neither_client_nor_log() {
    let (provider, gateway, keys) = gateway("repeated", "").await;
    for status in [400, 404, 500] {
        provider.clear();
        for key in &keys {
            provider.on(When::key(key), Script::error(status, &format!("the key {key} may not do that")));
        }
        for stream in [false, true] {
            let reply = gateway.chat(&ask("plain", stream)).await;
            let told = reply.text().await;
            assert!(told.contains("may not do that") || status == 500, "{status}: {told}");
            assert!(keys.iter().all(|key| !told.contains(key.as_str())), "{status}: {told}");
        }
    }
    keys.iter().for_each(|key| never_logged(key));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_client_that_asks_for_what_it_may_not_see_costs_no_key() {
    let (provider, gateway, keys) = gateway("foreign-file", "").await;
    let words = "You do not have permission to access the File abc or it may not exist.";
    provider.always(Script::error(403, words));
    let reply = gateway.chat(&ask("plain", false)).await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().await.contains("permission to access"), "in the vendor's words");
    assert_eq!(provider.calls().len(), 1, "nobody else is asked");
    for key in &keys {
        assert_eq!(state(&gateway.key("openai", key).await).0, "available");
    }
    gateway.finish(&[&provider]).await;
}
