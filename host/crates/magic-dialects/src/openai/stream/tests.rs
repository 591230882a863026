use super::{Decoder, decode_whole};
use crate::dialect::Decoder as _;
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
    (out, result, decoder.state.done)
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
fn field_6_two_hundred_with_an_error_inside_is_a_failure() {
    let kind = |json: &[u8]| decode_whole(json).map_err(|failure| failure.kind);
    assert_eq!(kind(br#"{"error":{"message":"no","code":503}}"#), Err(Kind::ServerError));
    assert_eq!(kind(b"<html>"), Err(Kind::BadReply));
    assert_eq!(kind(br#"{"choices":[],"error":null}"#), Ok(Vec::new()));
}

/// What vendors send that OpenAI does not, one stream each.
const ODD: [(&str, &str, &str); 7] = [
    (
        "mistral",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hmü\"}]},{\"type\":\"text\",\"text\":\"so\"}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"!\"},\"finish_reason\":\"model_length\"}]}\n\ndata: [DONE]\n\n",
        "reasoning hmü|text so!|Some(Length)",
    ),
    (
        "without an index, whole arguments, ids repeated",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{\"}}]}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"arguments\":\"}\"}}]}}]}\r\n\r\ndata: [DONE]\r\n\r\n",
        "call a f {\"x\":1}|call b g {}|None",
    ),
    (
        "every call has index 0",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"[]\"},\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}]}}]}\n\ndata: [DONE]\n\n",
        "call a f {}|call b f [] s|None",
    ),
    (
        "a new id for every piece, null fields",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":null}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"z\",\"function\":{\"name\":null,\"arguments\":\"{}\"}}]}}]}\n\ndata: {\"choices\":null}\n\ndata: {\"choices\":[{\"delta\":null,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        "call z f {}|Some(Stop)",
    ),
    (
        "openrouter",
        ": OPENROUTER PROCESSING\n\ndata: {\"choices\":[{\"delta\":{\"reasoning\":\"t\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"t\",\"signature\":null}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"s\"},{\"type\":\"reasoning.encrypted\",\"data\":\"x\"}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"refusal\":\"no\"}}]}\n\ndata: [DONE]\n\n",
        "reasoning t s|sealed x|refusal no|None",
    ),
    (
        "google",
        "data: {\"choices\":[{\"delta\":{\"content\":\"t\",\"extra_content\":{\"google\":{\"thought\":true}}}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"index\":1,\"delta\":{\"content\":\"second\"}}]}\n\ndata: [DONE]",
        "reasoning t|text a|None",
    ),
    ("nothing", "data: [DONE]\n", "None"),
];

fn told(reply: &crate::reply::Reply) -> String {
    use crate::reply::Block;
    let seal = |seal: &Option<String>| seal.as_ref().map(|seal| format!(" {seal}")).unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for block in &reply.blocks {
        words.push(match block {
            Block::Text(text) => format!("text {text}"),
            Block::Reasoning { text, signature } => format!("reasoning {text}{}", seal(signature)),
            Block::RedactedReasoning(data) => format!("sealed {data}"),
            Block::Refusal(text) => format!("refusal {text}"),
            Block::ToolCall(call) => {
                format!("call {} {} {}{}", call.id, call.name, call.arguments, seal(&call.signature))
            }
        });
    }
    words.push(format!("{:?}", reply.finish));
    words.join("|")
}

#[test]
fn field_4_every_vendors_pieces_are_put_together_wherever_the_stream_is_split() {
    for (name, stream, expected) in ODD {
        for cut in 0..=stream.len() {
            let (head, tail) = stream.as_bytes().split_at(cut);
            let mut decoder: Box<dyn crate::dialect::Decoder> = Box::new(Decoder::default());
            let mut out = Vec::new();
            decoder.push(head, &mut out).expect("good");
            decoder.push(tail, &mut out).expect("good");
            decoder.end(&mut out).expect("ended");
            assert_eq!(told(&crate::reply::Reply::of(&out)), expected, "{name}, cut at byte {cut}");
        }
    }
}

#[test]
fn field_5_a_cut_stream_never_looks_complete() {
    for end in 0..TOOLS.len() - "[DONE]\n\n".len() {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        let cut = decoder.push(&TOOLS.as_bytes()[..end], &mut out);
        let ended = cut.and_then(|()| crate::dialect::Decoder::end(&mut decoder, &mut out));
        let kind = ended.expect_err("cut").kind;
        assert!(matches!(kind, Kind::CutOff | Kind::BadReply), "cut at byte {end}: {kind:?}");
    }
    let broken = b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n";
    assert_eq!(decoded(&[broken]).1.expect_err("said so").kind, Kind::ServerError);
}

#[test]
fn field_6_an_error_in_any_form_inside_a_200_is_a_failure() {
    let table = [
        (r#"{"error":{"message":"x","code":503}}"#, Kind::ServerError),
        (r#"{"object":"error","message":"x","type":"invalid_request_error"}"#, Kind::InvalidRequest),
        (r#"{"choices":[{"error":{"code":429,"message":"x"},"delta":{}}]}"#, Kind::RateLimited),
        (r#"{"error":"odd"}"#, Kind::ServerError),
        (r#"{"error":{}}"#, Kind::ServerError),
    ];
    for (json, kind) in table {
        assert_eq!(decode_whole(json.as_bytes()).expect_err("an error").kind, kind, "{json}");
    }
}

/// xorshift64: the seed is the test's name in every failure.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn field_11_mangled_streams_never_panic_and_splits_change_nothing() {
    for seed in 1..=3000_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let sample = usize::try_from(random(&mut state)).unwrap_or(0) % (ODD.len() + 1);
        let mut bytes = ODD.get(sample).map_or(TOOLS, |odd| odd.1).as_bytes().to_vec();
        for _ in 0..random(&mut state) % 6 {
            let at = usize::try_from(random(&mut state)).unwrap_or(0) % bytes.len();
            match random(&mut state) % 3 {
                0 => bytes[at] = random(&mut state).to_le_bytes()[0],
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, b"{}[]\",:\n0"[usize::try_from(random(&mut state) % 9).unwrap_or(0)]),
            }
        }
        let whole = decoded(&[&bytes]);
        let (head, tail) = bytes.split_at(usize::try_from(random(&mut state)).unwrap_or(0) % bytes.len());
        assert_eq!(decoded(&[head, tail]), whole, "seed {seed}");
        let events = decode_whole(&bytes);
        assert!(events.is_err() || !bytes.starts_with(b"data"), "seed {seed}");
    }
}
