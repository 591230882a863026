//! What is asked of a model, and how it is written for one leg: as the client's own bytes, or in another dialect.
use super::form::{Form, Upload};
use super::target::{Door, Target};
use crate::telemetry;
use bytes::Bytes;
use http::HeaderMap;
use magic_dialects::chat::{Request, spelling};
use magic_dialects::dialect::{Call, Dialect, Written};
use magic_dialects::openai::request::Head;
use magic_dialects::operation::Operation;
use magic_dialects::vendor::Way;
use magic_dialects::{anthropic, counting, embeddings, images, onlook, speech, transcription};
use magic_types::chat::CompletionRequest;
use magic_types::{Failure, Kind};
use std::sync::OnceLock;

/// What is asked; each leg writes its own body from it.
pub(crate) enum Payload<'a> {
    Json(Box<Asked<'a>>),
    Form(&'a Form),
    /// A step of a session. Always streamed, always read as events.
    Step(&'a CompletionRequest),
}

/// A client's JSON.
pub(crate) struct Asked<'a> {
    pub(crate) operation: Operation,
    pub(crate) head: &'a Head<'a>,
    pub(crate) body: &'a Bytes,
    /// The client's; few of them go on.
    pub(crate) headers: &'a HeaderMap,
    /// Whether the reply is wanted as events even where its bytes could pass.
    pub(crate) decode: bool,
    /// Somebody pays by the token: a stream is to say its usage, whether or not the client wants to know it.
    pub(crate) counted: bool,
    pub(crate) previous: Previous,
    /// Read once, and only if a leg needs it.
    request: OnceLock<Request>,
}

/// The response that a request goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Previous {
    None,
    /// What went before is in the body now; the reply names the id all the same.
    Known(String),
    /// Nobody here knows it; a vendor of the same dialect may.
    Unknown(String),
}

/// A body for one leg, and how its reply is to be read.
pub(super) struct Order<'t> {
    pub(super) door: &'t Door,
    pub(super) body: OrderBody,
    pub(super) streams: bool,
    pub(super) reading: Reading,
    pub(super) lost: Vec<String>,
}

pub(super) enum OrderBody {
    Json(Bytes),
    Form(Upload),
}

pub(super) enum Reading {
    /// The bytes are the client's; an onlooker of that dialect watches.
    Pass(Dialect),
    /// The same of a stream that says its usage to us alone.
    PassWithoutUsage(Dialect),
    /// JSON without a conversation: looked at for errors and usage.
    Json,
    /// Nobody looks in, e.g. sound.
    Raw,
    Decode(Dialect),
    Google(Google),
}

/// What was asked of Google behind OpenAI's endpoints, for its reply to be read by.
pub(super) enum Google {
    Count,
    Embeddings(embeddings::Asked),
    Speech(speech::Asked),
    Transcription(transcription::Asked),
    Images(images::Asked),
}

impl<'a> Asked<'a> {
    pub(crate) fn new(operation: Operation, head: &'a Head<'a>, body: &'a Bytes, headers: &'a HeaderMap) -> Self {
        Self {
            operation,
            head,
            body,
            headers,
            decode: false,
            counted: false,
            previous: Previous::None,
            request: OnceLock::new(),
        }
    }

    /// The whole request, in the words that all dialects share.
    ///
    /// # Errors
    /// What is wrong with the client's body, by field; or that it goes on from what is not known here.
    pub(crate) fn request(&self) -> Result<&Request, Failure> {
        if let Some(request) = self.request.get() {
            return Ok(request);
        }
        if let Previous::Unknown(id) = &self.previous {
            // Answered without what went before it would be another conversation.
            let text = format!("Previous response with id '{id}' not found.");
            return Err(Failure::new(Kind::InvalidRequest, text));
        }
        let client = self.operation.client_dialect().and_then(Dialect::client);
        let mut request = match (client, self.operation) {
            (Some(client), _) => client.read(self.body)?,
            (None, Operation::CountTokens) => anthropic::count_tokens::read(self.body)?,
            (None, _) => return Err(Failure::new(Kind::Internal, "this operation is no conversation")),
        };
        if let Previous::Known(id) = &self.previous {
            request.echo.insert("previous_response_id".to_owned(), id.as_str().into());
        }
        Ok(self.request.get_or_init(|| request))
    }
}

impl Payload<'_> {
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Json(asked) => asked.operation,
            Self::Form(form) => form.operation,
            Self::Step(_) => Operation::ChatCompletions,
        }
    }

    /// What is asked, for a collector that is told of it: a conversation of ours, or the client's body as it came.
    pub(super) fn content(&self) -> (&'static str, String) {
        match self {
            Self::Json(asked) => ("magic.request.body", String::from_utf8_lossy(asked.body).into_owned()),
            Self::Step(request) => ("gen_ai.input.messages", telemetry::conversation(&request.messages)),
            Self::Form(_) => ("magic.request.body", "a form".to_owned()),
        }
    }

    /// Only a stream has a first event to be slow: a whole reply takes as long as its last one, and an upload can be read by
    /// one leg at a time.
    pub(super) fn may_hedge(&self) -> bool {
        match self {
            Self::Json(asked) => asked.head.stream,
            Self::Step(_) => true,
            Self::Form(_) => false,
        }
    }

    /// # Errors
    /// What the client's body lacks for this leg.
    pub(super) async fn write<'t>(&self, target: &'t Target) -> Result<Order<'t>, Failure> {
        match self {
            Self::Step(request) => Ok(step(request, target)),
            Self::Json(asked) => asked.write(target),
            Self::Form(form) => form.write(target).await,
        }
    }
}

impl Asked<'_> {
    fn write<'t>(&self, target: &'t Target) -> Result<Order<'t>, Failure> {
        let door = target.door(self.operation).map_err(|why| Failure::new(Kind::Internal, why))?;
        let family = target.family.dialect();
        match (door.way, self.operation.client_dialect()) {
            (Way::Same, Some(dialect)) if !self.decode => Ok(self.pass(target, door, Reading::Pass(dialect))),
            // The bytes could pass, but their reply is wanted as events.
            (Way::Same, Some(dialect)) if dialect == family => Ok(self.pass(target, door, Reading::Decode(dialect))),
            (Way::Same, Some(_)) => self.translate(target, target.decoded(), family),
            (Way::Same, None) => Ok(self.pass(target, door, unspoken(self.operation))),
            (Way::Chat(dialect), _) => self.translate(target, door, dialect),
            (way, _) => self.google(target, door, way),
        }
    }

    /// Streams of these say their usage only to whoever asks.
    fn asks_usage(&self) -> Option<String> {
        let is_silent = matches!(self.operation, Operation::ChatCompletions | Operation::Completions);
        let is_asking = self.counted && is_silent && self.head.stream;
        is_asking.then(|| onlook::asking_usage(self.head.value(onlook::STREAM_OPTIONS))).flatten()
    }

    fn pass<'t>(&self, target: &'t Target, door: &'t Door, reading: Reading) -> Order<'t> {
        // A profile's parameters are those of a conversation.
        let defaults = target.defaults.iter().filter_map(|(key, json)| {
            let name = spelling(self.operation.client_dialect()?, key, json)?;
            Some((name, json.as_str()))
        });
        let asking = self.asks_usage().filter(|_| target.quirks.name(onlook::STREAM_OPTIONS).is_some());
        let asking = asking.as_deref().map(|options| (onlook::STREAM_OPTIONS, options));
        let reading = match reading {
            Reading::Pass(dialect) if asking.is_some() => Reading::PassWithoutUsage(dialect),
            reading => reading,
        };
        let defaults = defaults.chain(asking);
        let Written { body, lost } =
            self.head.splice_with(self.body, &target.model_json, defaults, asking, target.quirks);
        Order { door, body: OrderBody::Json(body), streams: self.head.stream, reading, lost }
    }

    fn translate<'t>(&self, target: &'t Target, door: &'t Door, dialect: Dialect) -> Result<Order<'t>, Failure> {
        let mut request = self.request()?.clone();
        request.fill(&target.profile.params);
        let streams = self.head.stream;
        let Written { body, lost } = written(&request, target, dialect, streams);
        Ok(Order { door, body: OrderBody::Json(body), streams, reading: Reading::Decode(dialect), lost })
    }

    fn google<'t>(&self, target: &'t Target, door: &'t Door, way: Way) -> Result<Order<'t>, Failure> {
        let model = &target.profile.model;
        let (written, google) = match way {
            Way::GoogleEmbeddings => {
                let (written, asked) = embeddings::write(self.body, model)?;
                (written, Google::Embeddings(asked))
            }
            Way::GoogleSpeech => {
                let (written, asked) = speech::write(self.body)?;
                (written, Google::Speech(asked))
            }
            Way::GoogleImages => {
                let (written, asked) = images::write(self.body, model)?;
                (written, Google::Images(asked))
            }
            Way::Same | Way::Chat(_) | Way::Estimate | Way::GoogleCount | Way::GoogleTranscription => {
                let call = Call { model, stream: false, quirks: target.quirks };
                (counting::write_google(self.request()?, &call), Google::Count)
            }
        };
        let Written { body, lost } = written;
        Ok(Order { door, body: OrderBody::Json(body), streams: false, reading: Reading::Google(google), lost })
    }
}

fn step<'t>(asked: &CompletionRequest, target: &'t Target) -> Order<'t> {
    let mut request = Request::from(asked);
    request.fill(&target.profile.params);
    let dialect = target.family.dialect();
    let Written { body, lost } = written(&request, target, dialect, true);
    let reading = Reading::Decode(dialect);
    Order { door: target.decoded(), body: OrderBody::Json(body), streams: true, reading, lost }
}

fn written(request: &Request, target: &Target, dialect: Dialect, stream: bool) -> Written {
    let call = Call { model: &target.profile.model, stream, quirks: target.quirks };
    match dialect.vendor() {
        Some(vendor) => vendor.write(request, &call),
        // No way leads here: `Way::Chat` names dialects that vendors speak.
        None => Written { body: Bytes::new(), lost: Vec::new() },
    }
}

/// How the reply to an operation without a conversation is read.
fn unspoken(operation: Operation) -> Reading {
    match operation {
        Operation::Speech | Operation::Transcription => Reading::Raw,
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Messages
        | Operation::Completions
        | Operation::CountTokens
        | Operation::Embeddings
        | Operation::Images
        | Operation::Moderations
        | Operation::Models => Reading::Json,
    }
}
