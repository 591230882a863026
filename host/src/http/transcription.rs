//! `POST /v1/audio/transcriptions`: a form with sound, streamed through as it comes.
use super::auth::Caller;
use super::error::Refusal;
use super::outgoing::{self, Wishes};
use super::story::Story;
use super::{limits, models, origin, serve};
use crate::app::App;
use crate::bill::Order;
use crate::upstream::{Form, Payload};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use magic_dialects::dialect::Dialect;
use magic_dialects::operation::Operation;
use std::sync::Arc;
use tokio::time::Instant;

pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let start = Instant::now();
    let snapshot = app.live.load();
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&parts.extensions)?;
    origin::check(&parts.headers)?;
    let mut seen = app.upstream.telemetry().request("POST", parts.uri.path(), &parts.headers);
    let place = limits::enter(&app.places)?;
    let (operation, none) = (Operation::Transcription, HeaderValue::from_static(""));
    let content_type = parts.headers.get(header::CONTENT_TYPE).unwrap_or(&none);
    let bytes_max = snapshot.config.server_settings.body_bytes_max;
    let form = Form::receive(operation, content_type, body, bytes_max, &app.tasks).await?;
    let route = models::route(&snapshot, &caller, &form.model).inspect_err(|failure| seen.turned_away(failure.kind))?;
    // How long sound is, its bytes do not say: no text is estimated for it.
    let bill = serve::bill(&app, &caller, Order::of_nothing(operation.as_str(), route)).await;
    let bill = bill.inspect_err(|failure| seen.turned_away(failure.kind))?;
    let mut story = Story { operation, alias: route.plan.alias.clone(), start, bill, seen, _place: place };
    story.bill.sending(route);
    match app.upstream.complete(route, &Payload::Form(&form), story.seen.trace()).await {
        Err(declined) => Err(serve::refused(declined, &mut story)),
        Ok(reply) => {
            let wishes = Wishes {
                dialect: Dialect::Chat,
                stream: false,
                writer: None,
                pace: None,
                keep_alive: snapshot.config.streaming_settings.keep_alive,
                taps: Vec::new(),
                previous: None,
                headers: HeaderMap::new(),
            };
            Ok(outgoing::respond(reply, story, wishes))
        }
    }
}
