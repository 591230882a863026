//! The same replies as Anthropic and Google write them: 1 KiB whole, and a flood of as many small events.
use super::{Both, filled, flood};
use serde_json::{Value, json};

impl Both {
    pub(crate) fn anthropic(events: usize) -> Self {
        let message = |content: &Value, stop: &Value| {
            json!({ "id": "msg_0123456789", "type": "message", "role": "assistant", "model": "whole", "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": { "input_tokens": 40, "output_tokens": 160 } })
        };
        let event = |name: &str, data: &Value| chunk(&format!("event: {name}\ndata: {data}\n\n"));
        let begin = [
            event("message_start", &json!({ "type": "message_start", "message": message(&json!([]), &Value::Null) })),
            event(
                "content_block_start",
                &json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
            ),
        ];
        let token =
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": " token" } });
        let last = json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null },
        "usage": { "output_tokens": 160 } });
        let end = [
            event("content_block_stop", &json!({ "type": "content_block_stop", "index": 0 })),
            event("message_delta", &last),
            event("message_stop", &json!({ "type": "message_stop" })),
            "0\r\n\r\n".to_owned(),
        ];
        Self {
            whole: filled(|text| message(&json!([{ "type": "text", "text": text }]), &json!("end_turn")).to_string()),
            flood: flood(begin.concat(), &event("content_block_delta", &token), end.concat(), events),
        }
    }
    pub(crate) fn google(events: usize) -> Self {
        let reply = |text: &str, finish: &Value| {
            json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": text }] }, "finishReason": finish,
            "index": 0 }], "usageMetadata": { "promptTokenCount": 40, "candidatesTokenCount": 160,
            "totalTokenCount": 200 }, "modelVersion": "whole", "responseId": "0123456789" })
        .to_string()
        };
        let event = |data: &str| chunk(&format!("data: {data}\r\n\r\n"));
        let stop = json!("STOP");
        Self {
            whole: filled(|text| reply(text, &stop)),
            flood: flood(
                String::new(),
                &event(&reply(" token", &Value::Null)),
                event(&reply("", &stop)) + "0\r\n\r\n",
                events,
            ),
        }
    }
}

fn chunk(event: &str) -> String {
    format!("{:x}\r\n{event}\r\n", event.len())
}
