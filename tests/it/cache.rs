//! The response cache, from the outside: which requests are the same, what is kept, and what is told of it.
use crate::stage::{answer, ask, plain_with, plain_yaml};
use magic_tests::{
    Completion, Folder, Gate, Gateway, Provider, Reply, Script, When, chunk, completion, little_model, said,
    wait_until_async,
};
use serde_json::{Value, json};

const HEADER: &str = "x-magic-cache";

/// For the profile `main`.
fn settings(more: &str, ttl: &str) -> String {
    format!(
        "cache_settings:\n  enabled: true\n{more}  rules:\n    - {{ model_names: [main], include_in_key: [messages, temperature], \
         ttl_seconds: {ttl} }}\n"
    )
}

async fn cached() -> (Provider, Gateway) {
    plain_with(&settings("", "1h")).await
}

/// What the header says, and the body.
async fn told(reply: Reply) -> (Option<String>, String) {
    assert_eq!(reply.status, 200);
    let word = reply.header(HEADER).map(str::to_owned);
    (word, reply.text().await)
}

async fn asked(gateway: &Gateway, body: &str) -> Option<String> {
    told(gateway.post_bytes("/v1/chat/completions", body.as_bytes()).await).await.0
}

fn says(word: &str) -> Option<String> {
    Some(word.to_owned())
}

#[tokio::test]
async fn a_second_request_of_the_same_words_is_a_hit_and_tells_its_age() {
    let (provider, gateway) = cached().await;
    provider.once(answer(false, "kept"));

    let miss = gateway.chat(&ask("plain", false)).await;
    assert_eq!((miss.header(HEADER), miss.header("age")), (Some("miss"), None));
    let first = miss.text().await;
    let hit = gateway.chat(&ask("plain", false)).await;

    assert_eq!(hit.header(HEADER), Some("hit"));
    assert!(hit.header("age").unwrap().parse::<u64>().unwrap() <= 30, "{:?}", hit.header("age"));
    assert_eq!(hit.header("content-type"), Some("application/json"));
    assert_eq!(hit.text().await, first);
    assert_eq!(provider.calls().len(), 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_order_of_fields_and_what_no_rule_names_make_no_difference() {
    let (provider, gateway) = cached().await;
    provider.once(answer(false, "kept"));
    let first = r#"{"model":"plain","temperature":0.5,"messages":[{"role":"user","content":"h\u00e9"}]}"#;
    let same = [
        r#"{"messages": [ {"content": "hé", "role": "user"} ], "temperature": 0.5, "model": "plain"}"#,
        r#"{"model":"plain","temperature":0.5,"user":"u-7","messages":[{"role":"user","content":"h\u00e9"}]}"#,
        r#"{"model":"plain","stream":false,"temperature":0.5,"messages":[{"role":"user","content":"h\u00e9"}]}"#,
    ];
    assert_eq!(asked(&gateway, first).await, says("miss"));
    for body in same {
        assert_eq!(asked(&gateway, body).await, says("hit"), "{body}");
    }
    assert_eq!(provider.calls().len(), 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn what_matters_makes_another_request() {
    let (provider, gateway) = cached().await;
    provider.on(When::says("\"stream\":true"), said("streamed")).always(answer(false, "kept"));
    let bodies = [
        r#"{"model":"plain","messages":[{"role":"user","content":"hello"}]}"#,
        r#"{"model":"plain","messages":[{"role":"user","content":"hello!"}]}"#,
        r#"{"model":"plain","messages":[{"role":"system","content":"hello"}]}"#,
        r#"{"model":"plain","messages":[{"role":"user","content":"hello"}],"temperature":0.5}"#,
        r#"{"model":"plain","messages":[{"role":"user","content":"hello"}],"temperature":0.6}"#,
        r#"{"model":"plain","messages":[{"role":"user","content":"hello"}],"stream":true}"#,
        r#"{"model":"plain","messages":[{"role":"user","content":"hello"}],"n":2}"#,
        r#"{"model":"plain","messages":[{"role":"user","content":"hello"}],"response_format":{"type":"json_object"}}"#,
        r#"{"model":"plain","messages":[{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#,
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        assert_eq!(asked(&gateway, body).await, says("miss"), "{body}");
        assert_eq!(provider.calls().len(), number + 1);
    }
    for body in bodies {
        assert_eq!(asked(&gateway, body).await, says("hit"), "{body}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn one_question_at_two_endpoints_has_two_answers() {
    let (provider, gateway) = cached().await;
    provider.always(answer(false, "kept"));
    let body = json!({ "model": "plain", "max_tokens": 9, "messages": [{ "role": "user", "content": "hello" }] });
    let (word, chat) = told(gateway.chat(&body).await).await;
    assert_eq!(word, says("miss"));
    let (word, messages) = told(gateway.post("/v1/messages", &body).await).await;
    assert_eq!(word, says("miss"));
    assert_ne!(chat, messages);
    assert_eq!(told(gateway.post("/v1/messages", &body).await).await, (says("hit"), messages));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_request_that_readers_could_take_for_two_is_never_looked_up() {
    let (provider, gateway) = cached().await;
    provider.always(answer(false, "asked"));
    let body = r#"{"model":"plain","messages":[{"role":"user","content":"one","content":"two"}]}"#;
    for _ in 0..2 {
        assert_eq!(asked(&gateway, body).await, says("bypass"));
    }
    assert_eq!(provider.calls().len(), 2);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn nothing_is_kept_and_nothing_said_where_no_rule_names_the_profile() {
    let rule = settings("", "1h").replace("[main]", "[other]");
    let other =
        "  - { model_name: other, provider: local, model_params: { model: m, api_base: \"http://127.0.0.1:9/v1\" } }\n";
    let provider = Provider::start().await;
    let yaml = plain_yaml(&provider.base()).replace("router_settings", &format!("{other}router_settings")) + &rule;
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    provider.always(answer(false, "asked"));
    for _ in 0..2 {
        assert_eq!(told(gateway.chat(&ask("plain", false)).await).await.0, None);
    }
    assert_eq!(provider.calls().len(), 2);
    gateway.finish(&[&provider]).await;
}

/// `one`, `two`, `again` (of the first) and `both`, under one rule.
async fn of_two_profiles() -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let profile = |name: &str| {
        let base = provider.base_of(name);
        format!(
            "  - {{ model_name: {name}, provider: local, model_params: {{ model: {name}, api_base: \"{base}\" }} }}\n"
        )
    };
    let yaml = format!(
        "model_list:\n{}{}router_settings:\n  model_group_alias: {{ one: [a], again: [a], two: [b], both: [a, b] }}\n\
         cache_settings:\n  enabled: true\n  rules:\n    - {{ model_names: [a, b], include_in_key: [messages] }}\n",
        profile("a"),
        profile("b")
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    (provider, gateway)
}

fn content(body: &str) -> String {
    Completion::of_whole(&serde_json::from_str(body).unwrap()).content
}

#[tokio::test]
async fn two_profiles_of_one_rule_never_answer_for_each_other() {
    let (provider, gateway) = of_two_profiles().await;
    provider.on(When::under("a"), answer(false, "from a")).on(When::under("b"), answer(false, "from b"));
    for (alias, word, text) in
        [("one", "miss", "from a"), ("two", "miss", "from b"), ("one", "hit", "from a"), ("again", "hit", "from a")]
    {
        let (told, body) = told(gateway.chat(&ask(alias, false)).await).await;
        assert_eq!((told, content(&body)), (says(word), text.to_owned()), "{alias}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn what_a_fallback_said_is_not_taken_for_the_first_profiles_word() {
    let (provider, gateway) = of_two_profiles().await;
    provider.on(When::under("a").times(1), Script::error(500, "not now"));
    provider.on(When::under("a"), answer(false, "from a")).on(When::under("b"), answer(false, "from b"));
    let (_, body) = told(gateway.chat(&ask("both", false)).await).await;
    assert_eq!(content(&body), "from b");

    let (_, body) = told(gateway.chat(&ask("one", false)).await).await;

    assert_eq!(content(&body), "from a");
    gateway.finish(&[&provider]).await;
}

/// With characters of several bytes, a comment, and ends of lines of two kinds.
const STREAM: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\u{e9}\u{1f600}\"}}],\"x\": 1.0}\n\n: hm\n\n\
                      data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\n\n";

#[tokio::test]
async fn a_stream_is_replayed_as_a_stream_byte_for_byte() {
    let (provider, gateway) = cached().await;
    provider.once(Script::sse(STREAM.as_bytes().chunks(7)));
    let miss = gateway.chat(&ask("plain", true)).await;
    assert_eq!(miss.header(HEADER), Some("miss"));
    assert_eq!(miss.text().await, STREAM);
    for _ in 0..2 {
        let hit = gateway.chat(&ask("plain", true)).await;
        assert_eq!(hit.header(HEADER), Some("hit"));
        assert!(hit.header("content-type").unwrap().starts_with("text/event-stream"), "{:?}", hit.headers);
        assert_eq!(hit.header("transfer-encoding"), Some("chunked"), "it is a stream");
        assert_eq!(hit.text().await, STREAM);
    }
    assert_eq!(provider.calls().len(), 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_translated_stream_is_replayed_as_it_was_translated() {
    let vendor = little_model().await;
    let yaml = plain_yaml(&vendor.base()).replace("provider: local", "provider: anthropic") + &settings("", "1h");
    let gateway = Gateway::start(Folder::new(&yaml).keys("anthropic", &["sk-ant-cached"])).await;
    let body =
        json!({ "model": "plain", "stream": true, "seed": 3, "messages": [{ "role": "user", "content": "ponder" }] });
    let miss = gateway.chat(&body).await;
    let dropped = miss.header("x-magic-dropped").map(str::to_owned);
    assert_eq!(dropped.as_deref(), Some("seed"));
    let first = miss.text().await;
    assert!(Completion::of_stream(&first).done);

    let hit = gateway.chat(&body).await;

    assert_eq!(hit.header(HEADER), Some("hit"));
    assert_eq!(hit.header("x-magic-dropped").map(str::to_owned), dropped, "what was lost is lost again");
    assert_eq!(hit.text().await, first);
    assert_eq!(vendor.calls().len(), 1);
    gateway.finish(&[&vendor]).await;
}

#[tokio::test]
async fn equal_streams_in_flight_are_one_call_and_both_clients_read_it_live() {
    let (provider, gateway) = cached().await;
    let gate = Gate::default();
    let rest = [chunk("second"), end()].concat();
    provider.once(Script::stream().piece(chunk("first")).gate(&gate).piece(&rest).end());
    let mut one = gateway.chat(&ask("plain", true)).await;
    assert_eq!(one.frame().await, Some(chunk("first")));

    let mut other = gateway.chat(&ask("plain", true)).await;

    assert_eq!(other.header(HEADER), Some("hit"));
    assert_eq!(other.frame().await, Some(chunk("first")), "before the vendor has said the second");
    gate.open();
    assert_eq!((one.text().await, other.text().await), (rest.clone(), rest));
    assert_eq!(provider.calls().len(), 1);
    gateway.finish(&[&provider]).await;
}

/// A stop and the end of a stream.
fn end() -> String {
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".to_owned()
}

#[tokio::test]
async fn equal_requests_in_flight_are_one_call() {
    let (provider, gateway) = cached().await;
    let gate = Gate::default();
    provider.once(answer(false, "for all").after(&gate));
    let leader = gateway.begin("/v1/chat/completions", &ask("plain", false)).await;
    provider.call(0).await;
    let mut followers = Vec::new();
    for _ in 0..5 {
        followers.push(gateway.begin("/v1/chat/completions", &ask("plain", false)).await);
    }

    gate.open();

    assert_eq!(told(leader.reply().await).await.0, says("miss"));
    for follower in followers {
        let (word, body) = told(follower.reply().await).await;
        assert_eq!((word, content(&body)), (says("hit"), "for all".to_owned()));
    }
    assert_eq!(provider.calls().len(), 1);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn when_the_client_that_asked_first_leaves_those_who_read_along_are_told() {
    let (provider, gateway) = cached().await;
    provider.once(Script::stream().piece(chunk("first")).hang());
    let mut leader = gateway.chat(&ask("plain", true)).await;
    assert_eq!(leader.frame().await, Some(chunk("first")));
    let mut follower = gateway.chat(&ask("plain", true)).await;
    assert_eq!(follower.frame().await, Some(chunk("first")));

    drop(leader);

    let rest = follower.text().await;
    let found = Completion::of_stream(&rest);
    assert!(found.error["message"].is_string() && !found.done && found.finish_reason.is_none(), "{rest}");
    provider.call(0).await.was_left().await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn when_the_client_that_asked_first_leaves_before_a_word_another_asks_for_itself() {
    let (provider, gateway) = cached().await;
    provider.once(Script::silence()).once(answer(false, "for the other"));
    let leader = gateway.begin("/v1/chat/completions", &ask("plain", false)).await;
    provider.call(0).await;
    let follower = gateway.begin("/v1/chat/completions", &ask("plain", false)).await;

    drop(leader);

    assert_eq!(content(&told(follower.reply().await).await.1), "for the other");
    assert_eq!(provider.calls().len(), 2);
    gateway.finish(&[&provider]).await;
}

/// Neither errors nor halves.
#[tokio::test]
async fn what_is_not_whole_is_never_kept() {
    let (provider, gateway) = cached().await;
    let mut short = completion("too sh");
    short["choices"][0]["finish_reason"] = json!("length");
    let mut filtered = completion("");
    filtered["choices"][0]["finish_reason"] = json!("content_filter");
    let cut_short = |reason: &str| end().replace("\"stop\"", &format!("\"{reason}\""));
    let begun = || Script::stream().piece(chunk("first"));
    let faults = [
        ("an error", false, Script::error(400, "no")),
        ("cut short", false, Script::json(200, &short)),
        ("filtered", false, Script::json(200, &filtered)),
        ("a cut stream", true, begun().cut()),
        ("a stream without its end", true, begun().end()),
        ("an error in the stream", true, begun().piece("data: {\"error\":{\"message\":\"no\"}}\n\n").end()),
        ("a stream cut short", true, begun().piece(cut_short("length")).end()),
        ("a filtered stream", true, begun().piece(cut_short("content_filter")).end()),
    ];
    for (number, (fault, stream, script)) in faults.into_iter().enumerate() {
        provider.once(script).once(answer(stream, "good"));
        let body = json!({ "model": "plain", "stream": stream, "messages": [{ "role": "user", "content": fault }] });
        let bad = gateway.chat(&body).await;
        assert_ne!(bad.header(HEADER), Some("hit"), "{fault}");
        let bad = bad.text().await;
        let (word, good) = told(gateway.chat(&body).await).await;
        assert_eq!(word, says("miss"), "{fault}");
        assert_ne!(bad, good, "{fault}");
        assert_eq!(provider.calls().len(), 2 * (number + 1), "{fault}");
        assert_eq!(told(gateway.chat(&body).await).await, (says("hit"), good), "{fault}: and the good one is kept");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_reply_is_kept_for_its_time_and_no_longer() {
    let (provider, gateway) = plain_with(&settings("", "1")).await;
    provider.always(answer(false, "for a second"));
    assert_eq!(told(gateway.chat(&ask("plain", false)).await).await.0, says("miss"));
    wait_until_async("the reply is too old", || async {
        told(gateway.chat(&ask("plain", false)).await).await.0 == says("miss")
    })
    .await;
    assert_eq!(provider.calls().len(), 2);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn replies_on_disk_survive_a_restart_and_those_in_memory_do_not() {
    for (store, word) in [("disk", "hit"), ("memory", "miss")] {
        let (provider, mut gateway) = plain_with(&settings(&format!("  store: {store}\n"), "1h")).await;
        provider.on(When::says("\"stream\":true"), Script::sse(STREAM.as_bytes().chunks(9)));
        provider.always(answer(false, "kept"));
        let whole = told(gateway.chat(&ask("plain", false)).await).await.1;
        assert_eq!(told(gateway.chat(&ask("plain", true)).await).await.1, STREAM);

        gateway.restart().await;

        assert_eq!(told(gateway.chat(&ask("plain", false)).await).await, (says(word), whole), "{store}");
        assert_eq!(told(gateway.chat(&ask("plain", true)).await).await, (says(word), STREAM.to_owned()), "{store}");
        gateway.finish(&[&provider]).await;
    }
}

async fn held(gateway: &Gateway) -> Value {
    gateway.get("/admin/cache").await.json().await
}

#[tokio::test]
async fn switching_the_cache_off_empties_it() {
    let (provider, gateway) = cached().await;
    provider.always(answer(false, "kept"));
    assert_eq!(told(gateway.chat(&ask("plain", false)).await).await.0, says("miss"));
    let seen = held(&gateway).await;
    assert_eq!((&seen["enabled"], &seen["replies"], &seen["under_way"]), (&json!(true), &json!(1), &json!(0)));
    let on = plain_yaml(&provider.base()) + &settings("", "1h");

    gateway.folder().write("proxy_config.yaml", on.replace("enabled: true", "enabled: false"));
    wait_until_async("it is off", || async { held(&gateway).await["enabled"] == false }).await;

    let seen = held(&gateway).await;
    assert_eq!((&seen["replies"], &seen["bytes"]), (&json!(0), &json!(0)), "{seen}");
    assert_eq!(told(gateway.chat(&ask("plain", false)).await).await.0, None);
    gateway.folder().write("proxy_config.yaml", &on);
    wait_until_async("it is on again", || async { held(&gateway).await["enabled"] == true }).await;
    assert_eq!(told(gateway.chat(&ask("plain", false)).await).await.0, says("miss"));
    assert_eq!(provider.calls().len(), 3);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_1_the_cache_holds_no_more_than_its_bounds() {
    let (provider, gateway) = plain_with(&settings("  bytes_max: 8KiB\n  entry_bytes_max: 2KiB\n", "1h")).await;
    provider.on(When::says("large"), answer(false, &"x".repeat(3000))).always(answer(false, &"x".repeat(1000)));
    let about = |what: &str| json!({ "model": "plain", "messages": [{ "role": "user", "content": what }] });
    for number in 0..30 {
        assert_eq!(told(gateway.chat(&about(&format!("number {number}"))).await).await.0, says("miss"));
        let seen = held(&gateway).await;
        let (replies, bytes) = (seen["replies"].as_u64().unwrap(), seen["bytes"].as_u64().unwrap());
        assert!((1..=8).contains(&replies) && bytes <= 8192, "{seen}");
    }
    assert_eq!(told(gateway.chat(&about("number 29")).await).await.0, says("hit"), "the newest is still there");
    assert_eq!(told(gateway.chat(&about("number 0")).await).await.0, says("miss"), "the oldest is not");
    for _ in 0..2 {
        assert_eq!(told(gateway.chat(&about("large")).await).await.0, says("miss"));
    }
    gateway.finish(&[&provider]).await;
}
