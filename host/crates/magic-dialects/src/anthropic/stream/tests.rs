use super::{Decoder, decode_whole};
use crate::dialect::Decoder as _;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind};

fn heard(body: &str) -> (Vec<ChatEvent>, Result<(), Failure>) {
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    let result = decoder.push(body.as_bytes(), &mut out).and_then(|()| decoder.end(&mut out));
    (out, result)
}

fn kind(data: &str) -> Kind {
    heard(&format!("event: error\ndata: {data}\n\n")).1.expect_err("a failure").kind
}

#[test]
fn an_error_inside_a_stream_has_the_kind_of_its_type() {
    let error = |class: &str, words: &str| {
        kind(&format!(r#"{{"type":"error","error":{{"type":"{class}","message":"{words}"}}}}"#))
    };
    assert_eq!(error("overloaded_error", "Overloaded"), Kind::ServerError);
    assert_eq!(error("api_error", ""), Kind::ServerError);
    assert_eq!(error("rate_limit_error", ""), Kind::RateLimited);
    assert_eq!(error("authentication_error", ""), Kind::KeyRejected);
    assert_eq!(error("permission_error", ""), Kind::KeyRejected);
    assert_eq!(error("invalid_request_error", "bad"), Kind::InvalidRequest);
    assert_eq!(error("invalid_request_error", "prompt is too long: 9 > 8"), Kind::ContextTooLong);
    assert_eq!(error("invalid_request_error", "Your credit balance is too low"), Kind::QuotaExhausted);
    assert_eq!(kind(r#"{"error":"broken"}"#), Kind::ServerError);
}

#[test]
fn what_a_vendor_says_of_a_key_stays_private() {
    let body =
        "data: {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"bad sk-ant-1\"}}\n\n";
    let failure = heard(body).1.expect_err("a failure");
    assert!(!failure.public.contains("sk-ant") && failure.private.contains("sk-ant"));
}

#[test]
fn a_stream_that_is_no_json_is_a_bad_reply() {
    let mut decoder = Decoder::new();
    let failure = decoder.push(b"data: <html>\n\n", &mut Vec::new()).expect_err("bad");
    assert_eq!((failure.kind, decoder.is_done()), (Kind::BadReply, false));
}

#[test]
fn nothing_after_the_last_word_is_heard() {
    let body = "data: {\"type\":\"message_stop\"}\n\ndata: <html>\n\n";
    assert_eq!(heard(body), (Vec::new(), Ok(())));
}

#[test]
fn a_stop_reason_is_one_of_ours_and_an_unknown_one_is_other() {
    let finish = |word: &str| {
        let json = format!(r#"{{"type":"message","content":[],"stop_reason":"{word}"}}"#);
        decode_whole(json.as_bytes()).expect("good").into_iter().find_map(|event| match event {
            ChatEvent::Finish(reason) => Some(reason),
            _ => None,
        })
    };
    let words = ["end_turn", "stop_sequence", "max_tokens", "model_context_window_exceeded", "tool_use", "refusal"];
    let reasons = [
        FinishReason::Stop,
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::Length,
        FinishReason::ToolCalls,
        FinishReason::ContentFilter,
    ];
    assert_eq!(words.map(finish), reasons.map(Some));
    assert_eq!(["pause_turn", "from_the_future"].map(finish), [Some(FinishReason::Other); 2]);
}

#[test]
fn a_call_whose_start_holds_its_whole_input_is_not_lost() {
    let body = concat!(
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",",
        "\"name\":\"f\",\"input\":{\"x\":1.10, \"a\":2}}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "data: {\"type\":\"message_stop\"}\n\n"
    );
    let arguments: Vec<String> = heard(body)
        .0
        .into_iter()
        .map(|event| match event {
            ChatEvent::ToolCall { arguments, .. } => arguments,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(arguments, ["", "{\"x\":1.10, \"a\":2}"]);
}

#[test]
fn blocks_that_are_opened_and_never_closed_are_bounded() {
    let open = |index: usize| {
        format!(
            "data: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{{\"type\":\"text\"}}}}\n\n"
        )
    };
    let mut decoder = Decoder::new();
    let result = (0..1000).try_for_each(|index| decoder.push(open(index).as_bytes(), &mut Vec::new()));
    assert_eq!(result.expect_err("bounded").kind, Kind::BadReply);
}

#[test]
fn a_whole_message_is_heard_like_its_stream_and_an_error_in_a_200_is_one() {
    let json = r#"{"type":"message","content":[{"type":"thinking","thinking":"hm","signature":"s"},
        {"type":"text","text":"hi"},{"type":"server_tool_use","id":"x","name":"y","input":{}},
        {"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"g","input":{"x":1}}],
        "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3}}"#;
    let events = decode_whole(json.as_bytes()).expect("good");
    let indices: Vec<u32> = events
        .iter()
        .filter_map(|event| if let ChatEvent::ToolCall { index, .. } = event { Some(*index) } else { None })
        .collect();
    assert_eq!(indices, [0, 0, 1, 1]);
    assert!(matches!(events.last(), Some(ChatEvent::Usage(usage)) if usage.input_tokens == 4));
    let error = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    assert_eq!(decode_whole(error).expect_err("error").kind, Kind::ServerError);
    assert_eq!(decode_whole(b"{}").expect_err("bad").kind, Kind::BadReply);
    assert_eq!(decode_whole(b"[]").expect_err("bad").kind, Kind::BadReply);
}
