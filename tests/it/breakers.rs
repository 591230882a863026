//! Breakers: a profile that keeps failing is left alone, one request at a time finds out whether it is back, and nobody else
//! pays for that.
use crate::stage::{answer, ask};
use magic_tests::{Folder, Gate, Gateway, Provider, Reply, Script, When, wait_until_async};
use serde_json::{Value, json};

/// Alias `chain` falls back from `first` (two keys) to `second`; `only` has nothing but `first`.
struct Bench {
    vendor: Provider,
    gateway: Gateway,
}

const KEYS: [&str; 2] = ["sk-breaker-one", "sk-breaker-two"];

// === impl Bench ===

impl Bench {
    /// `settings`: of `breaker_settings`.
    async fn begin(settings: &str) -> Self {
        let vendor = Provider::start().await;
        let yaml = yaml(&vendor, "first", settings);
        let gateway = Gateway::start(Folder::new(&yaml).keys("openai", &KEYS)).await;
        vendor.on(When::under("second"), answer(false, "from the second"));
        Self { vendor, gateway }
    }

    fn on_first(&self, script: Script) -> &Self {
        self.vendor.on(When::under("first"), script);
        self
    }

    fn next_on_first(&self, script: Script) -> &Self {
        self.vendor.on(When::under("first").times(1), script);
        self
    }

    async fn ask(&self) -> Reply {
        self.gateway.chat(&ask("chain", false)).await
    }

    /// Asks, and says who answered.
    async fn served_by(&self) -> String {
        let reply = self.ask().await;
        assert_eq!(reply.status, 200);
        let route = reply.header("x-magic-route").unwrap().to_owned();
        route.split(", ").find_map(|leg| leg.strip_suffix("=served")).unwrap().to_owned()
    }

    async fn is_open_after(&self, failures: usize) {
        self.on_first(Script::error(500, "oops"));
        for _ in 0..failures {
            assert_eq!(self.served_by().await, "second");
        }
        self.is("open").await;
    }

    /// What `GET /admin/breakers` says of `first`.
    async fn seen(&self) -> Value {
        let all = self.gateway.get("/admin/breakers").await.json().await;
        let breakers = all["breakers"].as_array().expect("breakers").clone();
        breakers.into_iter().find(|breaker| breaker["profile"] == "first").unwrap_or_default()
    }

    async fn is(&self, state: &str) {
        let seen = self.seen().await;
        assert_eq!(seen["state"], state, "{seen}");
    }

    async fn waits_for(&self, what: Value) {
        wait_until_async("the breaker is as expected", || async {
            let seen = self.seen().await;
            what.as_object().unwrap().iter().all(|(name, value)| &seen[name] == value)
        })
        .await;
    }

    fn asked_of_first(&self) -> usize {
        self.vendor.calls_of("first")
    }

    async fn finish(self) {
        self.gateway.finish(&[&self.vendor]).await;
    }
}

/// `place`: where the first profile's vendor is.
fn yaml(vendor: &Provider, place: &str, settings: &str) -> String {
    let (a, b) = (vendor.base_of(place), vendor.base_of("second"));
    format!(
        "model_list:\n\
         \x20 - {{ model_name: first, provider: openai, model_params: {{ model: m, api_base: \"{a}\" }} }}\n\
         \x20 - {{ model_name: second, provider: local, model_params: {{ model: m, api_base: \"{b}\" }} }}\n\
         router_settings:\n  model_group_alias: {{ chain: [first, second], only: [first] }}\n\
         breaker_settings: {{ {settings} }}\n"
    )
}

#[tokio::test]
async fn it_opens_after_so_many_failures_in_a_row_and_calls_stop() {
    let bench = Bench::begin("failures: 3, open_seconds: 60").await;
    bench.on_first(Script::error(500, "oops"));
    for failures in 1..=3 {
        assert_eq!(bench.served_by().await, "second");
        assert_eq!(bench.asked_of_first(), failures);
        let seen = bench.seen().await;
        match failures {
            3 => assert!(
                seen["state"] == "open" && (55..=60).contains(&seen["seconds_left"].as_u64().unwrap()),
                "{seen}"
            ),
            _ => assert_eq!(seen, json!({ "profile": "first", "state": "closed", "failures": failures })),
        }
    }

    for _ in 0..10 {
        let reply = bench.ask().await;
        assert_eq!(reply.header("x-magic-route"), Some("first=breaker_open, second=served"));
        assert_eq!(reply.json().await["choices"][0]["message"]["content"], "from the second");
    }
    assert_eq!(bench.asked_of_first(), 3, "while it is open nothing is sent");

    // With nothing to fall back on, the client is told when to come again.
    let reply = bench.gateway.chat(&ask("only", false)).await;
    assert_eq!(reply.header("x-magic-route"), Some("first=breaker_open"));
    let wait: u64 = reply.header("retry-after").expect("a time").parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    let error = reply.error(503).await;
    assert!(error["message"].as_str().unwrap().contains("left alone"), "{error}");
    assert_eq!(bench.asked_of_first(), 3);
    bench.finish().await;
}

#[tokio::test]
async fn a_success_in_between_begins_the_count_anew() {
    let bench = Bench::begin("failures: 2, open_seconds: 60").await;
    for _ in 0..4 {
        bench.next_on_first(Script::error(500, "oops"));
        assert_eq!(bench.served_by().await, "second");
        bench.next_on_first(answer(false, "well again"));
        assert_eq!(bench.served_by().await, "first");
    }
    let seen = bench.seen().await;
    assert_eq!((&seen["state"], &seen["failures"]), (&json!("closed"), &json!(0)));
    bench.finish().await;
}

#[tokio::test]
async fn every_kind_of_the_vendors_fault_counts() {
    let stream = |script: Script| (true, script);
    let faults = [
        stream(Script::stream().cut()),
        stream(Script::stream().piece("data: {\"error\":{\"message\":\"no capacity\",\"code\":503}}\n\n").end()),
        (false, Script::error(503, "busy")),
        (false, Script::raw(b"").reset()),
        (false, Script::bytes(200, "application/json", "<p>It works!")),
    ];
    for (stream, fault) in faults {
        let bench = Bench::begin("failures: 1, open_seconds: 60").await;
        bench.vendor.clear().on(When::under("second"), answer(stream, "from the second"));
        bench.on_first(fault);
        let reply = bench.gateway.chat(&ask("chain", stream)).await;
        assert_eq!(reply.status, 200);
        reply.whole().await;
        bench.is("open").await;
        bench.finish().await;
    }
}

#[tokio::test]
async fn half_open_lets_one_probe_through_while_others_are_served_elsewhere() {
    let bench = Bench::begin("failures: 2, open_seconds: 0.1").await;
    bench.is_open_after(2).await;
    bench.waits_for(json!({ "state": "half_open", "probing": false })).await;
    let gate = Gate::default();
    bench.vendor.clear().on(When::under("second"), answer(false, "from the second"));
    bench.on_first(answer(false, "well again").after(&gate));
    let before = bench.asked_of_first();
    let probe = bench.ask();
    let others = async {
        wait_until_async("the probe is under way", || async { bench.seen().await["probing"] == true }).await;
        for _ in 0..5 {
            let reply = bench.ask().await;
            assert_eq!(reply.header("x-magic-route"), Some("first=breaker_open, second=served"));
            assert_eq!(reply.status, 200);
            reply.whole().await;
        }
        assert_eq!(bench.asked_of_first(), before + 1, "one probe");
        gate.open();
    };

    let (probe, ()) = tokio::join!(probe, others);

    assert_eq!(probe.header("x-magic-route"), Some("first=served"));
    assert_eq!(probe.json().await["choices"][0]["message"]["content"], "well again");
    let seen = bench.seen().await;
    assert_eq!((&seen["state"], &seen["failures"]), (&json!("closed"), &json!(0)));
    assert_eq!(bench.served_by().await, "first");
    bench.finish().await;
}

#[tokio::test]
async fn a_probe_that_fails_opens_it_for_longer() {
    let bench = Bench::begin("failures: 1, open_seconds: 0.3, open_seconds_max: 200").await;
    bench.is_open_after(1).await;
    for probe in 1..=3 {
        bench.waits_for(json!({ "state": "half_open" })).await;
        assert_eq!(bench.served_by().await, "second", "whoever probes in vain is served by the next profile");
        assert_eq!(bench.asked_of_first(), probe + 1);
    }
    // 2.4 seconds, of which some may be over already; without doubling it would be less than one.
    let seen = bench.seen().await;
    assert!(seen["state"] == "open" && (2..=3).contains(&seen["seconds_left"].as_u64().unwrap()), "{seen}");
    bench.finish().await;
}

#[tokio::test]
async fn a_probe_whose_client_leaves_gives_its_place_back() {
    let bench = Bench::begin("failures: 1, open_seconds: 0.1").await;
    bench.is_open_after(1).await;
    bench.waits_for(json!({ "state": "half_open", "probing": false })).await;
    bench.vendor.clear();
    bench.next_on_first(Script::silence()).on_first(answer(false, "well again"));
    let connection = bench.gateway.begin("/v1/chat/completions", &ask("chain", false)).await;
    bench.waits_for(json!({ "state": "half_open", "probing": true })).await;

    drop(connection);

    bench.waits_for(json!({ "state": "half_open", "probing": false })).await;
    assert_eq!(bench.served_by().await, "first");
    bench.is("closed").await;
    bench.finish().await;
}

#[tokio::test]
async fn what_is_the_clients_or_the_keys_fault_does_not_count() {
    let bench = Bench::begin("failures: 1, open_seconds: 60").await;
    for status in [400, 404, 422] {
        bench.next_on_first(Script::error(status, "your own mistake"));
        assert_eq!(bench.ask().await.status, status);
        assert_ne!(bench.seen().await["state"], "open", "{status}");
    }
    // One key is limited, the other one rejected: both are gone, and the vendor is well.
    for status in [429, 401] {
        bench.next_on_first(Script::error(status, "not with this key"));
    }
    assert_eq!(bench.served_by().await, "second");
    assert_ne!(bench.seen().await["state"], "open");
    assert_eq!(bench.asked_of_first(), 5);
    bench.finish().await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_count() {
    let bench = Bench::begin("failures: 1, open_seconds: 60").await;
    bench.next_on_first(Script::silence()).on_first(answer(false, "well"));
    let connection = bench.gateway.begin("/v1/chat/completions", &ask("chain", false)).await;
    let call = bench.vendor.call(0).await;
    drop(connection);
    call.was_left().await;
    assert_eq!(bench.served_by().await, "first");
    assert_ne!(bench.seen().await["state"], "open");
    bench.finish().await;
}

#[tokio::test]
async fn switched_off_it_never_opens() {
    let bench = Bench::begin("enabled: false, failures: 1, open_seconds: 60").await;
    bench.on_first(Script::error(500, "oops"));
    for tries in 1..=5 {
        assert_eq!(bench.served_by().await, "second");
        assert_eq!(bench.asked_of_first(), tries);
    }
    bench.finish().await;
}

#[tokio::test]
async fn it_survives_a_reload_unless_the_profile_moves() {
    let settings = "failures: 2, open_seconds: 60";
    let bench = Bench::begin(settings).await;
    bench.is_open_after(2).await;

    let more = yaml(&bench.vendor, "first", settings) + "streaming_settings: { characters_per_second: 40 }\n";
    bench.gateway.folder().write("proxy_config.yaml", more);
    bench.gateway.wait_for_components("the config is read again", |seen| seen["generation"] == 2).await;

    bench.is("open").await;
    assert_eq!(bench.served_by().await, "second");
    assert_eq!(bench.asked_of_first(), 2, "still left alone");

    // What the old address did says nothing of the new one.
    bench.vendor.on(When::under("elsewhere"), answer(false, "from elsewhere"));
    bench.gateway.folder().write("proxy_config.yaml", yaml(&bench.vendor, "elsewhere", settings));
    bench.gateway.wait_for_components("the config is read again", |seen| seen["generation"] == 3).await;
    assert_eq!(bench.served_by().await, "first");
    assert_eq!(bench.vendor.calls_of("elsewhere"), 1);
    bench.is("closed").await;
    bench.finish().await;
}
