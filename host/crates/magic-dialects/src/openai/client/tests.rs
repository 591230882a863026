use super::Chat;
use crate::chat::{Content, MediaKind, Source, ToolChoice};
use crate::dialect::Decoder as _;
use crate::dialect::{Client, Head};
use crate::reply::Reply;
use magic_types::chat::{FinishReason, Role};
use magic_types::stream::ChatEvent;
use serde_json::{Value, json};

const FULL: &str = r#"{"model":"a","messages":[
    {"role":"developer","content":"be brief","cache_control":{"type":"ephemeral"}},
    {"role":"user","name":"ann","content":[{"type":"text","text":"lüok","cache_control":{"type":"ephemeral","ttl":"1h"}},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,AAA","detail":"low"}},
      {"type":"input_audio","input_audio":{"data":"BBB","format":"mp3"}},
      {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,CCC"}},
      {"type":"video_url","video_url":{"url":"x"}}]},
    {"role":"assistant","content":null,"refusal":null,"annotations":[],"reasoning_content":"hm",
      "reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s"},{"type":"reasoning.encrypted","data":"xx"}],
      "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},
        "extra_content":{"google":{"thought_signature":"g"}}},{"id":"c2","type":"custom","custom":{"name":"h","input":"i"}}]},
    {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"42"}]},
    {"role":"assistant","function_call":{"name":"old","arguments":"{}"},"content":"x","odd":1},
    {"role":"function","name":"old","content":"7"}],
  "tools":[{"type":"function","function":{"name":"f","strict":true},"cache_control":{"type":"ephemeral"}},{"type":"web_search"}],
  "tool_choice":{"type":"function","function":{"name":"f"}},"response_format":{"type":"json_object"},
  "reasoning":{"effort":"high","max_tokens":9,"exclude":true},"max_tokens":3,"max_completion_tokens":4,"stop":"x","n":2,
  "seed":-1,"temperature":1,"frequency_penalty":0.5,"user":"u","stream":true,"stream_options":{"include_usage":true},
  "logit_bias":{"1":2},"unheard_of":{"a":1},"store":null}"#;

#[test]
fn every_form_of_a_message_is_read() {
    let request = Chat.read(FULL.as_bytes()).expect("good");
    let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Assistant, Role::Tool]);
    let user = &request.messages[1];
    assert_eq!(user.name.as_deref(), Some("ann"));
    assert_eq!(user.parts[0].content, Content::Text("lüok".to_owned()));
    assert!(
        matches!(&user.parts[1].content, Content::Media(m) if m.kind == MediaKind::Image && m.detail.as_deref() == Some("low"))
    );
    assert!(
        matches!(&user.parts[2].content, Content::Media(m) if matches!(&m.source, Source::Inline { mime, .. } if mime == "audio/mpeg"))
    );
    assert!(matches!(&user.parts[3].content, Content::Media(m) if m.name.as_deref() == Some("a.pdf")));
    assert!(matches!(&user.parts[4].content, Content::Foreign { kind, .. } if kind == "video_url"));
    let said: Vec<&Content> = request.messages[2].parts.iter().map(|part| &part.content).collect();
    assert!(matches!(said[0], Content::Reasoning { text, signature: Some(seal) } if text == "hm" && seal == "s"));
    assert!(matches!(said[1], Content::RedactedReasoning(data) if data == "xx"));
    assert!(matches!(said[2], Content::ToolCall(call) if call.signature.as_deref() == Some("g")));
    assert!(matches!(said[3], Content::Foreign { kind, .. } if kind == "custom"));
    assert!(matches!(&request.messages[3].parts[0].content, Content::ToolResult { call_id, .. } if call_id == "c1"));
    assert!(matches!(&request.messages[5].parts[0].content, Content::ToolResult { call_id, .. } if call_id == "old"));
    assert_eq!(request.tool_choice, Some(ToolChoice::Named("f".to_owned())));
    assert_eq!((request.max_output_tokens, request.seed, request.stop.len()), (Some(4), Some(-1), 1));
    let thinking = request.thinking.expect("asked");
    assert_eq!(
        (thinking.effort.as_deref(), thinking.budget_tokens, thinking.shown),
        (Some("high"), Some(9), Some(false))
    );
    assert!(request.stream && request.include_usage);
}

#[test]
fn field_10_cache_control_and_unknown_fields_are_kept() {
    let request = Chat.read(FULL.as_bytes()).expect("good");
    assert_eq!(request.messages[0].parts[0].cache_control, Some(json!({ "type": "ephemeral" })));
    assert_eq!(request.messages[1].parts[0].cache_control, Some(json!({ "type": "ephemeral", "ttl": "1h" })));
    assert_eq!(request.tools[0].cache_control, Some(json!({ "type": "ephemeral" })));
    assert_eq!(request.messages[4].rest.get("odd"), Some(&json!(1)));
    assert!(request.tools[1].foreign.is_some());
    assert_eq!(request.rest.keys().collect::<Vec<_>>(), ["logit_bias", "n", "unheard_of"]);
}

#[test]
fn an_error_names_the_field_by_its_path() {
    let message = |body: &str| Chat.read(body.as_bytes()).expect_err("bad").public;
    let content = |part: &str| message(&format!("{{\"messages\":[{{\"role\":\"user\",\"content\":[{part}]}}]}}"));
    assert!(
        content("{\"type\":\"text\"}").starts_with("`messages[0].content[0]`"),
        "{}",
        content("{\"type\":\"text\"}")
    );
    assert!(content("7").starts_with("`messages[0].content[0]`"));
    assert!(message("{\"messages\":[],\"temperature\":\"hot\"}").starts_with("`temperature`"));
    assert!(message("{\"messages\":[],\"tools\":[{\"type\":\"function\"}]}").starts_with("`tools[0]`"));
    assert!(message("{\"messages\":[{\"role\":\"king\"}]}").starts_with("`messages[0].role`"));
    assert!(message("{\"messages\":[]} x").contains("goes on"));
}

fn events() -> Vec<ChatEvent> {
    let call = |index, id: Option<&str>, name: Option<&str>, arguments: &str| ChatEvent::ToolCall {
        index,
        id: id.map(str::to_owned),
        name: name.map(str::to_owned),
        arguments: arguments.to_owned(),
        signature: None,
    };
    vec![
        ChatEvent::Reasoning("t1".to_owned()),
        ChatEvent::Signature("s1".to_owned()),
        ChatEvent::RedactedReasoning("r".to_owned()),
        ChatEvent::Text("ü\n".to_owned()),
        call(5, Some("a"), Some("f"), "{\"x\""),
        call(9, None, Some("g"), "{}"),
        call(5, Some("a"), Some("f"), ":1}"),
        ChatEvent::Refusal("no".to_owned()),
        ChatEvent::Finish(FinishReason::Stop),
    ]
}

#[test]
fn a_stream_has_openais_chunks_in_openais_order() {
    let request = Chat.read(b"{\"messages\":[]}").expect("good");
    let mut writer = Chat.writer(Head { id: "1".to_owned(), model: "m".to_owned(), created: 7 }, &request);
    let mut out = String::new();
    events().iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&mut out);
    let prefix = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":"#;
    let deltas = [
        r#"{"role":"assistant","content":""},"finish_reason":null"#,
        r#"{"reasoning_content":"t1"},"finish_reason":null"#,
        r#"{"reasoning_details":[{"type":"reasoning.text","text":"t1","signature":"s1","index":0}]},"finish_reason":null"#,
        r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"r","index":1}]},"finish_reason":null"#,
        r#"{"content":"ü\n"},"finish_reason":null"#,
        r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}}]},"finish_reason":null"#,
        r#"{"tool_calls":[{"index":1,"id":"call_1_1","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":null"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":null"#,
        r#"{"refusal":"no"},"finish_reason":null"#,
        r#"{},"finish_reason":"tool_calls""#,
    ];
    let expected: String = deltas.iter().map(|delta| format!("{prefix}{delta}}}]}}\n\n")).collect();
    assert_eq!(out, expected + "data: [DONE]\n\n");
}

#[test]
fn field_4_a_translated_stream_decodes_to_the_calls_that_it_was_written_from() {
    let request = Chat.read(b"{\"messages\":[],\"stream_options\":{\"include_usage\":true}}").expect("good");
    let mut writer = Chat.writer(Head { id: "1".to_owned(), model: "m".to_owned(), created: 7 }, &request);
    let mut out = String::new();
    events().iter().for_each(|event| writer.event(event, &mut out));
    writer.event(&ChatEvent::Usage(magic_types::Usage::default()), &mut out);
    writer.end(&mut out);
    assert!(out.contains("\"choices\":[],\"usage\":{"));
    for cut in 0..=out.len() {
        let (head, tail) = out.as_bytes().split_at(cut);
        let mut decoder = crate::openai::stream::Decoder::default();
        let mut read = Vec::new();
        decoder.push(head, &mut read).expect("good");
        decoder.push(tail, &mut read).expect("good");
        let reply = Reply::of(&read);
        let calls: Vec<_> = reply.calls().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
        assert_eq!(calls, [("f", "{\"x\":1}"), ("g", "{}")], "cut at {cut}");
        assert_eq!((reply.answer().as_str(), reply.refusals().as_str()), ("ü\n", "no"));
    }
}

#[test]
fn a_whole_reply_sent_back_is_read_as_it_was() {
    let request = Chat.read(b"{\"messages\":[]}").expect("good");
    let mut writer = Chat.writer(Head { id: "1".to_owned(), model: "m".to_owned(), created: 7 }, &request);
    let whole: Value = serde_json::from_str(&writer.whole(&Reply::of(&events()))).expect("JSON");
    assert_eq!(whole.pointer("/choices/0/finish_reason"), Some(&json!("tool_calls")));
    let message = whole.pointer("/choices/0/message").expect("there");
    let back = Chat.read(json!({ "messages": [message] }).to_string().as_bytes()).expect("good");
    let said = &back.messages[0].parts;
    assert!(
        matches!(&said[0].content, Content::Reasoning { text, signature: Some(seal) } if text == "t1" && seal == "s1")
    );
    assert!(matches!(&said[1].content, Content::RedactedReasoning(data) if data == "r"));
    assert_eq!(said.len(), 6);
}
