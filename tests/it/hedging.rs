//! Hedges: a silent profile is raced by the next one, the first to speak wins, and nothing of the other is left.
use crate::dialects::{Client, Vendor};
use crate::stage::{answer, ask};
use magic_tests::{Folder, Gate, Gateway, Provider, Reply, Script, When, chunk, said_frames, wait_until_async};

/// Alias `hedged`: two profiles with a key each and a third that needs none. `sequential` is the same chain without a hedge.
struct Race {
    vendor: Provider,
    gateway: Gateway,
}

const KEYS: [(&str, &str); 2] = [("openai", "sk-hedge-first"), ("mistral", "sk-hedge-second")];

// === impl Race ===

impl Race {
    async fn begin() -> Self {
        Self::begin_with("hedging_settings: { budget_percent: 100 }\n", "").await
    }

    /// `first`: more of the first profile.
    async fn begin_with(more: &str, first: &str) -> Self {
        let vendor = Provider::start().await;
        let [a, b, c] = ["first", "second", "third"].map(|name| vendor.base_of(name));
        let yaml = format!(
            "model_list:\n\
             \x20 - model_name: first\n    provider: openai\n    model_params: {{ model: m, api_base: \"{a}\" }}\n{first}\
             \x20 - {{ model_name: second, provider: mistral, model_params: {{ model: m, api_base: \"{b}\" }} }}\n\
             \x20 - {{ model_name: third, provider: local, model_params: {{ model: m, api_base: \"{c}\" }} }}\n\
             router_settings:\n  model_group_alias:\n\
             \x20   hedged: {{ chain: [first, second, third], hedge_after_seconds: 0.1 }}\n\
             \x20   sequential: [first, second, third]\n{more}"
        );
        let folder = KEYS.iter().fold(Folder::new(&yaml), |folder, (pool, key)| folder.keys(pool, &[key]));
        Self { gateway: Gateway::start(folder).await, vendor }
    }

    fn on(&self, profile: &str, script: Script) -> &Self {
        self.vendor.on(When::under(profile), script);
        self
    }

    /// For a stream: what does not stream has no first event that could be late.
    async fn ask(&self) -> Reply {
        self.gateway.chat(&ask("hedged", true)).await
    }

    async fn in_flight(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for (pool, key) in KEYS {
            let key = self.gateway.key(pool, key).await;
            assert_eq!(key["state"], "available", "{key}");
            counts.push(key["in_flight"].as_u64().unwrap());
        }
        counts
    }

    /// Nothing of either try is left.
    async fn finish(self) {
        wait_until_async("every lease is given back", || async { self.in_flight().await == [0, 0] }).await;
        self.gateway.finish(&[&self.vendor]).await;
    }
}

/// What is silent: a stream that has begun and said nothing yet, or a reply that does not come.
fn silent(stream: bool) -> Script {
    if stream { Script::stream().piece(": still thinking\n\n").hang() } else { Script::silence() }
}

/// An answer of which nothing is said before the gate is opened, though its head is there.
fn late(text: &str, gate: &Gate) -> Script {
    let waiting = Script::stream().piece(": still thinking\n\n").gate(gate);
    said_frames(text, (10, 20)).into_iter().fold(waiting, Script::piece).end()
}

fn route(reply: &Reply) -> String {
    reply.header("x-magic-route").unwrap_or_default().to_owned()
}

async fn content(stream: bool, reply: Reply) -> String {
    assert_eq!(reply.status, 200);
    let text = reply.text().await;
    if stream { Client::Chat.text(&text) } else { Client::Chat.text_of(&serde_json::from_str(&text).unwrap()) }
}

#[tokio::test]
async fn without_a_time_nobody_is_raced() {
    let bounds = "    timeouts: { first_event_seconds: 0.5, total_seconds: 0.5 }\n";
    let race = Race::begin_with("", bounds).await;
    for stream in [false, true] {
        race.vendor.clear();
        race.on("first", silent(stream)).on("second", answer(stream, "after the first"));

        let reply = race.gateway.chat(&ask("sequential", stream)).await;

        // Long after the time at which `hedged` asks the second.
        let route = route(&reply);
        assert!(route.starts_with("first=upstream_timed_out("), "{route}");
        assert!(route.ends_with("), second=served"), "{route}");
        assert_eq!(content(stream, reply).await, "after the first");
    }
    race.finish().await;
}

#[tokio::test]
async fn a_reply_that_does_not_stream_is_not_raced() {
    let bounds = "    timeouts: { total_seconds: 0.5 }\n";
    let race = Race::begin_with("hedging_settings: { budget_percent: 100 }\n", bounds).await;
    race.on("first", Script::silence()).on("second", answer(false, "after the first"));

    let reply = race.gateway.chat(&ask("hedged", false)).await;

    let route = route(&reply);
    assert!(route.starts_with("first=upstream_timed_out(") && route.ends_with("), second=served"), "{route}");
    assert_eq!(content(false, reply).await, "after the first");
    race.finish().await;
}

#[tokio::test]
async fn a_silent_first_profile_is_overtaken_and_its_call_cancelled() {
    let race = Race::begin().await;
    race.on("first", silent(true)).on("second", answer(true, "I was quicker"));

    let reply = race.ask().await;

    assert_eq!(route(&reply), "first=hedged, second=served");
    assert_eq!(content(true, reply).await, "I was quicker");
    let first = race.vendor.call(0).await;
    assert!(first.is_under("first"));
    first.was_left().await;
    assert_eq!(race.vendor.calls().len(), 2, "two at a time, and no third");
    race.finish().await;
}

#[tokio::test]
async fn the_first_profile_may_win_after_all() {
    let race = Race::begin().await;
    let gate = Gate::default();
    race.on("first", late("slow but first", &gate)).on("second", silent(true));
    let asked = race.ask();
    let opened = async {
        race.vendor.call(1).await;
        gate.open();
    };

    let (reply, ()) = tokio::join!(asked, opened);

    assert_eq!(route(&reply), "first=served, second=hedged");
    assert_eq!(content(true, reply).await, "slow but first");
    race.vendor.call(1).await.was_left().await;
    race.finish().await;
}

#[tokio::test]
async fn both_keys_are_in_use_while_both_are_asked_and_only_the_winners_afterwards() {
    let race = Race::begin().await;
    let (starts, ends) = (Gate::default(), Gate::default());
    let second = Script::stream().gate(&starts).piece(chunk("begun")).gate(&ends).piece("data: [DONE]\n\n").end();
    race.on("first", silent(true)).on("second", second);
    let asked = race.ask();
    let looked = async {
        race.vendor.call(1).await;
        assert_eq!(race.in_flight().await, [1, 1]);
        starts.open();
    };

    let (mut reply, ()) = tokio::join!(asked, looked);

    assert_eq!(reply.frame().await, Some(chunk("begun")));
    wait_until_async("the loser's lease is given back", || async { race.in_flight().await == [0, 1] }).await;
    ends.open();
    assert_eq!(reply.text().await, "data: [DONE]\n\n");
    race.finish().await;
}

#[tokio::test]
async fn when_both_fail_the_next_profile_answers() {
    let race = Race::begin().await;
    let gate = Gate::default();
    race.on("first", Script::error(500, "oops").after(&gate)).on("second", Script::error(503, "busy"));
    race.on("third", answer(true, "from the third"));
    let asked = race.ask();
    let opened = async {
        // The hedge has failed by itself: the first try still has its chance.
        race.vendor.call(1).await;
        gate.open();
    };

    let (reply, ()) = tokio::join!(asked, opened);

    let route = route(&reply);
    let kinds: Vec<&str> = route.split(", ").map(|leg| leg.split('(').next().unwrap()).collect();
    assert_eq!(kinds, ["first=upstream_error", "second=upstream_error", "third=served"], "{route}");
    assert_eq!(content(true, reply).await, "from the third");
    race.finish().await;
}

#[tokio::test]
async fn a_hedge_that_fails_leaves_the_first_all_the_time_it_needs() {
    let race = Race::begin().await;
    let gate = Gate::default();
    race.on("first", late("worth waiting for", &gate)).on("second", Script::error(500, "oops"));
    let asked = race.ask();
    let opened = async {
        let second = race.vendor.call(1).await;
        magic_tests::wait_until("the second has failed", || !second.is_under_way()).await;
        gate.open();
    };

    let (reply, ()) = tokio::join!(asked, opened);

    let route = route(&reply);
    assert!(route.starts_with("first=served, second=upstream_error("), "{route}");
    assert_eq!(content(true, reply).await, "worth waiting for");
    assert_eq!(race.vendor.calls_of("third"), 0);
    race.finish().await;
}

#[tokio::test]
async fn a_clients_own_mistake_seen_by_one_ends_the_race() {
    let odd = "{ \"error\": {\"message\":\"bad\", \"x\":1.0} }\n";
    let race = Race::begin().await;
    let mistake = Script::bytes(400, "application/json", odd);
    race.on("first", silent(true)).on("second", mistake);

    let reply = race.ask().await;

    assert_eq!(reply.status, 400);
    assert!(route(&reply).contains("second=invalid_request("), "{}", route(&reply));
    assert_eq!(reply.text().await, odd);
    race.vendor.call(0).await.was_left().await;
    assert_eq!(race.vendor.calls_of("third"), 0);
    race.finish().await;
}

#[tokio::test]
async fn a_clients_own_mistake_seen_by_the_first_cancels_the_second() {
    let race = Race::begin().await;
    let gate = Gate::default();
    race.on("first", Script::error(422, "no such thing").after(&gate)).on("second", silent(true));
    let asked = race.ask();
    let opened = async {
        race.vendor.call(1).await;
        gate.open();
    };

    let (reply, ()) = tokio::join!(asked, opened);

    assert_eq!(reply.status, 422);
    assert!(route(&reply).starts_with("first=invalid_request("), "{}", route(&reply));
    race.vendor.call(1).await.was_left().await;
    assert_eq!(race.vendor.calls_of("third"), 0);
    race.finish().await;
}

#[tokio::test]
async fn a_rate_limited_hedge_costs_its_key_and_not_the_request() {
    let race = Race::begin().await;
    let gate = Gate::default();
    race.on("first", late("still here", &gate)).on("second", Script::error(429, "slow down"));
    let asked = race.ask();
    let opened = async {
        race.vendor.call(1).await;
        gate.open();
    };

    let (reply, ()) = tokio::join!(asked, opened);

    assert_eq!(content(true, reply).await, "still here");
    let key = race.gateway.key(KEYS[1].0, KEYS[1].1).await;
    let seen = (key["state"].as_str().unwrap(), key["in_flight"].as_u64().unwrap());
    // Whether its refusal was read before the first one spoke is a matter of luck; that no lease is lost is not.
    assert!(seen == ("quarantined", 0) || seen == ("available", 0), "{key}");
    race.gateway.finish(&[&race.vendor]).await;
}

#[tokio::test]
async fn the_budget_bounds_how_many_requests_are_sent_twice() {
    let bounds = "    timeouts: { first_event_seconds: 0.5, total_seconds: 0.5 }\n";
    let breakers_off = "breaker_settings: { enabled: false }\n";
    for (percent, hedges) in [(0, 0), (5, 1), (50, 2)] {
        let more = format!("hedging_settings: {{ budget_percent: {percent} }}\n{breakers_off}");
        let race = Race::begin_with(&more, bounds).await;
        race.on("first", silent(true)).on("second", answer(true, "from the second"));
        let mut hedged = 0;
        for _ in 0..4 {
            let reply = race.ask().await;
            hedged += usize::from(route(&reply) == "first=hedged, second=served");
            assert_eq!(content(true, reply).await, "from the second", "{percent}: it is answered all the same");
        }
        assert_eq!(hedged, hedges, "{percent} percent of four");
        race.finish().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_both() {
    let race = Race::begin().await;
    race.on("first", silent(true)).on("second", silent(true));
    let connection = race.gateway.begin("/v1/chat/completions", &ask("hedged", true)).await;
    let (first, second) = (race.vendor.call(0).await, race.vendor.call(1).await);

    drop(connection);

    first.was_left().await;
    second.was_left().await;
    race.finish().await;
}

#[tokio::test]
async fn translated_profiles_race_as_well() {
    let vendor = Provider::start().await;
    let yaml = format!(
        "model_list:\n{}{}router_settings:\n  model_group_alias: {{ both: [slow, quick] }}\n\
         hedging_settings: {{ after_seconds: 0.1, budget_percent: 100 }}\n",
        Vendor::Anthropic.profile("slow", &vendor.base_of("slow"), ""),
        Vendor::Google.profile("quick", &vendor.base_of("quick"), ""),
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    for client in Client::ALL {
        // Its announcement is no word yet.
        let slow = Script::stream().piece(Vendor::Anthropic.opening()).hang();
        vendor.clear().on(When::under("slow"), slow);
        vendor.on(When::under("quick"), Vendor::Google.streams(&["gr\u{fc}\u{df}e"]));
        let before = vendor.calls().len();

        let reply = gateway.post(client.path(), &client.ask("both", true)).await;

        assert_eq!(route(&reply), "slow=hedged, quick=served", "{client:?}");
        let stream = reply.text().await;
        assert!(client.is_whole(&stream), "{client:?}: {stream}");
        assert_eq!(client.text(&stream), "gr\u{fc}\u{df}e", "{client:?}");
        vendor.call(before).await.was_left().await;
    }
    gateway.finish(&[&vendor]).await;
}
