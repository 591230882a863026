//! What users of other gateways complain about: one test for each complaint that concerns the wire, named by its number.
//! Number 3 is about budgets, and stands in `budgets.rs`.
use crate::dialects::{Client, Vendor, events};
use crate::stage::{answer, ask, plain, plain_yaml};
use magic_tests::{
    Connection, Folder, Gate, Gateway, Provider, Reply, Script, When, chunk, said_frames, wait_until_async, within,
};
use rusqlite::Connection as Database;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tokio::time::Instant;

/// An alias for each vendor's dialect, named as it.
async fn three() -> (Provider, Gateway) {
    let vendor = Provider::start().await;
    let profiles: String =
        Vendor::ALL.iter().map(|one| one.profile(one.as_str(), &vendor.base_of(one.as_str()), "")).collect();
    let aliases = Vendor::ALL.map(|one| format!("{0}: [{0}]", one.as_str())).join(", ");
    let more = "breaker_settings: { enabled: false }\n";
    let yaml = format!("model_list:\n{profiles}router_settings:\n  model_group_alias: {{ {aliases} }}\n{more}");
    (vendor, Gateway::start(Folder::new(&yaml)).await)
}

fn every_pair() -> impl Iterator<Item = (Client, Vendor)> {
    Client::ALL.into_iter().flat_map(|client| Vendor::ALL.into_iter().map(move |vendor| (client, vendor)))
}

async fn asks(gateway: &Gateway, client: Client, vendor: Vendor, stream: bool) -> Reply {
    gateway.post(client.path(), &client.ask(vendor.as_str(), stream)).await
}

/// Beside the gateway's own bounds, what the system buffers on the way.
const SYSTEM_BYTES_MAX: usize = 10 << 20;

#[tokio::test]
async fn field_01_memory_is_bounded_whatever_a_vendor_sends() {
    let (provider, gateway) = three().await;
    let filler = "x".repeat(64 << 10);
    for (number, vendor) in Vendor::ALL.into_iter().enumerate() {
        // An event without an end.
        provider.clear().once(vendor.begun("first").piece("data: {\"x\":\"").for_ever(&filler));
        let stream = asks(&gateway, Client::Chat, vendor, true).await.text().await;
        assert_eq!(Client::Chat.text(&stream), "first", "{vendor:?}");
        assert!(Client::Chat.error(&stream).is_some(), "{vendor:?}: {stream}");
        let call = provider.call(2 * number).await;
        call.was_left().await;
        assert!(call.written() < (32 << 20) + SYSTEM_BYTES_MAX, "{vendor:?}: {}", call.written());

        // A whole reply without an end.
        provider.clear().once(Script::json_in_chunks().piece("{\"x\":\"").for_ever(&filler));
        asks(&gateway, Client::Chat, vendor, false).await.error(503).await;
        let call = provider.call(2 * number + 1).await;
        call.was_left().await;
        assert!(call.written() < (64 << 20) + SYSTEM_BYTES_MAX, "{vendor:?}: {}", call.written());
    }
    gateway.finish(&[&provider]).await;
}

type Breaks<'a> = &'a dyn Fn(&Folder);

#[tokio::test]
async fn field_02_the_database_is_not_on_the_hot_path() {
    let not_at_all = |folder: &Folder| folder.write("data/magic.db", "this is no database".repeat(1000));
    let half = |folder: &Folder| folder.write("data/magic.db", [b"SQLite format 3\0".as_slice(), &[7; 9000]].concat());
    let a_folder = |folder: &Folder| std::fs::create_dir(folder.path("data/magic.db")).unwrap();
    let read_only = |folder: &Folder| {
        std::fs::set_permissions(folder.path("data"), std::fs::Permissions::from_mode(0o555)).unwrap();
    };
    // The same for root, whom permissions do not stop.
    let no_place = |folder: &Folder| {
        std::fs::remove_file(folder.path("data/cache")).unwrap();
        std::fs::remove_dir(folder.path("data")).unwrap();
        folder.write("data", "a file where a folder should be");
    };
    let broken: [(&str, Breaks<'_>); 5] = [
        ("no database", &not_at_all),
        ("half a database", &half),
        ("a folder", &a_folder),
        ("read-only", &read_only),
        ("no data folder", &no_place),
    ];
    for (what, breaks) in broken {
        let (provider, folder) = keyed().await;
        breaks(&folder);
        let gateway = Gateway::start(folder).await;
        is_served(&provider, &gateway, what).await;
        std::fs::set_permissions(gateway.folder().path("data"), std::fs::Permissions::from_mode(0o755)).unwrap();
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn field_02_a_locked_database_holds_up_no_request() {
    let (provider, folder) = keyed().await;
    let gateway = Gateway::start(folder).await;
    let other = Database::open(gateway.folder().path("data/magic.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();

    is_served(&provider, &gateway, "locked").await;

    // SQLite waits 5 s for a lock.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    other.execute_batch("ROLLBACK").unwrap();
    wait_until_async("what waited is written", || async {
        let retired = "SELECT count(*) FROM keys WHERE state = 'retired'";
        other.query_row(retired, [], |row| row.get::<_, i64>(0)).is_ok_and(|count| count == 1)
    })
    .await;
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_02_a_database_locked_at_the_start_does_not_keep_it_from_serving() {
    let (provider, folder) = keyed().await;
    let other = Database::open(folder.path("data/magic.db")).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE").unwrap();

    let gateway = Gateway::start(folder).await;

    is_served(&provider, &gateway, "locked at the start").await;
    drop(other);
    gateway.finish(&[&provider]).await;
}

/// Alias `plain` with two keys, of which the first is refused.
async fn keyed() -> (Provider, Folder) {
    let provider = Provider::start().await;
    let yaml = plain_yaml(&provider.base()).replace("provider: local", "provider: openai");
    let folder = Folder::new(&yaml).keys("openai", &["sk-field-bad", "sk-field-good"]);
    provider.on(When::key("sk-field-bad"), Script::error(401, "invalid api key"));
    (provider, folder)
}

/// Plain, streamed, and with a key's state that has to be noted.
async fn is_served(provider: &Provider, gateway: &Gateway, what: &str) {
    provider.on(When::key("sk-field-good").times(1), answer(false, "served"));
    provider.on(When::key("sk-field-good"), answer(true, "served"));
    let whole = within("an answer", gateway.chat(&ask("plain", false))).await;
    assert_eq!(whole.status, 200, "{what}");
    assert_eq!(Client::Chat.text_of(&whole.json().await), "served", "{what}");
    for _ in 0..5 {
        let stream = gateway.chat(&ask("plain", true)).await.text().await;
        assert_eq!(stream, said_frames("served", (10, 20)).concat(), "{what}");
    }
    assert_eq!(gateway.key("openai", "sk-field-bad").await["state"], "retired", "{what}: remembered all the same");
    assert_eq!(provider.keys().iter().filter(|key| *key == "sk-field-bad").count(), 1, "{what}");
}

#[tokio::test]
async fn field_04_tool_call_arguments_survive_translation_wherever_the_stream_is_split() {
    let (provider, gateway) = three().await;
    let first =
        json!({ "city": "Z\u{fc}rich \u{1f980}", "quoted": "a \"b\" \\ {c}", "deep": { "list": [1, -2.5, null] } });
    let second = json!({ "city": "" });
    for (client, vendor) in every_pair() {
        let frames = two_calls(vendor, &first, &second);
        for size in [1, 2, 3, 7, 64, 100_000] {
            provider.clear().once(Script::sse(frames.as_bytes().chunks(size)));
            let stream = asks(&gateway, client, vendor, true).await.text().await;
            let what = format!("{client:?} by {vendor:?} in pieces of {size}: {stream}");
            assert!(client.is_whole(&stream), "{what}");
            let calls = client.calls(&stream);
            let names: Vec<&str> = calls.iter().map(|call| call.0.as_str()).collect();
            assert_eq!(names, ["weather", "forecast"], "{what}");
            let arguments: Vec<Value> =
                calls.iter().map(|call| serde_json::from_str(&call.1).unwrap_or_else(|_| panic!("{what}"))).collect();
            assert_eq!(arguments, [first.clone(), second.clone()], "{what}");
        }
    }
    gateway.finish(&[&provider]).await;
}

/// A stream with two calls side by side, their arguments in pieces where the vendor has pieces.
fn two_calls(vendor: Vendor, first: &Value, second: &Value) -> String {
    let pieces = |arguments: &Value| {
        let characters: Vec<char> = arguments.to_string().chars().collect();
        characters.chunks(4).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>()
    };
    let calls = [("weather", first), ("forecast", second)];
    let mut frames = vendor.opening();
    match vendor {
        Vendor::Openai => {
            let frame = |call: Value| {
                let delta = json!({ "tool_calls": [call] });
                format!(
                    "data: {}\n\n",
                    json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                    "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
                )
            };
            for (index, (name, arguments)) in calls.into_iter().enumerate() {
                let id = format!("call_{index}");
                frames += &frame(json!({ "index": index, "id": id, "type": "function",
                    "function": { "name": name, "arguments": "" } }));
                for piece in pieces(arguments) {
                    frames += &frame(json!({ "index": index, "function": { "arguments": piece } }));
                }
            }
        }
        Vendor::Anthropic => {
            let frame = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap());
            for (index, (name, arguments)) in calls.into_iter().enumerate() {
                let id = format!("toolu_{index}");
                let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
                frames += &frame(json!({ "type": "content_block_start", "index": index, "content_block": block }));
                for piece in pieces(arguments) {
                    let delta = json!({ "type": "input_json_delta", "partial_json": piece });
                    frames += &frame(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
                }
                if index == 0 {
                    frames += &frame(json!({ "type": "content_block_stop", "index": index }));
                }
            }
        }
        Vendor::Google => {
            for (name, arguments) in calls {
                let part = json!({ "functionCall": { "name": name, "args": arguments } });
                frames += &format!(
                    "data: {}\n\n",
                    json!({ "candidates": [{ "index": 0,
                    "content": { "role": "model", "parts": [part] } }] })
                );
            }
        }
    }
    frames + &vendor.closing(true)
}

#[tokio::test]
async fn field_05_a_cut_stream_never_looks_complete() {
    let (provider, gateway) = three().await;
    for (client, vendor) in every_pair() {
        let begun = vendor.begun("so far");
        let half = vendor.text(" so good").split_at(30).0.to_owned();
        let cuts = [
            ("cut", begun.clone().cut()),
            ("reset", begun.clone().reset()),
            ("ended as HTTP ends", begun.clone().end()),
            ("cut within an event", begun.clone().piece(&half).cut()),
            ("ended within an event", begun.clone().piece(&half).end()),
            ("cut within a chunk", begun.half_a_piece(vendor.text(" so good")).cut()),
        ];
        for (cut, script) in cuts {
            provider.clear().once(script);
            let stream = asks(&gateway, client, vendor, true).await.text().await;
            let what = format!("{cut}: {client:?} by {vendor:?}: {stream}");
            assert!(!client.looks_complete(&stream), "{what}");
            assert!(client.error(&stream).is_some_and(|text| !text.is_empty()), "{what}");
            assert!(!client.text(&stream).contains("so good"), "{what}");
        }
        // A whole reply that is cut is none.
        let body = vendor.whole("so far so good").cut_after(60);
        provider.clear().once(body);
        let reply = asks(&gateway, client, vendor, false).await;
        assert_eq!(reply.status, 503, "{client:?} by {vendor:?}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_06_a_failed_fallback_is_no_200() {
    let provider = Provider::start().await;
    let profiles: String = Vendor::ALL
        .iter()
        .flat_map(|vendor| ["a", "b"].map(|part| format!("{}-{part}", vendor.as_str())).map(|name| (vendor, name)))
        .map(|(vendor, name)| vendor.profile(&name, &provider.base_of(&name), ""))
        .collect();
    let aliases = Vendor::ALL.map(|one| format!("{0}: [{0}-a, {0}-b]", one.as_str())).join(", ");
    let yaml = format!(
        "model_list:\n{profiles}router_settings:\n  model_group_alias: {{ {aliases} }}\nbreaker_settings: {{ enabled: false }}\n"
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    for (client, vendor) in every_pair() {
        for stream in [false, true] {
            let error =
                json!({ "type": "error", "error": { "type": "api_error", "message": "no capacity", "code": 503 } });
            let inside = match stream {
                true => Script::sse([format!("event: error\ndata: {error}\n\n")]),
                false => Script::json(200, &error),
            };
            provider.clear().once(Script::error(500, "oops")).once(inside);
            let before = provider.calls().len();

            let reply = asks(&gateway, client, vendor, stream).await;

            let what = format!("{client:?} by {vendor:?}, stream: {stream}");
            assert_eq!(reply.status, 503, "{what}");
            assert_eq!(reply.header("content-type"), Some("application/json"), "{what}");
            let body = reply.json().await;
            assert!(
                body["error"]["message"].as_str().is_some_and(|text| text.contains("no capacity")),
                "{what}: {body}"
            );
            assert_eq!(provider.calls().len(), before + 2, "{what}");
        }
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_07_a_profile_in_its_cool_down_is_not_chosen() {
    let provider = Provider::start().await;
    let yaml = format!(
        "model_list:\n{}{}router_settings:\n  model_group_alias: {{ both: [bad, good] }}\n\
         breaker_settings: {{ failures: 5, open_seconds: 60 }}\n",
        Vendor::Anthropic.profile("bad", &provider.base_of("bad"), ""),
        Vendor::Openai.profile("good", &provider.base_of("good"), ""),
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    provider.on(When::under("bad"), Script::error(500, "oops")).on(When::under("good"), answer(false, "good"));

    for number in 0..30 {
        let reply = gateway.chat(&ask("both", false)).await;
        let expected = if number < 5 { "bad=upstream_error, good=served" } else { "bad=breaker_open, good=served" };
        assert_eq!((reply.status, reply.header("x-magic-route")), (200, Some(expected)), "request {number}");
        reply.whole().await;
    }

    assert_eq!((provider.calls_of("bad"), provider.calls_of("good")), (5, 30));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_08_a_rule_that_did_not_apply_says_why() {
    let provider = Provider::start().await;
    let bases = ["small", "next", "keyless", "lesser", "large"].map(|name| provider.base_of(name));
    let [small, next, keyless, lesser, large] = bases;
    let yaml = format!(
        "model_list:\n\
         \x20 - {{ model_name: small, provider: local, model_params: {{ model: m, api_base: \"{small}\", context_window: 1000 }} }}\n\
         \x20 - {{ model_name: next, provider: local, model_params: {{ model: m, api_base: \"{next}\" }} }}\n\
         \x20 - {{ model_name: keyless, provider: openrouter, model_params: {{ model: m, api_base: \"{keyless}\" }} }}\n\
         \x20 - {{ model_name: lesser, provider: local, model_params: {{ model: m, api_base: \"{lesser}\", context_window: 500 }} }}\n\
         \x20 - {{ model_name: large, provider: local, model_params: {{ model: m, api_base: \"{large}\" }} }}\n\
         router_settings:\n  model_group_alias:\n\
         \x20   ruled: {{ chain: [small, next], context_window_fallbacks: [keyless, lesser, large] }}\n"
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    let long = json!({ "error": { "message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded" } });
    provider.on(When::under("small"), Script::json(400, &long)).on(When::under("large"), answer(false, "read"));

    let reply = gateway.chat(&ask("ruled", false)).await;

    // The rule for what is too long applies, and each profile of it that was passed over says why.
    let expected = "small=context_length_exceeded, keyless=no_key, lesser=smaller_window, large=served";
    assert_eq!((reply.status, reply.header("x-magic-route")), (200, Some(expected)));
    reply.whole().await;
    // The same can be asked before: what would happen now, and why.
    let told = gateway.post("/admin/explain", &json!({ "model": "ruled" })).await.json().await;
    let skipped: Vec<&Value> = told["legs"].as_array().unwrap().iter().map(|leg| &leg["skipped"]).collect();
    assert_eq!(json!(skipped), json!([null, null, "no_key", "other_lane", "other_lane"]), "{told:#}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_09_when_the_client_leaves_the_vendor_is_left() {
    let (provider, gateway) = three().await;
    let mut number = 0;
    for (client, vendor) in every_pair() {
        // Before the vendor's head, streamed or not.
        for stream in [false, true] {
            provider.clear().once(Script::silence());
            let connection = gateway.begin(client.path(), &client.ask(vendor.as_str(), stream)).await;
            let call = provider.call(number).await;
            number += 1;
            drop(connection);
            call.was_left().await;
        }
        // In the middle of a whole reply.
        provider.clear().once(vendor.whole("never whole").cut_after(20).hang());
        let connection = gateway.begin(client.path(), &client.ask(vendor.as_str(), false)).await;
        let call = provider.call(number).await;
        number += 1;
        drop(connection);
        call.was_left().await;
        // In the middle of a stream.
        provider.clear().once(vendor.begun("so far").hang());
        let mut reply = asks(&gateway, client, vendor, true).await;
        while client.text(&reply.frame().await.expect("a frame")).is_empty() {}
        let call = provider.call(number).await;
        number += 1;
        drop(reply);
        call.was_left().await;
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_10_cache_control_and_unknown_fields_are_kept_or_named() {
    let (provider, gateway) = three().await;
    let mark = json!({ "type": "ephemeral" });
    let block = json!([{ "type": "text", "text": "a long and costly prompt", "cache_control": mark }]);
    let chat = |alias: &str| {
        json!({ "model": alias, "messages": [{ "role": "system", "content": block }, { "role": "user", "content": "hi" }],
            "x_of_tomorrow": { "a": 1 } })
    };
    // The vendor's own dialect: nothing is touched.
    provider.clear().once(Vendor::Anthropic.whole("hi"));
    let own = json!({ "model": "anthropic", "max_tokens": 9, "system": block, "x_of_tomorrow": { "a": 1 },
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi", "cache_control": mark, "x": 1 }] }] });
    let reply = gateway.post("/v1/messages", &own).await;
    assert_eq!((reply.status, reply.header("x-magic-dropped")), (200, None));
    let mut sent = provider.call(0).await.json();
    assert_eq!(sent["model"], "anthropic-model");
    sent["model"] = json!("anthropic");
    assert_eq!(sent, own);

    provider.clear().once(Vendor::Openai.whole("hi"));
    assert_eq!(gateway.chat(&chat("openai")).await.header("x-magic-dropped"), None);
    let mut sent = provider.call(1).await.json();
    sent["model"] = json!("openai");
    assert_eq!(sent, chat("openai"));

    // Translated to one who knows the mark: it is there, and what nobody knows is named.
    provider.clear().once(Vendor::Anthropic.whole("hi"));
    let reply = gateway.chat(&chat("anthropic")).await;
    let sent = provider.call(2).await.json();
    assert_eq!(sent["system"][0]["cache_control"], mark, "{sent}");
    let dropped = reply.header("x-magic-dropped").unwrap_or_default().to_owned();
    assert!(sent["x_of_tomorrow"] == json!({ "a": 1 }) || dropped.contains("x_of_tomorrow"), "{dropped}: {sent}");

    // Translated to one who does not: it is named.
    provider.clear().once(Vendor::Google.whole("hi"));
    let reply = gateway.chat(&chat("google")).await;
    let dropped = reply.header("x-magic-dropped").unwrap_or_default().to_owned();
    assert!(dropped.contains("cache_control") && dropped.contains("x_of_tomorrow"), "{dropped}");
    gateway.finish(&[&provider]).await;
}

/// Frames that vendors have sent, or might.
const ODD: [&[u8]; 22] = [
    b"data: {}\n\n",
    b"data: []\n\n",
    b"data: null\n\n",
    b"data: 1e999\n\n",
    b"data:\n\n",
    b"data\n\n",
    b"event: odd\n\n",
    b": \xff\xfe\n\n",
    b"\xef\xbb\xbfdata: {}\n\n",
    b"\r\r\r",
    b"data: {\"choices\":null}\n\n",
    b"data: {\"choices\":[]}\n\n",
    b"data: {\"choices\":[null]}\n\n",
    b"data: {\"choices\":[{}]}\n\n",
    b"data: {\"choices\":[{\"index\":9,\"delta\":null}]}\n\n",
    b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":7,\"tool_calls\":{}}}]}\n\n",
    b"data: {\"type\":\"content_block_delta\",\"index\":99,\"delta\":{}}\n\n",
    b"data: {\"type\":\"of_tomorrow\"}\n\n",
    b"data: {\"candidates\":[{\"content\":{}}]}\n\n",
    b"data: {\"candidates\":[{\"content\":{\"parts\":[{},null]}}]}\n\n",
    b"data: \xf0\x9f\n\n",
    b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ud83d\"}}]}\n\n",
];

#[tokio::test]
async fn field_11_odd_chunks_of_a_vendor_break_nothing() {
    let (provider, gateway) = three().await;
    for (client, vendor) in every_pair() {
        for odd in ODD {
            let script =
                vendor.begun("before").piece(odd).piece(vendor.text(" after")).piece(vendor.closing(false)).end();
            provider.clear().once(script);
            let what = format!("{client:?} by {vendor:?}: {:?}", String::from_utf8_lossy(odd));
            let reply = asks(&gateway, client, vendor, true).await;
            assert_eq!(reply.status, 200, "{what}");
            let stream = String::from_utf8_lossy(&reply.whole().await).into_owned();
            // Where the bytes pass, the odd ones do as well; a client of the vendor's would get them too.
            let passes = (client, vendor) == (Client::Chat, Vendor::Openai)
                || (client, vendor) == (Client::Messages, Vendor::Anthropic);
            if passes {
                assert!(stream.contains("before") && stream.contains(" after"), "{what}: {stream}");
                continue;
            }
            let text = client.text(&stream);
            assert!(text.starts_with("before"), "{what}: {stream}");
            match client.error(&stream) {
                None => assert!(client.is_whole(&stream) && text.ends_with(" after"), "{what}: {stream}"),
                Some(_) => assert!(!client.looks_complete(&stream), "{what}: {stream}"),
            }
        }
        // Whatever it was, the next request is served.
        provider.clear().once(vendor.streams(&["well"]));
        assert_eq!(client.text(&asks(&gateway, client, vendor, true).await.text().await), "well");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_12_what_a_failure_means_for_a_key_outlives_the_request_and_a_restart() {
    let provider = Provider::start().await;
    let yaml = plain_yaml(&provider.base()).replace("provider: local", "provider: openai");
    let keys = ["sk-field12-rejected", "sk-field12-unpaid", "sk-field12-limited", "sk-field12-good"];
    let mut gateway = Gateway::start(Folder::new(&yaml).keys("openai", &keys)).await;
    provider.on(When::key(keys[0]), Script::error(401, "invalid api key"));
    provider.on(When::key(keys[1]), Script::error(402, "no credit"));
    provider.on(When::key(keys[2]), Script::error(429, "slow down").header("retry-after", "1200"));
    provider.on(When::key(keys[3]), answer(false, "good"));
    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    assert_eq!(provider.keys(), [&keys[..], &keys[3..]].concat(), "each was tried once");

    assert!(gateway.take().stop().await);
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let again = Box::pin(magic_proxy::Gateway::start(gateway.folder().paths(), listen)).await.unwrap();
    let body = ask("plain", false).to_string();
    let json = [("content-type", "application/json")];
    let reply =
        Connection::open(again.address()).await.request("POST", "/v1/chat/completions", &json, body.as_bytes()).await;
    let seen = Connection::open(again.address()).await.request("GET", "/admin/keys", &[], b"").await.json().await;

    assert_eq!(reply.status, 200);
    assert_eq!(provider.keys().len(), 6, "none of the bad ones is tried again");
    let states = seen["pools"][0]["keys"].as_array().unwrap().iter();
    let mut states: Vec<_> = states.map(|key| (key["state"].as_str().unwrap(), key["why"].as_str())).collect();
    states.sort_unstable();
    let expected = [
        ("available", None),
        ("quarantined", Some("quota_exhausted")),
        ("quarantined", Some("rate_limited")),
        ("retired", Some("key_rejected")),
    ];
    assert_eq!(states, expected);
    assert!(again.stop().await);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_13_config_and_keys_are_read_again_while_it_serves() {
    let (provider, gateway) = plain().await;
    let gate = Gate::default();
    let rest = chunk(" to the end") + "data: [DONE]\n\n";
    provider.once(Script::stream().piece(chunk("from the beginning")).gate(&gate).piece(&rest).end());
    let mut before = gateway.chat(&ask("plain", true)).await;
    assert_eq!(before.frame().await, Some(chunk("from the beginning")));
    gateway.chat(&ask("fresh", false)).await.error(404).await;

    let yaml = plain_yaml(&provider.base())
        .replace("provider: local", "provider: openai")
        .replace("plain: [main]", "fresh: [main]");
    gateway.folder().write("keys_pool/keys_pool_openai.env", "sk-field13-new");
    gateway.folder().write("proxy_config.yaml", yaml);
    provider.always(answer(false, "by the new one"));
    wait_until_async("the new alias is served", || async {
        let reply = gateway.chat(&ask("fresh", false)).await;
        reply.status == 200
    })
    .await;
    assert_eq!(provider.keys().last().map(String::as_str), Some("sk-field13-new"));
    gateway.chat(&ask("plain", false)).await.error(404).await;

    // A file that is wrong changes nothing, and says so.
    gateway.folder().write("proxy_config.yaml", "model_list: [");
    gateway.wait_for_components("the problem shows", |seen| seen["config"]["status"] == "refused").await;
    assert_eq!(gateway.chat(&ask("fresh", false)).await.status, 200);
    // And what was under way ends as it began.
    gate.open();
    assert_eq!(before.text().await, rest);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_14_deepseek_gets_its_reasoning_back_where_it_wants_it_and_nowhere_else() {
    let provider = Provider::start().await;
    let yaml = plain_yaml(&provider.base()).replace("provider: local", "provider: deepseek");
    let gateway = Gateway::start(Folder::new(&yaml).keys("deepseek", &["sk-field14"])).await;
    provider.always(answer(false, "hi"));
    let call = json!({ "id": "c1", "type": "function", "function": { "name": "weather", "arguments": "{}" } });
    let chat = json!({ "model": "plain", "messages": [
        { "role": "user", "content": "one" },
        { "role": "assistant", "content": "plain", "reasoning_content": "idle thoughts" },
        { "role": "user", "content": "two" },
        { "role": "assistant", "content": null, "reasoning_content": "I must look", "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "c1", "content": "sunny" },
    ] });
    let messages = json!({ "model": "plain", "max_tokens": 9, "messages": [
        { "role": "user", "content": "one" },
        { "role": "assistant", "content": [{ "type": "thinking", "thinking": "idle thoughts", "signature": "" },
            { "type": "text", "text": "plain" }] },
        { "role": "user", "content": "two" },
        { "role": "assistant", "content": [{ "type": "thinking", "thinking": "I must look", "signature": "" },
            { "type": "tool_use", "id": "c1", "name": "weather", "input": {} }] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "c1", "content": "sunny" }] },
    ] });
    for (number, (path, body)) in [("/v1/chat/completions", chat), ("/v1/messages", messages)].into_iter().enumerate() {
        assert_eq!(gateway.post(path, &body).await.status, 200, "{path}");
        let sent = provider.call(number).await.json();
        let turns: Vec<&Value> =
            sent["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "assistant").collect();
        assert_eq!(turns.len(), 2, "{path}: {sent}");
        assert_eq!((turns[0].get("reasoning_content"), turns[0].get("reasoning")), (None, None), "{path}: {sent}");
        assert_eq!(turns[1]["reasoning_content"], "I must look", "{path}: {sent}");
        assert!(turns[1]["tool_calls"].is_array(), "{path}: {sent}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn field_14_reasoning_is_read_in_every_spelling() {
    let (provider, gateway) = three().await;
    for field in ["reasoning_content", "reasoning"] {
        let delta = |delta: Value| {
            format!(
                "data: {}\n\n",
                json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
            )
        };
        let mut thinks = json!({ "content": null });
        thinks[field] = json!("I ponder");
        let frames = delta(thinks.clone()) + &chunk("hi") + &Vendor::Openai.closing(false);
        provider.clear().once(Script::sse([&frames])).once(Script::sse([&frames]));

        // As it came, for a client of the same dialect.
        assert_eq!(asks(&gateway, Client::Chat, Vendor::Openai, true).await.text().await, frames);
        let stream = asks(&gateway, Client::Messages, Vendor::Openai, true).await.text().await;
        let thought: String =
            events(&stream).iter().filter_map(|event| event["delta"]["thinking"].as_str().map(str::to_owned)).collect();
        assert_eq!(
            (thought.as_str(), Client::Messages.text(&stream).as_str()),
            ("I ponder", "hi"),
            "{field}: {stream}"
        );

        let mut whole = magic_tests::completion("hi");
        whole["choices"][0]["message"][field] = json!("I ponder");
        provider.clear().once(Script::json(200, &whole));
        let reply = asks(&gateway, Client::Messages, Vendor::Openai, false).await.json().await;
        assert_eq!(reply["content"][0]["thinking"], "I ponder", "{field}: {reply}");
        assert_eq!(reply["content"][1]["text"], "hi", "{field}: {reply}");
    }
    gateway.finish(&[&provider]).await;
}
