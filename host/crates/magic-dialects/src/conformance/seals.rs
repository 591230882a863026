//! Seals through every client and back: to the vendor that gave them, and to no other.
use super::{CLIENTS, Heard, Spoken, VENDORS, told, told_whole};
use crate::chat::Request;
use crate::dialect::Dialect;
use crate::seals;
use magic_types::stream::ChatEvent;
use serde_json::{Value, json};

const OPENROUTER: Spoken = Spoken { dialect: Dialect::Chat, provider: "openrouter", model: "any" };

/// The next request of a client that got `whole` and gives all of it back.
fn given_back(client: Dialect, whole: &str) -> Request {
    let reply: Value = serde_json::from_str(whole).expect("JSON");
    let user = json!({ "role": "user", "content": "x" });
    let body = match client {
        Dialect::Chat => json!({ "messages": [user, reply["choices"][0]["message"]] }),
        Dialect::Messages => {
            json!({ "max_tokens": 9, "messages": [user, { "role": "assistant", "content": reply["content"] }] })
        }
        Dialect::Responses => {
            let output = reply["output"].as_array().expect("a list");
            let input = [&[user], output.as_slice()].concat();
            json!({ "input": input })
        }
        Dialect::Completions | Dialect::Gemini => unreachable!("they have no place for a seal"),
    };
    client.client().expect("a client's dialect").read(body.to_string().as_bytes()).expect("our own words")
}

/// All seals in a body, wherever its dialect puts them.
fn seals_in(json: &Value, found: &mut Vec<String>) {
    const NAMES: [&str; 4] = ["signature", "data", "thoughtSignature", "thought_signature"];
    match json {
        Value::Object(fields) => {
            found.extend(NAMES.iter().filter_map(|name| fields.get(*name)?.as_str().map(str::to_owned)));
            fields.values().for_each(|value| seals_in(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| seals_in(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// As their vendor gave them.
fn seals_of(heard: &Heard) -> Vec<String> {
    let bare = |seal: &String| seals::to_google(seal).unwrap_or(seal).to_owned();
    let seal = |event: &ChatEvent| match event {
        ChatEvent::Signature(seal) | ChatEvent::RedactedReasoning(seal) => Some(bare(seal)),
        ChatEvent::ToolCall { signature, .. } => signature.clone(),
        _ => None,
    };
    heard.events.iter().filter_map(seal).collect()
}

fn sent(spoken: &Spoken, request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    seals_in(&serde_json::from_slice(&spoken.write(request).body).expect("JSON"), &mut found);
    found
}

fn each_given_back(mut check: impl FnMut(&Spoken, &[String], &str, &Request)) {
    for spoken in VENDORS {
        for fixture in spoken.streams() {
            let heard = spoken.hear(&[&fixture.bytes]);
            let given = seals_of(&heard);
            if heard.end.is_err() || given.is_empty() {
                continue;
            }
            for client in CLIENTS.iter().filter(|client| **client != Dialect::Completions) {
                let name = format!("{} {} by {}", spoken.dialect.as_str(), fixture.name, client.as_str());
                check(spoken, &given, &name, &given_back(*client, &told_whole(*client, &heard)));
                // A client that streams puts together the same.
                if let Some(vendor) = client.vendor() {
                    let mut decoder = vendor.decoder();
                    let mut events = Vec::new();
                    decoder.push(told(*client, &heard).as_bytes(), &mut events).expect("our own words");
                    let whole = told_whole(*client, &Heard { events, end: Ok(()) });
                    check(spoken, &given, &format!("{name}, streamed"), &given_back(*client, &whole));
                }
            }
        }
    }
}

#[test]
fn a_seal_comes_back_to_its_vendor_by_every_client_and_to_no_other() {
    let mut compared = 0;
    each_given_back(|spoken, given, name, request| {
        for vendor in VENDORS {
            let is_own = vendor.dialect == spoken.dialect;
            let expected = if is_own { given } else { &[] };
            assert_eq!(sent(vendor, request), expected, "{name} to {}", vendor.dialect.as_str());
        }
        compared += 1;
    });
    assert!(compared >= 15, "{compared} rows: a vendor's seals are in no fixture");
}

#[test]
fn openrouter_is_told_whose_a_seal_is() {
    each_given_back(|spoken, given, name, request| {
        let body: Value = serde_json::from_slice(&OPENROUTER.write(request).body).expect("JSON");
        let details = body["messages"][1]["reasoning_details"].as_array().cloned().unwrap_or_default();
        let sealed =
            details.iter().filter(|detail| ["signature", "data"].iter().any(|name| detail.get(name).is_some()));
        for detail in sealed {
            let format = detail["format"].as_str().expect("said");
            let of = if spoken.dialect == Dialect::Gemini { "google-gemini-v1" } else { "anthropic-claude-v1" };
            assert_eq!(format, of, "{name}: {detail}");
        }
        assert!(sent(&OPENROUTER, request).iter().all(|seal| given.contains(seal)), "{name}");
    });
}

#[test]
fn a_seal_on_a_message_is_no_calls_and_one_before_a_text_is_none() {
    let of = |content: Value| {
        let body = json!({ "max_tokens": 9, "messages": [{ "role": "assistant", "content": content }] });
        let client = Dialect::Messages.client().expect("a client's dialect");
        client.read(body.to_string().as_bytes()).expect("good")
    };
    let call = json!({ "type": "tool_use", "id": "a", "name": "f", "input": {} });
    let sealed = json!({ "type": "redacted_thinking", "data": seals::of_call("QQ==") });
    let google = VENDORS.iter().find(|spoken| spoken.dialect == Dialect::Gemini).expect("a row");
    assert_eq!(sent(google, &of(json!([sealed, call]))), ["QQ=="]);
    assert!(sent(google, &of(json!([sealed, { "type": "text", "text": "x" }, call]))).is_empty());
    let anthropic = VENDORS.iter().find(|spoken| spoken.dialect == Dialect::Messages).expect("a row");
    let written = anthropic.write(&of(json!([sealed, call])));
    assert_eq!((sent(anthropic, &of(json!([sealed, call]))).len(), written.lost.len()), (0, 0));
}
