//! One conversation as any dialect can say it: what is read from a client's request and written for a vendor of another
//! dialect. Richer than a pattern's `CompletionRequest`, which it can be made from. Owns values only; no wire form.
use magic_types::chat::Role;
use serde_json::{Map, Value};

mod defaults;
mod from_session;

pub use defaults::spelling;
pub(crate) use defaults::texts;

/// What a client asks of a model. Fields that are `None` are the vendor's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// System messages are among them, where the client put them.
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    pub tool_choice: Option<ToolChoice>,
    pub parallel_tool_calls: Option<bool>,
    pub max_output_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub seed: Option<i64>,
    pub stop: Vec<String>,
    pub format: Option<Format>,
    pub thinking: Option<Thinking>,
    /// The end user, as the client calls him (`user`, `metadata.user_id`).
    pub user: Option<String>,
    pub stream: bool,
    /// Whether the client asked for a stream's usage, where its dialect lets it ask.
    pub include_usage: bool,
    /// Top-level fields of the client's dialect that have no place above. A writer takes those that its vendor is known to
    /// understand and names the others as lost.
    pub rest: Map<String, Value>,
    /// Fields of the vendor's own, from the profile or a pattern: written as they are.
    pub extra: Map<String, Value>,
    /// What the client's own writer says again of the request (a response's `instructions`, `metadata` …). For no vendor.
    pub echo: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub role: Role,
    pub name: Option<String>,
    pub parts: Vec<Part>,
    /// Fields that this crate knows no meaning of.
    pub rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub content: Content,
    /// Anthropic's mark for its prompt cache, which other dialects' clients set as well.
    pub cache_control: Option<Value>,
    pub rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Text(String),
    Media(Media),
    Reasoning {
        text: String,
        signature: Option<String>,
    },
    RedactedReasoning(String),
    Refusal(String),
    ToolCall(ToolCall),
    ToolResult {
        call_id: String,
        /// Texts and media.
        parts: Vec<Part>,
        is_error: bool,
    },
    /// A part that only its own dialect knows, by its `type`.
    Foreign {
        kind: String,
        json: Value,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON text, as the model wrote it; it need not be valid.
    pub arguments: String,
    pub signature: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    pub kind: MediaKind,
    pub source: Source,
    /// OpenAI's `detail` of an image: `low`, `high`, `auto`.
    pub detail: Option<String>,
    /// Of a file.
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    Image,
    Audio,
    File,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// `https:` and kin; a `data:` URL is read as `Inline`.
    Url(String),
    Inline {
        /// `image/png`; `audio/wav`.
        mime: String,
        base64: String,
    },
    /// A file that was uploaded to one vendor: means nothing to another.
    Id(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// JSON Schema of an object; `None`: the tool takes nothing.
    pub parameters: Option<Value>,
    pub strict: Option<bool>,
    pub cache_control: Option<Value>,
    /// A tool that the vendor itself carries out (`web_search_20250305`, `computer_use_preview` …): its JSON as it is, which
    /// only its own dialect understands. `name` and the rest are then for display.
    pub foreign: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    Auto,
    None,
    /// Any of them, but one.
    Required,
    Named(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    Text,
    JsonObject,
    JsonSchema { name: String, description: Option<String>, schema: Value, strict: Option<bool> },
}

/// How much a reasoning model shall think.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thinking {
    /// OpenAI's word: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
    pub effort: Option<String>,
    /// Anthropic's and Google's number; 0 switches thinking off.
    pub budget_tokens: Option<u64>,
    /// Whether the thoughts are to be shown, where the vendor lets one choose.
    pub shown: Option<bool>,
}

// === impl Message ===
impl Message {
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, name: None, parts, rest: Map::new() }
    }
}

// === impl Part ===
impl Part {
    pub fn new(content: Content) -> Self {
        Self { content, cache_control: None, rest: Map::new() }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }
}

// === impl MediaKind ===
impl MediaKind {
    /// OpenAI's word for such a part.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image_url",
            Self::Audio => "input_audio",
            Self::File => "file",
        }
    }
}

// === impl Source ===
impl Source {
    /// A URL; `data:<mime>;base64,<data>` (RFC 2397) is taken apart, any other URL stays one.
    pub(crate) fn from_url(url: &str) -> Self {
        let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
        match inline.and_then(|(head, base64)| Some((head.strip_suffix(";base64")?, base64))) {
            Some((mime, base64)) => Self::Inline { mime: mime.to_owned(), base64: base64.to_owned() },
            None => Self::Url(url.to_owned()),
        }
    }

    /// The same as one URL; `None` for an id.
    pub(crate) fn to_url(&self) -> Option<String> {
        match self {
            Self::Url(url) => Some(url.clone()),
            Self::Inline { mime, base64 } => Some(data_url(mime, base64)),
            Self::Id(_) => None,
        }
    }
}

/// Whether the model may not answer without a call.
pub(crate) fn forces_a_tool(request: &Request) -> bool {
    matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)))
}

/// In place of a user's turn of which nothing can be written, for vendors that refuse empty turns: without the turn those
/// around it would be of one speaker, or begin with the model.
pub(crate) const NOTHING_SAID: &str = "(empty)";

/// RFC 2397.
pub(crate) fn data_url(mime: &str, base64: &str) -> String {
    format!("data:{mime};base64,{base64}")
}
