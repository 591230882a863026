//! The door itself: the names that it answers to, how much a head may hold, how many may come, and TLS.
use crate::stage::{answer, plain_with, plain_yaml};
use magic_tests::{Connection, Gateway, Provider, Trust, pem, tls_connect, tls_get, wait_until_async};
use rustls::version::{TLS12, TLS13};
use serde_json::Value;

async fn get(gateway: &Gateway, path: &str, host: &str) -> u16 {
    let mut connection = gateway.connect().await;
    connection.send(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).await;
    connection.reply().await.status
}

async fn finish(provider: Provider, gateway: Gateway) {
    assert!(provider.calls().is_empty(), "nothing was asked of a vendor");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_name_that_is_not_the_gateways_is_refused_on_every_path() {
    let (provider, gateway) = plain_with("").await;
    for path in ["/", "/app.js", "/healthz", "/v1/models", "/admin/keys", "/nowhere"] {
        assert_eq!(get(&gateway, path, "evil.example").await, 421, "{path}");
        assert_eq!(get(&gateway, path, &format!("evil.example:{}", gateway.address().port())).await, 421, "{path}");
        assert!(get(&gateway, path, "localhost").await != 421 && get(&gateway, path, "[::1]:1").await != 421, "{path}");
    }
    let mut page = gateway.connect().await;
    page.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example\r\norigin: http://evil.example\r\n").await;
    page.send(b"content-type: text/plain\r\ncontent-length: 1000\r\n\r\n").await;
    let reply = page.reply().await;
    let error = reply.error(421).await;
    assert!(error["message"].as_str().unwrap().contains("server_settings.allowed_hosts"), "{error}");
    finish(provider, gateway).await;
}

#[tokio::test]
async fn a_listed_name_is_answered_and_the_list_is_read_again() {
    let (provider, gateway) = plain_with("server_settings: { allowed_hosts: [\"*.example.org\", localhost] }\n").await;
    assert_eq!(get(&gateway, "/healthz", "ai.example.org").await, 200);
    assert_eq!(get(&gateway, "/healthz", "127.0.0.1").await, 421);
    let yaml = std::fs::read_to_string(gateway.folder().path("proxy_config.yaml")).unwrap();
    gateway.folder().write("proxy_config.yaml", yaml.replace("*.example.org", "other.example"));
    wait_until_async("the new list holds", || async { get(&gateway, "/healthz", "other.example").await == 200 }).await;
    assert_eq!(get(&gateway, "/healthz", "ai.example.org").await, 421);
    finish(provider, gateway).await;
}

#[tokio::test]
async fn a_url_and_a_head_beyond_their_bounds_are_refused() {
    let (provider, gateway) = plain_with("server_settings: { url_bytes_max: 300, header_bytes_max: 2KiB }\n").await;
    let path = |bytes: usize| format!("/healthz?{}", "x".repeat(bytes - "/healthz?".len()));
    assert_eq!(get(&gateway, &path(300), "localhost").await, 200);
    assert_eq!(get(&gateway, &path(301), "localhost").await, 414);
    let headers = |count: usize| -> String { (0..count).map(|n| format!("x-{n}: y\r\n")).collect() };
    for (more, status) in [
        (format!("x: {}\r\n", "y".repeat(1500)), 200),
        (format!("x: {}\r\n", "y".repeat(2048)), 431),
        (headers(90), 200),
        (headers(110), 431),
    ] {
        let mut connection = gateway.connect().await;
        connection.send(format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{more}\r\n").as_bytes()).await;
        assert_eq!(connection.reply().await.status, status, "{} bytes", more.len());
    }
    finish(provider, gateway).await;
}

#[tokio::test]
async fn a_connection_without_a_whole_head_is_closed() {
    let (provider, gateway) = plain_with("server_settings: { head_seconds: 200ms }\n").await;
    let silent = gateway.connect().await;
    let mut slow = gateway.connect().await;
    slow.send(b"GET /healthz HTTP/1.1\r\nhost: local").await;
    let reply = gateway.get("/healthz").await;
    assert_eq!(reply.status, 200);
    let (_, idle) = reply.whole_and_connection().await;
    assert!(silent.closed().await && slow.closed().await && idle.closed().await);
    finish(provider, gateway).await;
}

#[tokio::test]
async fn an_address_that_holds_all_its_connections_gets_no_more() {
    let (provider, gateway) = plain_with("server_settings: { connections_per_address_max: 2 }\n").await;
    let (first, second) = (held(&gateway).await, held(&gateway).await);
    assert!(gateway.connect().await.closed().await, "the third is closed");
    drop(first);
    wait_until_async("the place is free again", || async {
        Connection::try_once(gateway.address(), "GET", "/healthz", &[], b"").await.is_some()
    })
    .await;
    drop(second);
    stop(provider, gateway).await;
}

/// A connection that the gateway has accepted and keeps.
async fn held(gateway: &Gateway) -> Connection {
    gateway.get("/healthz").await.whole_and_connection().await.1
}

#[tokio::test]
async fn json_of_any_depth_is_an_answer_and_no_crash() {
    let (provider, gateway) = plain_with("").await;
    provider.always(answer(false, "hi"));
    for depth in [100, 1000, 200_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for (path, body) in [
            (
                "/v1/chat/completions",
                format!(r#"{{"model":"plain","messages":[{{"role":"user","content":"x"}}],"x":{deep}}}"#),
            ),
            ("/v1/chat/completions", format!(r#"{{"model":"plain","messages":{deep}}}"#)),
            ("/v1/messages", format!(r#"{{"model":"plain","max_tokens":9,"messages":{deep}}}"#)),
            ("/v1/responses", format!(r#"{{"model":"plain","input":{deep}}}"#)),
            ("/v1/react/sessions", format!(r#"{{"model":"plain","messages":{deep}}}"#)),
            ("/admin/explain", deep.clone()),
        ] {
            let status = gateway.post_bytes(path, body.as_bytes()).await.status;
            assert!(status == 200 || (400..500).contains(&status), "{path}, {depth} deep: {status}");
        }
    }
    assert_eq!(gateway.get("/healthz").await.status, 200);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn browsers_may_neither_guess_nor_store_what_the_admin_is_told() {
    let (provider, gateway) = plain_with("").await;
    for path in ["/", "/v1/models", "/admin/keys", "/nowhere"] {
        let reply = gateway.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("cache-control") == Some("no-store"), path == "/admin/keys", "{path}");
    }
    finish(provider, gateway).await;
}

// === TLS ===

const FIRST: Trust = Trust { server: "first", client: None };
const SECOND: Trust = Trust { server: "second", client: None };

/// A gateway that shows `first`.
async fn secure(more: &str) -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let yaml = format!(
        "{}server_settings: {{ tls: {{ certificate: tls/cert.pem, key: tls/key.pem{more} }} }}\n",
        plain_yaml(&provider.base())
    );
    let folder = magic_tests::Folder::new(&yaml);
    folder.write("tls/cert.pem", pem("first"));
    folder.write("tls/key.pem", pem("first.key"));
    folder.write("tls/ca.pem", pem("authority"));
    (provider, Gateway::start(folder).await)
}

async fn asks(gateway: &Gateway, trust: Trust, path: &str) -> Result<String, String> {
    tls_get(&mut tls_connect(gateway.address(), trust, &[&TLS13, &TLS12]).await?, path).await
}

/// Without what `gateway.finish` would ask in plain HTTP, on a connection of its own.
async fn stop(provider: Provider, mut gateway: Gateway) {
    assert!(gateway.take().stop().await, "nothing is left");
    finish(provider, gateway).await;
}

#[tokio::test]
async fn tls_is_1_2_or_1_3_with_http_1_1_and_nothing_else() {
    let (provider, gateway) = secure("").await;
    for version in [&TLS12, &TLS13] {
        let mut stream = tls_connect(gateway.address(), FIRST, &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert!(tls_get(&mut stream, "/healthz").await.unwrap().starts_with("HTTP/1.1 200"));
    }
    let mut plain = gateway.connect().await;
    plain.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut silent = gateway.connect().await;
    silent.send(b"\x16").await;
    // Whoever never ends its handshake holds up nobody.
    assert!(asks(&gateway, FIRST, "/v1/models").await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(asks(&gateway, SECOND, "/healthz").await.unwrap_err().contains("certificate"));
    drop((plain, silent));
    stop(provider, gateway).await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_a_bad_one_to_none() {
    let (provider, gateway) = secure("").await;
    let mut kept = tls_connect(gateway.address(), FIRST, &[&TLS13]).await.unwrap();

    gateway.folder().write("tls/cert.pem", pem("second"));
    let problem = async || {
        let reply = asks(&gateway, FIRST, "/admin/components").await.unwrap_or_default();
        let body: Value = serde_json::from_str(reply.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap_or_default();
        body["config"]["problems"].to_string()
    };
    wait_until_async("a certificate without its key is a problem", async || problem().await.contains("tls/cert.pem"))
        .await;

    gateway.folder().write("tls/key.pem", pem("second.key"));
    wait_until_async("the second is shown", async || asks(&gateway, SECOND, "/healthz").await.is_ok()).await;
    assert!(asks(&gateway, FIRST, "/healthz").await.is_err(), "the first is no more");
    assert!(tls_get(&mut kept, "/healthz").await.unwrap().starts_with("HTTP/1.1 200"), "what was open stays");
    stop(provider, gateway).await;
}

#[tokio::test]
async fn tls_that_goes_with_a_reload_stays_until_a_restart() {
    let (provider, gateway) = secure("").await;
    gateway.folder().write("proxy_config.yaml", plain_yaml(&provider.base()));
    wait_until_async("the change is told of", async || {
        let told = asks(&gateway, FIRST, "/admin/components").await.unwrap();
        told.contains("`server_settings.tls` was changed: it takes effect with the next start")
    })
    .await;
    assert!(asks(&gateway, FIRST, "/healthz").await.unwrap().starts_with("HTTP/1.1 200"), "new connections speak TLS");
    stop(provider, gateway).await;
}

#[tokio::test]
async fn tls_that_comes_with_a_reload_waits_for_a_restart() {
    let (provider, gateway) = crate::stage::plain().await;
    gateway.folder().write("tls/cert.pem", pem("first"));
    gateway.folder().write("tls/key.pem", pem("first.key"));
    let tls = "server_settings: { tls: { certificate: tls/cert.pem, key: tls/key.pem } }\n";
    gateway.folder().write("proxy_config.yaml", plain_yaml(&provider.base()) + tls);
    wait_until_async("the change is told of", async || {
        let told = gateway.get("/admin/components").await.text().await;
        told.contains("`server_settings.tls` was changed: it takes effect with the next start")
    })
    .await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_problem_of_the_clients_authority_names_it() {
    let tls = "server_settings: { tls: { certificate: tls/cert.pem, key: tls/key.pem, client_ca: tls/none.pem } }\n";
    let folder = magic_tests::Folder::new(&(plain_yaml("http://127.0.0.1:9") + tls));
    folder.write("tls/cert.pem", pem("first"));
    folder.write("tls/key.pem", pem("first.key"));
    let problem = magic_proxy::check(folder.paths()).await.unwrap_err();
    assert!(format!("{problem:?}").contains("server_settings.tls.client_ca: `tls/none.pem`"), "{problem:?}");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_turned_away_where_one_is_wanted() {
    let (provider, gateway) = secure(", client_ca: tls/ca.pem").await;
    assert!(asks(&gateway, FIRST, "/healthz").await.is_err());
    let stranger = Trust { client: Some("second"), ..FIRST };
    assert!(asks(&gateway, stranger, "/healthz").await.is_err());
    let known = Trust { client: Some("client"), ..FIRST };
    assert!(asks(&gateway, known, "/healthz").await.unwrap().starts_with("HTTP/1.1 200"));
    stop(provider, gateway).await;
}

#[tokio::test]
async fn an_api_base_at_a_metadata_service_is_a_problem_unless_it_is_allowed() {
    let folder = magic_tests::Folder::new(&plain_yaml("http://2852039166/latest"));
    let problem = magic_proxy::check(folder.paths()).await.unwrap_err();
    assert!(format!("{problem:?}").contains("allow_link_local_vendors"), "{problem:?}");
    let yaml = plain_yaml("http://2852039166/latest") + "server_settings: { allow_link_local_vendors: true }\n";
    assert!(magic_proxy::check(magic_tests::Folder::new(&yaml).paths()).await.is_ok());
}
