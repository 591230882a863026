//! Files that come, change, break and go while the gateway serves: components, policies, config, keys and prompts.
use crate::guests::{
    begin, finish, folder, ponder, problem, row, session, session_with, status, teach, until, until_gone,
    write_in_place, yaml,
};
use crate::stage::{answer, ask};
use magic_tests::{Completion, Folder, Gate, Gateway, Provider, Script, ToolWat, When, chunk, pattern_wat};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;

mod config;
mod torture;

/// How a file comes into its folder.
#[derive(Clone, Copy)]
enum Way {
    Copied,
    Moved,
    InTwoWrites,
}

/// Puts a file into its folder; the slow way waits until the first half has been seen as broken.
async fn arrive(gateway: &Gateway, way: Way, name: &str, bytes: &[u8]) {
    let folder = gateway.folder();
    match way {
        Way::Copied => write_in_place(folder, name, bytes),
        Way::Moved => {
            folder.write("outside/new", bytes);
            fs::rename(folder.path("outside/new"), folder.path(name)).unwrap();
        }
        Way::InTwoWrites => {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            let mut file = fs::File::create(folder.path(name)).unwrap();
            file.write_all(first).unwrap();
            let stem = name.split_once('/').unwrap().1.trim_end_matches(".wasm");
            let seen = until(gateway, stem, "failed").await;
            assert!(problem(&seen, stem).contains("cut off"), "{seen}");
            file.write_all(second).unwrap();
        }
    }
}

async fn new_components_are_usable(way: Way) {
    let provider = Provider::start().await;
    let gateway = Gateway::start(folder(&provider)).await;
    teach(&provider, "use what is new", "late", &json!({}));

    arrive(&gateway, way, "tools/late_tool.wasm", &ToolWat::says("late", "better than never").file()).await;
    arrive(&gateway, way, "patterns/late_pattern.wasm", &pattern_wat(&[("SYSTEM_RULE", "Come late.")])).await;

    for (file, kind) in [("late_tool", "tool"), ("late_pattern", "pattern")] {
        let seen = until(&gateway, file, "loaded").await;
        assert_eq!(row(&seen, file).map(|row| (row["kind"].clone(), row.get("problem"))), Some((json!(kind), None)));
    }
    let seen = session_with(&gateway, "use what is new", "late_pattern").await;
    assert_eq!((seen.ok, seen.observation.as_str()), (Some(true), "better than never"));
    let prompt = provider.call(0).await.messages();
    assert!(prompt.iter().any(|(_, text)| text.contains("Come late.")), "{prompt:?}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn components_copied_into_their_folders_are_usable_without_restart() {
    new_components_are_usable(Way::Copied).await;
}

#[tokio::test]
async fn components_moved_into_their_folders_are_usable_without_restart() {
    new_components_are_usable(Way::Moved).await;
}

#[tokio::test]
async fn components_written_slowly_are_broken_first_and_then_usable() {
    new_components_are_usable(Way::InTwoWrites).await;
}

/// A gateway with a tool `steady`, and the vendor that calls it.
async fn with_steady_tool() -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    folder.write("tools/steady.wasm", steady("version 1"));
    teach(&provider, "use it", "steady", &json!({}));
    provider.on(When::under("plain"), answer(false, "plainly"));
    (provider, Gateway::start(folder).await)
}

fn steady(text: &str) -> Vec<u8> {
    ToolWat::says("steady", text).file()
}

async fn says_of_steady(gateway: &Gateway) -> String {
    session(gateway, "use it").await.observation
}

#[tokio::test]
async fn a_broken_new_version_leaves_the_last_good_one_serving_until_it_is_mended() {
    let (provider, gateway) = with_steady_tool().await;
    let before = gateway.get("/admin/components").await.json().await;

    write_in_place(gateway.folder(), "tools/steady.wasm", b"\0asm not really");
    write_in_place(gateway.folder(), "patterns/ponder.wasm", &ponder("Cut off.")[..60]);

    for file in ["steady", "ponder"] {
        let seen = until(&gateway, file, "stale").await;
        assert!(!problem(&seen, file).is_empty());
        for field in ["digest", "loaded_at", "tools", "name"] {
            assert_eq!(row(&seen, file).unwrap()[field], row(&before, file).unwrap()[field], "{field} of {file}");
        }
    }
    assert_eq!(says_of_steady(&gateway).await, "version 1");

    write_in_place(gateway.folder(), "tools/steady.wasm", &steady("version 1"));
    write_in_place(gateway.folder(), "patterns/ponder.wasm", &ponder("Anew."));

    for file in ["steady", "ponder"] {
        assert_eq!(problem(&until(&gateway, file, "loaded").await, file), "");
    }
    assert_eq!(says_of_steady(&gateway).await, "version 1");
    let last = provider.calls().last().unwrap().messages();
    assert!(last.iter().any(|(_, text)| text.contains("Anew.")), "{last:?}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_new_version_serves_the_next_session() {
    let (provider, gateway) = with_steady_tool().await;
    assert_eq!(says_of_steady(&gateway).await, "version 1");
    let old = gateway.get("/admin/components").await.json().await;
    gateway.folder().write("tools/steady.wasm", steady("version 2"));
    let digest = &row(&old, "steady").unwrap()["digest"];
    gateway
        .wait_for_components("another digest", |seen| row(seen, "steady").is_some_and(|row| row["digest"] != *digest))
        .await;
    assert_eq!(says_of_steady(&gateway).await, "version 2");
    let (_, live) = gateway.inner().alive();
    assert_eq!(live.components, 2, "the old version is gone");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_broken_file_that_never_was_good_is_failed_and_changes_nothing_else() {
    let (provider, gateway) = with_steady_tool().await;
    let before = gateway.get("/admin/components").await.json().await;

    write_in_place(gateway.folder(), "tools/broken.wasm", b"\0asm not really");

    let seen = until(&gateway, "broken", "failed").await;
    let broken = row(&seen, "broken").unwrap();
    assert!(!problem(&seen, "broken").is_empty());
    assert_eq!(
        (&broken["kind"], &broken["digest"], &broken["loaded_at"]),
        (&json!("tool"), &Value::Null, &Value::Null)
    );
    for file in ["steady", "ponder"] {
        assert_eq!(row(&seen, file), row(&before, file));
    }
    assert_eq!(says_of_steady(&gateway).await, "version 1");
    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    gateway.folder().remove("tools/broken.wasm");
    until_gone(&gateway, "broken").await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_deleted_file_is_unloaded() {
    let (provider, gateway) = with_steady_tool().await;
    gateway.folder().write("patterns/spare.wasm", ponder("Spare."));
    until(&gateway, "spare", "loaded").await;

    gateway.folder().remove("tools/steady.wasm");
    gateway.folder().remove("patterns/spare.wasm");

    until_gone(&gateway, "steady").await;
    until_gone(&gateway, "spare").await;
    let seen = session(&gateway, "use it").await;
    assert!(seen.ok.is_none() && seen.observation.contains("There is no tool \"steady\""), "{seen:?}");
    let refused = gateway.post("/v1/react/sessions", &crate::guests::order("use it", Some("spare"))).await;
    assert!(refused.error(404).await["message"].as_str().unwrap().contains("spare"));
    let (_, live) = gateway.inner().alive();
    assert_eq!(live.components, 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_deleted_file_that_a_live_alias_needs_serves_on_with_a_problem() {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    let needs = |name: &str| {
        yaml(&provider).replace("{ reasoning_mode: ponder }", &format!("{{ reasoning_mode: ponder, tools: [{name}] }}"))
    };
    folder.write("proxy_config.yaml", needs("steady"));
    folder.write("tools/steady.wasm", steady("version 1"));
    teach(&provider, "use it", "steady", &json!({}));
    let gateway = Gateway::start(folder).await;

    gateway.folder().remove("tools/steady.wasm");
    gateway.folder().remove("patterns/ponder.wasm");

    for file in ["steady", "ponder"] {
        let seen = until(&gateway, file, "stale").await;
        assert!(problem(&seen, file).contains("`think`"), "the problem names who needs it: {seen}");
    }
    assert_eq!(says_of_steady(&gateway).await, "version 1");

    gateway.folder().write("patterns/ponder.wasm", ponder("Back again."));
    until(&gateway, "ponder", "loaded").await;

    // Nobody needs the tool any more, so nothing keeps it.
    gateway.folder().write("proxy_config.yaml", yaml(&provider));
    until_gone(&gateway, "steady").await;
    let seen = session(&gateway, "use it").await;
    assert!(seen.ok.is_none(), "{seen:?}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_file_that_an_alias_needs_may_be_renamed() {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    folder.write(
        "proxy_config.yaml",
        yaml(&provider).replace("{ reasoning_mode: ponder }", "{ reasoning_mode: ponder, tools: [steady] }"),
    );
    folder.write("tools/an_old_name.wasm", steady("version 1"));
    teach(&provider, "use it", "steady", &json!({}));
    let gateway = Gateway::start(folder).await;

    fs::rename(gateway.folder().path("tools/an_old_name.wasm"), gateway.folder().path("tools/new_name.wasm")).unwrap();

    until_gone(&gateway, "an_old_name").await;
    let seen = until(&gateway, "new_name", "loaded").await;
    assert_eq!((problem(&seen, "new_name"), &seen["config"]["status"]), ("", &json!("live")));
    assert_eq!(says_of_steady(&gateway).await, "version 1");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_deleted_file_that_only_an_unused_profile_names_stops_no_later_reload() {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    let idle = "  - model_name: idle\n    provider: local\n    model_params:\n      model: m\n      api_base: http://127.0.0.1:1/v1\n\
                \x20     agent_settings: { tools: [spare] }\n";
    folder.write("proxy_config.yaml", yaml(&provider).replace("router_settings:", &format!("{idle}router_settings:")));
    folder.write("tools/spare.wasm", ToolWat::says("spare", "unused").file());
    teach(&provider, "use it", "steady", &json!({}));
    let gateway = Gateway::start(folder).await;

    gateway.folder().remove("tools/spare.wasm");
    // Whether it is unloaded, with a problem of the config, or kept, with a problem of its own: it is told.
    let told =
        |seen: &Value| !problem(seen, "spare").is_empty() || seen["config"]["problems"].to_string().contains("spare");
    gateway.wait_for_components("the missing tool is told", told).await;
    gateway.folder().write("tools/steady.wasm", steady("version 1"));
    until(&gateway, "steady", "loaded").await;

    assert_eq!(says_of_steady(&gateway).await, "version 1");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_policy_file_takes_effect_when_it_comes_changes_breaks_and_goes() {
    let (provider, gateway) = with_steady_tool().await;
    let policy = "tools/steady.policy.yaml";
    let mut generation = 1;
    let mut next = async |what: &str| {
        let seen = gateway.wait_for_components(what, |seen| seen["generation"].as_u64() > Some(generation)).await;
        generation = seen["generation"].as_u64().unwrap();
        seen
    };

    gateway.folder().write(policy, "limits: { output_bytes_max: 3 }");
    next("the policy comes").await;
    assert!(says_of_steady(&gateway).await.contains("limits.output_bytes_max (3)"));

    gateway.folder().write(policy, "limits: { output_bytes_max: 5 }");
    next("the policy changes").await;
    assert!(says_of_steady(&gateway).await.contains("limits.output_bytes_max (5)"));

    gateway.folder().write(policy, "limits: { output_bites_max: 500 }");
    let seen = next("the policy breaks").await;
    assert_eq!(status(&seen, "steady"), Some("stale"));
    assert!(
        problem(&seen, "steady").contains("steady.policy.yaml")
            && problem(&seen, "steady").contains("output_bites_max"),
        "{seen}"
    );
    assert!(says_of_steady(&gateway).await.contains("limits.output_bytes_max (5)"), "the last good policy holds");

    gateway.folder().remove(policy);
    let seen = next("the policy goes").await;
    assert_eq!(status(&seen, "steady"), Some("loaded"));
    assert_eq!(says_of_steady(&gateway).await, "version 1");
    gateway.finish(&[&provider]).await;
}

/// A gateway whose tool `steady` waits for the vendor's gate, and for nothing else.
async fn with_slow_tool(gate: &Gate) -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    let url = provider.base_of("page");
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    folder.write("tools/steady.policy.yaml", format!("http: {{ hosts: ['{address}'], allow_private: true }}"));
    folder.write("tools/steady.wasm", ToolWat::fetches("steady", &url).file());
    teach(&provider, "use it", "steady", &json!({}));
    provider.on(When::under("page"), Script::bytes(200, "text/plain", "the old page").after(gate));
    (provider, Gateway::start(folder).await)
}

#[tokio::test]
async fn a_call_in_flight_finishes_on_the_version_it_began_with() {
    let gate = Gate::default();
    let (provider, gateway) = with_slow_tool(&gate).await;
    let mut events = begin(&gateway, "use it").await;
    events.until("AgentToolCallStart").await;
    magic_tests::wait_until("the tool waits for its page", || provider.calls_of("page") == 1).await;
    let old = gateway.get("/admin/components").await.json().await;

    gateway.folder().write("tools/steady.wasm", steady("version 2"));
    gateway.folder().write("patterns/ponder.wasm", ponder("Anew."));
    for file in ["steady", "ponder"] {
        let digest = &row(&old, file).unwrap()["digest"];
        gateway
            .wait_for_components("another digest", |seen| row(seen, file).is_some_and(|row| row["digest"] != *digest))
            .await;
    }

    assert_eq!(says_of_steady(&gateway).await, "version 2");
    let (_, live) = gateway.inner().alive();
    assert_eq!((live.instances, live.components), (1, 4), "the old versions live as long as the session");
    gate.open();
    let seen = finish(events, "use it").await;
    assert_eq!((seen.ok, seen.observation.as_str()), (Some(true), "the old page"));
    magic_tests::wait_until("the old versions are dropped", || gateway.inner().alive().1.components == 2).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_call_in_flight_finishes_though_its_file_is_deleted() {
    let gate = Gate::default();
    let (provider, gateway) = with_slow_tool(&gate).await;
    let mut events = begin(&gateway, "use it").await;
    events.until("AgentToolCallStart").await;
    magic_tests::wait_until("the tool waits for its page", || provider.calls_of("page") == 1).await;

    gateway.folder().remove("tools/steady.wasm");
    until_gone(&gateway, "steady").await;

    gate.open();
    assert_eq!(finish(events, "use it").await.observation, "the old page");
    magic_tests::wait_until("the old version is dropped", || gateway.inner().alive().1.components == 1).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_stream_in_flight_goes_on_over_a_swap() {
    let provider = Provider::start().await;
    let gate = Gate::default();
    let folder = folder(&provider);
    let script =
        Script::stream().piece(chunk("first")).gate(&gate).piece(chunk("last")).piece("data: [DONE]\n\n").end();
    provider.on(When::under("plain"), script);
    let gateway = Gateway::start(folder).await;
    let mut streaming = gateway.begin("/v1/chat/completions", &ask("plain", true)).await.reply().await;
    assert_eq!(streaming.frame().await, Some(chunk("first")));

    // Its own alias and profile are gone in the new config.
    let without = yaml(&provider).replace("    plain: [main]\n", "").replace("model_name: main", "model_name: other");
    gateway.folder().write("proxy_config.yaml", without);
    gateway.wait_for_components("the config is swapped", |seen| seen["generation"].as_u64() > Some(1)).await;
    assert_eq!(gateway.chat(&ask("plain", true)).await.status, 404);

    gate.open();
    assert_eq!(streaming.text().await, chunk("last") + "data: [DONE]\n\n");
    gateway.finish(&[&provider]).await;
}
