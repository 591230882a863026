//! What a policy grants reaches the host, and what it does not grant is denied with the key to add.
use super::*;
use crate::caller::Caller;
use crate::component::Component;
use crate::host::OutboundError;
use crate::runtime::Runtime;
use crate::testing::{Asked, ask_for};

pub(super) struct Fetches {
    module: Vec<u8>,
    policy: String,
}

/// A tool that sends one GET with this URL and one header, and says the body, or fails with the error's text.
pub(super) fn fetches(url: &str, policy: &str) -> Fetches {
    fetches_with(url, "x-a", "b", policy)
}

fn fetches_with(url: &str, name: &str, value: &str, policy: &str) -> Fetches {
    sends("get", url, name, value, policy)
}

fn sends(method: &str, url: &str, name: &str, value: &str, policy: &str) -> Fetches {
    let mut items = String::new();
    for (at, text) in [(1024, url), (1536, name), (1600, value)] {
        items += &format!("(data (i32.const {at}) {text:?})");
    }
    // header: name and value as addresses and lengths.
    let call = format!(
        "(i32.store (i32.const 1800) (i32.const 1536)) (i32.store (i32.const 1804) (i32.const {name_len}))
         (i32.store (i32.const 1808) (i32.const 1600)) (i32.store (i32.const 1812) (i32.const {value_len}))
         (call $send (i32.const 2000) (i32.const {method_len}) (i32.const 1024) (i32.const {url_len}) (i32.const 1800) (i32.const 1)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048))
         (if (result i32) (i32.eqz (i32.load8_u (i32.const 2048)))
            (then (call $ok (i32.load (i32.const 2068)) (i32.load (i32.const 2072))))
            (else (call $failed (i32.load (i32.const 2064)) (i32.load (i32.const 2068)))))",
        method_len = method.len(),
        name_len = name.len(),
        value_len = value.len(),
        url_len = url.len(),
    );
    items += &format!("(data (i32.const 2000) {method:?})");
    let mut tool = Tool::new(call);
    tool.imports =
        r#"(import "magic:proxy/http@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    tool.items = &items;
    Fetches { module: tool.module(), policy: policy.to_owned() }
}

impl Fetches {
    pub(super) async fn await_on(self, runtime: &Arc<Runtime>) -> Arc<Component> {
        load_with(runtime, "fetches", self.module, &self.policy).await.unwrap()
    }
}

async fn fetch(url: &str, header: &str, policy: &str, host: Fake) -> (Result<String, ToolError>, Vec<Asked>) {
    let runtime = runtime();
    let tool = fetches_with(url, "authorization", header, policy).await_on(&runtime).await;
    let host = Arc::new(host);
    let said = ask_with(&tool, "{}", Arc::clone(&host)).await.map(|output| output.text);
    let asked = std::mem::take(&mut *host.asked.lock().unwrap());
    (said, asked)
}

#[tokio::test]
async fn http_reaches_the_host_only_where_the_policy_says() {
    let (said, asked) = fetch("https://A.example.:443/x#y", "b", "http: { hosts: [a.example] }", Fake::default()).await;
    assert_eq!(said.unwrap(), "hello");
    assert_eq!(asked, [("https://a.example/x".to_owned(), vec![("authorization".to_owned(), "b".to_owned())])]);
    for policy in ["", "http: { hosts: [b.example] }"] {
        let (said, asked) = fetch("https://a.example/x", "b", policy, Fake::default()).await;
        let text = "http to `a.example` is not allowed: add it to `http.hosts` in tools/fetches.policy.yaml";
        assert_eq!((said, asked), (Err(failed(text)), vec![]));
    }
}

#[tokio::test]
async fn what_the_host_refuses_is_told_to_the_guest() {
    let host = Fake { answer: Some(OutboundError::Denied("a private address".to_owned())), ..Fake::default() };
    let (said, _) = fetch("https://a.example/", "b", "http: { hosts: ['*'] }", host).await;
    assert_eq!(said, Err(failed("a private address")));
}

#[tokio::test]
async fn a_secret_is_put_in_by_the_host_and_only_where_it_is_granted() {
    let host = || Fake { secrets: [("KEY".to_owned(), "s3 cret&".to_owned())].into(), ..Fake::default() };
    let url = "https://a.example/?q=a+b&k={{secret:KEY}}&z=%20";
    let granted = "http: { hosts: [a.example] }\nsecrets: [KEY]";
    let (said, asked) = fetch(url, "Bearer {{secret:KEY}}", granted, host()).await;
    assert_eq!(said.unwrap(), "hello");
    assert_eq!(asked[0].0, "https://a.example/?q=a+b&k=s3+cret%26&z=%20");
    assert_eq!(asked[0].1[0].1, "Bearer s3 cret&");
    for (url, policy, text) in [
        (
            url,
            "http: { hosts: [a.example] }",
            "the secret `KEY` is not granted: add it to `secrets` in tools/fetches.policy.yaml",
        ),
        (
            url,
            "http: { hosts: [b.example] }\nsecrets: [KEY]",
            "http to `a.example` is not allowed: add it to `http.hosts` in tools/fetches.policy.yaml",
        ),
        ("http://a.example/", granted, "a secret is not sent without TLS: use `https`"),
    ] {
        let (said, asked) = fetch(url, "{{secret:KEY}}", policy, host()).await;
        assert_eq!((said, asked), (Err(failed(text)), vec![]));
    }
    let (said, _) = fetch(url, "b", granted, Fake::default()).await;
    assert_eq!(said, Err(failed("the secret `KEY` is not set: add it to env/fetches.env")));
}

#[tokio::test]
async fn headers_that_are_the_gateways_are_refused() {
    let runtime = runtime();
    let tool = fetches_with("https://a.example/", "Host", "b.example", "http: { hosts: [a.example] }")
        .await_on(&runtime)
        .await;
    assert_eq!(ask(&tool, "{}").await, Err(failed("the header `Host` is the gateway's to write")));
}

#[tokio::test]
async fn the_clock_is_there_when_granted_and_names_its_key_when_not() {
    let runtime = runtime();
    let mut tool = Tool::new(
        "(i64.store (i32.const 600) (i64.rem_u (call $now) (i64.const 1000)))
         (i32.store8 (i32.const 600) (i32.add (i32.rem_u (i32.load (i32.const 600)) (i32.const 10)) (i32.const 48)))
         (call $ok (i32.const 600) (i32.const 1))",
    );
    tool.imports = r#"(import "magic:proxy/clock@0.1.0" "now-ms" (func $now (result i64)))"#;
    let granted = load_with(&runtime, "clock", tool.module(), "clock: true").await.unwrap();
    assert_eq!(ask(&granted, "{}").await.unwrap().text, "3");
    let denied = load(&runtime, "clock", tool.module()).await.unwrap();
    let text = "the clock is not allowed: add `clock: true` to tools/clock.policy.yaml";
    assert_eq!(ask(&denied, "{}").await, Err(ToolError::Denied(text.to_owned())));
    // `describe` may not even try, grant or not.
    tool.describe = "(drop (call $now))";
    let refused = load_with(&runtime, "clock", tool.module(), "clock: true").await.unwrap_err();
    assert_eq!(refused, LoadError::Probe { function: "describe", why: text.to_owned() });
}

#[tokio::test]
async fn kv_outlives_the_call_and_the_version_but_not_its_quota() {
    let runtime = runtime();
    // Writes one byte under the key `a` if there is none yet, and says whether there was: the tag of `get`'s option.
    let get = "(call $get (i32.const 700) (i32.const 1) (i32.const 640))
        (if (i32.load8_u (i32.const 640)) (then (return (call $failed (i32.const 708) (i32.const 6)))))
        (i32.store8 (i32.const 600) (i32.add (i32.load8_u (i32.const 648)) (i32.const 48)))
        (call $set (i32.const 700) (i32.const 1) (i32.const 700) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 672))
        (call $ok (i32.const 600) (i32.const 1))";
    let mut tool = Tool::new(get);
    tool.imports = r#"(import "magic:proxy/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
        (import "magic:proxy/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i32 i32)))"#;
    tool.items = r#"(data (i32.const 700) "a") (data (i32.const 708) "denied")"#;
    let first = load_with(&runtime, "kv", tool.module(), "kv: { bytes_max: 1000 }").await.unwrap();
    assert_eq!(ask(&first, "{}").await.unwrap().text, "0");
    drop(first);
    let next = load_with(&runtime, "kv", tool.module(), "kv: { bytes_max: 1000 }").await.unwrap();
    assert_eq!(ask(&next, "{}").await.unwrap().text, "1");
    let other = load_with(&runtime, "other", tool.module(), "kv: { bytes_max: 1000 }").await.unwrap();
    assert_eq!(ask(&other, "{}").await.unwrap().text, "0");
    let denied = load(&runtime, "kv", tool.module()).await.unwrap();
    assert_eq!(ask(&denied, "{}").await, Err(failed("denied")));
}

fn in_session(key: &str) -> Caller {
    Caller { session_id: Some("s1".to_owned()), idempotency_key: Some(key.to_owned()) }
}

#[tokio::test]
async fn a_request_that_changes_something_carries_the_key_of_its_call() {
    let runtime = runtime();
    for (method, name, caller, expected) in [
        ("post", "x-a", in_session("s1/c1"), vec![("x-a", "b"), ("idempotency-key", "\"s1/c1\"")]),
        // The guest's own key stands, and without a session there is none.
        ("post", "Idempotency-Key", in_session("s1/c1"), vec![("Idempotency-Key", "b")]),
        ("post", "x-a", Caller::default(), vec![("x-a", "b")]),
        ("get", "x-a", in_session("s1/c1"), vec![("x-a", "b")]),
    ] {
        let tool = sends(method, "https://a.example/", name, "b", "http: { hosts: [a.example] }");
        let tool = tool.await_on(&runtime).await;
        let host = Arc::new(Fake::default());
        assert!(ask_for(&tool, "{}", caller, Arc::clone(&host)).await.is_ok());
        let asked = std::mem::take(&mut *host.asked.lock().unwrap());
        let headers: Vec<_> = asked[0].1.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(headers, expected, "{method}");
    }
}

#[tokio::test]
async fn a_tool_is_told_on_whose_behalf_it_is_called() {
    let runtime = runtime();
    for (function, told) in [("session-id", "s1"), ("idempotency-key", "s1/c1")] {
        let mut tool = Tool::new(
            "(call $of (i32.const 600))
             (if (result i32) (i32.load8_u (i32.const 600))
                (then (call $ok (i32.load (i32.const 604)) (i32.load (i32.const 608))))
                (else (call $failed (i32.const 620) (i32.const 6))))",
        );
        let import = format!(r#"(import "magic:proxy/call-context@0.1.0" "{function}" (func $of (param i32)))"#);
        tool.imports = &import;
        tool.items = r#"(data (i32.const 620) "nobody")"#;
        let tool = load(&runtime, "asks", tool.module()).await.unwrap();
        let host = || Arc::new(Fake::default());
        assert_eq!(ask_for(&tool, "{}", in_session("s1/c1"), host()).await.unwrap().text, told);
        assert_eq!(ask_for(&tool, "{}", Caller::default(), host()).await, Err(failed("nobody")));
    }
}
