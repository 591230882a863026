//! Signing in at the page: a key becomes a cookie, and a cookie alone changes nothing.
use crate::stage::plain_yaml;
use magic_tests::{Folder, Gateway, Process, Provider, Reply, never_logged, wait_until_async};
use serde_json::{Value, json};

/// A gateway that has asked for keys from the start, and the secrets of those that there are.
async fn with_keys(scopes: &[&str]) -> (Provider, Gateway, Vec<String>) {
    let provider = Provider::start().await;
    let folder = Folder::new(&plain_yaml(&provider.base()));
    let mut secrets = Vec::new();
    for scope in scopes {
        let made = Process::start(&folder, &["virtual-keys", "create", "--name", scope, "--scope", scope]).await;
        let made = made.ended().await;
        assert_eq!(made.code, Some(0), "{made:?}");
        secrets.push(made.stdout.trim().to_owned());
    }
    (provider, Gateway::start(folder).await, secrets)
}

async fn send(gateway: &Gateway, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    gateway.connect().await.request(method, path, &all, body.to_string().as_bytes()).await
}

/// What a browser keeps of a sign-in: the cookie, and the page its token.
async fn sign_in(gateway: &Gateway, key: &str) -> (String, String) {
    let reply = send(gateway, "POST", "/admin/login", &[], &json!({ "key": key })).await;
    assert_eq!(reply.status, 200);
    let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let csrf = reply.json().await["csrf"].as_str().unwrap().to_owned();
    (cookie, csrf)
}

#[tokio::test]
async fn a_key_becomes_a_cookie_that_no_script_reads_and_that_the_key_does_not_stand_in() {
    let (provider, gateway, secrets) = with_keys(&["viewer"]).await;

    let reply = send(&gateway, "POST", "/admin/login", &[], &json!({ "key": secrets[0] })).await;

    let cookie = reply.header("set-cookie").unwrap().to_owned();
    for part in ["magic_admin=", "; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=28800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "over plain HTTP the browser would drop it: {cookie}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let text = reply.text().await;
    let seen: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&seen["scope"], &seen["name"], &seen["signed_in"]), (&json!("viewer"), &json!("viewer"), &json!(true)));
    assert!(!text.contains(&secrets[0]) && !cookie.contains(&secrets[0]));
    let tls = [("x-forwarded-proto", "https")];
    let reply = send(&gateway, "POST", "/admin/login", &tls, &json!({ "key": secrets[0] })).await;
    assert!(reply.header("set-cookie").unwrap().contains("; Secure"));
    drop(reply);

    let cookie = cookie.split(';').next().unwrap();
    let reply = gateway.connect().await.request("GET", "/admin/whoami", &[("cookie", cookie)], b"").await;
    let again = reply.json().await;
    assert_eq!((&again["csrf"], &again["scope"]), (&seen["csrf"], &seen["scope"]), "a page that is loaded anew");
    never_logged(&secrets[0]);
    never_logged(cookie.trim_start_matches("magic_admin="));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_cookie_alone_reads_and_changes_nothing() {
    let (provider, gateway, secrets) = with_keys(&["admin"]).await;
    let (cookie, csrf) = sign_in(&gateway, &secrets[0]).await;
    let (other_cookie, other_csrf) = sign_in(&gateway, &secrets[0]).await;
    let body = json!({ "edits": [{ "path": "server_settings.drain_seconds", "value": 5 }] });
    let change = async |headers: &[(&str, &str)]| {
        let mut all = vec![("if-match", "*")];
        all.extend(headers);
        send(&gateway, "PUT", "/admin/config", &all, &body).await
    };

    let read = gateway.connect().await.request("GET", "/admin/config", &[("cookie", &cookie)], b"").await;
    assert_eq!(read.status, 200);
    drop(read);
    change(&[("cookie", &cookie)]).await.error(403).await;
    change(&[("cookie", &cookie), ("x-magic-csrf", &other_csrf)]).await.error(403).await;
    change(&[("cookie", &other_cookie), ("x-magic-csrf", &csrf)]).await.error(403).await;
    change(&[("x-magic-csrf", &csrf)]).await.error(401).await;
    let ask = json!({ "model": "plain", "messages": [] });
    send(&gateway, "POST", "/v1/chat/completions", &[("cookie", &cookie)], &ask).await.error(403).await;
    let elsewhere = [("cookie", cookie.as_str()), ("x-magic-csrf", &csrf), ("origin", "http://evil.example")];
    change(&elsewhere).await.error(400).await;
    let changed = change(&[("cookie", &cookie), ("x-magic-csrf", &csrf)]).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json().await["live"], true);

    let bearer = format!("Bearer {}", secrets[0]);
    let reply = gateway.connect().await.request("GET", "/admin/audit", &[("authorization", &bearer)], b"").await;
    let audit = reply.json().await;
    let entry = &audit["entries"][0];
    assert_eq!((&entry["action"], &entry["subject"]), (&json!("config.write"), &json!("proxy_config.yaml")), "{audit}");
    assert!(entry["after"]["diff"].as_str().unwrap().contains("+server_settings:"), "{audit}");
    assert!(entry["before"]["backup"].is_string() && entry["who"] != "-", "{audit}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_session_ends_with_signing_out_and_with_its_key() {
    let (provider, gateway, secrets) = with_keys(&["operator", "admin"]).await;
    let (cookie, csrf) = sign_in(&gateway, &secrets[0]).await;
    let (left, _) = sign_in(&gateway, &secrets[0]).await;
    let status = async |cookie: &str| {
        let reply = gateway.connect().await.request("GET", "/admin/whoami", &[("cookie", cookie)], b"").await;
        reply.status
    };

    let reply =
        send(&gateway, "POST", "/admin/logout", &[("cookie", &cookie), ("x-magic-csrf", &csrf)], &json!({})).await;
    assert!(reply.header("set-cookie").unwrap().contains("Max-Age=0"));
    drop(reply);
    assert_eq!((status(&cookie).await, status(&left).await), (401, 200));

    let listed = Process::start(gateway.folder(), &["virtual-keys", "list", "--json"]).await.ended().await.stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let keys = listed["virtual_keys"].as_array().unwrap();
    let id = keys.iter().find(|key| key["scope"] == "operator").unwrap()["id"].as_str().unwrap();
    assert_eq!(Process::start(gateway.folder(), &["virtual-keys", "revoke", id]).await.ended().await.code, Some(0));
    wait_until_async("the revoked key's session is over", async || status(&left).await == 401).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn who_may_not_sign_in_is_told_and_guessing_is_slowed_down() {
    let (provider, gateway, secrets) = with_keys(&["user", "viewer"]).await;
    let login = async |key: &str| send(&gateway, "POST", "/admin/login", &[], &json!({ "key": key })).await;

    let error = login(&secrets[0]).await.error(403).await;
    assert!(error["message"].as_str().unwrap().contains("scope `viewer` or above"), "{error}");
    for _ in 0..10 {
        login("sk-magic-guessed").await.error(401).await;
    }
    let reply = login(&secrets[1]).await;
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    reply.error(429).await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn each_path_of_the_admin_wants_its_scope() {
    let (provider, gateway, secrets) = with_keys(&["user", "viewer", "operator", "admin"]).await;
    let edits = json!({ "edits": [{ "path": "server_settings.drain_seconds", "value": 5 }] });
    let text = json!({ "text": "Be kind." });
    let paths = [
        ("GET", "/admin/whoami", &Value::Null, 0),
        ("GET", "/admin/config", &Value::Null, 1),
        ("GET", "/admin/prompts", &Value::Null, 1),
        ("GET", "/admin/patterns", &Value::Null, 1),
        ("GET", "/admin/provider_models", &Value::Null, 1),
        ("PUT", "/admin/prompts/new.md", &text, 2),
        ("PUT", "/admin/manifests/new.md", &text, 2),
        ("GET", "/admin/audit", &Value::Null, 2),
        ("PUT", "/admin/config?dry_run=true", &edits, 3),
        ("POST", "/admin/config?dry_run=true", &edits, 3),
    ];
    for (method, path, body, needed) in paths {
        for (at, secret) in secrets.iter().enumerate() {
            let bearer = format!("Bearer {secret}");
            let headers = [("authorization", bearer.as_str()), ("if-none-match", "*")];
            let headers = if path.contains("config") { &headers[..1] } else { &headers[..] };
            let status = send(&gateway, method, path, headers, body).await.status;
            assert_eq!(status == 403, at < needed, "{method} {path} with {at}: {status}");
            assert!(at < needed || matches!(status, 200 | 201 | 412), "{method} {path} with {at}: {status}");
        }
        let nobody = send(&gateway, method, path, &[], body).await;
        nobody.error(401).await;
    }
    gateway.finish(&[&provider]).await;
}
