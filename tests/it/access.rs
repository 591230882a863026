//! Virtual keys, teams and usage: by the command line, on the file alone, and over HTTP by whoever may.
use crate::stage;
use magic_tests::{Ended, Folder, Gateway, Process, never_logged, wait_until_async};
use serde_json::{Value, json};

async fn run(folder: &Folder, line: &str) -> Ended {
    let words: Vec<&str> = line.split_whitespace().collect();
    Process::start(folder, &words).await.ended().await
}

async fn good(folder: &Folder, line: &str) -> String {
    let ended = run(folder, line).await;
    assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
    ended.stdout
}

async fn json(folder: &Folder, line: &str) -> Value {
    serde_json::from_str(&good(folder, line).await).unwrap()
}

#[tokio::test]
async fn a_key_is_made_listed_rotated_and_revoked_by_the_command_line() {
    let folder = Folder::new("");
    let none = good(&folder, "virtual-keys list").await;
    assert!(none.starts_with("no virtual keys"), "{none}");
    assert!(!folder.path("data/accounts.db").exists(), "a look makes no file");

    good(&folder, "teams create research --requests-per-minute 600 --budget 100/month").await;
    let made = run(&folder, "virtual-keys create --name ci --team research --alias fast --alias gpt-* --budget 5000tokens --window day --expires 30d").await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let secret = made.stdout.trim().to_owned();
    assert!(secret.starts_with("sk-magic-") && secret.lines().count() == 1, "nothing else is on standard output");
    let id = made.stderr.split_whitespace().next().unwrap().to_owned();

    let listed = json(&folder, "virtual-keys list --json").await;
    let key = &listed["virtual_keys"][0];
    assert_eq!(
        (key["id"].as_str(), key["team"].as_str(), key["scope"].as_str()),
        (Some(id.as_str()), Some("research"), Some("user"))
    );
    assert_eq!(key["budgets"], json!([{ "tokens": 5000, "window": "day" }]));
    let table = good(&folder, "virtual-keys list").await;
    assert!(table.contains("fast|gpt-*, 5000 tokens a day"), "{table}");

    let rotated = json(&folder, &format!("virtual-keys rotate {id} --grace 1h --json")).await;
    let other = rotated["secret"].as_str().unwrap().to_owned();
    assert!(other != secret && rotated["old_secret_good_until"].is_string());
    good(&folder, &format!("virtual-keys update {id} --name nightly --clear budgets --parallel 2 --no-team")).await;
    let updated = json(&folder, "virtual-keys list --json").await["virtual_keys"][0].clone();
    assert_eq!((updated["name"].as_str(), updated["requests_parallel_max"].as_u64()), (Some("nightly"), Some(2)));
    assert!(updated["team"].is_null() && updated["budgets"].as_array().unwrap().is_empty());
    good(&folder, "teams delete research").await;
    good(&folder, &format!("virtual-keys revoke {id}")).await;
    assert_eq!(json(&folder, "virtual-keys list --json").await["virtual_keys"][0]["standing"], "revoked");

    for part in ["data/accounts.db", "data/accounts.db-wal"] {
        let bytes = std::fs::read(folder.path(part)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&secret) && !text.contains(&other), "a secret in {part}");
    }
    never_logged(&secret);
}

#[tokio::test]
async fn a_mistake_on_the_command_line_is_named_and_changes_nothing() {
    let folder = Folder::new("");
    for (line, part) in [
        ("virtual-keys create --name x --team nowhere", "there is no team `nowhere`"),
        ("virtual-keys create --name x --scope root", "known: user, viewer, operator, admin"),
        ("virtual-keys create --name x --budget 5/hour", "read --budget 5/hour"),
        ("virtual-keys create --name x --budget 5 --budget 6", "two budgets in money over the window `month`"),
        ("virtual-keys create --name x --expires soon", "`soon` is neither"),
        ("virtual-keys revoke vk_0", "there is no virtual key `vk_0`"),
        ("teams create a/b", "is no name"),
        ("usage --by nothing", "`by`: no `nothing`"),
    ] {
        let ended = run(&folder, line).await;
        assert!(ended.code != Some(0) && ended.stderr.contains(part), "{line}: {ended:?}");
    }
    assert!(json(&folder, "virtual-keys list --json").await["virtual_keys"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn usage_without_a_file_is_an_empty_table() {
    let folder = Folder::new("");
    let csv = good(&folder, "usage --by key,day --csv").await;
    assert_eq!(csv, "key,day,requests,estimated,tokens_in,tokens_cached,tokens_out,cost\r\n");
}

/// What a gateway answers to whoever shows `secret`.
async fn ask_as(gateway: &Gateway, secret: Option<&str>, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if method == "GET" || method == "DELETE" { String::new() } else { body.to_string() };
    let (bearer, length) = (format!("Bearer {}", secret.unwrap_or_default()), body.len().to_string());
    let mut headers = Vec::new();
    if secret.is_some() {
        headers.push(("authorization", bearer.as_str()));
    }
    // The kit says the length of a POST by itself.
    if method == "PATCH" {
        headers.push(("content-length", length.as_str()));
    }
    let reply = gateway.connect().await.request(method, path, &headers, body.as_bytes()).await;
    let status = reply.status;
    let text = reply.text().await;
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn keys_and_teams_are_managed_over_http_by_whoever_may() {
    let (provider, gateway) = stage::plain().await;
    let open = ask_as(&gateway, None, "POST", "/admin/virtual-keys", json!({ "name": "boss", "scope": "admin" })).await;
    assert_eq!(open.0, 200, "while there is no key this machine may do anything: {open:?}");
    let boss = open.1["secret"].as_str().unwrap().to_owned();
    let closed = ask_as(&gateway, None, "GET", "/admin/virtual-keys", Value::Null).await;
    assert_eq!(closed.0, 401, "from then on nobody is let in without one");

    let (status, team) = ask_as(
        &gateway,
        Some(&boss),
        "POST",
        "/admin/teams",
        json!({ "name": "research", "budgets": [{ "money": 5, "window": "month" }] }),
    )
    .await;
    assert_eq!((status, team["budgets"][0]["money"].as_str()), (200, Some("5")));
    let wanted =
        json!({ "name": "ci", "team": "research", "aliases": ["plain"], "requests_parallel_max": 3, "expires": "1h" });
    let (status, made) = ask_as(&gateway, Some(&boss), "POST", "/admin/virtual-keys", wanted).await;
    assert_eq!((status, made["scope"].as_str(), made["standing"].as_str()), (200, Some("user"), Some("active")));
    let (ci, id) = (made["secret"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned());
    let path = format!("/admin/virtual-keys/{id}");

    let forbidden = ask_as(&gateway, Some(&ci), "POST", "/admin/virtual-keys", json!({ "name": "mine" })).await;
    assert_eq!(forbidden.0, 403, "a user makes no keys");
    let models = ask_as(&gateway, Some(&ci), "GET", "/v1/models", Value::Null).await;
    assert_eq!(models.0, 200);

    let (_, rotated) = ask_as(&gateway, Some(&boss), "POST", &format!("{path}/rotate"), json!({})).await;
    let fresh = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(ask_as(&gateway, Some(&ci), "GET", "/v1/models", Value::Null).await.0, 401, "without grace, at once");
    assert_eq!(ask_as(&gateway, Some(&fresh), "GET", "/v1/models", Value::Null).await.0, 200);

    let (status, patched) = ask_as(
        &gateway,
        Some(&boss),
        "PATCH",
        &path,
        json!({ "name": "nightly", "requests_parallel_max": null, "budgets": [{ "tokens": 9, "window": "day" }] }),
    )
    .await;
    assert_eq!((status, patched["name"].as_str()), (200, Some("nightly")));
    assert_eq!(
        (&patched["requests_parallel_max"], &patched["aliases"]),
        (&Value::Null, &json!(["plain"])),
        "the rest stays"
    );
    let (_, shown) = ask_as(&gateway, Some(&boss), "GET", &path, Value::Null).await;
    assert_eq!((shown["budgets"][0]["spent"].as_u64(), shown["budgets"][0]["held"].as_u64()), (Some(0), Some(0)));
    for secret in [&boss, &ci, &fresh] {
        let list = ask_as(&gateway, Some(&boss), "GET", "/admin/virtual-keys", Value::Null).await.1.to_string();
        assert!(!list.contains(secret.as_str()));
    }

    let kept = ask_as(&gateway, Some(&boss), "DELETE", "/admin/teams/research", Value::Null).await;
    assert_eq!(kept.0, 400, "{kept:?}");
    assert_eq!(ask_as(&gateway, Some(&boss), "DELETE", &path, Value::Null).await.1["standing"], "revoked");
    assert_eq!(ask_as(&gateway, Some(&fresh), "GET", "/v1/models", Value::Null).await.0, 401);
    assert_eq!(ask_as(&gateway, Some(&boss), "DELETE", "/admin/teams/research", Value::Null).await.0, 200);
    for secret in [&boss, &ci, &fresh] {
        never_logged(secret);
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn bad_changes_over_http_are_named() {
    let (provider, gateway) = stage::plain().await;
    let keys = "/admin/virtual-keys";
    for (method, path, body, status, part) in [
        ("POST", keys, json!({}), 400, "`name`: 1 to 128 characters"),
        ("POST", keys, json!({ "name": "x", "scop": "admin" }), 400, "unknown field `scop`"),
        ("POST", keys, json!([1]), 400, "the request body"),
        ("POST", keys, json!({ "name": "x", "team": "nowhere" }), 400, "there is no team `nowhere`"),
        ("PATCH", "/admin/virtual-keys/vk_0", json!({ "name": "x" }), 404, "there is no virtual key `vk_0`"),
        ("POST", "/admin/virtual-keys/vk_0/rotate", json!({ "grace": 5 }), 400, "`grace`"),
        ("POST", "/admin/teams", json!({ "name": "a b" }), 400, "is no name"),
        ("PATCH", "/admin/teams/nowhere", json!({}), 404, "there is no team `nowhere`"),
        ("GET", "/admin/usage?by=nothing", Value::Null, 400, "`by`: no `nothing`"),
        ("GET", "/admin/usage?from=yesterday", Value::Null, 400, "`from`"),
        ("GET", "/admin/usage?format=xml", Value::Null, 400, "`format`: json or csv"),
    ] {
        let (found, answer) = ask_as(&gateway, None, method, path, body).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(found == status && message.contains(part), "{method} {path}: {found} {answer}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn usage_is_told_by_key_and_alias_as_json_and_as_csv() {
    let (provider, gateway) = stage::plain().await;
    let (_, made) = ask_as(
        &gateway,
        None,
        "POST",
        "/admin/virtual-keys",
        json!({ "name": "boss", "scope": "admin", "budgets": [{ "tokens": 1000, "window": "day" }] }),
    )
    .await;
    let (secret, id) = (made["secret"].as_str().unwrap(), made["id"].as_str().unwrap());
    for _ in 0..3 {
        provider.once(stage::answer(false, "hello"));
        assert_eq!(
            ask_as(&gateway, Some(secret), "POST", "/v1/chat/completions", stage::ask("plain", false)).await.0,
            200
        );
    }
    let by_outcome = "/admin/usage?by=key,alias,outcome";
    // A reply is settled when its last byte is on its way.
    wait_until_async("three requests are settled", || async {
        let (_, told) = ask_as(&gateway, Some(secret), "GET", by_outcome, Value::Null).await;
        told["usage"][0]["requests"] == 3
    })
    .await;
    let (_, told) = ask_as(&gateway, Some(secret), "GET", by_outcome, Value::Null).await;
    let line = &told["usage"][0];
    assert_eq!(
        (line["key"].as_str(), line["alias"].as_str(), line["outcome"].as_str()),
        (Some(id), Some("plain"), Some("ok"))
    );
    assert_eq!((told["usage"].as_array().unwrap().len(), line["requests"].as_u64()), (1, Some(3)));
    let tokens = line["tokens_in"].as_u64().unwrap() + line["tokens_out"].as_u64().unwrap();
    let (_, shown) = ask_as(&gateway, Some(secret), "GET", &format!("/admin/virtual-keys/{id}"), Value::Null).await;
    assert_eq!((shown["budgets"][0]["spent"].as_u64(), shown["budgets"][0]["held"].as_u64()), (Some(tokens), Some(0)));

    let (_, csv) = ask_as(&gateway, Some(secret), "GET", "/admin/usage?by=key&format=csv", Value::Null).await;
    assert!(
        csv.as_str()
            .unwrap()
            .starts_with(&format!("key,requests,estimated,tokens_in,tokens_cached,tokens_out,cost\r\n{id},3,")),
        "{csv}"
    );
    let by_file = good(gateway.folder(), "usage --by key --csv").await;
    assert_eq!(by_file, csv.as_str().unwrap(), "the command line reads the same file");
    gateway.finish(&[&provider]).await;
}
