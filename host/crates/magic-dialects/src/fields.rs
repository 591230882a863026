//! The top level of a client's JSON body, field by field: what is taken is checked, what is left over is named as lost.
use crate::gemini::lost::Lost;
use magic_types::{Failure, Kind};
use serde_json::{Map, Value};

pub(crate) struct Fields(Map<String, Value>);

// === impl Fields ===
impl Fields {
    /// # Errors
    /// A client's failure for what is no JSON object. `model` is read elsewhere.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Failure> {
        let mut object: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| invalid(&format!("the body is not a JSON object: {error}")))?;
        object.remove("model");
        Ok(Self(object))
    }

    /// `null` is nothing.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(&format!("`{name}` must be a string"))),
        }
    }

    pub(crate) fn needed_text(&mut self, name: &str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| invalid(&format!("`{name}` is missing")))
    }

    pub(crate) fn whole_number(&mut self, name: &str) -> Result<Option<u64>, Failure> {
        let given = self.take(name);
        let number = given.as_ref().map(|value| value.as_u64().ok_or(()));
        number.transpose().map_err(|()| invalid(&format!("`{name}` must be a whole number")))
    }

    pub(crate) fn lose_the_rest(self, lost: &mut Lost) {
        for (name, value) in &self.0 {
            lost.field(name, value);
        }
    }
}

pub(crate) fn invalid(text: &str) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}

#[cfg(test)]
mod tests;
