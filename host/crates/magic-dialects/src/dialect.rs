//! What every dialect can do, in two halves: as clients speak it ([`Client`], [`Writer`]) and as vendors speak it ([`Vendor`],
//! [`Decoder`]). The table of who implements what is [`Dialect`]; nobody outside this crate names an implementation.
use crate::chat::Request;
use crate::reply::Reply;
use crate::{anthropic, completions, gemini, openai, responses};
use bytes::Bytes;
use magic_types::Failure;
use magic_types::stream::ChatEvent;
use serde_json::Value;

/// A wire form for conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `POST /v1/chat/completions`, and vendors that imitate it.
    Chat,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1/completions`, the old text completion.
    Completions,
    /// Anthropic's `POST /v1/messages`.
    Messages,
    /// Google's `generateContent`. Spoken with vendors only.
    Gemini,
}

/// A dialect as its clients speak it.
pub trait Client: Sync {
    /// The whole request.
    ///
    /// # Errors
    /// A client's failure that names the field.
    fn read(&self, body: &[u8]) -> Result<Request, Failure>;

    /// A writer for one reply to `request`.
    fn writer(&self, head: Head, request: &Request) -> Box<dyn Writer>;

    /// An error's body, as this dialect's clients expect it.
    fn error(&self, error: &Error<'_>) -> Value;

    /// The same inside a stream, framed.
    fn error_frame(&self, error: &Error<'_>) -> String;
}

/// What a reply says of itself.
#[derive(Clone, Debug)]
pub struct Head {
    /// Unique; without any prefix (`chatcmpl-`, `resp_`, `msg_`), which each dialect puts before it.
    pub id: String,
    pub model: String,
    /// Unix seconds.
    pub created: u64,
}

/// An error, for a body. `kind` is the word of a [`magic_types::Kind`], `status` the HTTP status that goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Error<'a> {
    pub status: u16,
    pub kind: &'a str,
    /// OpenAI's `error.type`.
    pub class: &'a str,
    pub message: &'a str,
}

/// Turns events into what a client of one dialect reads. One for each reply.
pub trait Writer: Send {
    /// Appends the frames of one event. The first call opens the stream.
    fn event(&mut self, event: &ChatEvent, out: &mut String);

    /// Appends the end of a stream that came to its end. After a failure it is not called: no end is forged.
    fn end(&mut self, out: &mut String);

    /// The body for a client that does not stream.
    fn whole(&mut self, reply: &Reply) -> String;
}

/// A dialect as its vendors speak it.
pub trait Vendor: Sync {
    /// The body for a vendor. `request` has the profile's parameters already put under it.
    fn write(&self, request: &Request, call: &Call<'_>) -> Written;

    fn decoder(&self) -> Box<dyn Decoder>;

    /// A whole reply (`stream: false`) as the events that a stream of it would have had.
    ///
    /// # Errors
    /// `BadReply` for what cannot be read, the vendor's own failure for an error inside a 200.
    fn decode_whole(&self, json: &[u8]) -> Result<Vec<ChatEvent>, Failure>;
}

/// To whom a request is written.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The vendor's name for the model.
    pub model: &'a str,
    pub stream: bool,
    pub quirks: &'a crate::quirks::Quirks,
}

/// A body, and what of the request could not be carried over.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub body: Bytes,
    /// Names of fields as the client knows them, each once: `logit_bias`, `messages[2].content[0].input_audio`.
    pub lost: Vec<String>,
}

/// Reads a vendor's stream.
pub trait Decoder: Send {
    /// Feeds a chunk; appends what it completes to `out`. Total, and every split of the input yields the same events.
    ///
    /// # Errors
    /// The vendor's in-band error, or a stream that is not this dialect. What came before it is in `out`.
    fn push(&mut self, chunk: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), Failure>;

    /// The body has ended: a last event without its blank line still counts.
    ///
    /// # Errors
    /// `CutOff` when the vendor has not said its last word.
    fn end(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), Failure>;

    /// Whether the vendor has said its last word.
    fn is_done(&self) -> bool;
}

// === impl Dialect ===
impl Dialect {
    /// The word for logs and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Completions => "completions",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
        }
    }

    /// Whose shape errors have where a request is no conversation.
    pub fn openai() -> &'static dyn Client {
        &openai::client::Chat
    }

    /// `None`: nobody speaks it to us.
    pub fn client(self) -> Option<&'static dyn Client> {
        match self {
            Self::Chat => Some(&openai::client::Chat),
            Self::Responses => Some(&responses::client::Responses),
            Self::Completions => Some(&completions::Completions),
            Self::Messages => Some(&anthropic::client::Messages),
            Self::Gemini => None,
        }
    }

    /// `None`: only ever passed through, since whoever speaks it speaks `Chat` as well.
    pub fn vendor(self) -> Option<&'static dyn Vendor> {
        match self {
            Self::Chat => Some(&openai::upstream::Chat),
            Self::Messages => Some(&anthropic::upstream::Messages),
            Self::Gemini => Some(&gemini::upstream::Gemini),
            Self::Responses | Self::Completions => None,
        }
    }
}
