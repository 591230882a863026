//! Lanes: what is too long, and what a content policy refuses, goes to the profiles that an alias names for it; without them
//! the client reads what the vendor said.
use crate::dialects::{Client, Vendor};
use magic_tests::{Folder, Gateway, Provider, Reply, Script, When};
use serde_json::{Value, json};

/// Profiles `main`, `spare` (the chain), `large`, `larger` (for what is too long), `frank`, `franker` (for what is refused);
/// alias `lanes` has all of it, `bare` only the chain.
struct Bench {
    vendor: Provider,
    gateway: Gateway,
}

// === impl Bench ===

impl Bench {
    /// `main`: what its vendor speaks.
    async fn begin(main: Vendor) -> Self {
        Self::with(|base| main.profile("main", base, "")).await
    }

    async fn with(main: impl Fn(&str) -> String) -> Self {
        let vendor = Provider::start().await;
        let others = ["spare", "large", "larger", "frank", "franker"];
        let others: String =
            others.iter().map(|name| Vendor::Openai.profile(name, &vendor.base_of(name), "")).collect();
        let yaml = format!(
            "model_list:\n{}{others}router_settings:\n  model_group_alias:\n    bare: [main, spare]\n    lanes:\n\
             \x20     chain: [main, spare]\n      context_window_fallbacks: [large, larger]\n\
             \x20     content_policy_fallbacks: [frank, franker]\n",
            main(&vendor.base_of("main"))
        );
        let gateway = Gateway::start(Folder::new(&yaml).keys("azure", &["sk-lanes-azure"])).await;
        Self { vendor, gateway }
    }

    fn on(&self, profile: &str, script: Script) -> &Self {
        self.vendor.on(When::under(profile), script);
        self
    }

    async fn ask(&self, alias: &str, stream: bool) -> Reply {
        self.gateway.chat(&Client::Chat.ask(alias, stream)).await
    }

    /// Who was asked, in order.
    fn asked(&self) -> Vec<String> {
        self.vendor.calls().iter().map(|call| call.path.split('/').nth(1).unwrap().to_owned()).collect()
    }

    async fn finish(self) {
        self.gateway.finish(&[&self.vendor]).await;
    }
}

async fn said(stream: bool, reply: Reply) -> String {
    assert_eq!(reply.status, 200);
    let text = reply.text().await;
    if stream { Client::Chat.text(&text) } else { Client::Chat.text_of(&serde_json::from_str(&text).unwrap()) }
}

fn too_long(vendor: Vendor) -> Value {
    match vendor {
        Vendor::Openai => json!({ "error": { "message": "This model's maximum context length is 1000 tokens",
            "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded" } }),
        Vendor::Anthropic => json!({ "type": "error", "error": { "type": "invalid_request_error",
            "message": "prompt is too long: 200011 tokens > 200000 maximum" } }),
        Vendor::Google => json!({ "error": { "code": 400, "status": "INVALID_ARGUMENT",
            "message": "The input token count (11) exceeds the maximum number of tokens allowed (10)." } }),
    }
}

fn refused(vendor: Vendor) -> Option<Value> {
    match vendor {
        Vendor::Openai => Some(json!({ "error": { "message": "Your request was rejected by our safety system.",
            "type": "invalid_request_error", "param": null, "code": "content_policy_violation" } })),
        // It has no code for that: it answers, and says `refusal`.
        Vendor::Anthropic => None,
        // With 200, and no candidates.
        Vendor::Google => Some(
            json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" }, "usageMetadata": { "promptTokenCount": 3 } }),
        ),
    }
}

/// As the vendor sends it.
fn refusal(vendor: Vendor, stream: bool) -> Option<Script> {
    let body = refused(vendor)?;
    Some(match vendor {
        Vendor::Google if stream => Script::sse([format!("data: {body}\n\n")]),
        Vendor::Google => Script::json(200, &body),
        Vendor::Openai | Vendor::Anthropic => Script::json(400, &body),
    })
}

#[tokio::test]
async fn what_is_too_long_goes_to_the_profiles_for_it() {
    for vendor in Vendor::ALL {
        for stream in [false, true] {
            let bench = Bench::begin(vendor).await;
            bench.on("main", Script::json(400, &too_long(vendor)));
            bench.on("large", Vendor::Openai.answers(stream, "I have read it all"));

            let reply = bench.ask("lanes", stream).await;

            let route = reply.header("x-magic-route").unwrap().to_owned();
            assert_eq!(route, "main=context_length_exceeded, large=served", "{vendor:?}");
            assert_eq!(said(stream, reply).await, "I have read it all", "{vendor:?}");
            assert_eq!(bench.asked(), ["main", "large"], "{vendor:?}");
            bench.finish().await;
        }
    }
}

#[tokio::test]
async fn what_a_policy_refuses_goes_to_the_profiles_for_it() {
    for vendor in Vendor::ALL {
        for stream in [false, true] {
            let Some(refusal) = refusal(vendor, stream) else { continue };
            let bench = Bench::begin(vendor).await;
            bench.on("main", refusal).on("frank", Vendor::Openai.answers(stream, "let us talk"));

            let reply = bench.ask("lanes", stream).await;

            let route = reply.header("x-magic-route").unwrap().to_owned();
            assert_eq!(route, "main=content_policy_violation, frank=served", "{vendor:?} {stream}");
            assert_eq!(said(stream, reply).await, "let us talk", "{vendor:?} {stream}");
            assert_eq!(bench.asked(), ["main", "frank"], "{vendor:?} {stream}");
            bench.finish().await;
        }
    }
}

/// Azure's filter: https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
fn azures_filter() -> Value {
    json!({ "error": { "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": null, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": { "code": "ResponsibleAIPolicyViolation", "content_filter_result": { "violence": { "filtered": true } } } } })
}

fn azure(base: &str) -> String {
    format!(
        "  - {{ model_name: main, provider: azure, model_params: {{ model: deployed, api_base: \"{base}\", api_version: 2024-10-21 }} }}\n"
    )
}

#[tokio::test]
async fn azures_content_filter_is_a_policy() {
    for stream in [false, true] {
        let bench = Bench::with(azure).await;
        bench.on("main", Script::json(400, &azures_filter()));
        bench.on("frank", Vendor::Openai.answers(stream, "let us talk"));

        assert_eq!(said(stream, bench.ask("lanes", stream).await).await, "let us talk");

        let call = bench.vendor.call(0).await;
        assert!(call.path.contains("/openai/deployments/deployed/chat/completions?api-version="), "{}", call.path);
        assert_eq!(call.header("api-key"), Some("sk-lanes-azure"));
        assert_eq!(bench.gateway.key("azure", "sk-lanes-azure").await["state"], "available");
        bench.finish().await;
    }
}

#[tokio::test]
async fn without_them_the_client_reads_what_the_vendor_said() {
    for stream in [false, true] {
        let bench = Bench::with(azure).await;
        for body in [azures_filter(), too_long(Vendor::Openai), refused(Vendor::Openai).unwrap()] {
            bench.vendor.clear();
            bench.on("main", Script::json(400, &body));
            let reply = bench.ask("bare", stream).await;
            assert_eq!(reply.status, 400);
            let route = reply.header("x-magic-route").unwrap().to_owned();
            assert!(route.starts_with("main="), "{route}");
            assert!(!route.contains("served"), "{route}");
            assert_eq!(reply.json().await, body);
        }
        assert_eq!(bench.vendor.calls_of("spare"), 0, "the next of the chain would refuse it as well");
        bench.finish().await;
    }
}

#[tokio::test]
async fn a_refusal_with_status_200_is_no_answer_and_reaches_the_client_as_a_400() {
    for stream in [false, true] {
        let bench = Bench::begin(Vendor::Google).await;
        bench.on("main", refusal(Vendor::Google, stream).unwrap());
        let error = bench.ask("bare", stream).await.error(400).await;
        assert_eq!(error["code"], "content_policy_violation");
        assert!(error["message"].as_str().unwrap().contains("PROHIBITED_CONTENT"), "{error}");
        assert_eq!(bench.vendor.calls_of("spare"), 0);
        bench.finish().await;
    }
}

#[tokio::test]
async fn clients_of_every_dialect_are_sent_along_the_lanes() {
    for client in Client::ALL {
        for stream in [false, true] {
            let bench = Bench::begin(Vendor::Google).await;
            bench.on("main", refusal(Vendor::Google, stream).unwrap());
            let large = Vendor::Openai.answers(stream, "let us talk");
            bench.on("frank", large);
            let reply = bench.gateway.post(client.path(), &client.ask("lanes", stream)).await;
            assert_eq!(reply.status, 200, "{client:?}");
            let text = reply.text().await;
            let said = match stream {
                true => client.text(&text),
                false => client.text_of(&serde_json::from_str(&text).unwrap()),
            };
            assert_eq!(said, "let us talk", "{client:?} {stream}");
            bench.finish().await;
        }
    }
}

#[tokio::test]
async fn a_lane_falls_back_within_itself() {
    let bench = Bench::begin(Vendor::Openai).await;
    bench.on("main", Script::json(400, &too_long(Vendor::Openai)));
    bench.on("large", Script::error(500, "oops")).on("larger", Vendor::Openai.whole("I have read it all"));

    let reply = bench.ask("lanes", false).await;

    let route = reply.header("x-magic-route").unwrap().to_owned();
    assert_eq!(route, "main=context_length_exceeded, large=upstream_error, larger=served");
    assert_eq!(said(false, reply).await, "I have read it all");
    bench.finish().await;
}

#[tokio::test]
async fn what_is_too_long_and_then_refused_sees_both_lanes() {
    let bench = Bench::begin(Vendor::Openai).await;
    bench.on("main", Script::json(400, &too_long(Vendor::Openai)));
    bench.on("large", Script::json(400, &refused(Vendor::Openai).unwrap()));
    bench.on("frank", Vendor::Openai.whole("let us talk"));

    assert_eq!(said(false, bench.ask("lanes", false).await).await, "let us talk");

    assert_eq!(bench.asked(), ["main", "large", "frank"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_lane_that_cannot_help_ends_in_the_vendors_words() {
    let bench = Bench::begin(Vendor::Openai).await;
    let last = json!({ "error": { "message": "maximum context length is 9000 tokens", "type": "invalid_request_error",
        "param": null, "code": "context_length_exceeded" } });
    bench.on("main", Script::json(400, &too_long(Vendor::Openai)));
    bench.on("large", Script::json(400, &last)).on("larger", Script::json(400, &last));

    let reply = bench.ask("lanes", false).await;

    assert_eq!(reply.status, 400);
    assert_eq!(reply.json().await, last);
    assert_eq!(bench.vendor.calls_of("spare"), 0);
    bench.finish().await;
}

#[tokio::test]
async fn an_ordinary_failure_never_enters_a_lane() {
    let bench = Bench::begin(Vendor::Openai).await;
    bench.on("main", Script::error(500, "oops")).on("spare", Script::error(500, "oops"));
    let reply = bench.ask("lanes", false).await;
    assert_eq!(reply.header("x-magic-route"), Some("main=upstream_error, spare=upstream_error"));
    reply.error(503).await;
    assert_eq!(bench.asked(), ["main", "spare"]);
    bench.finish().await;
}
