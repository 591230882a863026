//! The config, and what is read with it: aliases, keys, prompts.
use super::*;
use magic_tests::never_logged;

/// Waits until the config is live and without problems, in a newer generation than this.
async fn live_after(gateway: &Gateway, generation: u64) -> u64 {
    let fits = |seen: &Value| seen["generation"].as_u64() > Some(generation) && seen["config"]["status"] == "live";
    let seen = gateway.wait_for_components("a newer config is live", fits).await;
    assert_eq!(seen["config"]["problems"], json!([]));
    seen["generation"].as_u64().unwrap()
}

async fn refused(gateway: &Gateway, says: &str) -> Vec<String> {
    let named =
        |seen: &Value| seen["config"]["status"] == "refused" && seen["config"]["problems"].to_string().contains(says);
    let seen = gateway.wait_for_components(&format!("a problem with {says}"), named).await;
    seen["config"]["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap().to_owned()).collect()
}

async fn aliases(gateway: &Gateway) -> Vec<String> {
    let models = gateway.get("/v1/models").await.json().await;
    let mut names: Vec<String> =
        models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_good_config_takes_effect_and_a_bad_one_changes_nothing_until_it_is_mended() {
    let provider = Provider::start().await;
    provider.always(answer(false, "hi"));
    let gateway = Gateway::start(folder(&provider)).await;
    let with_more = yaml(&provider) + "    more: [main]\n";

    gateway.folder().write("proxy_config.yaml", &with_more);
    let generation = live_after(&gateway, 1).await;
    assert_eq!(aliases(&gateway).await, ["more", "plain", "think"]);
    assert_eq!(gateway.chat(&ask("more", false)).await.status, 200);

    let bad = yaml(&provider)
        .replace("provider: local, ", "provider: lokal, ")
        .replace("reasoning_mode: ponder", "reasoning_mode: pondre")
        + "    ghost: [nobody]\nservr_settings: {}\n";
    gateway.folder().write("proxy_config.yaml", &bad);
    let problems = refused(&gateway, "servr_settings").await;
    for part in ["model_list[0].provider", "model_group_alias.ghost[0]", "servr_settings"] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part} is not in {problems:?}");
    }
    assert_eq!(aliases(&gateway).await, ["more", "plain", "think"]);
    assert_eq!(gateway.chat(&ask("more", false)).await.status, 200);

    gateway.folder().write("proxy_config.yaml", yaml(&provider));
    live_after(&gateway, generation).await;
    assert_eq!(aliases(&gateway).await, ["plain", "think"]);
    assert_eq!(gateway.chat(&ask("more", false)).await.status, 404);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_config_that_is_no_yaml_empty_or_gone_changes_nothing() {
    let provider = Provider::start().await;
    provider.always(answer(false, "hi"));
    let gateway = Gateway::start(folder(&provider)).await;
    for (text, says) in
        [(Some("model_list: [\n"), "proxy_config.yaml"), (Some(""), "model_list"), (None, "proxy_config.yaml")]
    {
        match text {
            Some(text) => gateway.folder().write("proxy_config.yaml", text),
            None => gateway.folder().remove("proxy_config.yaml"),
        }
        let seen = gateway.wait_for_components("it is refused", |seen| seen["config"]["status"] == "refused").await;
        let problems = seen["config"]["problems"].as_array().unwrap();
        assert!(!problems.is_empty(), "{text:?} has no problem that names {says}: {problems:?}");
        assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200, "with {text:?}");
        let generation = seen["generation"].as_u64().unwrap();
        gateway.folder().write("proxy_config.yaml", yaml(&provider));
        live_after(&gateway, generation).await;
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn components_and_keys_are_taken_while_the_config_is_bad() {
    let provider = Provider::start().await;
    teach(&provider, "use it", "steady", &json!({}));
    let gateway = Gateway::start(folder(&provider)).await;
    gateway.folder().write("proxy_config.yaml", yaml(&provider) + "nonsense: 1\n");
    refused(&gateway, "nonsense").await;

    gateway.folder().write("tools/steady.wasm", steady("version 1"));

    let seen = until(&gateway, "steady", "loaded").await;
    assert_eq!(seen["config"]["status"], "refused");
    assert_eq!(session(&gateway, "use it").await.observation, "version 1");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_config_that_waits_for_a_component_or_a_prompt_is_live_when_the_file_arrives() {
    let provider = Provider::start().await;
    teach(&provider, "use it", "steady", &json!({}));
    let gateway = Gateway::start(folder(&provider)).await;
    let settings = "{ reasoning_mode: muse, tools: [steady], system_instruction: system_prompts/late.md }";
    gateway.folder().write("proxy_config.yaml", yaml(&provider).replace("{ reasoning_mode: ponder }", settings));
    let problems = refused(&gateway, "muse").await;
    for part in ["patterns/muse.wasm", "tools/steady.wasm", "system_prompts/late.md"] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part} is not in {problems:?}");
    }

    gateway.folder().write("patterns/muse.wasm", pattern_wat(&[("SYSTEM_RULE", "Muse.")]));
    until(&gateway, "muse", "loaded").await;
    gateway.folder().write("tools/steady.wasm", steady("version 1"));
    let seen = until(&gateway, "steady", "loaded").await;
    assert_eq!(seen["config"]["status"], "refused", "a prompt is still missing");
    gateway.folder().write("system_prompts/late.md", "Always be late.");
    live_after(&gateway, 1).await;

    assert_eq!(says_of_steady(&gateway).await, "version 1");
    let prompt = provider.call(0).await.messages();
    for part in ["Muse.", "Always be late."] {
        assert!(prompt.iter().any(|(_, text)| text.contains(part)), "{part} is not in {prompt:?}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_changed_prompt_reaches_the_next_session() {
    let provider = Provider::start().await;
    teach(&provider, "use it", "steady", &json!({}));
    let folder = folder(&provider);
    folder.write("tools/steady.wasm", steady("version 1"));
    folder.write(
        "proxy_config.yaml",
        yaml(&provider) + "agent_settings: { system_instruction: prompts/rule.md, manifests: [manifests/first.md] }\n",
    );
    folder.write("prompts/rule.md", "The first rule.");
    folder.write("manifests/first.md", "The first manifest.");
    let gateway = Gateway::start(folder).await;
    let asked = async |nth: usize| {
        says_of_steady(&gateway).await;
        provider.call(nth).await.messages().iter().map(|(_, text)| text.clone()).collect::<String>()
    };
    let prompt = asked(0).await;
    assert!(prompt.contains("The first rule.") && prompt.contains("The first manifest."), "{prompt}");

    gateway.folder().write("prompts/rule.md", "The second rule.");
    let generation = live_after(&gateway, 1).await;
    let prompt = asked(2).await;
    assert!(prompt.contains("The second rule.") && !prompt.contains("The first rule."), "{prompt}");

    gateway.folder().write("manifests/first.md", "The second manifest.");
    live_after(&gateway, generation).await;
    assert!(asked(4).await.contains("The second manifest."));

    gateway.folder().remove("prompts/rule.md");
    refused(&gateway, "prompts/rule.md").await;
    assert!(asked(6).await.contains("The second rule."), "the last good text holds");
    gateway.finish(&[&provider]).await;
}

/// Alias `plain` with keys; `more` is put behind it.
fn keyed_yaml(provider: &Provider, more: &str) -> String {
    format!(
        "model_list:\n  - {{ model_name: main, provider: openai, model_params: {{ model: m, api_base: \"{}\" }} }}\n\
         router_settings:\n  model_group_alias:\n    plain: [main]\n{more}",
        provider.base(),
    )
}

#[tokio::test]
async fn a_key_that_was_judged_stays_so_over_reloads_and_new_keys_are_taken() {
    let provider = Provider::start().await;
    provider.on(When::key("sk-reload-dead"), Script::error(401, "Incorrect API key provided"));
    provider.on(When::key("sk-reload-tired"), Script::error(429, "slow down").header("retry-after", "3600"));
    provider.always(answer(false, "hi"));
    let keys = ["sk-reload-dead", "sk-reload-tired", "sk-reload-good"];
    let gateway = Gateway::start(Folder::new(&keyed_yaml(&provider, "")).keys("openai", &keys)).await;
    let state = async |secret: &str| gateway.key("openai", secret).await["state"].as_str().unwrap().to_owned();
    // As often as there are keys, so that each has had its turn.
    for _ in 0..3 {
        assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    }
    assert_eq!((state(keys[0]).await, state(keys[1]).await), ("retired".to_owned(), "quarantined".to_owned()));
    let asked = provider.calls().len();

    gateway.folder().write("proxy_config.yaml", keyed_yaml(&provider, "    more: [main]\n"));
    let generation = live_after(&gateway, 1).await;

    assert_eq!((state(keys[0]).await, state(keys[1]).await), ("retired".to_owned(), "quarantined".to_owned()));
    for _ in 0..3 {
        assert_eq!(gateway.chat(&ask("more", false)).await.status, 200);
    }
    assert_eq!(provider.keys()[asked..], ["sk-reload-good"; 3]);

    let asked = provider.calls().len();
    gateway.folder().write("keys_pool/keys_pool_openai.env", "sk-reload-dead\nsk-reload-tired\nsk-reload-new\n");
    live_after(&gateway, generation).await;

    assert_eq!((state(keys[0]).await, state(keys[1]).await), ("retired".to_owned(), "quarantined".to_owned()));
    assert_eq!(state("sk-reload-new").await, "available");
    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    assert_eq!(provider.keys()[asked..], ["sk-reload-new"]);
    for secret in keys.into_iter().chain(["sk-reload-new"]) {
        never_logged(secret);
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_tools_secret_that_changes_is_sent_from_the_next_call_on() {
    let provider = Provider::start().await;
    provider.on(When::under("page"), Script::bytes(200, "text/plain", "a page"));
    let folder = folder(&provider);
    let url = provider.base_of("page") + "?k={{secret:TOKEN}}";
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    folder.write(
        "tools/steady.policy.yaml",
        format!("http: {{ hosts: ['{address}'], allow_private: true }}\nsecrets: [TOKEN]"),
    );
    folder.write("tools/steady.wasm", ToolWat::fetches("steady", &url).file());
    folder.write("env/steady.env", "TOKEN=sk-reload-first\n");
    teach(&provider, "use it", "steady", &json!({}));
    let gateway = Gateway::start(folder).await;
    assert_eq!(says_of_steady(&gateway).await, "a page");

    gateway.folder().write("env/steady.env", "TOKEN=sk-reload-second\n");
    live_after(&gateway, 1).await;
    assert_eq!(says_of_steady(&gateway).await, "a page");

    let pages = provider.calls().into_iter().filter(|call| call.is_under("page")).map(|call| call.path);
    let queries: Vec<String> = pages.map(|path| path.split_once('?').unwrap().1.to_owned()).collect();
    assert_eq!(queries, ["k=sk-reload-first", "k=sk-reload-second"]);
    never_logged("sk-reload-first");
    never_logged("sk-reload-second");
    gateway.finish(&[&provider]).await;
}
