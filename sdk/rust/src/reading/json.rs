//! A JSON list in a model's text, wherever it stands. Refuses to guess at what does not parse.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::spoken;

/// The first list in the text that reads as `T`s: alone, in a fence, among prose, or as the one list of an object. The
/// error says to the model what to mend.
pub fn json_list<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let text = spoken(text);
    let mut problem = None;
    let starts = text.match_indices(['[', '{']).map(|(at, _)| at);
    let mut behind = 0;
    for at in starts {
        if at < behind {
            continue;
        }
        let mut values = serde_json::Deserializer::from_str(text.get(at..).unwrap_or_default()).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                behind = at + values.byte_offset();
                match items(value).map(|items| items.into_iter().map(serde_json::from_value).collect()) {
                    Some(Ok(list)) => return Ok(list),
                    Some(Err::<Vec<T>, _>(error)) => problem = Some(format!("The JSON does not fit: {error}.")),
                    None => {}
                }
            }
            Some(Err(error)) if problem.is_none() => problem = Some(format!("The list is not valid JSON: {error}.")),
            Some(Err(_)) | None => {}
        }
    }
    Err(problem.unwrap_or_else(|| "There is no JSON list in your reply.".into()))
}

/// The items of a list, of an object's one list, or an object that may be the only item.
fn items(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        Value::Object(fields) => {
            let lists = fields.values().filter(|value| value.is_array()).count();
            match (fields.len(), lists) {
                (1, 1) => fields.into_iter().next().and_then(|(_, list)| items(list)),
                _ => Some(vec![Value::Object(fields)]),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
