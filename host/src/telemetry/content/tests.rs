//! Texts in, what may be told of them out.
use super::{Collected, Content, TEXT_BYTES_MAX, conversation};
use magic_dialects::dialect::Dialect;
use magic_types::chat::{Message, Role};

fn told(text: &str) -> String {
    Content::new(|text: &mut String| *text = text.replace("known-secret", "key-7")).cut(text)
}

#[test]
fn what_is_or_looks_like_a_key_is_taken_out() {
    for (text, expected) in [
        ("plain words stay, sk-8 too", "plain words stay, sk-8 too"),
        ("my key is sk-proj-abcdefghijkl!", "my key is [redacted]!"),
        ("{\"k\":\"sk-magic-0123456789abcdef\"}", "{\"k\":\"[redacted]\"}"),
        ("Authorization: Bearer abcdef.ghijkl-mn", "Authorization: Bearer [redacted]"),
        ("bearer  of good news", "bearer  of good news"),
        ("url?key=AIzaSyA1234567890abc&x=1", "url?[redacted]&x=1"),
        ("it was known-secret, was it", "it was key-7, was it"),
        ("日本 sk-abcdefghijklmnop 語", "日本 [redacted] 語"),
    ] {
        assert_eq!(told(text), expected);
    }
}

#[test]
fn a_long_text_is_cut_and_no_key_is_cut_in_two() {
    let key = "sk-abcdefghijklmnopqrstuvwxyz0123456789";
    for at in (TEXT_BYTES_MAX - 50..TEXT_BYTES_MAX + 2000).step_by(23) {
        let text = format!("{} {key} {}", "é".repeat(at / 2), "y".repeat(5000));
        let told = told(&text);
        assert!(told.len() <= TEXT_BYTES_MAX + 16 && told.ends_with("… [cut]"), "{at}");
        assert!(!told.contains("sk-"), "{at}");
    }
    let exact = "z".repeat(TEXT_BYTES_MAX);
    assert_eq!(told(&exact), exact);
}

fn streamed(pieces: &[&str]) -> Collected {
    let mut collected = Collected::of(Dialect::Chat, true).unwrap();
    for piece in pieces {
        let json = serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] });
        collected.push(format!("data: {json}\n\n").as_bytes());
    }
    collected
}

#[test]
fn a_key_that_comes_in_pieces_is_seen() {
    let (key, text) = streamed(&["it is s", "k-abcdef", "ghijklmnop", ", see"]).told();
    assert_eq!(key, "gen_ai.output.messages");
    assert_eq!(told(&text), r#"[{"parts":[{"content":"it is [redacted], see","type":"text"}],"role":"assistant"}]"#);
}

#[test]
fn what_is_read_along_is_bounded() {
    let long = "x".repeat(100_000);
    let (_, text) = streamed(&[long.as_str(); 20]).told();
    assert!(text.len() < 2 * super::BODY_BYTES_MAX, "{}", text.len());
    let mut whole = Collected::of(Dialect::Chat, false).unwrap();
    (0..1000).for_each(|_| whole.push(&[b'x'; 1000]));
    assert_eq!(whole.told(), ("magic.reply.body", "x".repeat(super::BODY_BYTES_MAX)));
    assert!(Collected::of(Dialect::Completions, true).is_none(), "nobody reads it");
}

#[test]
fn a_conversation_has_the_conventions_form() {
    let messages = [Message::text(Role::System, "be brief"), Message::text(Role::User, "hi")];
    assert_eq!(
        conversation(&messages),
        r#"[{"parts":[{"content":"be brief","type":"text"}],"role":"system"},{"parts":[{"content":"hi","type":"text"}],"role":"user"}]"#
    );
}
