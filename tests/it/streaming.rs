//! Streams: as they come, byte for byte, and honest about their end.
use crate::stage::{ask, plain, plain_with};
use magic_tests::{Completion, Folder, Gate, Gateway, Provider, Script, When, chunk, completion, said, said_frames};

#[tokio::test]
async fn the_first_event_reaches_the_client_before_the_vendor_sends_the_second() {
    let (provider, gateway) = plain().await;
    let gate = Gate::default();
    let second = [chunk("second"), "data: [DONE]\n\n".to_owned()].concat();
    provider.once(Script::stream().piece(chunk("first")).gate(&gate).piece(second).end());

    let mut reply = gateway.chat(&ask("plain", true)).await;

    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(reply.frame().await, Some(chunk("first")));
    gate.open();
    assert_eq!(reply.frame().await, Some(chunk("second")));
    assert_eq!(reply.frame().await.as_deref(), Some("data: [DONE]\n\n"));
    assert_eq!(reply.frame().await, None);
    gateway.finish(&[&provider]).await;
}

/// Lines that end in three ways, comments, names, unknown fields, characters of several bytes, and a usage.
const ODD_STREAM: &str = ": ping\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\u{e9}\u{1f600}\"}}],\"x\": 1.0}\n\n\
                          event: odd\r\ndata:{\"choices\":[],\"vendor\":{\"b\":1,\"a\":2}}\r\nid: 9\r\n\r\n:\n\n\
                          data: {\"choices\":[{\"delta\":{\"content\":\"\\u00e9\"},\"finish_reason\":\"stop\"}],\n\
                          data: \"usage\":{\"prompt_tokens\":1}}\n\nretry: 5\n\ndata: [DONE]\n\n: bye\n\n";

#[tokio::test]
async fn a_stream_reaches_the_client_byte_for_byte_wherever_it_is_split() {
    let (provider, gateway) = plain().await;
    for size in [1, 2, 3, 5, 7, 64, 10_000] {
        provider.once(Script::sse(ODD_STREAM.as_bytes().chunks(size)));
        let reply = gateway.chat(&ask("plain", true)).await;
        assert_eq!(reply.text().await, ODD_STREAM, "in pieces of {size} bytes");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_stream_without_a_last_blank_line_reaches_the_client_whole() {
    let (provider, gateway) = plain().await;
    let stream = format!("{}data: [DONE]\n", chunk("hi"));
    provider.once(Script::sse([&stream]));
    assert_eq!(gateway.chat(&ask("plain", true)).await.text().await, stream);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_cut_stream_ends_with_an_error_and_never_with_a_forged_end() {
    let (provider, gateway) = plain().await;
    let half = chunk("second").split_at(20).0.to_owned();
    let begun = Script::stream().piece(chunk("first")).piece(half);
    let faults =
        [("cut", begun.clone().cut()), ("reset", begun.clone().reset()), ("ended without [DONE]", begun.end())];
    for (fault, script) in faults {
        provider.once(script);
        let stream = gateway.chat(&ask("plain", true)).await.text().await;
        ends_in_an_error(fault, &stream, &chunk("first"));
    }
    assert_eq!(provider.calls().len(), 3, "after the first event nothing is tried again");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_vendor_that_falls_silent_in_the_middle_is_left_and_the_client_told() {
    let (provider, gateway) = plain_with("timeout_settings: { idle_seconds: 0.2 }\n").await;
    provider.once(Script::stream().piece(chunk("first")).hang());

    let stream = gateway.chat(&ask("plain", true)).await.text().await;

    ends_in_an_error("silence", &stream, &chunk("first"));
    provider.call(0).await.was_left().await;
    gateway.finish(&[&provider]).await;
}

fn ends_in_an_error(fault: &str, stream: &str, before: &str) {
    let error = stream.strip_prefix(before).unwrap_or_else(|| panic!("{fault}: {stream}"));
    let found = Completion::of_stream(error);
    assert!(found.error["message"].as_str().is_some_and(|text| !text.is_empty()), "{fault}: {stream}");
    assert_eq!(error.matches("data: ").count(), 1, "{fault}: one error frame: {stream}");
    assert!(!stream.contains("[DONE]"), "{fault}: {stream}");
    assert_eq!(found.finish_reason, None, "{fault}: {stream}");
}

#[tokio::test]
async fn an_error_of_the_vendor_in_the_middle_reaches_the_client_and_no_end_is_forged() {
    let (provider, gateway) = plain().await;
    let error = "data: {\"error\":{\"message\":\"the vendor gave up\",\"code\":500}}\n\n";
    provider.once(Script::stream().piece(chunk("first")).piece(error).end());

    let stream = gateway.chat(&ask("plain", true)).await.text().await;

    assert!(stream.starts_with(&chunk("first")), "{stream}");
    assert!(stream.contains("the vendor gave up"), "{stream}");
    assert!(!stream.contains("[DONE]") && !stream.contains("\"stop\""), "{stream}");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_stream_that_fails_before_its_first_event_is_answered_by_the_next_profile() {
    let provider = Provider::start().await;
    let gateway = Gateway::start(Folder::new(&two_profiles(&provider))).await;
    provider.on(When::under("second"), said("from the second"));
    let error = "data: {\"error\":{\"message\":\"no capacity\",\"code\":503}}\n\n";
    let faults = [
        ("nothing", Script::stream().cut()),
        ("an end at once", Script::stream().end()),
        ("a comment only", Script::stream().piece(": hello\n\n").cut()),
        ("half an event", Script::stream().piece("data: {\"choi").cut()),
        ("a reset", Script::stream().reset()),
        ("an error first", Script::stream().piece(error).end()),
    ];
    for (number, (fault, script)) in faults.into_iter().enumerate() {
        provider.on(When::under("first").times(1), script);
        let stream = gateway.chat(&ask("both", true)).await.text().await;
        assert_eq!(stream, said_frames("from the second", (10, 20)).concat(), "{fault}");
        assert_eq!((provider.calls_of("first"), provider.calls_of("second")), (number + 1, number + 1), "{fault}");
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_vendor_that_does_not_stream_is_passed_on_as_it_answers() {
    let (provider, gateway) = plain().await;
    provider.once(Script::json(200, &completion("all at once")));

    let reply = gateway.chat(&ask("plain", true)).await;

    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json().await, completion("all at once"));
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn one_slow_stream_does_not_hold_up_another_request() {
    let (provider, gateway) = plain().await;
    let gate = Gate::default();
    let rest = "data: [DONE]\n\n";
    provider.once(Script::stream().piece(chunk("slow")).gate(&gate).piece(rest).end());
    let mut slow = gateway.chat(&ask("plain", true)).await;
    assert_eq!(slow.frame().await, Some(chunk("slow")));

    provider.always(said("quick"));
    let quick = gateway.chat(&ask("plain", true)).await.text().await;

    assert_eq!(Completion::of_stream(&quick).content, "quick");
    gate.open();
    assert_eq!(slow.text().await, rest);
    gateway.finish(&[&provider]).await;
}

fn two_profiles(provider: &Provider) -> String {
    let profile = |name: &str| {
        let base = provider.base_of(name);
        format!(
            "  - model_name: {name}\n    provider: local\n    model_params: {{ model: {name}-model, api_base: \"{base}\" }}\n"
        )
    };
    format!(
        "model_list:\n{}{}router_settings:\n  model_group_alias: {{ both: [first, second] }}\n\
         breaker_settings: {{ enabled: false }}\n",
        profile("first"),
        profile("second")
    )
}
