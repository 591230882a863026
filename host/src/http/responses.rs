//! `/v1/responses`: with stored responses and `previous_response_id` over any vendor. What went before is put into the
//! request here, so that no leg of the chain needs to remember it.
use super::auth::Caller;
use super::error::Refusal;
use super::outgoing::{End, Tap};
use super::serve::{self, Incoming};
use super::{origin, reply};
use crate::app::{App, wall_clock};
use crate::store::{Responses, Stored};
use crate::upstream::Previous;
use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, header};
use magic_config::ServerSettings;
use magic_dialects::operation::Operation;
use magic_dialects::responses::stored::{self, Collector, Page};
use magic_types::{Failure, Kind};
use serde::Deserialize;
use std::sync::Arc;

pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let incoming = serve::receive(&app, request).await?;
    let wishes = stored::wishes(&incoming.body)?;
    let responses = Responses::of(&app.store);
    let asked = incoming.body.clone();
    let mut incoming = incoming;
    if let Some(previous) = &wishes.previous {
        expand(&responses, &mut incoming, previous).await?;
    }
    let settings = incoming.snapshot.config.server_settings.clone();
    let owner = incoming.caller.owner();
    let keeper = Keeper { responses, owner, asked, settings, is_stream: false, told: Told::default() };
    let taps: Vec<Box<dyn Tap>> = if wishes.store { vec![Box::new(keeper)] } else { Vec::new() };
    serve::answer(&app, Operation::Responses, incoming, taps).await
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let stored = find(&app, &caller, &id).await?;
    Ok(reply::json_text(stored.response.clone()))
}

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    origin::check(&headers)?;
    let stored = find(&app, &caller, &id).await?;
    caller.acts_for(stored.owner.as_deref())?;
    let is_gone = Responses::of(&app.store).delete(&id, wall_clock()).await;
    match is_gone
        .map_err(|refused| Failure::new(Kind::Overloaded, format!("the response could not be deleted: {refused}")))?
    {
        true => Ok(reply::json_text(stored::deleted(&id))),
        false => Err(unknown(&id).into()),
    }
}

#[derive(Deserialize)]
pub(crate) struct Paging {
    limit: Option<String>,
    order: Option<String>,
    after: Option<String>,
}

pub(crate) async fn input_items(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Response, Refusal> {
    let page = Page::new(paging.limit.as_deref(), paging.order.as_deref(), paging.after.as_deref())?;
    let stored = find(&app, &caller, &id).await?;
    Ok(reply::json_text(stored::input_items(&turn(&stored)?, &page)))
}

/// One that the caller may see; another one is not there for it.
async fn find(app: &App, caller: &Caller, id: &str) -> Result<Arc<Stored>, Failure> {
    let found = Responses::of(&app.store).get(id, wall_clock()).await;
    found.filter(|stored| caller.sees(stored.owner.as_deref())).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("Response with id '{id}' not found."))
}

/// Puts everything that went before into the request. One that goes on from a response that is not ours is left as it is:
/// the vendor may know it. Another client's is ours all the same, and no vendor is asked for it with a key that could read it.
async fn expand(responses: &Responses, incoming: &mut Incoming, previous: &str) -> Result<(), Failure> {
    let now = wall_clock();
    if responses.get(previous, now).await.is_none() {
        incoming.previous = Previous::Unknown(previous.to_owned());
        return Ok(());
    }
    let chain = responses.chain(previous, now).await;
    let chain = chain.map_err(|error| Failure::new(Kind::InvalidRequest, format!("failed to {error}")))?;
    if !chain.iter().all(|stored| incoming.caller.sees(stored.owner.as_deref())) {
        let text = format!("Previous response with id '{previous}' not found.");
        return Err(Failure::new(Kind::InvalidRequest, text));
    }
    let turns: Vec<stored::Stored> = chain.iter().map(|stored| turn(stored)).collect::<Result<_, _>>()?;
    incoming.body = stored::expand(&incoming.body, &turns)?;
    incoming.previous = Previous::Known(previous.to_owned());
    Ok(())
}

/// A row as the dialect reads it.
fn turn(row: &Stored) -> Result<stored::Stored, Failure> {
    let output = stored::output_of(&row.response)?;
    Ok(stored::Stored {
        id: row.id.clone(),
        previous: row.previous.clone(),
        input: row.request_items.clone(),
        output,
        reply: row.response.clone(),
    })
}

/// Reads along and keeps the response when it is whole.
struct Keeper {
    responses: Responses,
    owner: Option<String>,
    /// The client's own body, without what went before.
    asked: Bytes,
    settings: ServerSettings,
    is_stream: bool,
    told: Told,
}

#[derive(Default)]
struct Told {
    stream: Collector,
    whole: Vec<u8>,
}

impl Tap for Keeper {
    fn head(&mut self, headers: &HeaderMap) {
        let kind = headers.get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
        self.is_stream = kind.starts_with(b"text/event-stream");
    }

    fn piece(&mut self, bytes: &Bytes) {
        if self.is_stream {
            self.told.stream.push(bytes);
        } else {
            self.told.whole.extend_from_slice(bytes);
        }
    }

    /// A response that was cut for length is kept as well: it is whole as what it is.
    fn end(&mut self, how: End) {
        if how == End::Broken {
            return;
        }
        let Told { stream, whole } = std::mem::take(&mut self.told);
        let reply = if self.is_stream { stream.finish() } else { String::from_utf8(whole).ok() };
        let Some(recorded) = reply.and_then(|reply| stored::record(&self.asked, &reply).ok()) else { return };
        let now = wall_clock();
        let row = Stored {
            id: recorded.id,
            owner: self.owner.take(),
            previous: recorded.previous,
            request_items: recorded.input,
            response: recorded.reply,
            created: now,
            expires: now + self.settings.responses_retention,
        };
        // A store that is full or gone has said so itself.
        let _kept = self.responses.put(row, self.settings.responses_kept_max, now);
    }
}
