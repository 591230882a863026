use super::Completions;
use crate::dialect::{Client, Head};
use crate::reply::Reply;
use magic_types::Usage;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;

fn head() -> Head {
    Head { id: "1".to_owned(), model: "a \"b\"".to_owned(), created: 7 }
}

#[test]
fn a_prompt_is_one_message_of_the_user() {
    let body = r#"{"model":"a","prompt":["say ü"],"max_tokens":5,"temperature":0,"stop":"x","echo":false,"n":1,
        "logprobs":3,"suffix":"z","best_of":2,"stream":true,"stream_options":{"include_usage":true}}"#;
    let request = Completions.read(body.as_bytes()).expect("good");
    assert_eq!(request.messages.len(), 1);
    assert_eq!(
        (request.max_output_tokens, request.temperature, request.stop.as_slice()),
        (Some(5), Some(0.0), &["x".to_owned()][..])
    );
    assert!(request.stream && request.include_usage);
    assert_eq!(request.rest.keys().collect::<Vec<_>>(), ["best_of", "logprobs", "suffix"]);
    for (bad, field) in
        [("{\"prompt\":[1,2]}", "`prompt`"), ("{}", "`prompt`"), ("{\"prompt\":\"a\",\"top_p\":\"b\"}", "`top_p`")]
    {
        assert!(Completions.read(bad.as_bytes()).expect_err("bad").public.contains(field), "{bad}");
    }
}

#[test]
fn text_completions_stream_and_come_whole() {
    let events = [
        ChatEvent::Reasoning("hm".to_owned()),
        ChatEvent::Text("h\nü".to_owned()),
        ChatEvent::Finish(FinishReason::Length),
        ChatEvent::Usage(Usage { input_tokens: 1, output_tokens: 2, ..Usage::default() }),
    ];
    let request = Completions.read(br#"{"prompt":"x","stream_options":{"include_usage":true}}"#).expect("good");
    let mut writer = Completions.writer(head(), &request);
    let mut out = String::new();
    events.iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&mut out);
    let begin = r#"data: {"id":"cmpl-1","object":"text_completion","created":7,"model":"a \"b\"","choices":["#;
    let usage = r#"{"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":0},"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":0},"total_tokens":3}"#;
    let expected = [
        format!("{begin}{{\"index\":0,\"text\":\"h\\nü\",\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"),
        format!("{begin}{{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"length\"}}]}}\n\n"),
        format!("{begin}],\"usage\":{usage}}}\n\n"),
        "data: [DONE]\n\n".to_owned(),
    ];
    assert_eq!(out, expected.concat());
    let whole: serde_json::Value = serde_json::from_str(&writer.whole(&Reply::of(&events))).expect("JSON");
    assert_eq!(whole.pointer("/choices/0/text").and_then(|text| text.as_str()), Some("h\nü"));
}
