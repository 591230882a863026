//! Streams in time: the typewriter's pace, comments while a vendor is silent, a client that does not read, and the usage that
//! was asked for.
use crate::dialects::{Client, TOKENS, Vendor, events};
use crate::stage::plain_with;
use magic_tests::{
    Call, Folder, Gate, Gateway, PATIENCE, Provider, Reply, Script, When, chunk, said_frames, wait_until,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// An alias for each vendor's dialect, named as it: `openai`, `anthropic`, `google`.
async fn three(more: &str) -> (Provider, Gateway) {
    let vendor = Provider::start().await;
    let names = Vendor::ALL.map(Vendor::as_str);
    let profiles: String = Vendor::ALL
        .iter()
        .map(|dialect| dialect.profile(dialect.as_str(), &vendor.base_of(dialect.as_str()), ""))
        .collect();
    let [a, b, c] = names;
    let yaml = format!(
        "model_list:\n{profiles}router_settings:\n  model_group_alias: {{ {a}: [{a}], {b}: [{b}], {c}: [{c}] }}\n{more}"
    );
    let gateway = Gateway::start(Folder::new(&yaml)).await;
    (vendor, gateway)
}

fn at_pace(characters_per_second: u32) -> String {
    format!("streaming_settings: {{ typewriter_mode: proxy, characters_per_second: {characters_per_second} }}\n")
}

fn every_pair() -> impl Iterator<Item = (Client, Vendor)> {
    Client::ALL.into_iter().flat_map(|client| Vendor::ALL.into_iter().map(move |vendor| (client, vendor)))
}

async fn streams(gateway: &Gateway, client: Client, vendor: Vendor) -> Reply {
    let reply = gateway.post(client.path(), &client.ask(vendor.as_str(), true)).await;
    assert_eq!(reply.status, 200, "{client:?} by {vendor:?}");
    reply
}

/// 60 characters, some of several bytes.
const TEXT: &str = "Gr\u{fc}\u{df}e! \u{4f60}\u{597d} \u{1f980} the quick brown fox jumps over the lazy dog, twice";

#[tokio::test]
async fn the_proxy_paces_text_for_clients_of_every_dialect() {
    let (provider, gateway) = three(&at_pace(200)).await;
    let characters = TEXT.chars().count();
    // The first stroke falls at once, the last one before its own time is over.
    let expected = Duration::from_secs_f64(characters as f64 / 200.0);
    for (client, vendor) in every_pair() {
        provider.clear().once(vendor.streams(&[TEXT]));
        let start = Instant::now();

        let stream = streams(&gateway, client, vendor).await.text().await;

        let took = start.elapsed();
        let pieces = client.pieces(&stream);
        assert_eq!(pieces.concat(), TEXT, "{client:?} by {vendor:?}");
        let largest = pieces.iter().map(|piece| piece.chars().count()).max().unwrap();
        assert!(
            largest <= 7,
            "200 a second in 30 strokes are 6 or 7 at a time, not {largest}: {client:?} by {vendor:?}"
        );
        assert!(took >= expected / 2, "{took:?} for {characters} characters: {client:?} by {vendor:?}");
        assert!(client.is_whole(&stream), "{client:?} by {vendor:?}: {stream}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_client_mode_passes_text_in_the_vendors_own_pieces() {
    let (provider, gateway) =
        three("streaming_settings: { typewriter_mode: client, characters_per_second: 1 }\n").await;
    for (client, vendor) in every_pair() {
        provider.clear().once(vendor.streams(&[TEXT, "and more"]));
        let stream = streams(&gateway, client, vendor).await.text().await;
        assert_eq!(client.pieces(&stream), [TEXT, "and more"], "{client:?} by {vendor:?}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_whole_reply_is_not_paced() {
    let (provider, gateway) = three(&at_pace(1)).await;
    let long = "long ".repeat(1000);
    for (client, vendor) in every_pair() {
        provider.clear().once(vendor.whole(&long));
        let reply = gateway.post(client.path(), &client.ask(vendor.as_str(), false)).await;
        assert_eq!(client.text_of(&reply.json().await), long, "{client:?} by {vendor:?}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_proxy_sends_tool_calls_whole_and_at_once() {
    let (provider, gateway) = three(&at_pace(10)).await;
    let arguments = json!({ "city": "Z\u{fc}rich \u{1f980} ".repeat(200) });
    for (client, vendor) in every_pair() {
        let frames = vendor.opening() + &vendor.begins() + &vendor.text("ok") + &vendor.call("weather", &arguments);
        provider.clear().once(Script::sse([frames + &vendor.closing(true)]));
        let start = Instant::now();

        let stream = streams(&gateway, client, vendor).await.text().await;

        assert_eq!(client.text(&stream), "ok", "{client:?} by {vendor:?}");
        let pieces = client.arguments(&stream);
        assert_eq!(pieces.len(), 1, "{client:?} by {vendor:?}: {stream}");
        assert_eq!(serde_json::from_str::<Value>(&pieces[0]).unwrap(), arguments);
        // At ten a second it would be minutes.
        assert!(start.elapsed() < PATIENCE, "{client:?} by {vendor:?}");
        assert!(client.is_whole(&stream), "{client:?} by {vendor:?}: {stream}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn when_the_client_leaves_the_vendor_is_left_in_both_modes() {
    // So slow that the typewriter is at work when the client leaves.
    for more in [String::new(), at_pace(2)] {
        let (provider, gateway) = three(&more).await;
        for (number, (client, vendor)) in every_pair().enumerate() {
            provider.clear().once(vendor.begun("a beginning, and then nothing").hang());
            let mut reply = streams(&gateway, client, vendor).await;
            while client.text(&reply.frame().await.expect("a frame")).is_empty() {}
            let call = provider.call(number).await;
            assert!(call.is_under_way());

            drop(reply);

            call.was_left().await;
        }
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn a_paced_stream_ends_as_honestly_as_any() {
    let (provider, gateway) = three(&(at_pace(1000) + "timeout_settings: { idle_seconds: 0.3 }\n")).await;
    for (client, vendor) in every_pair() {
        let begun = vendor.begun("so far so good");
        let faults = [
            ("cut", begun.clone().cut()),
            ("reset", begun.clone().reset()),
            ("ended too early", begun.clone().end()),
            ("silence", begun.clone().hang()),
            ("the vendor's own error", begun.piece(vendor.gives_up()).end()),
        ];
        for (fault, script) in faults {
            provider.clear().once(script);
            let stream = streams(&gateway, client, vendor).await.text().await;
            let what = format!("{fault}: {client:?} by {vendor:?}: {stream}");
            assert!(client.error(&stream).is_some_and(|text| !text.is_empty()), "{what}");
            assert!(!client.looks_complete(&stream), "{what}");
            // What a reset overtook may be lost, but nothing else was said.
            let text = client.text(&stream);
            assert!("so far so good".starts_with(&text) && (fault == "reset" || text.len() == 14), "{what}");
        }
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_vendor_is_not_taken_for_silent_because_its_text_is_still_being_typed() {
    let (provider, gateway) = three(&(at_pace(150) + "timeout_settings: { idle_seconds: 0.1 }\n")).await;
    for vendor in Vendor::ALL {
        // Each takes four times the idle time to type, and the vendor has long said all of them.
        let texts: Vec<String> = (0..4).map(|number| format!("{number} {TEXT}")).collect();
        let begun = Script::stream().piece(vendor.opening() + &vendor.begins());
        let said = texts.iter().fold(begun, |script, text| script.piece(vendor.text(text)));
        provider.clear().once(said.piece(vendor.closing(false)).end());
        let stream = streams(&gateway, Client::Chat, vendor).await.text().await;
        assert_eq!(Client::Chat.text(&stream), texts.concat(), "{vendor:?}: {stream}");
        assert!(Client::Chat.is_whole(&stream), "{vendor:?}: {stream}");
    }
    gateway.finish(&[&provider]).await;
}

const ALIVE: &str = ": keep-alive\n\n";
const OFTEN: &str = "streaming_settings: { keep_alive_seconds: 0.05 }\n";

#[tokio::test]
async fn a_silent_vendors_passed_stream_is_kept_alive_and_otherwise_unchanged() {
    let (provider, gateway) = plain_with(OFTEN).await;
    let gate = Gate::default();
    let frames = said_frames("kept alive", (1, 2)).concat();
    let (half, rest) = frames.split_at(230);
    provider.once(Script::stream().piece(chunk("first")).piece(half).gate(&gate).piece(rest).end());

    let stream = until_kept_alive(gateway.chat(&Client::Chat.ask("plain", true)).await, &gate).await;

    // The vendor stopped in the middle of an event: no comment is in it, and without them all is as it was.
    assert_eq!(stream.replace(ALIVE, ""), chunk("first") + half + rest);
    assert_eq!(Client::Chat.text(&stream), "firstkept alive");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_silent_vendors_translated_stream_is_kept_alive_and_otherwise_unchanged() {
    for more in [OFTEN.to_owned(), at_pace(100_000).replace(" }", ", keep_alive_seconds: 0.05 }")] {
        let (provider, gateway) = three(&more).await;
        for (client, vendor) in every_pair() {
            provider.clear().once(vendor.streams(&["first", " second"]));
            let calm = streams(&gateway, client, vendor).await.text().await;
            let gate = Gate::default();
            let second = vendor.text(" second");
            let (half, rest) = second.split_at(second.len() / 2);
            let silent = vendor.begun("first").piece(half).gate(&gate).piece(rest).piece(vendor.closing(false)).end();
            provider.clear().once(silent);

            let stream = until_kept_alive(streams(&gateway, client, vendor).await, &gate).await;

            assert_eq!(client.pieces(&stream), client.pieces(&calm), "{client:?} by {vendor:?}");
            assert_eq!(kinds(&stream), kinds(&calm), "{client:?} by {vendor:?}");
            assert!(client.is_whole(&stream), "{client:?} by {vendor:?}: {stream}");
        }
        gateway.finish(&[&provider]).await;
    }
}

/// Reads on until some comments have come, lets the vendor go on, and returns all of it.
async fn until_kept_alive(mut reply: Reply, gate: &Gate) -> String {
    let mut stream = String::new();
    while stream.matches(ALIVE).count() < 3 {
        let frame = reply.frame().await.expect("the stream goes on");
        assert!(frame == ALIVE || !frame.contains(ALIVE), "a comment within an event: {frame}");
        stream += &frame;
    }
    gate.open();
    stream + &reply.text().await
}

/// The events, as far as they do not hold an id or a time of their own.
fn kinds(stream: &str) -> Vec<(Value, bool, bool)> {
    let of = |event: &Value| (event["type"].clone(), event["choices"][0].is_object(), event["usage"].is_object());
    events(stream).iter().map(of).collect()
}

#[tokio::test]
async fn a_busy_vendor_is_sent_no_comments() {
    let (provider, gateway) = three("streaming_settings: { keep_alive_seconds: 30 }\n").await;
    for (client, vendor) in every_pair() {
        provider.clear().once(vendor.streams(&["first", " second"]));
        let stream = streams(&gateway, client, vendor).await.text().await;
        assert!(!stream.contains("keep-alive"), "{client:?} by {vendor:?}: {stream}");
    }
    gateway.finish(&[&provider]).await;
}

/// What the system takes on one connection: 4 MiB to be sent and 6 received, by its defaults. Measured: 4 MiB.
const ONE_CONNECTION_BYTES: usize = 10 << 20;

#[tokio::test]
async fn a_client_that_does_not_read_makes_the_gateway_stop_reading() {
    for (more, held_bytes_max) in [
        // The system's on both sides of the gateway, whose own share is hundreds of kilobytes.
        (String::new(), 2 * ONE_CONNECTION_BYTES),
        // The typewriter takes one event at a time and waits.
        (at_pace(100_000), ONE_CONNECTION_BYTES),
    ] {
        let (provider, gateway) = three(&more).await;
        let word = "words without end ".repeat(500);
        for (number, (client, vendor)) in every_pair().enumerate() {
            provider.clear().once(vendor.begun("begins").for_ever(vendor.text(&word)));
            let mut reply = streams(&gateway, client, vendor).await;
            assert!(reply.frame().await.is_some());
            let call = provider.call(number).await;

            let written = comes_to_rest(&call).await;

            assert!(written < held_bytes_max, "{written} bytes taken: {client:?} by {vendor:?}");
            // It is only held up: whoever reads on makes the vendor write on.
            while call.written() <= written {
                assert!(reply.frame().await.is_some(), "{client:?} by {vendor:?}");
            }
            assert!(call.is_under_way());
            drop(reply);
            call.was_left().await;
        }
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn a_typewriter_holds_back_a_vendor_that_is_too_fast() {
    let (provider, gateway) = three(&at_pace(50)).await;
    let word = "words without end ".repeat(500);
    for (number, vendor) in Vendor::ALL.into_iter().enumerate() {
        provider.clear().once(vendor.begun("begins").for_ever(vendor.text(&word)));
        let mut reply = streams(&gateway, Client::Chat, vendor).await;
        let call = provider.call(number).await;
        // The client reads all that it is given.
        let reading = async { while reply.frame().await.is_some() {} };
        let written = tokio::select! {
            () = reading => panic!("{vendor:?}: an endless stream ended"),
            written = comes_to_rest(&call) => written,
        };
        assert!(written < ONE_CONNECTION_BYTES, "{written} bytes taken of {vendor:?}");
        drop(reply);
        call.was_left().await;
    }
    gateway.finish(&[&provider]).await;
}

/// Waits until the system takes no more bytes of the reply, and says how many it took.
async fn comes_to_rest(call: &Call) -> usize {
    let (mut written, mut looks) = (0, 0);
    wait_until("the vendor is held up", || {
        let now = call.written();
        looks = if now == written { looks + 1 } else { 0 };
        written = now;
        looks == 100 || written > 4 * ONE_CONNECTION_BYTES
    })
    .await;
    written
}

#[tokio::test]
async fn usage_closes_a_translated_stream_only_if_it_was_asked_for() {
    for more in [String::new(), at_pace(100_000)] {
        let (provider, gateway) = three(&more).await;
        for vendor in Vendor::ALL {
            // What passes is the vendor's own.
            if more.is_empty() && vendor == Vendor::Openai {
                continue;
            }
            for asked in [None, Some(false), Some(true)] {
                provider.clear().once(vendor.streams(&["hi"]));
                let mut body = Client::Chat.ask(vendor.as_str(), true);
                if let Some(asked) = asked {
                    body["stream_options"] = json!({ "include_usage": asked });
                }
                let stream = gateway.chat(&body).await.text().await;
                let with_usage: Vec<Value> =
                    events(&stream).into_iter().filter(|event| event["usage"].is_object()).collect();
                assert!(Client::Chat.is_whole(&stream), "{vendor:?}: {stream}");
                if asked != Some(true) {
                    assert!(with_usage.is_empty(), "{vendor:?} {asked:?}: {stream}");
                    continue;
                }
                let [usage] = with_usage.as_slice() else { panic!("{vendor:?}: not one chunk of usage: {stream}") };
                assert_eq!(usage["choices"], json!([]), "{vendor:?}");
                assert_eq!(events(&stream).last(), Some(usage), "{vendor:?}: the last one before [DONE]: {stream}");
                assert_eq!(Client::Chat.usage(&stream), Some(TOKENS), "{vendor:?}");
            }
        }
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn clients_of_other_dialects_are_always_told_the_usage() {
    let (provider, gateway) = three("").await;
    for (client, vendor) in every_pair().filter(|(client, _)| *client != Client::Chat) {
        provider.clear().once(vendor.streams(&["hi"]));
        let stream = streams(&gateway, client, vendor).await.text().await;
        let output = events(&stream).iter().rev().find_map(|event| {
            let usage = [&event["usage"], &event["response"]["usage"]];
            usage.iter().find_map(|usage| usage["output_tokens"].as_u64())
        });
        assert_eq!(output, Some(TOKENS.1), "{client:?} by {vendor:?}: {stream}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_passed_streams_usage_is_as_the_vendor_sent_it_whatever_was_asked() {
    let (provider, gateway) = plain_with("").await;
    let with = said_frames("hi", (1, 2)).concat();
    let without = chunk("hi") + "data: [DONE]\n\n";
    for (number, (stream, asked)) in
        [(&with, false), (&with, true), (&without, false), (&without, true)].into_iter().enumerate()
    {
        provider.clear().once(Script::sse([stream]));
        let mut body = Client::Chat.ask("plain", true);
        if asked {
            body["stream_options"] = json!({ "include_usage": true });
        }
        assert_eq!(gateway.chat(&body).await.text().await, *stream, "asked: {asked}");
        let sent = provider.call(number).await.json();
        assert_eq!(sent.get("stream_options"), body.get("stream_options"), "the client's own wish goes on");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_pace_that_changes_holds_from_the_next_request_on() {
    let (provider, gateway) = three(&at_pace(1)).await;
    let slow = Vendor::Openai;
    provider.on(When::default(), slow.streams(&["this would take half a minute"]));
    let mut waiting = streams(&gateway, Client::Chat, slow).await;
    assert!(waiting.frame().await.is_some());
    let yaml = std::fs::read_to_string(gateway.folder().path("proxy_config.yaml")).unwrap();
    gateway
        .folder()
        .write("proxy_config.yaml", yaml.replace("characters_per_second: 1 ", "characters_per_second: 100000 "));
    gateway.wait_for_components("the config is read again", |seen| seen["generation"] == 2).await;

    let start = Instant::now();
    let stream = streams(&gateway, Client::Chat, slow).await.text().await;

    assert_eq!(Client::Chat.text(&stream), "this would take half a minute");
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(waiting);
    gateway.finish(&[&provider]).await;
}
