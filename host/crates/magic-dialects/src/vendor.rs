//! How and where a vendor is spoken to, as data and pure functions: which operations it serves and by which way, the full
//! URL, the header that carries the key. Sends nothing; the dialects' bodies are elsewhere.
use crate::dialect::Dialect;
use crate::operation::Operation;

mod azure;
mod native;
mod url;

/// Which of the three wire forms a profile's vendor speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    OpenAi,
    Anthropic,
    Google,
}

/// The vendor at a profile's address.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// The provider's word in the config.
    pub provider: &'a str,
    pub family: Family,
    /// `api_base`, with or without a slash at its end.
    pub base: &'a str,
    /// Azure's `api-version`; `None`: a version of ours.
    pub api_version: Option<&'a str>,
}

/// By which way an operation is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// The vendor has this very endpoint: the client's bytes pass, with the model's name spliced in.
    Same,
    /// Read from the client's dialect, written in this one.
    Chat(Dialect),
    /// The vendor cannot count: the gateway estimates, see [`crate::counting::estimate`], and calls nobody.
    Estimate,
    GoogleCount,
    GoogleEmbeddings,
    GoogleSpeech,
    GoogleTranscription,
    GoogleImages,
}

/// Where the key stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// The bare key in a header of this (lower-case) name.
    Header(&'static str),
}

// === impl Family ===
impl Family {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
        }
    }

    /// The dialect in which this family holds conversations.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::OpenAi => Dialect::Chat,
            Self::Anthropic => Dialect::Messages,
            Self::Google => Dialect::Gemini,
        }
    }

    /// Headers that every request must bear, names in lower case.
    pub fn fixed_headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // https://docs.claude.com/en/api/versioning: the only version in use; a client's own goes before it.
            Self::Anthropic => &[("anthropic-version", "2023-06-01")],
            Self::OpenAi | Self::Google => &[],
        }
    }

    /// Headers of a client, in lower case, that go on to a vendor of the same family when the way is [`Way::Same`]: the
    /// body's meaning hangs on them. `openai-organization` and `openai-project` are not among them: they choose whose
    /// account pays, and the key is the gateway's.
    pub fn forwarded_headers(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi => &["openai-beta"],
            Self::Anthropic => &["anthropic-beta", "anthropic-version"],
            Self::Google => &[],
        }
    }
}

// === impl Speaker ===
impl Speaker<'_> {
    /// How `operation` is carried out here.
    ///
    /// # Errors
    /// Why this vendor cannot: the end of a sentence that begins with the provider's name.
    pub fn way(&self, operation: Operation) -> Result<Way, &'static str> {
        match self.family {
            Family::OpenAi => self.way_openai(operation),
            Family::Anthropic => self.way_anthropic(operation),
            Family::Google => Self::way_google(operation),
        }
    }

    pub fn auth(&self) -> Auth {
        match (self.family, self.provider) {
            (Family::OpenAi, "azure") => Auth::Header("api-key"),
            // OpenRouter offers Anthropic's endpoint with its own keys: https://openrouter.ai/docs.
            (Family::OpenAi, _) | (Family::Anthropic, "openrouter") => Auth::Bearer,
            (Family::Anthropic, _) => Auth::Header("x-api-key"),
            (Family::Google, _) => Auth::Header("x-goog-api-key"),
        }
    }

    /// The full URL of a request. `model` is the vendor's name for it; `stream` matters at Google only, where a stream has
    /// another method. For [`Way::Estimate`], which calls nobody, it is the base.
    pub fn url(&self, operation: Operation, way: Way, model: &str, stream: bool) -> String {
        match way {
            Way::Same => self.same(operation, model),
            Way::Chat(dialect) => self.conversation(dialect, model, stream),
            Way::Estimate => self.base.to_owned(),
            Way::GoogleCount => url::google(self.base, model, "countTokens"),
            Way::GoogleEmbeddings => url::google(self.base, model, "batchEmbedContents"),
            Way::GoogleImages if is_imagen(model) => url::google(self.base, model, "predict"),
            Way::GoogleSpeech | Way::GoogleTranscription | Way::GoogleImages => {
                url::google(self.base, model, "generateContent")
            }
        }
    }

    /// A URL to `GET` with a key: costs nothing and is refused for a bad key. It proves that the key is accepted and
    /// nothing of its quota. `None`: the vendor has none, or answers strangers as well.
    pub fn key_check(&self) -> Option<String> {
        let base = url::trimmed(self.base);
        match (self.family, self.provider) {
            (Family::OpenAi, "azure") => Some(azure::url(base, self.api_version, Operation::Models, "")),
            // `/models` is public there: https://openrouter.ai/docs/api-reference/api-keys/get-current-key.
            (Family::OpenAi, "openrouter") => Some(format!("{base}/key")),
            // llama.cpp lists its models to anybody, Ollama knows no keys, and of a local server nothing is known.
            (Family::OpenAi, "llama.cpp" | "ollama" | "local") => None,
            (Family::OpenAi, _) | (Family::Anthropic, "anthropic") => Some(format!("{base}/models")),
            (Family::Anthropic, _) => None,
            (Family::Google, _) => Some(format!("{}/models?pageSize=1", url::google_base(self.base))),
        }
    }

    fn way_openai(&self, operation: Operation) -> Result<Way, &'static str> {
        let is_native = native::speaks(self.provider, operation)
            && !(operation == Operation::Responses && self.provider == "azure" && !self.azure_has_responses());
        match operation {
            _ if is_native => Ok(Way::Same),
            Operation::ChatCompletions => Ok(Way::Same),
            Operation::Responses | Operation::Messages | Operation::Completions => Ok(Way::Chat(Dialect::Chat)),
            Operation::CountTokens => Ok(Way::Estimate),
            Operation::Embeddings => Err("has no embeddings"),
            Operation::Transcription => Err("transcribes no audio"),
            Operation::Speech => Err("speaks no text"),
            Operation::Images => Err("makes no images"),
            Operation::Moderations => Err("has no moderations"),
            Operation::Models => Err("lists no models"),
        }
    }

    fn way_anthropic(&self, operation: Operation) -> Result<Way, &'static str> {
        match operation {
            Operation::Messages | Operation::Models => Ok(Way::Same),
            // Imitators of Anthropic's messages rarely count: only the original is asked.
            Operation::CountTokens if self.provider == "anthropic" => Ok(Way::Same),
            Operation::CountTokens => Ok(Way::Estimate),
            Operation::ChatCompletions | Operation::Responses | Operation::Completions => {
                Ok(Way::Chat(Dialect::Messages))
            }
            Operation::Embeddings => Err("has no embeddings in Anthropic's dialect"),
            Operation::Transcription => Err("transcribes no audio in Anthropic's dialect"),
            Operation::Speech => Err("speaks no text in Anthropic's dialect"),
            Operation::Images => Err("makes no images in Anthropic's dialect"),
            Operation::Moderations => Err("has no moderations in Anthropic's dialect"),
        }
    }

    fn way_google(operation: Operation) -> Result<Way, &'static str> {
        match operation {
            Operation::ChatCompletions | Operation::Responses | Operation::Messages | Operation::Completions => {
                Ok(Way::Chat(Dialect::Gemini))
            }
            Operation::CountTokens => Ok(Way::GoogleCount),
            Operation::Embeddings => Ok(Way::GoogleEmbeddings),
            Operation::Speech => Ok(Way::GoogleSpeech),
            Operation::Transcription => Ok(Way::GoogleTranscription),
            Operation::Images => Ok(Way::GoogleImages),
            Operation::Models => Ok(Way::Same),
            Operation::Moderations => Err("has no moderations in Google's dialect"),
        }
    }

    fn azure_has_responses(&self) -> bool {
        azure::has_responses(url::trimmed(self.base), self.api_version)
    }

    fn same(&self, operation: Operation, model: &str) -> String {
        let base = url::trimmed(self.base);
        match (self.family, self.provider) {
            (Family::OpenAi, "azure") => azure::url(base, self.api_version, operation, model),
            (Family::Google, _) => format!("{}/{}", url::google_base(base), url::tail(operation)),
            (Family::OpenAi | Family::Anthropic, _) => format!("{base}/{}", url::tail(operation)),
        }
    }

    fn conversation(&self, dialect: Dialect, model: &str, stream: bool) -> String {
        match dialect {
            Dialect::Chat => self.same(Operation::ChatCompletions, model),
            Dialect::Responses => self.same(Operation::Responses, model),
            Dialect::Completions => self.same(Operation::Completions, model),
            Dialect::Messages => self.same(Operation::Messages, model),
            Dialect::Gemini if stream => url::google(self.base, model, "streamGenerateContent?alt=sse"),
            Dialect::Gemini => url::google(self.base, model, "generateContent"),
        }
    }
}

/// Google has two makers of images: Imagen has a method and a body of its own, Gemini answers in `generateContent`.
pub fn is_imagen(model: &str) -> bool {
    model.strip_prefix("models/").unwrap_or(model).starts_with("imagen")
}

#[cfg(test)]
mod tests;
