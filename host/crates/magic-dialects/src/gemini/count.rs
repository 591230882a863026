//! Google's counting of a prompt's tokens: `:countTokens`. <https://ai.google.dev/api/tokens>
use crate::chat::Request;
use crate::dialect::{Call, Written};
use magic_types::Failure;
use serde::Deserialize;
use serde_json::json;

use super::{model, upstream};
use crate::errors;
use crate::lost::Lost;

pub(crate) fn write(request: &Request, call: &Call<'_>) -> Written {
    let mut lost = Lost::default();
    let mut inner = upstream::body(request, call.model, &mut lost);
    // Here the model is asked for in the body as well, with its collection.
    let name = model::bare(call.model);
    let name = if name.starts_with("tunedModels/") { name.to_owned() } else { format!("models/{name}") };
    inner.insert("model".to_owned(), json!(name));
    let body = json!({ "generateContentRequest": inner }).to_string().into();
    Written { body, lost: lost.into_names() }
}

pub(crate) fn read(body: &[u8]) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        #[serde(default)]
        total_tokens: Option<u64>,
        #[serde(default)]
        error: Option<serde::de::IgnoredAny>,
    }
    let counted: Counted = serde_json::from_slice(body).map_err(errors::bad_reply)?;
    if counted.error.is_some() {
        return Err(errors::in_band(body));
    }
    counted.total_tokens.ok_or_else(|| errors::bad_reply("a count without `totalTokens`"))
}
