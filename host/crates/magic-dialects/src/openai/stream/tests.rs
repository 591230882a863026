use super::{Decoder, Onlooker, decode_whole, inspect};
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind};

const TOOLS: &str = concat!(
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm \\u00fc\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"reasoning\":\"vLLM\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"H\\nä\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\":1}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":2}}}\n\n",
    "data: [DONE]\n\n",
);

fn decoded(chunks: &[&[u8]]) -> (Vec<ChatEvent>, Result<(), Failure>, bool) {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    let result = chunks.iter().try_for_each(|chunk| decoder.push(chunk, &mut out));
    (out, result, decoder.done)
}

#[test]
fn text_reasoning_tool_calls_finish_and_usage_are_read() {
    let (events, result, done) = decoded(&[TOOLS.as_bytes()]);
    assert_eq!(result, Ok(()));
    assert!(done);
    let arguments: String = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::ToolCall { arguments, .. } => Some(arguments.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(arguments, "{\"a\":1}");
    assert_eq!(events[0], ChatEvent::Reasoning("hm ü".to_owned()));
    assert_eq!(events[1], ChatEvent::Reasoning("vLLM".to_owned()));
    assert_eq!(events[2], ChatEvent::Text("H\nä".to_owned()));
    assert!(events.contains(&ChatEvent::Finish(FinishReason::ToolCalls)));
    assert!(
        matches!(events.last(), Some(ChatEvent::Usage(usage)) if usage.total_tokens() == 12 && usage.cached_input_tokens == 2)
    );
}

#[test]
fn every_split_decodes_alike() {
    let whole = decoded(&[TOOLS.as_bytes()]);
    for cut in 0..=TOOLS.len() {
        let (head, tail) = TOOLS.as_bytes().split_at(cut);
        assert_eq!(decoded(&[head, tail]), whole, "cut at byte {cut}");
    }
}

#[test]
fn an_error_inside_a_stream_is_the_vendors_failure() {
    let (events, result, done) = decoded(&[
        b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        b"data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n",
    ]);
    assert_eq!(events, [ChatEvent::Text("a".to_owned())]);
    let failure = result.expect_err("in-band error");
    assert_eq!((failure.kind, failure.public.as_str()), (Kind::RateLimited, "the model's vendor limits the rate"));
    assert!(!done);
}

#[test]
fn garbage_is_a_bad_reply_and_never_a_panic() {
    for garbage in ["data: {\n\n", "data: null\n\n", "data: [1]\n\n", "data: {\"choices\":7}\n\n", "data: \u{0}\n\n"] {
        let (_, result, done) = decoded(&[garbage.as_bytes()]);
        assert_eq!(result.expect_err("bad").kind, Kind::BadReply, "{garbage}");
        assert!(!done);
    }
}

#[test]
fn the_onlooker_sees_usage_end_and_errors_without_touching_the_bytes() {
    let mut onlooker = Onlooker::default();
    let settled = TOOLS.as_bytes().chunks(7).map(|chunk| onlooker.push(chunk)).sum::<usize>();
    assert!(settled > 0);
    assert_eq!((onlooker.events, onlooker.done, onlooker.usage.map(|usage| usage.total_tokens())), (9, true, Some(12)));
    assert!(onlooker.failure.is_none());

    let mut onlooker = Onlooker::default();
    onlooker.push(b"data: {\"error\":{\"message\":\"broken\"}}\n\n");
    assert_eq!(onlooker.failure.map(|failure| failure.kind), Some(Kind::ServerError));

    let mut onlooker = Onlooker::default();
    let chunk = b"data: {\"choices\":[{\"delta\":{\"content\":\"an \\\"error\\\" in prose\"}}]}\n\ndata: {\"cho";
    assert_eq!(onlooker.push(chunk), chunk.len() - "data: {\"cho".len());
    assert!(onlooker.failure.is_none() && !onlooker.done);
}

#[test]
fn a_whole_reply_reads_like_its_stream() {
    let json = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi","tool_calls":[
        {"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":"{}"}}]},
        "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let events = decode_whole(json.as_bytes()).expect("good");
    let indexes: Vec<u32> = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::ToolCall { index, .. } => Some(*index),
            _ => None,
        })
        .collect();
    assert_eq!((events.len(), indexes), (5, vec![0, 1]));
}

#[test]
fn two_hundred_with_an_error_inside_is_a_failure() {
    assert_eq!(inspect(br#"{"error":{"message":"no","code":503}}"#).expect_err("error").kind, Kind::ServerError);
    assert_eq!(inspect(b"<html>").expect_err("not JSON").kind, Kind::BadReply);
    assert_eq!(inspect(br#"{"choices":[],"error":null}"#), Ok(None));
}
