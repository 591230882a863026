//! The delta of one chunk, borrowed from the event that it says. Owns the field names and their order, nothing else.
use serde::Serialize;
use std::io;

#[derive(Default, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_details: Option<[Detail<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<[CallDelta<'a>; 1]>,
}

/// OpenRouter's form of sealed reasoning: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
#[derive(Serialize)]
pub(crate) struct Detail<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
    /// For OpenRouter, which has to know whose the seal is.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    index: u32,
}

#[derive(Serialize)]
pub(super) struct CallDelta<'a> {
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<Extra<'a>>,
}

#[derive(Serialize)]
pub(super) struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
}

/// Google's seal on a call: <https://ai.google.dev/gemini-api/docs/openai#thought-signatures>.
#[derive(Serialize)]
pub(crate) struct Extra<'a> {
    google: Google<'a>,
}

#[derive(Serialize)]
struct Google<'a> {
    thought_signature: &'a str,
}

impl<'a> Extra<'a> {
    pub(crate) fn of(seal: &'a str) -> Self {
        Self { google: Google { thought_signature: seal } }
    }
}

impl<'a> Detail<'a> {
    pub(crate) fn text(text: &'a str, signature: Option<&'a str>, index: u32) -> Self {
        Self { r#type: "reasoning.text", text: Some(text), data: None, signature, format: None, index }
    }

    pub(crate) fn encrypted(data: &'a str, index: u32) -> Self {
        Self { r#type: "reasoning.encrypted", text: None, data: Some(data), signature: None, format: None, index }
    }

    pub(crate) fn of_format(self, format: &'a str) -> Self {
        Self { format: Some(format), ..self }
    }
}

/// Appends a value's JSON. Structs of strings and numbers always serialise.
pub(crate) fn append(out: &mut String, value: &impl Serialize) {
    let written = serde_json::to_writer(Sink(out), value);
    debug_assert!(written.is_ok(), "a struct of strings and numbers serialises");
}

struct Sink<'a>(&'a mut String);

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push_str(std::str::from_utf8(bytes).map_err(io::Error::other)?);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
