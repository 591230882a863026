//! The top level of a JSON object as spans of its text, and its rewriting without touching a byte that need not change.
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// One field. The spans are byte ranges of the text that it was found in.
#[derive(Debug)]
pub(super) struct Entry<'b> {
    pub(super) key: Cow<'b, str>,
    pub(super) value: &'b str,
    key_span: Range<usize>,
    value_span: Range<usize>,
}

/// What becomes of a field.
pub(super) enum Fate<'e> {
    Keep,
    Strip,
    Rename(&'e str),
    Replace(Cow<'e, [u8]>),
}

/// Looks at the top level of `text`: one pass, no copy of anything but escaped keys.
pub(super) fn entries(text: &[u8]) -> Result<Vec<Entry<'_>>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let fields = Fields::deserialize(&mut json).and_then(|fields| json.end().map(|()| fields))?;
    // A raw value is a slice of `text`, so its address is its place.
    let span = |raw: &RawValue| {
        let start = raw.get().as_ptr().addr() - text.as_ptr().addr();
        start..start + raw.get().len()
    };
    let mut found = Vec::with_capacity(fields.0.len());
    for (key, value) in fields.0 {
        let name = match key.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
            _ => Cow::Owned(serde_json::from_str(key.get())?),
        };
        found.push(Entry { key: name, value: value.get(), key_span: span(key), value_span: span(value) });
    }
    Ok(found)
}

/// `text` with a fate for each of its entries, and `front` (`"key":value` pairs, joined by commas) before them.
pub(super) fn rewrite<'e>(
    text: &[u8],
    entries: &[Entry<'_>],
    front: &[u8],
    mut fate: impl FnMut(&Entry<'_>) -> Fate<'e>,
) -> Vec<u8> {
    let slice = |range: Range<usize>| text.get(range).unwrap_or_default();
    let open = memchr::memchr(b'{', text).map_or(0, |at| at + 1);
    let mut out = Vec::with_capacity(text.len() + front.len() + 64);
    out.extend_from_slice(slice(0..open));
    out.extend_from_slice(front);
    let mut needs_comma = !front.is_empty();
    // Where the bytes between the previous entry and this one begin.
    let mut from = open;
    for entry in entries {
        let fate = fate(entry);
        let gap = slice(from..entry.key_span.start);
        from = entry.value_span.end;
        if matches!(fate, Fate::Strip) {
            continue;
        }
        // The gap holds a comma unless this was the first entry: one is needed exactly where something stands before.
        let comma = memchr::memchr(b',', gap);
        let (before, after) = comma
            .map_or((&[][..], gap), |at| (gap.get(..at).unwrap_or_default(), gap.get(at + 1..).unwrap_or_default()));
        if needs_comma {
            out.extend_from_slice(before);
            out.push(b',');
        }
        needs_comma = true;
        out.extend_from_slice(after);
        match &fate {
            Fate::Rename(name) => {
                out.push(b'"');
                out.extend_from_slice(name.as_bytes());
                out.push(b'"');
            }
            Fate::Keep | Fate::Replace(_) | Fate::Strip => out.extend_from_slice(slice(entry.key_span.clone())),
        }
        out.extend_from_slice(slice(entry.key_span.end..entry.value_span.start));
        match fate {
            Fate::Replace(value) => out.extend_from_slice(&value),
            Fate::Keep | Fate::Rename(_) | Fate::Strip => out.extend_from_slice(slice(entry.value_span.clone())),
        }
    }
    out.extend_from_slice(slice(from..text.len()));
    out
}

struct Fields<'b>(Vec<(&'b RawValue, &'b RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::with_capacity(16);
        while let Some(key) = map.next_key::<&RawValue>()? {
            let value = map.next_value::<&RawValue>()?;
            // Two models in one body would let the gateway route by one and the vendor bill by the other.
            let is_model = |key: &RawValue| key.get() == "\"model\"";
            if is_model(key) && fields.iter().any(|(seen, _): &(&RawValue, _)| is_model(seen)) {
                return Err(A::Error::custom("`model` is given twice"));
            }
            fields.push((key, value));
        }
        Ok(Fields(fields))
    }
}
