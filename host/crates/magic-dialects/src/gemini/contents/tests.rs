use super::write;
use crate::chat::{Content, Media, MediaKind, Message, Part, Source, ToolCall};
use crate::lost::Lost;
use magic_types::chat::Role;
use serde_json::{Value, json};
use std::collections::HashMap;

fn written(messages: &[Message], model: &str) -> (Value, Vec<Value>, Vec<String>) {
    let mut lost = Lost::default();
    let turns = write(messages, model, &mut lost);
    (Value::Array(turns.contents), turns.system, lost.into_names())
}

fn call(id: &str, name: &str, arguments: &str, signature: Option<&str>) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        signature: signature.map(str::to_owned),
    }))
}

fn result(id: &str, text: &str) -> Message {
    let content = Content::ToolResult { call_id: id.to_owned(), parts: vec![Part::text(text)], is_error: false };
    Message::new(Role::Tool, vec![Part::new(content)])
}

#[test]
fn calls_and_their_results_are_matched_by_name_and_id() {
    let messages = [
        Message::new(Role::User, vec![Part::text("q")]),
        Message::new(
            Role::Assistant,
            vec![Part::text("t"), call("a", "f", "{\"x\":1}", Some("S")), call("b", "g", "", None)],
        ),
        result("b", "plain"),
        result("a", "{\"y\":2}"),
        Message::new(Role::User, vec![Part::text("and?")]),
    ];
    let (contents, _, lost) = written(&messages, "gemini-2.5-flash");
    assert_eq!(
        contents,
        json!([
            { "role": "user", "parts": [{ "text": "q" }] },
            { "role": "model", "parts": [{ "text": "t" },
                { "functionCall": { "id": "a", "name": "f", "args": { "x": 1 } }, "thoughtSignature": "S" },
                { "functionCall": { "id": "b", "name": "g", "args": {} } }] },
            { "role": "user", "parts": [
                { "functionResponse": { "id": "b", "name": "g", "response": { "result": "plain" } } },
                { "functionResponse": { "id": "a", "name": "f", "response": { "y": 2 } } },
                { "text": "and?" }] },
        ])
    );
    assert!(lost.is_empty());
}

#[test]
fn a_call_of_another_vendor_passes_gemini_3_without_its_seal() {
    let messages = [Message::new(Role::Assistant, vec![call("a", "f", "[1]", None), call("b", "f", "{", None)])];
    let (contents, ..) = written(&messages, "gemini-3-flash-preview");
    assert_eq!(
        contents[0]["parts"],
        json!([
            { "functionCall": { "id": "a", "name": "f", "args": { "arguments": "[1]" } },
              "thoughtSignature": "skip_thought_signature_validator" },
            { "functionCall": { "id": "b", "name": "f", "args": { "arguments": "{" } } },
        ])
    );
    assert!(written(&messages, "gemini-2.5-flash").0[0]["parts"][0].get("thoughtSignature").is_none());
}

#[test]
fn only_googles_own_seals_go_back_to_google() {
    let thought = |text: &str, signature: &str| {
        Part::new(Content::Reasoning { text: text.to_owned(), signature: Some(signature.to_owned()) })
    };
    let parts = vec![
        thought("hm", "gemini:QQ=="),
        thought("", "gemini:Qg=="),
        thought("claude's", "EqQB"),
        thought("", "EqQB"),
        Part::new(Content::RedactedReasoning("x".to_owned())),
    ];
    let (contents, _, lost) = written(&[Message::new(Role::Assistant, parts)], "gemini-3-flash");
    assert_eq!(
        contents[0]["parts"],
        json!([
            { "text": "hm", "thought": true, "thoughtSignature": "QQ==" },
            { "text": "", "thoughtSignature": "Qg==" },
            { "text": "claude's", "thought": true },
        ])
    );
    assert_eq!(lost, ["reasoning"]);
}

#[test]
fn pictures_sounds_and_files_pass_and_foreign_ids_are_named() {
    let media = |kind, source| Part::new(Content::Media(Media { kind, source, detail: None, name: None }));
    let inline = Source::Inline { mime: "audio/wav".to_owned(), base64: "QQ==".to_owned() };
    let mut detailed = media(MediaKind::Image, Source::Url("https://x/a.PNG?s=1".to_owned()));
    if let Content::Media(media) = &mut detailed.content {
        media.detail = Some("high".to_owned());
    }
    let messages = [
        Message::new(Role::System, vec![Part::text("s"), detailed.clone()]),
        Message::new(
            Role::User,
            vec![
                media(MediaKind::Audio, inline),
                detailed,
                media(MediaKind::Image, Source::Url("https://x/y".to_owned())),
                media(MediaKind::File, Source::Id("file-1".to_owned())),
            ],
        ),
    ];
    let (contents, system, lost) = written(&messages, "m");
    assert_eq!(system, [json!({ "text": "s" })]);
    assert_eq!(
        contents[0]["parts"],
        json!([
            { "inlineData": { "mimeType": "audio/wav", "data": "QQ==" } },
            { "fileData": { "fileUri": "https://x/a.PNG?s=1", "mimeType": "image/png" } },
            { "fileData": { "fileUri": "https://x/y" } },
        ])
    );
    assert_eq!(
        lost,
        ["messages[0].content[1].image_url", "messages[1].content[1].image_url.detail", "messages[1].content[3].file"]
    );
}

#[test]
fn what_a_failed_tool_said_and_what_it_drew_reach_the_model() {
    let drawn = Media {
        kind: MediaKind::Image,
        source: Source::Inline { mime: "image/png".to_owned(), base64: "QQ==".to_owned() },
        detail: None,
        name: None,
    };
    let content = Content::ToolResult {
        call_id: "gone".to_owned(),
        parts: vec![Part::text("{}"), Part::new(Content::Media(drawn))],
        is_error: true,
    };
    let (contents, _, lost) = written(&[Message::new(Role::User, vec![Part::new(content)])], "m");
    assert_eq!(
        contents[0]["parts"],
        json!([
            { "functionResponse": { "id": "gone", "name": "unknown", "response": { "error": "{}" } } },
            { "inlineData": { "mimeType": "image/png", "data": "QQ==" } },
        ])
    );
    assert!(lost.is_empty());
}

#[test]
fn instructions_alone_become_a_question() {
    let (contents, system, _) = written(&[Message::new(Role::System, vec![Part::text("s")])], "m");
    assert_eq!((contents, system.len()), (json!([{ "role": "user", "parts": [{ "text": "s" }] }]), 0));
}

/// A conversation as bad as clients can make it: any role after any other, empty texts, results of nothing.
fn conversation(seed: u64) -> Vec<Message> {
    let mut state = seed | 1;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    (0..next(14))
        .map(|_| {
            let role = [Role::System, Role::User, Role::Assistant, Role::Tool][next(4) as usize];
            let parts = (0..next(4)).map(|_| match next(4) {
                0 => Part::text(""),
                1 => Part::text("t"),
                2 => {
                    let id = next(5);
                    call(&format!("c{id}"), &format!("f{}", next(3)), "{}", None)
                }
                _ => {
                    let id = next(5);
                    result(&format!("c{id}"), "r").parts.remove(0)
                }
            });
            let parts = parts.collect();
            Message::new(role, parts)
        })
        .collect()
}

#[test]
fn no_two_neighbours_share_a_role_and_none_is_empty() {
    for seed in 1..3_000 {
        let (contents, ..) = written(&conversation(seed * 0x9e37_79b9), "gemini-3-flash");
        let turns = contents.as_array().expect("a list");
        assert!(turns.windows(2).all(|two| two[0]["role"] != two[1]["role"]), "seed {seed}: {contents}");
        assert!(
            turns.iter().all(|turn| turn["parts"].as_array().is_some_and(|parts| !parts.is_empty())),
            "seed {seed}"
        );
    }
}

#[test]
fn a_results_name_is_that_of_the_last_call_of_its_id_before_it() {
    for seed in 1..3_000 {
        let messages = conversation(seed * 0x9e37_79b9);
        let (mut names, mut expected) = (HashMap::new(), Vec::new());
        let spoken = messages.iter().filter(|message| message.role != Role::System);
        for part in spoken.flat_map(|message| &message.parts) {
            match &part.content {
                Content::ToolCall(call) => drop(names.insert(&call.id, call.name.as_str())),
                Content::ToolResult { call_id, .. } => expected.push(names.get(call_id).copied().unwrap_or("unknown")),
                _ => {}
            }
        }
        let (contents, ..) = written(&messages, "m");
        let turns = contents.as_array().into_iter().flatten();
        let parts = turns.flat_map(|turn| turn["parts"].as_array().expect("parts"));
        let found: Vec<&str> = parts.filter_map(|part| part.pointer("/functionResponse/name")?.as_str()).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}
