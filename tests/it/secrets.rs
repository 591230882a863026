//! Secrets stay where they belong: a gateway that is full of marked ones succeeds, fails in every way and is asked for
//! everything; then every reply, log line, file and output is searched for the marks.
//!
//! A new surface is one more line in [`everything_is_asked`]; a new secret one more in [`marks`].
use crate::stage::{answer, ask};
use magic_tests::{Folder, Gateway, Process, Provider, Script, logged, never_logged};
use serde_json::{Value, json};

const OWN: &str = "sk-mark-of-a-profile";
const TOOL: &str = "mark-of-a-tool";
const WRONG: &str = "sk-magic-mark-of-a-stranger";

/// The pool's keys: each failure may cost one.
fn pool() -> Vec<String> {
    (0..8).map(|number| format!("sk-mark-of-the-pool-{number}")).collect()
}

fn marks(virtual_key: &str) -> Vec<String> {
    pool().into_iter().chain([OWN, TOOL, WRONG, virtual_key].map(str::to_owned)).collect()
}

fn folder(provider: &Provider) -> Folder {
    let base = provider.base();
    let react = "agent_settings: { reasoning_mode: standard_gemini_react, tools: [calculator], tool_protocol: tags }";
    let yaml = format!(
        "model_list:\n  - {{ model_name: pooled, provider: openai, model_params: {{ model: m, api_base: \"{base}\" }} }}\n\
         \x20 - {{ model_name: own, provider: openai, model_params: {{ model: m, api_base: \"{base}\", api_key: \"${{MAGIC_UNSET:-{OWN}}}\", {react} }} }}\n\
         router_settings:\n  model_group_alias: {{ plain: [pooled], thinker: [own] }}\nbreaker_settings: {{ enabled: false }}\n"
    );
    let keys = pool();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let folder = Folder::new(&yaml).keys("openai", &keys).pattern("standard_gemini_react").tool("calculator");
    folder.write("env/calculator.env", format!("TOKEN={TOOL}\n"));
    folder
}

/// Everything that a client was sent, head and body.
struct Replies<'a> {
    gateway: &'a Gateway,
    key: &'a str,
    seen: Vec<(String, String)>,
}

impl Replies<'_> {
    async fn take(&mut self, method: &str, path: &str, key: &str, body: &Value) -> u16 {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.gateway.connect().await.request(method, path, &headers, body.as_bytes()).await;
        let (status, head) = (reply.status, format!("{:?}", reply.headers));
        let text = String::from_utf8_lossy(&reply.whole().await).into_owned();
        self.seen.push((format!("{method} {path} {status}"), head + &text));
        status
    }

    async fn post(&mut self, path: &str, body: &Value) -> u16 {
        self.take("POST", path, self.key, body).await
    }

    async fn get(&mut self, path: &str) -> u16 {
        self.take("GET", path, self.key, &Value::Null).await
    }
}

async fn everything_is_asked(provider: &Provider, replies: &mut Replies<'_>) {
    for stream in [false, true] {
        provider.once(answer(stream, "hi"));
        assert_eq!(replies.post("/v1/chat/completions", &ask("plain", stream)).await, 200);
    }
    for (status, text) in [(400, "no such parameter"), (404, "no such model"), (500, "broken"), (503, "busy")] {
        provider.clear().always(Script::error(status, text));
        assert!(replies.post("/v1/chat/completions", &ask("plain", false)).await >= 400);
    }
    // The vendor repeats the key that it refuses.
    for status in [401, 402, 403, 429] {
        provider
            .clear()
            .answers(move |call| Script::error(status, &format!("not with {}", call.key.clone().unwrap_or_default())));
        assert!(replies.post("/v1/chat/completions", &ask("plain", true)).await >= 400);
    }
    provider.clear().always(answer(false, "<FINAL_ANSWER>done"));
    replies.post("/v1/chat/completions", &ask("thinker", false)).await;
    replies
        .post(
            "/v1/react/sessions",
            &json!({ "model": "thinker", "session_id": "marked", "messages": [{ "role": "user", "content": "x" }] }),
        )
        .await;
    replies.get("/v1/react/sessions/marked").await;
    replies.get("/v1/react/sessions/marked/events").await;
    replies.post("/v1/react/sessions/marked/replay", &Value::Null).await;
    for path in ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/admin/explain"] {
        replies.post(path, &json!({ "model": "nobody" })).await;
        replies.take("POST", path, WRONG, &json!({ "model": "plain" })).await;
    }
    for path in ["/", "/nowhere", "/healthz", "/readyz", "/v1/models", "/v1/models/all-runnable", "/v1/react/sessions"]
    {
        replies.get(path).await;
    }
    for path in
        ["components", "keys", "breakers", "cache", "sessions", "usage", "audit", "config", "virtual-keys", "teams"]
    {
        replies.get(&format!("/admin/{path}")).await;
    }
    replies.get("/metrics").await;
}

/// What the command line says, and every file of the data folder.
async fn left_behind(folder: &Folder) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in ["keys --json", "keys", "check", "virtual-keys list --json", "usage --json", "replay"] {
        let words: Vec<&str> = line.split(' ').collect();
        let ended = Process::start(folder, &words).await.ended().await;
        found.push((line.to_owned(), ended.stdout + &ended.stderr));
    }
    for entry in std::fs::read_dir(folder.path("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(found.iter().any(|(name, text)| name.ends_with(".db") && !text.is_empty()), "there are files to look at");
    found
}

#[tokio::test]
async fn no_secret_is_in_any_reply_log_file_or_output() {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    let made = Process::start(&folder, &["virtual-keys", "create", "--name", "marked", "--scope", "admin"])
        .await
        .ended()
        .await;
    let key = made.stdout.trim().to_owned();
    assert!(key.starts_with("sk-magic-"), "{made:?}");
    let gateway = Gateway::start(folder).await;
    let mut replies = Replies { gateway: &gateway, key: &key, seen: Vec::new() };
    everything_is_asked(&provider, &mut replies).await;
    let mut seen = replies.seen;
    seen.extend(left_behind(gateway.folder()).await);
    for mark in marks(&key) {
        // That one is a default in the config's own text, which an admin is shown (docs/ADMIN.md says what that means).
        let is_its_place = |name: &str| mark == OWN && name.starts_with("GET /admin/config ");
        let found = seen.iter().filter(|(name, text)| text.contains(&mark) && !is_its_place(name));
        let found: Vec<&String> = found.map(|(name, _)| name).collect();
        assert!(found.is_empty(), "`{mark}` is in {found:?}");
        never_logged(&mark);
    }
    assert!(provider.keys().iter().any(|key| key.starts_with("sk-mark-of-the-pool")), "the vendor alone is told");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_vendors_redirect_is_not_followed() {
    let (provider, other) = (Provider::start().await, Provider::start().await);
    other.always(answer(false, "got it"));
    let target = format!("{}/chat/completions", other.base());
    provider.always(Script::json(307, &json!({})).header("location", &target));
    let gateway = Gateway::start(folder(&provider)).await;
    assert!(gateway.chat(&ask("plain", false)).await.status >= 400);
    assert!(!provider.calls().is_empty() && other.calls().is_empty(), "the key stayed where it was");
    gateway.finish(&[&provider, &other]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_of_secrets_that_everybody_can_read_is_told_of_at_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let provider = Provider::start().await;
    let folder = folder(&provider);
    let file = |name: &str, mode| {
        std::fs::set_permissions(folder.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        folder.path(name).display().to_string()
    };
    let (open, closed) = (file("keys_pool/keys_pool_openai.env", 0o644), file("env/calculator.env", 0o640));
    let gateway = Gateway::start(folder).await;
    let told = |file: &str| logged(&[file, "can be read by everybody on this machine", "chmod 600"]).len();
    assert_eq!((told(&open), told(&closed)), (1, 0));
    gateway.finish(&[&provider]).await;
}
