//! Reading one JSON object field by field, with errors that name the field. What is absent is zero.
use serde_json::Value;

/// A text on disk that this version cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record cannot be read: {0}")]
pub struct Unreadable(pub String);

type Read<T> = Result<T, Unreadable>;

#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Value);

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(super) fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(self, key: &str) -> Read<String> {
        Ok(self.optional_text(key)?.unwrap_or_default())
    }

    pub(super) fn optional_text(self, key: &str) -> Read<Option<String>> {
        self.get(key).map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(key, "a text"))).transpose()
    }

    pub(super) fn number(self, key: &str) -> Read<u64> {
        Ok(self.optional_number(key)?.unwrap_or(0))
    }

    pub(super) fn optional_number(self, key: &str) -> Read<Option<u64>> {
        self.get(key).map(|value| value.as_u64().ok_or_else(|| wrong(key, "a whole number"))).transpose()
    }

    pub(super) fn small(self, key: &str) -> Read<u32> {
        u32::try_from(self.number(key)?).map_err(|_| wrong(key, "a number of 32 bits"))
    }

    pub(super) fn optional_small(self, key: &str) -> Read<Option<u32>> {
        let number = self.optional_number(key)?;
        number.map(|number| u32::try_from(number).map_err(|_| wrong(key, "a number of 32 bits"))).transpose()
    }

    #[expect(clippy::cast_possible_truncation, reason = "it was an f32 when it was written")]
    pub(super) fn optional_float(self, key: &str) -> Read<Option<f32>> {
        self.get(key)
            .map(|value| value.as_f64().map(|float| float as f32).ok_or_else(|| wrong(key, "a number")))
            .transpose()
    }

    pub(super) fn truth(self, key: &str) -> Read<bool> {
        self.get(key).map_or(Ok(false), |value| value.as_bool().ok_or_else(|| wrong(key, "true or false")))
    }

    pub(super) fn list<T>(self, key: &str, read: impl Fn(&'a Value) -> Read<T>) -> Read<Vec<T>> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        value.as_array().ok_or_else(|| wrong(key, "a list"))?.iter().map(read).collect()
    }

    pub(super) fn texts(self, key: &str) -> Read<Vec<String>> {
        self.list(key, |value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(key, "a list of texts")))
    }

    /// A value that must be there.
    pub(super) fn inner<T>(self, key: &str, read: impl FnOnce(&'a Value) -> Read<T>) -> Read<T> {
        read(self.get(key).ok_or_else(|| wrong(key, "there"))?)
    }

    /// A word out of a closed list.
    pub(super) fn word<T>(self, key: &str, known: impl FnOnce(&str) -> Option<T>) -> Read<T> {
        let word = self.text(key)?;
        known(&word).ok_or_else(|| Unreadable(format!("`{key}` is `{word}`, which this version does not know")))
    }
}

pub(super) fn wrong(key: &str, expected: &str) -> Unreadable {
    Unreadable(format!("`{key}` is not {expected}"))
}
