use super::{Onlooker, Whole, inspect_whole};
use crate::dialect::Dialect;
use magic_types::{Kind, Usage};

const CHAT: &str = concat!(
    "data: {\"choices\":[{\"delta\":{\"content\":\"an \\\"error\\\" in prose ü\"},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\": \"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":2}}}\n\n",
    "data: [DONE]\n\n",
);

const RESPONSE: &str = concat!(
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"error\":null,\"usage\":null}}\n\n",
    "event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"response\":{\"error\":null}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"response.completed\"}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"error\":null,\"usage\":",
    "{\"input_tokens\":5,\"output_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":2},\"output_tokens_details\":{\"reasoning_tokens\":1}}}}\n\n",
);

const MESSAGE: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":2,",
    "\"cache_creation_input_tokens\":3,\"output_tokens\":1}}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"message_stop ü\"}}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const STREAMS: [(Dialect, &str); 3] =
    [(Dialect::Chat, CHAT), (Dialect::Responses, RESPONSE), (Dialect::Messages, MESSAGE)];

fn seen(dialect: Dialect, chunks: &[&[u8]]) -> Onlooker {
    let mut onlooker = Onlooker::new(dialect);
    for chunk in chunks {
        onlooker.push(chunk);
    }
    onlooker
}

fn kind(dialect: Dialect, stream: &str) -> Option<Kind> {
    seen(dialect, &[stream.as_bytes()]).failure.map(|failure| failure.kind)
}

fn without_names(stream: &str) -> String {
    stream.split_inclusive('\n').filter(|line| !line.starts_with("event:")).collect()
}

#[test]
fn every_split_shows_the_same_events_usage_and_end() {
    let expected = [
        (3, Usage { input_tokens: 5, output_tokens: 7, cached_input_tokens: 2, ..Usage::default() }),
        (
            2,
            Usage {
                input_tokens: 5,
                output_tokens: 7,
                cached_input_tokens: 2,
                reasoning_tokens: 1,
                ..Usage::default()
            },
        ),
        (
            3,
            Usage {
                input_tokens: 10,
                output_tokens: 7,
                cached_input_tokens: 2,
                cache_write_tokens: 3,
                ..Usage::default()
            },
        ),
    ];
    for ((dialect, stream), (events, usage)) in STREAMS.into_iter().zip(expected) {
        for stream in [stream.to_owned(), without_names(stream), stream.replace('\n', "\r\n")] {
            for cut in 0..=stream.len() {
                let (head, tail) = stream.as_bytes().split_at(cut);
                let onlooker = seen(dialect, &[head, tail]);
                let found = (onlooker.events, onlooker.usage, onlooker.done, onlooker.failure, onlooker.truncated);
                assert_eq!(found, (events, Some(usage), true, None, false), "{dialect:?} cut at byte {cut}");
            }
        }
    }
}

#[test]
fn a_stream_is_done_only_by_its_last_word() {
    for (dialect, stream) in STREAMS {
        let mut onlooker = Onlooker::new(dialect);
        for frame in stream.split_inclusive("\n\n") {
            assert!(!onlooker.done, "{dialect:?} before {frame}");
            onlooker.push(frame.as_bytes());
        }
        assert!(onlooker.done, "{dialect:?}");
        let mut onlooker = Onlooker::new(dialect);
        onlooker.push(stream.trim_end().as_bytes());
        assert!(!onlooker.done, "{dialect:?}");
        onlooker.end();
        assert!(onlooker.done, "{dialect:?}: a last event without its blank line counts");
    }
}

#[test]
fn an_answer_that_was_cut_short_is_told_from_one_that_ended() {
    let done = seen(Dialect::Chat, &[CHAT.replace("\"stop\"", "\"length\"").as_bytes()]);
    assert!(done.done && done.truncated);
    for reason in ["content_filter", "error", "max_tokens"] {
        let stream = CHAT.replace("\"stop\"", &format!("\"{reason}\""));
        assert!(seen(Dialect::Completions, &[stream.as_bytes()]).truncated, "{reason}");
    }
    assert!(!seen(Dialect::Chat, &[CHAT.replace("\"stop\"", "\"length_of_mine\"").as_bytes()]).truncated);
    assert!(seen(Dialect::Chat, &[CHAT.replace("\"stop\"", "null").as_bytes()]).truncated, "nothing says why it ended");
    let cut = RESPONSE.replace(
        "response.completed\ndata: {\"type\":\"response.completed",
        "response.incomplete\ndata: {\"type\":\"response.incomplete",
    );
    let cut = seen(Dialect::Responses, &[cut.as_bytes()]);
    assert!(cut.done && cut.truncated);
    for reason in ["max_tokens", "refusal", "pause_turn"] {
        assert!(seen(Dialect::Messages, &[MESSAGE.replace("end_turn", reason).as_bytes()]).truncated, "{reason}");
    }
}

#[test]
fn neither_a_ping_nor_an_announcement_is_an_answers_beginning() {
    let announced: String = RESPONSE.split_inclusive("\n\n").take(2).collect();
    assert_eq!(seen(Dialect::Responses, &[announced.as_bytes()]).events, 0);
    let ping = seen(Dialect::Messages, &[b"event: ping\ndata: {\"type\": \"ping\"}\n\ndata: {\"type\": \"ping\"}\n\n"]);
    assert_eq!(ping.events, 0);
    let started: String = MESSAGE.split_inclusive("\n\n").take(2).collect();
    let started = seen(Dialect::Messages, &[started.as_bytes()]);
    assert_eq!((started.events, started.usage.map(|usage| usage.input_tokens)), (0, Some(10)));
}

#[test]
fn an_error_inside_a_stream_has_the_kind_of_its_own_words() {
    let cases = [
        (Dialect::Chat, "data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n", Kind::RateLimited),
        (
            Dialect::Chat,
            "data: {\"error\":{\"message\":\"x\",\"code\":\"insufficient_quota\"}}\n\n",
            Kind::QuotaExhausted,
        ),
        (Dialect::Chat, "data: {\"object\":\"error\",\"message\":\"x\",\"code\":400}\n\n", Kind::InvalidRequest),
        (Dialect::Chat, "data: {\"error\":\"broken\"}\n\n", Kind::ServerError),
        (
            Dialect::Responses,
            "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"x\",\"param\":null}\n\n",
            Kind::RateLimited,
        ),
        (
            Dialect::Responses,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\",\"message\":\"x\"}}\n\n",
            Kind::ContextTooLong,
        ),
        (
            Dialect::Responses,
            "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}\n\n",
            Kind::ServerError,
        ),
        (Dialect::Responses, "data: {\"error\":{\"message\":\"x\"}}\n\n", Kind::ServerError),
        (Dialect::Responses, "event: error\ndata: nonsense\n\n", Kind::ServerError),
        (Dialect::Responses, "event: response.completed\ndata: nonsense\n\n", Kind::BadReply),
        (
            Dialect::Messages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
            Kind::ServerError,
        ),
        (
            Dialect::Messages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}}\n\n",
            Kind::RateLimited,
        ),
    ];
    for (dialect, stream, expected) in cases {
        assert_eq!(kind(dialect, stream), Some(expected), "{stream}");
    }
    let failed = "event: response.failed\ndata: {\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"first\"}}}\n\n";
    let onlooker = seen(Dialect::Responses, &[failed.as_bytes(), failed.replace("first", "second").as_bytes()]);
    assert_eq!(onlooker.failure.map(|failure| failure.public), Some("first".to_owned()));
    for silent in
        ["data: {\"error\":null,\"choices\":[]}\n\n", "data: {\"error\":{}}\n\n", "data: {\"code\":\"error\"}\n\n"]
    {
        assert_eq!(kind(Dialect::Chat, silent), None, "{silent}");
    }
}

#[test]
fn a_chunk_settles_up_to_its_last_whole_event() {
    let mut onlooker = Onlooker::new(Dialect::Messages);
    let chunk = b"event: ping\ndata: {}\n\nevent: message_st";
    assert_eq!(onlooker.push(chunk), chunk.len() - "event: message_st".len());
}

#[test]
fn an_endless_event_overflows_and_no_bytes_panic() {
    for (dialect, stream) in STREAMS {
        let mut onlooker = Onlooker::new(dialect);
        for _ in 0..40 {
            onlooker.push(&vec![b'x'; 1 << 20]);
        }
        assert!(onlooker.overflowed && !onlooker.done, "{dialect:?}");
        let mut state = 1_u64;
        for _ in 0..2000 {
            let mut bytes = stream.as_bytes().to_vec();
            for _ in 0..4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = (state >> 25) as u8;
            }
            let onlooker = seen(dialect, &[&bytes]);
            assert!(onlooker.events <= 6 && !onlooker.overflowed);
            assert!(inspect_whole(dialect, &bytes).is_err(), "a stream is no whole reply");
        }
    }
}

#[test]
fn a_whole_reply_tells_its_usage_and_whether_it_is_complete() {
    let usage = Usage { input_tokens: 1, output_tokens: 2, ..Usage::default() };
    let inspected = |dialect, json: &str| inspect_whole(dialect, json.as_bytes()).expect("a reply");
    let chat = |finish: &str| {
        let json = format!(
            r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":1,"completion_tokens":2}},"error":null}}"#
        );
        inspected(Dialect::Chat, &json)
    };
    let response = |status: &str| {
        let json = format!(
            r#"{{"status":"{status}","output":[],"usage":{{"input_tokens":1,"output_tokens":2}},"error":null}}"#
        );
        inspected(Dialect::Responses, &json)
    };
    let message = |reason: &str| {
        let json =
            format!(r#"{{"type":"message","stop_reason":"{reason}","usage":{{"input_tokens":1,"output_tokens":2}}}}"#);
        inspected(Dialect::Messages, &json)
    };
    let complete = Whole { usage: Some(usage), is_complete: true };
    let cut = Whole { is_complete: false, ..complete };
    assert_eq!(
        [chat("\"stop\""), chat("\"tool_calls\""), response("completed"), message("end_turn"), message("tool_use")],
        [complete; 5]
    );
    assert_eq!(
        [
            chat("\"length\""),
            chat("\"content_filter\""),
            chat("null"),
            response("incomplete"),
            message("max_tokens"),
            message("refusal")
        ],
        [cut; 6]
    );
    assert!(!inspected(Dialect::Chat, r#"{"choices":[],"error":null}"#).is_complete);
}

#[test]
fn field_6_two_hundred_with_an_error_inside_is_a_failure() {
    let kind = |dialect, json: &str| inspect_whole(dialect, json.as_bytes()).map_err(|failure| failure.kind);
    assert_eq!(kind(Dialect::Chat, r#"{"error":{"message":"no","code":503}}"#), Err(Kind::ServerError));
    assert_eq!(kind(Dialect::Completions, "<html>"), Err(Kind::BadReply));
    assert_eq!(
        kind(Dialect::Responses, r#"{"status":"failed","error":{"code":"rate_limit_exceeded","message":"x"}}"#),
        Err(Kind::RateLimited)
    );
    assert_eq!(kind(Dialect::Responses, r#"{"status":"failed","error":null}"#), Err(Kind::ServerError));
    assert_eq!(
        kind(Dialect::Messages, r#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#),
        Err(Kind::KeyRejected)
    );
}
