use super::{Whole, Writer};
use crate::openai::stream::Decoder;
use magic_types::Usage;
use magic_types::chat::{FinishReason, ToolCall};
use magic_types::stream::ChatEvent;

fn writer() -> Writer {
    Writer::new("chatcmpl-1".to_owned(), "alias".to_owned(), 7)
}

fn call() -> ToolCall {
    ToolCall { id: "c1".to_owned(), name: "f".to_owned(), arguments_json: "{\"a\":1}".to_owned() }
}

#[test]
fn what_the_writer_streams_the_decoder_reads_back() {
    let writer = writer();
    let usage = Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() };
    let frames = [
        writer.open(),
        writer.reasoning("think\n\n"),
        writer.content("a \"ü\""),
        writer.tool_calls(&[call()]),
        writer.finish(FinishReason::ToolCalls),
        writer.usage(&usage),
        super::DONE_FRAME.to_owned(),
    ];
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    decoder.push(frames.concat().as_bytes(), &mut events).expect("our own dialect");
    assert_eq!(
        events,
        [
            ChatEvent::Reasoning("think\n\n".to_owned()),
            ChatEvent::Text("a \"ü\"".to_owned()),
            ChatEvent::ToolCall {
                index: 0,
                id: Some("c1".to_owned()),
                name: Some("f".to_owned()),
                arguments: "{\"a\":1}".to_owned(),
            },
            ChatEvent::Finish(FinishReason::ToolCalls),
            ChatEvent::Usage(usage),
        ]
    );
}

#[test]
fn a_whole_reply_has_openais_shape() {
    let whole = Whole {
        reasoning: "because",
        answer: "42",
        tool_calls: &[call()],
        finish: FinishReason::Length,
        usage: &Usage { input_tokens: 1, output_tokens: 2, ..Usage::default() },
    };
    let value: serde_json::Value = serde_json::from_str(&writer().whole(&whole)).expect("JSON");
    assert_eq!(value.pointer("/choices/0/message/content").and_then(|v| v.as_str()), Some("42"));
    assert_eq!(value.pointer("/choices/0/message/reasoning_content").and_then(|v| v.as_str()), Some("because"));
    assert_eq!(value.pointer("/choices/0/message/tool_calls/0/id").and_then(|v| v.as_str()), Some("c1"));
    assert_eq!(value.pointer("/choices/0/finish_reason").and_then(|v| v.as_str()), Some("length"));
    assert_eq!(value.pointer("/usage/total_tokens").and_then(serde_json::Value::as_u64), Some(3));
}
