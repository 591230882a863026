use super::write;
use magic_types::Kind;
use serde_json::{Value, json};

fn sent(body: &str, model: &str) -> (Value, Vec<String>) {
    let (written, _) = write(body.as_bytes(), model).expect("good");
    (serde_json::from_slice(&written.body).expect("JSON"), written.lost)
}

#[test]
fn imagen_and_gemini_are_each_asked_in_their_own_form() {
    let body = r#"{"model":"a","prompt":"a cat","n":2,"size":"1792x1008","quality":"auto"}"#;
    assert_eq!(
        sent(body, "models/imagen-4.0-generate-001"),
        (
            json!({ "instances": [{ "prompt": "a cat" }], "parameters": { "sampleCount": 2, "aspectRatio": "16:9" } }),
            Vec::new()
        )
    );
    assert_eq!(
        sent(body, "gemini-2.5-flash-image"),
        (
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "a cat" }] }], "generationConfig":
                { "responseModalities": ["TEXT", "IMAGE"], "imageConfig": { "aspectRatio": "16:9" } } }),
            vec!["n".to_owned()]
        )
    );
}

#[test]
fn a_size_that_is_not_drawn_becomes_the_nearest_and_is_named() {
    let (body, lost) = sent(r#"{"prompt":"p","size":"1024x1536","quality":"high","user":"u"}"#, "imagen-4");
    assert_eq!(
        (body["parameters"]["aspectRatio"].as_str(), lost),
        (Some("3:4"), ["size", "quality", "user"].map(str::to_owned).to_vec())
    );
    for odd in ["0x0", "big", "1x", "auto"] {
        let (body, lost) = sent(&format!(r#"{{"prompt":"p","size":"{odd}"}}"#), "imagen-4");
        assert_eq!((body["parameters"].get("aspectRatio"), lost.len()), (None, usize::from(odd != "auto")), "{odd}");
    }
}

#[test]
fn pictures_come_as_base64_or_as_a_url_that_holds_them() {
    let drawn = br#"{"candidates":[{"content":{"parts":[{"text":"here"},{"inlineData":{"mimeType":"image/jpeg","data":"QQ=="}}]}}]}"#;
    let (_, asked) = write(br#"{"prompt":"p"}"#, "gemini-image").expect("good");
    assert_eq!(asked.read(drawn, 7).expect("good").body, r#"{"created":7,"data":[{"b64_json":"QQ=="}]}"#);
    let predicted = br#"{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"Qg=="}]}"#;
    let (_, asked) = write(br#"{"prompt":"p","response_format":"url"}"#, "imagen-4").expect("good");
    assert_eq!(
        asked.read(predicted, 7).expect("good").body,
        r#"{"created":7,"data":[{"url":"data:image/png;base64,Qg=="}]}"#
    );
}

#[test]
fn no_picture_is_a_failure() {
    let (_, imagen) = write(br#"{"prompt":"p"}"#, "imagen-4").expect("good");
    let (_, gemini) = write(br#"{"prompt":"p"}"#, "gemini-image").expect("good");
    assert_eq!(imagen.read(b"{}", 0).expect_err("none").kind, Kind::ContentPolicy);
    assert_eq!(imagen.read(b"<", 0).expect_err("none").kind, Kind::BadReply);
    assert_eq!(gemini.read(b"{}", 0).expect_err("none").kind, Kind::BadReply);
    assert_eq!(
        gemini.read(br#"{"candidates":[{"finishReason":"IMAGE_SAFETY"}]}"#, 0).expect_err("none").kind,
        Kind::ContentPolicy
    );
}
