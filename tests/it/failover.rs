//! The table of PRODUCT.md 2, row by row: what a vendor's fault means for the key, the request, and the requests after it.
//! Two keys of one pool serve the first profile, a key of another pool the second.
use crate::stage::{answer, ask};
use magic_tests::{
    Folder, Gate, Gateway, Provider, Reply, Script, When, completion, key_id, logged, never_logged, wait_until_async,
};
use serde_json::{Value, json};

struct Table {
    vendor: Provider,
    gateway: Gateway,
    /// Two of the first profile, one of the second; no other test has them.
    keys: [String; 3],
}

const RETIRED: &str = "retired";
const QUARANTINED: &str = "quarantined";
const AVAILABLE: &str = "available";

// === impl Table ===

impl Table {
    /// `name` must be the test's own: it makes the keys and the alias unique in the logs.
    async fn lay(name: &str) -> Self {
        Self::lay_with(name, "", "").await
    }

    /// With more of the first profile and more sections.
    async fn lay_with(name: &str, first: &str, more: &str) -> Self {
        let vendor = Provider::start().await;
        let keys = ["one", "two", "other"].map(|key| format!("sk-{name}-{key}"));
        let (a, b) = (vendor.base_of("first"), vendor.base_of("second"));
        let yaml = format!(
            "model_list:\n\
             \x20 - model_name: first\n    provider: openai\n    model_params: {{ model: first-model, api_base: \"{a}\" }}\n{first}\
             \x20 - model_name: second\n    provider: mistral\n    model_params: {{ model: second-model, api_base: \"{b}\" }}\n\
             router_settings:\n  model_group_alias: {{ {name}: [first, second] }}\n{more}"
        );
        let folder = Folder::new(&yaml).keys("openai", &[&keys[0], &keys[1]]).keys("mistral", &[&keys[2]]);
        Self { gateway: Gateway::start(folder).await, vendor, keys }
    }

    fn alias(&self) -> &str {
        self.keys[0].strip_prefix("sk-").unwrap().strip_suffix("-one").unwrap()
    }

    async fn ask(&self, stream: bool) -> Reply {
        self.gateway.chat(&ask(self.alias(), stream)).await
    }

    /// Asks, and expects this answer.
    async fn is_answered(&self, stream: bool, text: &str) {
        let reply = self.ask(stream).await;
        assert_eq!(reply.status, 200);
        let body = reply.text().await;
        let content = match stream {
            true => magic_tests::Completion::of_stream(&body).content,
            false => magic_tests::Completion::of_whole(&serde_json::from_str(&body).unwrap()).content,
        };
        assert_eq!(content, text);
        self.holds_no_secret(&body);
    }

    /// Who was asked so far, by the last part of its key.
    fn asked(&self) -> Vec<String> {
        self.vendor.keys().iter().map(|key| key.rsplit('-').next().unwrap().to_owned()).collect()
    }

    /// State and reason of the three keys.
    async fn states(&self) -> [(String, String); 3] {
        let one = self.key(0).await;
        let two = self.key(1).await;
        let other = self.key(2).await;
        [one, two, other].map(|key| {
            assert_eq!(key["in_flight"], 0, "{key}");
            (key["state"].as_str().unwrap().to_owned(), key["why"].as_str().unwrap_or_default().to_owned())
        })
    }

    async fn key(&self, number: usize) -> Value {
        let pool = if number == 2 { "mistral" } else { "openai" };
        self.gateway.key(pool, &self.keys[number]).await
    }

    fn holds_no_secret(&self, text: &str) {
        for key in &self.keys {
            assert!(!text.contains(key.as_str()), "a secret in {text}");
        }
    }

    async fn finish(self) {
        for key in &self.keys {
            never_logged(key);
        }
        self.gateway.finish(&[&self.vendor]).await;
    }
}

/// A fault that is the key's: the second key answers, and the first is in `state` because of `why`.
async fn costs_the_key(name: &str, fault: Script, state: &str, why: &str) {
    for stream in [false, true] {
        let table = Table::lay(&format!("{name}-{stream}")).await;
        table.vendor.on(When::key(&table.keys[0]), fault.clone());
        table.vendor.always(answer(stream, "good"));

        table.is_answered(stream, "good").await;

        assert_eq!(table.asked(), ["one", "two"]);
        let [one, two, other] = table.states().await;
        assert_eq!((one.0.as_str(), one.1.as_str()), (state, why));
        assert_eq!((two.0.as_str(), other.0.as_str()), (AVAILABLE, AVAILABLE));
        // The requests after it do not try that key again.
        table.is_answered(stream, "good").await;
        table.is_answered(stream, "good").await;
        assert_eq!(table.asked(), ["one", "two", "two", "two"]);
        assert_eq!(table.vendor.calls_of("second"), 0);
        table.finish().await;
    }
}

/// A fault that is the vendor's: the second profile answers, and no key is to blame.
async fn costs_no_key(name: &str, fault: impl Fn(bool) -> Script, more: &str) {
    for stream in [false, true] {
        let table = Table::lay_with(&format!("{name}-{stream}"), more, "").await;
        table.vendor.on(When::under("first"), fault(stream));
        table.vendor.on(When::under("second"), answer(stream, "from the second"));

        table.is_answered(stream, "from the second").await;

        assert_eq!(table.asked(), ["one", "other"], "one try at the first profile, whatever keys it has left");
        assert_eq!(table.vendor.calls()[1].json()["model"], "second-model");
        assert_eq!(table.states().await.map(|key| key.0), [AVAILABLE; 3]);
        table.finish().await;
    }
}

#[tokio::test]
async fn a_401_retires_the_key_and_the_next_one_answers() {
    costs_the_key("unauthorized", Script::error(401, "invalid api key"), RETIRED, "key_rejected").await;
}

#[tokio::test]
async fn a_403_retires_the_key_and_the_next_one_answers() {
    costs_the_key("forbidden", Script::error(403, "not for you"), RETIRED, "key_rejected").await;
}

#[tokio::test]
async fn a_400_that_blames_the_key_retires_it_and_the_next_one_answers() {
    let body = json!([{ "error": { "code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT",
        "details": [{ "reason": "API_KEY_INVALID" }] } }]);
    costs_the_key("googles-way", Script::json(400, &body), RETIRED, "key_rejected").await;
}

#[tokio::test]
async fn a_402_quarantines_the_key_for_long_and_the_next_one_answers() {
    costs_the_key("unpaid", Script::error(402, "no credit"), QUARANTINED, "quota_exhausted").await;
}

#[tokio::test]
async fn an_exhausted_quota_told_by_429_quarantines_the_key_for_long() {
    let body = json!({ "error": { "message": "You exceeded your current quota", "type": "insufficient_quota",
        "code": "insufficient_quota" } });
    let table = Table::lay("quota").await;
    table.vendor.on(When::key(&table.keys[0]), Script::json(429, &body).header("retry-after", "1"));
    table.vendor.always(answer(false, "good"));

    table.is_answered(false, "good").await;

    let key = table.key(0).await;
    assert_eq!((key["state"].as_str(), key["why"].as_str()), (Some(QUARANTINED), Some("quota_exhausted")));
    assert!((3500..=3600).contains(&key["seconds_left"].as_u64().unwrap()), "an hour, not a second: {key}");
    table.finish().await;
}

#[tokio::test]
async fn a_429_quarantines_the_key_for_the_configured_time_and_the_next_one_answers() {
    costs_the_key("throttled", Script::error(429, "slow down"), QUARANTINED, "rate_limited").await;
}

#[tokio::test]
async fn a_429_with_retry_after_quarantines_the_key_for_that_time() {
    let table =
        Table::lay_with("retry-after", "", "key_management_settings: { quarantine_duration_seconds: 50 }\n").await;
    table.vendor.on(When::key(&table.keys[0]), Script::error(429, "slow down").header("retry-after", "1200"));
    table.vendor.on(When::key(&table.keys[1]), Script::error(429, "slow down"));
    table.vendor.on(When::key(&table.keys[2]), answer(false, "from the second"));

    table.is_answered(false, "from the second").await;

    assert_eq!(table.asked(), ["one", "two", "other"], "no key left: the next profile");
    let left = table.key(0).await["seconds_left"].as_u64().unwrap();
    assert!((1100..=1200).contains(&left), "{left}");
    let left = table.key(1).await["seconds_left"].as_u64().unwrap();
    assert!(left <= 50, "{left}");
    // While both rest, the first profile is not asked at all.
    table.is_answered(false, "from the second").await;
    assert_eq!(table.asked(), ["one", "two", "other", "other"]);
    table.finish().await;
}

#[tokio::test]
async fn a_quarantine_ends_by_itself() {
    let table = Table::lay("rest-ends").await;
    table.vendor.on(When::key(&table.keys[0]).times(1), Script::error(429, "slow down").header("retry-after", "1"));
    table.vendor.always(answer(false, "good"));
    table.is_answered(false, "good").await;

    wait_until_async("the key is available again", || async { table.key(0).await["state"] == AVAILABLE }).await;

    table.is_answered(false, "good").await;
    assert_eq!(table.asked(), ["one", "two", "one"]);
    table.finish().await;
}

#[tokio::test]
async fn a_500_and_a_503_cost_no_key_and_the_next_profile_answers() {
    costs_no_key("broken", |_| Script::error(500, "oops"), "").await;
    costs_no_key("unavailable", |_| Script::bytes(503, "text/html", "<h1>busy</h1>"), "").await;
}

#[tokio::test]
async fn a_reset_and_a_cut_before_the_first_event_cost_no_key_and_the_next_profile_answers() {
    costs_no_key("reset", |_| Script::raw(b"").reset(), "").await;
    costs_no_key("hung-up", |_| Script::raw(b"").cut(), "").await;
    let cut = |stream: bool| match stream {
        true => Script::stream().piece("data: {\"choi").cut(),
        false => Script::json(200, &completion("a long answer")).cut_after(30),
    };
    costs_no_key("cut", cut, "").await;
}

#[tokio::test]
async fn garbage_costs_no_key_and_the_next_profile_answers() {
    costs_no_key("no-http", |_| Script::raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "").await;
    costs_no_key("no-json", |_| Script::bytes(200, "application/json", "<!doctype html><p>It works!"), "").await;
    costs_no_key("half-json", |_| Script::bytes(200, "application/json", "{\"choices\": ["), "").await;
    costs_no_key("empty", |_| Script::bytes(200, "application/json", ""), "").await;
}

#[tokio::test]
async fn a_200_with_an_error_inside_is_a_failure_and_the_next_profile_answers() {
    let error = json!({ "error": { "message": "overloaded", "code": 529 } });
    let inside = move |stream: bool| match stream {
        true => Script::sse([format!("data: {error}\n\n")]),
        false => Script::json(200, &error),
    };
    costs_no_key("error-inside", inside, "").await;
}

#[tokio::test]
async fn silence_costs_no_key_and_the_next_profile_answers() {
    // A whole reply has no first event: there it is the whole call that is bounded.
    let bound = "    timeouts: { first_event_seconds: 0.3, total_seconds: 0.3 }\n";
    costs_no_key("silent", |_| Script::silence(), bound).await;
    // The head alone is no event.
    let head_only = |stream: bool| match stream {
        true => Script::stream().hang(),
        false => Script::json(200, &completion("never")).cut_after(0).hang(),
    };
    costs_no_key("head-only", head_only, bound).await;
}

#[tokio::test]
async fn a_whole_reply_that_stops_in_the_middle_costs_no_key_and_the_next_profile_answers() {
    let table =
        Table::lay_with("endless", "    timeouts: { first_event_seconds: 0.3, total_seconds: 0.3 }\n", "").await;
    table.vendor.on(When::under("first"), Script::json(200, &completion("never")).cut_after(10).hang());
    table.vendor.on(When::under("second"), answer(false, "from the second"));
    table.is_answered(false, "from the second").await;
    table.vendor.call(0).await.was_left().await;
    table.finish().await;
}

#[tokio::test]
async fn a_kept_connection_that_the_vendor_has_closed_costs_no_request() {
    for stream in [false, true] {
        let table = Table::lay(&format!("stale-{stream}")).await;
        table.vendor.once(answer(stream, "before"));
        // On the connection of the first request: closed where the reply would begin.
        table.vendor.once(Script::raw(b"").cut());
        table.vendor.always(answer(stream, "after"));
        table.is_answered(stream, "before").await;

        table.is_answered(stream, "after").await;

        assert_eq!(table.vendor.calls_of("second"), 0, "the first profile's vendor is not to blame");
        assert_eq!(table.states().await.map(|key| key.0), [AVAILABLE; 3]);
        table.finish().await;
    }
}

#[tokio::test]
async fn a_vendor_that_closes_after_every_reply_is_served_as_well() {
    for stream in [false, true] {
        let table = Table::lay(&format!("closes-{stream}")).await;
        table.vendor.always(answer(stream, "good").and_close());
        for _ in 0..50 {
            table.is_answered(stream, "good").await;
        }
        assert_eq!((table.vendor.calls_of("first"), table.vendor.calls_of("second")), (50, 0));
        table.finish().await;
    }
}

#[tokio::test]
async fn a_dead_server_costs_no_key_and_the_next_profile_answers() {
    for stream in [false, true] {
        let dead = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let vendor = Provider::start().await;
        let yaml = format!(
            "model_list:\n  - model_name: first\n    provider: openai\n    model_params: {{ model: m, api_base: \"http://{dead}/v1\" }}\n\
             \x20 - model_name: second\n    provider: local\n    model_params: {{ model: m, api_base: \"{}\" }}\n\
             router_settings:\n  model_group_alias: {{ dead: [first, second], only-dead: [first] }}\n",
            vendor.base()
        );
        let gateway = Gateway::start(Folder::new(&yaml).keys("openai", &["sk-dead-server"])).await;
        vendor.always(answer(stream, "alive"));

        let reply = gateway.chat(&ask("dead", stream)).await;
        assert_eq!(reply.status, 200);
        assert!(reply.text().await.contains("ali"));
        assert_eq!(gateway.key("openai", "sk-dead-server").await["state"], AVAILABLE);

        let error = gateway.chat(&ask("only-dead", stream)).await.error(503).await;
        assert!(error["message"].as_str().unwrap().contains("cannot be reached"), "{error}");
        gateway.finish(&[&vendor]).await;
    }
}

#[tokio::test]
async fn a_clients_own_mistake_reaches_it_as_the_vendor_put_it() {
    let table = Table::lay("mistake").await;
    let odd = "{ \"error\": {\"message\":\"bad \\u0027n\\u0027\", \"x\":1.0} }\n";
    for status in [400, 404, 409, 415, 422] {
        table.vendor.clear().once(Script::bytes(status, "application/problem+json", odd));
        let before = table.vendor.calls().len();

        let reply = table.ask(false).await;

        assert_eq!(reply.status, status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert_eq!(reply.text().await, odd);
        assert_eq!(table.vendor.calls().len(), before + 1, "{status}: nothing is tried again");
    }
    assert_eq!(table.states().await.map(|key| key.0), [AVAILABLE; 3]);
    table.finish().await;
}

#[tokio::test]
async fn when_nothing_is_left_the_client_gets_503_with_the_last_real_reason() {
    for stream in [false, true] {
        let table = Table::lay(&format!("spent-{stream}")).await;
        table.vendor.on(When::key(&table.keys[0]), Script::error(429, "slow down").header("retry-after", "70"));
        table.vendor.on(When::key(&table.keys[1]), Script::error(429, "slow down").header("retry-after", "900"));
        table.vendor.on(When::key(&table.keys[2]), Script::error(500, "the vendor is on fire"));

        let reply = table.ask(stream).await;

        let after: u64 = reply.header("retry-after").expect("Retry-After").parse().unwrap();
        assert!((60..=70).contains(&after), "the soonest key: {after}");
        let error = reply.error(503).await;
        assert!(error["message"].as_str().unwrap().contains("the vendor is on fire"), "{error}");
        table.holds_no_secret(&error.to_string());
        assert_eq!(table.asked(), ["one", "two", "other"], "each once");
        table.finish().await;
    }
}

#[tokio::test]
async fn while_every_key_rests_nobody_is_asked_and_the_client_is_told_when() {
    let table = Table::lay("all-rest").await;
    table.vendor.always(Script::error(429, "slow down").header("retry-after", "600"));
    table.ask(false).await.error(503).await;
    assert_eq!(table.asked(), ["one", "two", "other"]);

    let reply = table.ask(false).await;

    let after: u64 = reply.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!((500..=600).contains(&after), "{after}");
    reply.error(503).await;
    assert_eq!(table.asked(), ["one", "two", "other"], "nobody was asked again");
    table.finish().await;
}

#[tokio::test]
async fn with_every_key_retired_the_alias_is_no_longer_offered() {
    let table = Table::lay("all-gone").await;
    table.vendor.always(Script::error(401, "invalid api key"));
    assert_eq!(table.gateway.get("/v1/models").await.json().await["data"][0]["id"], table.alias());
    assert_eq!(table.gateway.get("/readyz").await.status, 200);

    let error = table.ask(false).await.error(503).await;

    // Not in the vendor's words: some repeat the key that they refuse.
    assert!(error["message"].as_str().unwrap().contains("refused the key"), "{error}");
    assert_eq!(table.gateway.get("/v1/models").await.json().await["data"], json!([]));
    assert_eq!(table.gateway.get("/readyz").await.status, 503);
    table.ask(false).await.error(503).await;
    assert_eq!(table.asked(), ["one", "two", "other"]);
    table.finish().await;
}

#[tokio::test]
async fn a_keys_state_survives_a_reload_of_config_and_keys() {
    let table = Table::lay("survivor").await;
    table.vendor.on(When::key(&table.keys[0]), Script::error(401, "invalid api key"));
    table.vendor.always(answer(false, "good"));
    table.is_answered(false, "good").await;

    let more = [table.keys[0].as_str(), "# a comment", "", table.keys[1].as_str(), "sk-survivor-new"].join("\n");
    table.gateway.folder().write("keys_pool/keys_pool_openai.env", more);
    table.gateway.wait_for_components("the keys are read again", |seen| seen["generation"] == 2).await;

    assert_eq!(table.states().await.map(|key| key.0), [RETIRED, AVAILABLE, AVAILABLE]);
    table.is_answered(false, "good").await;
    table.is_answered(false, "good").await;
    assert_eq!(table.asked()[2..], ["new", "two"], "the new key is used, the retired one is not");
    table.finish().await;
}

#[tokio::test]
async fn a_conversation_that_is_too_long_goes_to_a_larger_window_or_back_to_the_client() {
    let vendor = Provider::start().await;
    let profile = |name: &str, window: &str| {
        let base = vendor.base_of(name);
        format!(
            "  - model_name: {name}\n    provider: local\n    model_params: {{ model: {name}, api_base: \"{base}\"{window} }}\n"
        )
    };
    let yaml = format!(
        "model_list:\n{}{}{}{}router_settings:\n  model_group_alias:\n    grows: [medium, small, unknown, large]\n    stays: [medium, small, unknown]\n",
        profile("medium", ", context_window: 1000"),
        profile("small", ", context_window: 500"),
        profile("unknown", ""),
        profile("large", ", context_window: 5000"),
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    let too_long = json!({ "error": { "message": "This model's maximum context length is 1000 tokens",
        "type": "invalid_request_error", "code": "context_length_exceeded" } });
    vendor.on(When::under("large"), answer(false, "I have read it all"));
    vendor.always(Script::json(400, &too_long));

    let reply = gateway.chat(&ask("grows", false)).await.json().await;
    assert_eq!(reply["choices"][0]["message"]["content"], "I have read it all");
    let asked: Vec<String> = vendor.calls().iter().map(|call| call.path.clone()).collect();
    assert_eq!(asked, ["/medium/v1/chat/completions", "/large/v1/chat/completions"]);

    let reply = gateway.chat(&ask("stays", false)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json().await, too_long, "as the vendor put it");
    assert_eq!(vendor.calls_of("small") + vendor.calls_of("unknown"), 0);
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn one_log_line_tells_the_story_of_a_request() {
    let table = Table::lay("story").await;
    table.vendor.on(When::key(&table.keys[0]), Script::error(401, "invalid api key"));
    table.vendor.on(When::key(&table.keys[1]), Script::error(500, "oops"));
    table.vendor.on(When::key(&table.keys[2]), answer(false, "good"));

    table.is_answered(false, "good").await;

    let lines = logged(&["INFO", "alias=story"]);
    let [line] = lines.as_slice() else { panic!("expected one line: {lines:?}") };
    let [one, two] = [0, 1].map(|number: usize| key_id("openai", &table.keys[number]));
    for part in [
        "served by `second`".to_owned(),
        format!("route=\"first=key_rejected({one}), first=upstream_error({two}), second=served\""),
        format!("key.id=\"{}\"", key_id("mistral", &table.keys[2])),
        "ms=".to_owned(),
        "input_tokens=5".to_owned(),
        "output_tokens=7".to_owned(),
    ] {
        assert!(line.contains(&part), "{part} is not in {line}");
    }
    table.finish().await;
}

#[tokio::test]
async fn a_failing_key_does_not_disturb_a_request_that_is_being_answered() {
    let table = Table::lay("undisturbed").await;
    let gate = Gate::default();
    table.vendor.on(When::key(&table.keys[0]).times(1), magic_tests::said("slowly").after(&gate));
    table.vendor.on(When::key(&table.keys[0]), Script::error(401, "invalid api key"));
    table.vendor.always(answer(true, "good"));
    let body = ask(table.alias(), true);
    let slow = table.gateway.chat(&body);
    let others = async {
        table.vendor.call(0).await;
        table.is_answered(true, "good").await;
        table.is_answered(true, "good").await;
        gate.open();
    };

    let (slow, ()) = tokio::join!(slow, others);

    assert_eq!(magic_tests::Completion::of_stream(&slow.text().await).content, "slowly");
    table.finish().await;
}
