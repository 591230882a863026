//! Config, prompts and manifests changed through the gateway: tried, refused, written, and never lost.
use crate::stage::{plain, plain_yaml, react_folder};
use magic_tests::{Folder, Gateway, Provider, Reply, wait_until_async};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

const CONFIG: &str = "/admin/config";
const FILE: &str = "proxy_config.yaml";

async fn put(gateway: &Gateway, path: &str, condition: Option<&str>, body: &Value) -> Reply {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(condition.map(|tag| ("if-match", tag)));
    gateway.connect().await.request("PUT", path, &headers, body.to_string().as_bytes()).await
}

/// The file's tag, as a client has it that has read the file.
async fn tag(gateway: &Gateway, path: &str) -> String {
    let reply = gateway.get(path).await;
    assert_eq!(reply.status, 200);
    reply.header("etag").expect("a tag").to_owned()
}

fn on_disk(gateway: &Gateway, name: &str) -> String {
    fs::read_to_string(gateway.folder().path(name)).unwrap()
}

fn backups(gateway: &Gateway, folder: &str, name: &str) -> Vec<String> {
    let entries = fs::read_dir(gateway.folder().path(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|found| found.starts_with(&format!("{name}.backup-"))).collect();
    names.sort();
    names
}

/// A config with comments, over a vendor.
fn commented(provider: &Provider) -> String {
    format!(
        "# Ours.\n{}  # who may be asked\nserver_settings:\n  drain_seconds: 7   # short\n",
        plain_yaml(&provider.base())
    )
}

async fn with_comments() -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let gateway = Gateway::start(Folder::new(&commented(&provider))).await;
    (provider, gateway)
}

#[tokio::test]
async fn the_file_is_shown_as_it_is_with_its_tag() {
    let (provider, gateway) = with_comments().await;

    let reply = gateway.get(CONFIG).await;
    let header = reply.header("etag").unwrap().to_owned();
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let seen = reply.json().await;
    assert_eq!(
        (&seen["text"], &seen["path"], &seen["live"]),
        (&json!(commented(&provider)), &json!(FILE), &json!(true))
    );
    assert_eq!(seen["etag"], header);

    let accept = [("accept", "application/yaml")];
    let reply = gateway.connect().await.request("GET", CONFIG, &accept, b"").await;
    assert_eq!(reply.header("content-type"), Some("application/yaml"));
    assert_eq!(reply.text().await, commented(&provider));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_dry_run_shows_the_diff_and_writes_nothing() {
    let (provider, gateway) = with_comments().await;
    let edits = json!({ "edits": [{ "path": "server_settings.drain_seconds", "value": 9 }] });

    let seen = gateway.post(&format!("{CONFIG}?dry_run=true"), &edits).await.json().await;

    assert_eq!((&seen["ok"], &seen["written"], &seen["live"]), (&json!(true), &json!(false), &json!(false)), "{seen}");
    let diff = seen["diff"].as_str().unwrap();
    assert!(diff.starts_with(&format!("--- {FILE}\n+++ {FILE}\n@@")), "{diff}");
    assert!(diff.contains("\n-  drain_seconds: 7   # short\n+  drain_seconds: 9   # short\n"), "{diff}");
    assert_eq!(on_disk(&gateway, FILE), commented(&provider));
    assert_eq!(seen["etag"], tag(&gateway, CONFIG).await);
    assert_eq!(backups(&gateway, "", FILE), [""; 0]);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn an_edit_is_live_when_it_is_answered_and_comments_order_permissions_and_a_backup_stay() {
    let (provider, gateway) = with_comments().await;
    let path = gateway.folder().path(FILE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let before = tag(&gateway, CONFIG).await;
    let edits = json!({ "edits": [{ "path": "router_settings.model_group_alias.second", "value": ["main"] }] });

    let reply = put(&gateway, CONFIG, Some(&before), &edits).await;

    assert_eq!(reply.status, 200);
    let header = reply.header("etag").unwrap().to_owned();
    let seen = reply.json().await;
    assert_eq!((&seen["ok"], &seen["written"], &seen["live"]), (&json!(true), &json!(true), &json!(true)), "{seen}");
    assert!(seen["generation"].as_u64().unwrap() > 1, "{seen}");
    let models = gateway.get("/v1/models").await.text().await;
    assert!(models.contains("second"), "live at once: {models}");
    let expected = commented(&provider).replace("{ plain: [main] }", "{ plain: [main], second: [main] }");
    assert_eq!(on_disk(&gateway, FILE), expected);
    assert_eq!((&seen["etag"], tag(&gateway, CONFIG).await), (&json!(header), header.clone()));
    assert_ne!(before, header);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let kept = backups(&gateway, "", FILE);
    assert_eq!(seen["backup"], kept[0]);
    assert_eq!(on_disk(&gateway, &kept[0]), commented(&provider));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn of_two_editors_the_slower_one_is_told_and_loses_nothing() {
    let (provider, gateway) = with_comments().await;
    let both = tag(&gateway, CONFIG).await;
    let drain =
        |seconds: u32| json!({ "text": commented(&provider).replace("seconds: 7", &format!("seconds: {seconds}")) });

    let first = put(&gateway, CONFIG, Some(&both), &drain(8)).await;
    assert_eq!(first.status, 200);
    let second = put(&gateway, CONFIG, Some(&both), &drain(9)).await;

    let now = second.header("etag").unwrap().to_owned();
    let error = second.error(412).await;
    assert_eq!(error["code"], "precondition_failed");
    assert!(on_disk(&gateway, FILE).contains("drain_seconds: 8"), "the first one's stays");
    assert_eq!(now, tag(&gateway, CONFIG).await);
    assert_eq!(put(&gateway, CONFIG, Some(&now), &drain(9)).await.status, 200, "made anew on what is there");
    assert_eq!(put(&gateway, CONFIG, None, &drain(10)).await.error(428).await["code"], "precondition_required");
    assert_eq!(put(&gateway, CONFIG, Some("*"), &drain(10)).await.status, 200, "whatever is there");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn of_many_editors_at_once_exactly_one_succeeds() {
    let (provider, gateway) = with_comments().await;
    let tag = tag(&gateway, CONFIG).await;
    let text =
        |seconds: u32| json!({ "text": commented(&provider).replace("seconds: 7", &format!("seconds: {seconds}")) });
    let bodies: Vec<Value> = (20..24).map(text).collect();

    let send = |at: usize| put(&gateway, CONFIG, Some(&tag), &bodies[at]);
    let (one, two, three, four) = tokio::join!(send(0), send(1), send(2), send(3));
    let replies = [one, two, three, four];

    let won: Vec<usize> = (0..bodies.len()).filter(|at| replies[*at].status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 412)));
    assert_eq!(json!(on_disk(&gateway, FILE)), bodies[won[0]]["text"]);
    drop(replies);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_bad_config_is_refused_with_every_problem_and_writes_nothing() {
    let provider = Provider::start().await;
    let gateway = Gateway::start(react_folder(&provider, "", "")).await;
    let before = on_disk(&gateway, FILE);
    let edits = json!({ "edits": [
        { "path": "model_list[0].model_params.agent_settings.reasoning_mode", "value": "standard_gemini_raect" },
        { "path": "model_list[1].model_params.agent_settings.tools", "value": ["calculater"] },
        { "path": "agent_settings.manifests", "value": ["manifests/none.md"] },
    ] });

    for path in [CONFIG.to_owned(), format!("{CONFIG}?dry_run=true")] {
        let reply = put(&gateway, &path, Some("*"), &edits).await;
        assert_eq!(reply.status, 422, "{path}");
        let seen = reply.json().await;
        assert_eq!((&seen["error"]["code"], &seen["ok"]), (&json!("config_problems"), &json!(false)), "{seen}");
        let problems = seen["problems"].to_string();
        for expected in [
            "model_list[0].model_params.agent_settings.reasoning_mode: no pattern `standard_gemini_raect` (did you mean",
            "model_list[1].model_params.agent_settings.tools[0]: no tool `calculater` (did you mean",
            "manifests/none.md",
        ] {
            assert!(problems.contains(expected), "{expected}: {problems}");
        }
        assert!(seen["diff"].as_str().unwrap().contains("standard_gemini_raect"), "{seen}");
    }
    let unknown = json!({ "text": format!("{before}servr_settings: {{}}\n") });
    let problems = put(&gateway, CONFIG, Some("*"), &unknown).await.json().await["problems"].to_string();
    assert!(problems.contains("servr_settings") && problems.contains("did you mean `server_settings`"), "{problems}");

    assert_eq!(on_disk(&gateway, FILE), before);
    assert_eq!(backups(&gateway, "", FILE), [""; 0]);
    assert_eq!(gateway.get("/admin/components").await.json().await["generation"], 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn what_cannot_be_edited_alone_is_refused_and_says_how_it_can() {
    let provider = Provider::start().await;
    let yaml = format!(
        "definitions:\n  gpt: &m {{ model: m }}\n{}",
        plain_yaml(&provider.base()).replace("{ model: vendor-model,", "{ <<: *m,")
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    let check = async |edit: Value, expected: &str| {
        let reply = put(&gateway, CONFIG, Some("*"), &json!({ "edits": [edit] })).await;
        assert!(matches!(reply.status, 400 | 422), "{}", reply.status);
        let text = reply.text().await;
        assert!(text.contains(expected), "{text}");
    };

    check(json!({ "path": "definitions.gpt.model", "value": "other" }), "send the whole text instead").await;
    check(json!({ "path": "router_settings.none", "remove": true }), "nothing stands there").await;
    check(json!({ "path": "a..b", "value": 1 }), "is no path").await;
    check(json!({ "path": "a" }), "give either `value` or `remove: true`").await;

    assert_eq!(on_disk(&gateway, FILE), yaml);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_change_by_hand_at_the_same_time_is_never_written_over() {
    let (provider, gateway) = with_comments().await;
    let read = tag(&gateway, CONFIG).await;

    // Not yet taken up by the reload: the tag is of the file, not of what serves.
    gateway.folder().write(FILE, commented(&provider).replace("seconds: 7", "seconds: 11"));
    let reply = put(&gateway, CONFIG, Some(&read), &json!({ "text": commented(&provider) })).await;

    reply.error(412).await;
    assert!(on_disk(&gateway, FILE).contains("drain_seconds: 11"));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn only_the_last_ten_backups_are_kept() {
    let (provider, gateway) = with_comments().await;
    let mut made = Vec::new();
    for seconds in 1..=12 {
        let edits = json!({ "edits": [{ "path": "server_settings.drain_seconds", "value": seconds }] });
        let seen = put(&gateway, CONFIG, Some("*"), &edits).await.json().await;
        made.push(seen["backup"].as_str().expect("a backup").to_owned());
    }
    assert_eq!(backups(&gateway, "", FILE), made[2..]);
    gateway.finish(&[&provider]).await;
}

// === prompts and manifests ===

#[tokio::test]
async fn a_prompt_that_the_config_names_is_live_when_its_write_is_answered() {
    let provider = Provider::start().await;
    let folder = Folder::new(
        &(plain_yaml(&provider.base()) + "agent_settings: { system_instruction: system_prompts/default.md }\n"),
    );
    folder.write("system_prompts/default.md", "Be brief.\n");
    folder.write("system_prompts/notes.txt", "no prompt");
    let gateway = Gateway::start(folder).await;

    let list = gateway.get("/admin/prompts").await.json().await;
    let names: Vec<&str> =
        list["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!((names, &list["files"][0]["in_use"]), (vec!["default.md"], &json!(true)));
    let path = "/admin/prompts/default.md";
    let tag = tag(&gateway, path).await;
    assert_eq!(gateway.get(path).await.json().await["text"], "Be brief.\n");

    let seen = put(&gateway, path, Some(&tag), &json!({ "text": "Be kind.\n" })).await.json().await;

    assert_eq!((&seen["live"], &seen["in_use"]), (&json!(true), &json!(true)), "{seen}");
    assert!(seen["diff"].as_str().unwrap().contains("-Be brief.\n+Be kind.\n"), "{seen}");
    assert_eq!(on_disk(&gateway, "system_prompts/default.md"), "Be kind.\n");
    assert_eq!(backups(&gateway, "system_prompts", "default.md").len(), 1);
    put(&gateway, path, Some(&tag), &json!({ "text": "Be late.\n" })).await.error(412).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_new_manifest_is_made_and_never_over_another_one() {
    let (provider, gateway) = plain().await;
    let path = "/admin/manifests/new.md";
    let new = async || {
        let headers = [("content-type", "application/json"), ("if-none-match", "*")];
        gateway.connect().await.request("PUT", path, &headers, br#"{"text": "Do no harm."}"#).await
    };

    assert_eq!(gateway.get(path).await.status, 404);
    put(&gateway, path, Some("\"none\""), &json!({ "text": "x" })).await.error(404).await;
    let made = new().await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json().await["in_use"], false);
    assert_eq!(on_disk(&gateway, "manifests/new.md"), "Do no harm.");
    new().await.error(412).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder() {
    let (provider, gateway) = plain().await;
    gateway.folder().write("system_prompts/inside.md", "inside");
    symlink(gateway.folder().path(FILE), gateway.folder().path("system_prompts/link.md")).unwrap();
    let before = on_disk(&gateway, FILE);
    for name in [
        "..%2Fproxy_config.yaml",
        "%2e%2e%2fx.md",
        "..",
        ".hidden.md",
        "x.yaml",
        "a%2Fb.md",
        "%2Ftmp%2Fx.md",
        "link.md",
        ".md",
    ] {
        let path = format!("/admin/prompts/{name}");
        let read = gateway.get(&path).await;
        assert!(matches!(read.status, 400 | 404 | 500), "{name}: {}", read.status);
        let text = read.text().await;
        assert!(!text.contains("model_list"), "{name}: {text}");
        let written = put(&gateway, &path, Some("*"), &json!({ "text": "mine" })).await;
        assert!(matches!(written.status, 400 | 404 | 405 | 500), "{name}: {}", written.status);
    }
    let list = gateway.get("/admin/prompts").await.text().await;
    assert!(list.contains("inside.md") && !list.contains("link.md"), "{list}");
    assert_eq!(on_disk(&gateway, FILE), before);
    let long = json!({ "text": "x".repeat(300_000) });
    put(&gateway, "/admin/prompts/inside.md", Some("*"), &long).await.error(413).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_linked_folder_of_prompts_is_not_followed() {
    let (provider, gateway) = plain().await;
    gateway.folder().write("elsewhere/secret.md", "theirs");
    symlink(gateway.folder().path("elsewhere"), gateway.folder().path("system_prompts")).unwrap();
    let path = "/admin/prompts/secret.md";
    assert_eq!(gateway.get(path).await.status, 500);
    assert_eq!(put(&gateway, path, Some("*"), &json!({ "text": "mine" })).await.status, 500);
    let list = gateway.get("/admin/prompts").await.json().await;
    assert_eq!(list["files"], json!([]));
    assert_eq!(on_disk(&gateway, "elsewhere/secret.md"), "theirs");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn what_is_written_is_noted_although_its_client_has_gone() {
    let (provider, gateway) = plain().await;
    gateway.folder().write("system_prompts/rule.md", "0");
    let path = "/admin/prompts/rule.md";
    for number in 1..=8 {
        let body = json!({ "text": number.to_string() }).to_string();
        let headers = [("content-type", "application/json"), ("if-match", "*")];
        let mut client = gateway.connect().await;
        client.begin("PUT", path, &headers, body.as_bytes()).await;
    }
    assert_eq!(put(&gateway, path, Some("*"), &json!({ "text": "the last" })).await.status, 200);

    // Each write leaves a backup of what was there before.
    wait_until_async("each write is noted", async || {
        let audit = gateway.get("/admin/audit").await.json().await;
        audit["entries"].as_array().unwrap().len() == backups(&gateway, "system_prompts", "rule.md").len()
    })
    .await;
    gateway.finish(&[&provider]).await;
}

// === what can be chosen from ===

#[tokio::test]
async fn patterns_are_listed_with_their_kind_and_who_reasons_by_them() {
    let provider = Provider::start().await;
    let more = "provider_model_lists: { google: [gemini-2.5-flash] }\n";
    let gateway = Gateway::start(react_folder(&provider, "", more).pattern("self_consistency")).await;

    let seen = gateway.get("/admin/patterns").await.json().await;
    let row = |name: &str| seen["patterns"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    let (loop_, driver) = (row("standard_gemini_react"), row("self_consistency"));
    assert_eq!((&loop_["kind"], &loop_["aliases"]), (&json!("declarative"), &json!(["thinker", "chain"])));
    assert_eq!((&driver["kind"], &driver["aliases"]), (&json!("driver"), &json!([])));
    assert!(driver["options_schema"]["properties"].is_object(), "{driver}");
    let models = gateway.get("/admin/provider_models").await.json().await;
    assert_eq!(models, json!({ "providers": { "google": ["gemini-2.5-flash"] } }));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_change_anything() {
    let (provider, gateway) = plain().await;
    let before = on_disk(&gateway, FILE);
    let headers = [("content-type", "application/json"), ("if-match", "*"), ("origin", "http://evil.example")];
    let reply = gateway.connect().await.request("PUT", CONFIG, &headers, br#"{"text": ""}"#).await;
    reply.error(400).await;
    assert_eq!(on_disk(&gateway, FILE), before);
    gateway.finish(&[&provider]).await;
}
