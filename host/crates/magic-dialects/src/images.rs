//! OpenAI's `/v1/images/generations` before Google's two makers of images: Imagen (`predict`) and Gemini (`generateContent`).
//! <https://ai.google.dev/gemini-api/docs/imagen>, <https://ai.google.dev/gemini-api/docs/image-generation>
use crate::chat::data_url;
use crate::dialect::Written;
use crate::errors::{self, bad_reply};
use crate::fields::{Fields, invalid};
use crate::gemini::wire::{Response, UsageMetadata};
use crate::lost::Lost;
use crate::operation::Answer;
use crate::speech::{blobs, silent};
use crate::vendor::is_imagen;
use magic_types::{Failure, Kind};
use serde::Deserialize;
use serde_json::{Value, json};

/// What both makers can draw, width by height.
const RATIOS: [(u32, u32); 5] = [(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)];

/// What the reply's form hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    by_imagen: bool,
    /// A `data:` URL instead of bare base64: nothing is kept here that a URL could lead to.
    as_url: bool,
}

/// The body for Google. `model` is Google's name for it.
///
/// # Errors
/// A client's failure that names the field.
pub fn write(body: &[u8], model: &str) -> Result<(Written, Asked), Failure> {
    let mut fields = Fields::read(body)?;
    let mut lost = Lost::default();
    let by_imagen = is_imagen(model);
    let prompt = fields.needed_text("prompt")?;
    let count = fields.count("n")?.unwrap_or(1);
    let ratio = fields.text("size")?.and_then(|size| ratio(&size, &mut lost));
    let as_url = match fields.text("response_format")?.as_deref() {
        None | Some("b64_json") => false,
        Some("url") => true,
        Some(_) => return Err(invalid("`response_format` must be `b64_json` or `url`")),
    };
    for name in ["quality", "background", "moderation", "style"] {
        // These say that the vendor may choose, as it does.
        if let Some(value) = fields.take(name).filter(|value| value != "auto") {
            lost.field(name, &value);
        }
    }
    fields.lose_the_rest(&mut lost);
    let body = if by_imagen { imagen(&prompt, count, ratio) } else { gemini(&prompt, count, ratio, &mut lost) };
    Ok((Written { body: body.to_string().into(), lost: lost.into_names() }, Asked { by_imagen, as_url }))
}

fn imagen(prompt: &str, count: u64, ratio: Option<String>) -> Value {
    let mut parameters = json!({ "sampleCount": count });
    if let (Some(ratio), Some(object)) = (ratio, parameters.as_object_mut()) {
        object.insert("aspectRatio".to_owned(), json!(ratio));
    }
    json!({ "instances": [{ "prompt": prompt }], "parameters": parameters })
}

fn gemini(prompt: &str, count: u64, ratio: Option<String>, lost: &mut Lost) -> Value {
    if count != 1 {
        lost.name("n");
    }
    let mut config = json!({ "responseModalities": ["TEXT", "IMAGE"] });
    if let (Some(ratio), Some(object)) = (ratio, config.as_object_mut()) {
        object.insert("imageConfig".to_owned(), json!({ "aspectRatio": ratio }));
    }
    json!({ "contents": [{ "role": "user", "parts": [{ "text": prompt }] }], "generationConfig": config })
}

/// `1024x1024` as `1:1`, or as the ratio that comes nearest, and then the size is lost.
fn ratio(size: &str, lost: &mut Lost) -> Option<String> {
    if size == "auto" {
        return None;
    }
    let sides = size.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let Some((width, height)) = sides.filter(|(width, height): &(u32, u32)| *width > 0 && *height > 0) else {
        lost.name("size");
        return None;
    };
    // How far two ratios are apart, the same for a picture that lies and for one that stands.
    let apart =
        |(w, h): &(u32, u32)| ((f64::from(width) / f64::from(height)) / (f64::from(*w) / f64::from(*h))).ln().abs();
    let nearest = RATIOS.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    if apart(nearest) > 1e-3 {
        lost.name("size");
    }
    Some(format!("{}:{}", nearest.0, nearest.1))
}

// === impl Asked ===
impl Asked {
    /// Google's reply as OpenAI's list. `created` is Unix seconds.
    ///
    /// # Errors
    /// `BadReply` for what holds no picture, `ContentPolicy` where Google would not draw, Google's failure for an error
    /// inside a 200.
    pub fn read(&self, json: &[u8], created: u64) -> Result<Answer, Failure> {
        let (pictures, usage) = if self.by_imagen { (predicted(json)?, None) } else { drawn(json)? };
        let picture = |(mime, base64): &(String, String)| match self.as_url {
            true => json!({ "url": data_url(mime, base64) }),
            false => json!({ "b64_json": base64 }),
        };
        let data: Vec<Value> = pictures.iter().map(picture).collect();
        Ok(Answer::json(json!({ "created": created, "data": data }).to_string(), usage))
    }
}

/// Media types and base64.
type Pictures = Vec<(String, String)>;

fn drawn(json: &[u8]) -> Result<(Pictures, Option<magic_types::Usage>), Failure> {
    let mut response: Response<'_> = serde_json::from_slice(json).map_err(bad_reply)?;
    if let Some(failure) = response.failure(json) {
        return Err(failure);
    }
    let pictures: Pictures = blobs(&mut response)
        .into_iter()
        .filter_map(|blob| {
            Some((blob.mime_type.map_or_else(|| "image/png".to_owned(), String::from), blob.data?.into()))
        })
        .collect();
    if pictures.is_empty() {
        Err(silent(&response))
    } else {
        Ok((pictures, response.usage_metadata.map(UsageMetadata::into_usage)))
    }
}

fn predicted(json: &[u8]) -> Result<Pictures, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Prediction {
        #[serde(default)]
        mime_type: Option<String>,
        #[serde(default)]
        bytes_base64_encoded: Option<String>,
        /// Why a picture was withheld.
        #[serde(default)]
        rai_filtered_reason: Option<String>,
    }
    #[derive(Deserialize)]
    struct Reply {
        #[serde(default)]
        predictions: Vec<Prediction>,
        #[serde(default)]
        error: Option<serde::de::IgnoredAny>,
    }
    let reply: Reply = serde_json::from_slice(json).map_err(bad_reply)?;
    if reply.error.is_some() {
        return Err(errors::in_band(json));
    }
    let reason = reply.predictions.iter().find_map(|prediction| prediction.rai_filtered_reason.clone());
    let pictures: Pictures = reply
        .predictions
        .into_iter()
        .filter_map(|found| {
            Some((found.mime_type.unwrap_or_else(|| "image/png".to_owned()), found.bytes_base64_encoded?))
        })
        .collect();
    match (pictures.is_empty(), reason) {
        (false, _) => Ok(pictures),
        (true, Some(reason)) => Err(Failure::new(Kind::ContentPolicy, reason)),
        // Imagen's way of withholding all that it drew is to send nothing.
        (true, None) => Err(Failure::new(Kind::ContentPolicy, "the model's vendor withheld every picture")),
    }
}

#[cfg(test)]
mod tests;
