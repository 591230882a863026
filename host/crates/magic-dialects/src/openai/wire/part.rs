//! A message's content as clients write it: a string, or a list of parts.
use crate::chat::{Content, Media, MediaKind, Part, Source};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::{Map, Value};

pub(super) struct Parts(pub(super) Vec<Part>);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartsVisitor)
    }
}

struct PartsVisitor;

// By hand, since an untagged enum loses the path and the reason of a failure.
impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or a list of parts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Parts, E> {
        Ok(Parts(vec![Part::text(text)]))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Parts, E> {
        Ok(Parts(vec![Part::text(text)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parts, A::Error> {
        let mut parts = Vec::new();
        while let Some(WirePart(part)) = list.next_element()? {
            parts.push(part);
        }
        Ok(Parts(parts))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
struct WirePart(Part);

impl TryFrom<Map<String, Value>> for WirePart {
    type Error = String;

    fn try_from(mut map: Map<String, Value>) -> Result<Self, String> {
        let kind = map.get("type").and_then(Value::as_str).ok_or("`type` must be a string")?.to_owned();
        let cache_control = map.remove("cache_control").filter(|mark| !mark.is_null());
        let needs = |what: &str| format!("a part of type `{kind}` needs {what}");
        let content = match kind.as_str() {
            "text" | "input_text" => Content::Text(text(&mut map, "text").ok_or_else(|| needs("a string `text`"))?),
            "refusal" => Content::Refusal(text(&mut map, "refusal").ok_or_else(|| needs("a string `refusal`"))?),
            "image_url" => image(map.remove("image_url")).ok_or_else(|| needs("`image_url.url`"))?,
            "input_audio" => {
                audio(map.remove("input_audio")).ok_or_else(|| needs("`input_audio.data` and `.format`"))?
            }
            "file" => file(map.remove("file")).ok_or_else(|| needs("`file.file_data` or `file.file_id`"))?,
            _ => {
                let json = Value::Object(map);
                return Ok(Self(Part { content: Content::Foreign { kind, json }, cache_control, rest: Map::new() }));
            }
        };
        map.remove("type");
        map.retain(|_, value| !value.is_null());
        Ok(Self(Part { content, cache_control, rest: map }))
    }
}

/// Takes a text out of an object.
pub(super) fn text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    match map.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// `{url, detail}`; Mistral's clients write the URL alone.
fn image(value: Option<Value>) -> Option<Content> {
    let (url, detail) = match value? {
        Value::String(url) => (url, None),
        Value::Object(mut image) => (text(&mut image, "url")?, text(&mut image, "detail")),
        _ => return None,
    };
    Some(Content::Media(Media { kind: MediaKind::Image, source: Source::from_url(&url), detail, name: None }))
}

fn audio(value: Option<Value>) -> Option<Content> {
    let Value::Object(mut audio) = value? else { return None };
    let mime = match text(&mut audio, "format")?.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    let source = Source::Inline { mime, base64: text(&mut audio, "data")? };
    Some(Content::Media(Media { kind: MediaKind::Audio, source, detail: None, name: None }))
}

fn file(value: Option<Value>) -> Option<Content> {
    let Value::Object(mut file) = value? else { return None };
    let source = match text(&mut file, "file_data") {
        Some(data) if data.starts_with("data:") => Source::from_url(&data),
        Some(base64) => Source::Inline { mime: "application/pdf".to_owned(), base64 },
        None => Source::Id(text(&mut file, "file_id")?),
    };
    Some(Content::Media(Media { kind: MediaKind::File, source, detail: None, name: text(&mut file, "filename") }))
}
