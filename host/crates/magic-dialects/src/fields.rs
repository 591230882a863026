//! A client's JSON taken apart field by field, with failures that say where the field stands; what nobody took is named as
//! lost. Knows no field's name.
use crate::lost::Lost;
use magic_types::{Failure, Kind};
use serde_json::{Map, Value};
use std::fmt;

/// A place in a JSON document: `input[2].content[0].text`.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
}

/// An object of which the fields are taken one by one; what nobody took is left over.
pub(crate) struct Fields<'a> {
    map: Map<String, Value>,
    at: &'a At<'a>,
}

// === impl At ===
impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(before, name) => write!(f, "{before}.{name}"),
            Self::Index(before, index) => write!(f, "{before}[{index}]"),
        }
    }
}

impl At<'_> {
    pub(crate) fn wrong(&self, why: &str) -> Failure {
        match self {
            Self::Root => invalid(format!("the request body {why}")),
            Self::Field(..) | Self::Index(..) => invalid(format!("`{self}`: {why}")),
        }
    }
}

// === impl Fields ===
impl Fields<'static> {
    /// The top level of a body, without its `model`, which is read elsewhere.
    ///
    /// # Errors
    /// A client's failure for what is no JSON object.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Failure> {
        let mut map: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("the request body is not a JSON object: {error}")))?;
        map.remove("model");
        Ok(Self { map, at: &At::Root })
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: Value, at: &'a At<'a>) -> Result<Self, Failure> {
        match value {
            Value::Object(map) => Ok(Self { map, at }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(at.wrong("must be an object"))
            }
        }
    }

    /// `null` is the same as nothing.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn peek(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    pub(crate) fn needed_text(&mut self, name: &str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing: give a string"))
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Failure> {
        self.typed(name, "must be true or false", Value::as_bool)
    }

    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u64>, Failure> {
        self.typed(name, "must be a whole number of at least 0", Value::as_u64)
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>, Failure> {
        self.typed(name, "must be a number", Value::as_f64)
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<Value>, Failure> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(self.wrong(name, "must be a list")),
        }
    }

    pub(crate) fn wrong(&self, name: &str, why: &str) -> Failure {
        At::Field(self.at, name).wrong(why)
    }

    /// What nobody took, without what is null.
    pub(crate) fn left_over(self) -> Map<String, Value> {
        self.map.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    pub(crate) fn lose_the_rest(self, lost: &mut Lost) {
        for (name, value) in &self.map {
            lost.field(name, value);
        }
    }

    fn typed<T>(&mut self, name: &str, why: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Failure> {
        self.take(name).map(|value| read(&value).ok_or_else(|| self.wrong(name, why))).transpose()
    }
}

pub(crate) fn invalid(text: impl Into<String>) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}

#[cfg(test)]
mod tests;
