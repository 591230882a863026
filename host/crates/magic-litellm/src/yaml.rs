//! YAML text to nodes that know which fields of the file lie in them. Knows no key of the config.
use crate::Error;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::fmt;
use std::ops::Range;

/// As our own config: a config of a thousand models is about 300 KiB.
const TEXT_BYTES_MAX: usize = 4 << 20;
const DEPTH_MAX: usize = 64;
const NODES_MAX: usize = 200_000;

/// A value of the file.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Its fields by their numbers: a field is a value without values below it, or an empty list or mapping.
    pub(crate) fields: Range<usize>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// The document, and the path of each of its fields.
pub(crate) fn read(text: &str) -> Result<(Node, Vec<String>), Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::Yaml(format!("it has {} bytes; at most {TEXT_BYTES_MAX} are read", text.len())));
    }
    // LiteLLM reads YAML 1.1, where `yes` and `on` are truth values.
    let options = serde_saphyr::options! {
        strict_booleans: false,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES_MAX },
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_total_scalar_bytes: 4 * TEXT_BYTES_MAX,
            enforce_alias_anchor_ratio: false,
        },
    };
    let raw: Raw = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        // Without its snippet, which would repeat lines of the file: a secret may stand in one.
        let text = error.without_snippet().to_string();
        Error::Yaml(text.lines().next().unwrap_or_default().to_owned())
    })?;
    let mut paths = Vec::new();
    let root = numbered(raw, "", &mut paths);
    Ok((root, paths))
}

fn numbered(raw: Raw, path: &str, paths: &mut Vec<String>) -> Node {
    let first = paths.len();
    let kind = match raw {
        Raw::Null => Kind::Null,
        Raw::Bool(value) => Kind::Bool(value),
        Raw::Number(value) => Kind::Number(value),
        Raw::Text(value) => Kind::Text(value),
        Raw::List(items) => {
            let items = items.into_iter().enumerate();
            Kind::List(items.map(|(index, item)| numbered(item, &format!("{path}[{index}]"), paths)).collect())
        }
        Raw::Map(entries) => {
            let node = |(key, value): (String, Raw)| {
                let node = numbered(value, &joined(path, &key), paths);
                (key, node)
            };
            Kind::Map(entries.into_iter().map(node).collect())
        }
    };
    if paths.len() == first {
        paths.push(path.to_owned());
    }
    Node { kind, fields: first..paths.len() }
}

/// A key that would read as more than one is quoted, so that no two fields have one path.
fn joined(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && !key.contains(['.', '[', '"']) && !key.contains(char::is_control);
    let key = if plain { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

// === impl Node ===
impl Node {
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// Of a mapping; else none.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => &[],
        }
    }

    /// Of a list; else none.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Map(_) => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text.trim()),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// A number, or a text that is one: LiteLLM takes both, and `20_000`, which was a number in YAML 1.1.
    pub(crate) fn number(&self) -> Option<f64> {
        let number = match &self.kind {
            Kind::Number(number) => number.as_f64(),
            Kind::Text(text) => text.trim().replace('_', "").parse().ok(),
            Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Map(_) => None,
        };
        number.filter(|number: &f64| number.is_finite())
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Null | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// For a generation parameter.
    pub(crate) fn json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::json).collect()),
            Kind::Map(entries) => entries.iter().map(|(key, node)| (key.clone(), node.json())).collect(),
        }
    }
}

/// As the parser gives it. A key that is no text (LiteLLM's examples have none) is written as one.
enum Raw {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(String, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        Number::from_f64(value).map(Raw::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries: Vec<(String, Raw)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Raw>()? {
            if entries.iter().any(|(other, _)| *other == key) {
                return Err(A::Error::custom(format!("duplicate key `{key}`")));
            }
            entries.push((key, value));
        }
        Ok(Raw::Map(entries))
    }
}
