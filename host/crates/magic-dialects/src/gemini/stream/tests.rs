use super::{Decoder, decode_whole};
use crate::dialect::Decoder as _;
use crate::reply::{Block, Reply};
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind};

const TOOLS: &str = concat!(
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm \\u00fc\",\"thought\":true}],\"role\":\"model\"},\"index\":0}],",
    "\"usageMetadata\":{\"promptTokenCount\":5},\"responseId\":\"R-1\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hä\"},{\"text\":\"llo\"}]}}],\"responseId\":\"R-1\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"b\": 1.10, \"a\": [\"ü\"]}},",
    "\"thoughtSignature\":\"c2VhbA==\"},{\"functionCall\":{\"id\":\"own\",\"name\":\"g\"}}]}}],\"responseId\":\"R-1\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"ZW5k\"}]},\"finishReason\":\"STOP\"}],",
    "\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":7,\"thoughtsTokenCount\":3,",
    "\"cachedContentTokenCount\":2,\"toolUsePromptTokenCount\":1},\"responseId\":\"R-1\"}\r\n\r\n",
);

fn decoded(chunks: &[&[u8]]) -> (Vec<ChatEvent>, Result<(), Failure>, bool) {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    let pushed = chunks.iter().try_for_each(|chunk| decoder.push(chunk, &mut out));
    let result = pushed.and_then(|()| decoder.end(&mut out));
    (out, result, decoder.is_done())
}

fn failed(body: &str) -> (Kind, String) {
    let failure = decoded(&[body.as_bytes()]).1.expect_err("a failure");
    (failure.kind, failure.public)
}

#[test]
fn thoughts_text_calls_seals_finish_and_usage_are_read() {
    let (events, result, done) = decoded(&[TOOLS.as_bytes()]);
    assert_eq!((result, done), (Ok(()), true));
    let reply = Reply::of(&events);
    assert_eq!((reply.thoughts().as_str(), reply.answer().as_str()), ("hm ü", "Hällo"));
    let calls: Vec<_> =
        reply.calls().map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("call_R-1_0", "f", "{\"b\": 1.10, \"a\": [\"ü\"]}"), ("own", "g", "{}")]);
    assert_eq!(reply.calls().next().and_then(|call| call.signature.as_deref()), Some("c2VhbA=="));
    let seal = Block::Reasoning { text: String::new(), signature: Some("gemini:ZW5k".to_owned()) };
    assert_eq!(reply.blocks.last(), Some(&seal));
    assert_eq!(reply.finish, Some(FinishReason::ToolCalls));
    let usage = reply.usage.expect("usage");
    assert_eq!((usage.input_tokens, usage.output_tokens), (6, 10));
    assert_eq!((usage.cached_input_tokens, usage.reasoning_tokens), (2, 3));
}

#[test]
fn every_split_decodes_alike() {
    let list = format!(" \n[{}]", TOOLS.replace("\r\n\r\n", "").replace("data: ", ",").replacen(',', "", 1));
    let refused = " [{\"error\":{\"code\":429,\"message\":\"slow\"}}\n]".to_owned();
    let cut = TOOLS.split_at(TOOLS.len() - 4).0.to_owned();
    for body in [TOOLS.to_owned(), list, refused, cut, format!("\u{feff}{TOOLS}"), format!(" {TOOLS}")] {
        let whole = decoded(&[body.as_bytes()]);
        for cut in 0..=body.len() {
            let (head, tail) = body.as_bytes().split_at(cut);
            assert_eq!(decoded(&[head, tail]), whole, "cut at byte {cut} of {body}");
        }
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        assert_eq!(decoded(&bytes), whole);
    }
}

#[test]
fn blanks_before_the_body_mean_nothing() {
    assert_eq!(decoded(&[format!(" \r\n{TOOLS}").as_bytes()]), decoded(&[TOOLS.as_bytes()]));
    assert_eq!(failed(" [{\"error\":{\"code\":429,\"message\":\"slow\"}}\n]").0, Kind::RateLimited);
}

#[test]
fn a_list_decodes_like_the_stream() {
    let list = format!("[{}]", TOOLS.replace("\r\n\r\n", "").replace("data: ", ",").replacen(',', "", 1));
    assert_eq!(decoded(&[list.as_bytes()]), decoded(&[TOOLS.as_bytes()]));
    assert_eq!(Ok(decoded(&[TOOLS.as_bytes()]).0), decode_whole(list.as_bytes()));
}

#[test]
fn field_5_a_stream_cut_anywhere_never_looks_whole() {
    // Behind the finish reason's event lies its line end only, which Google may leave out.
    for cut in 0..TOOLS.len() - 4 {
        let (head, _) = TOOLS.as_bytes().split_at(cut);
        let (events, result, done) = decoded(&[head]);
        let kind = result.expect_err("cut").kind;
        assert!(matches!(kind, Kind::CutOff | Kind::BadReply), "cut at byte {cut}: {kind:?}");
        assert!(!done && !events.iter().any(|event| matches!(event, ChatEvent::Finish(_))), "cut at byte {cut}");
    }
    assert_eq!(failed("[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}").0, Kind::CutOff);
}

#[test]
fn why_an_answer_ended_is_told() {
    let finish = |word: &str| {
        let json = format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#);
        Reply::of(&decode_whole(json.as_bytes()).expect("good")).finish
    };
    assert_eq!(finish("STOP"), Some(FinishReason::Stop));
    assert_eq!(finish("MAX_TOKENS"), Some(FinishReason::Length));
    for word in ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"] {
        assert_eq!(finish(word), Some(FinishReason::ContentFilter), "{word}");
    }
    assert_eq!(finish("MALFORMED_FUNCTION_CALL"), Some(FinishReason::Other));
}

#[test]
fn a_refused_prompt_is_a_matter_of_content() {
    let (kind, text) = failed("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n");
    assert_eq!((kind, text.as_str()), (Kind::ContentPolicy, "the model's vendor refused the prompt: SAFETY"));
    let fine = "data: {\"promptFeedback\":{},\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n";
    assert_eq!(decoded(&[fine.as_bytes()]).1, Ok(()));
}

#[test]
fn field_6_an_error_inside_a_200_is_googles_failure_in_every_frame() {
    let error = r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    for body in [error.to_owned(), format!("[{error}]"), format!("data: {error}\n\n")] {
        assert_eq!(failed(&body), (Kind::ServerError, "The model is overloaded.".to_owned()), "{body}");
        let after = format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"a\"}}]}}}}]}}\n\n{body}");
        assert!(decoded(&[after.as_bytes()]).1.is_err());
    }
    assert_eq!(decode_whole(error.as_bytes()).expect_err("error").kind, Kind::ServerError);
}

#[test]
fn calls_without_any_id_get_one_that_differs_from_answer_to_answer() {
    let ids = |args: &str| {
        let call = format!(r#"{{"functionCall":{{"name":"f","args":{args}}}}}"#);
        let json = format!(r#"{{"candidates":[{{"content":{{"parts":[{call},{call}]}},"finishReason":"STOP"}}]}}"#);
        let reply = Reply::of(&decode_whole(json.as_bytes()).expect("good"));
        reply.calls().map(|call| call.id.clone()).collect::<Vec<_>>()
    };
    let (first, other) = (ids("{\"a\":1}"), ids("{\"a\":2}"));
    assert_eq!(first, ids("{\"a\":1}"));
    assert!(first[0] != first[1] && !other.contains(&first[0]));
    assert!(first.iter().all(|id| id.len() <= 40));
}

#[test]
fn a_picture_in_an_answer_is_markdown() {
    let json = br#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"QQ=="}}]},"finishReason":"STOP"}]}"#;
    let reply = Reply::of(&decode_whole(json).expect("good"));
    assert_eq!(reply.answer(), "![image/png](data:image/png;base64,QQ==)");
}

#[test]
fn random_bytes_yield_events_or_one_failure_and_never_a_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..3_000 {
        // A good stream with a few bytes changed reaches deeper than noise.
        let mut body = TOOLS.as_bytes().to_vec();
        for _ in 0..next() % 6 {
            let (at, byte) = (next() as usize % body.len(), next() as u8);
            body[at] = byte;
        }
        let _events = decoded(&[&body]);
        let _events = decode_whole(&body);
        let noise: Vec<u8> = (0..next() % 64).map(|_| next() as u8).collect();
        assert!(decoded(&[&noise]).1.is_err());
        assert!(decode_whole(&noise).is_err());
    }
}
