//! Endpoints without a conversation, as JSON: embeddings, speech, images, moderations.
use super::error::Refusal;
use super::serve;
use crate::app::App;
use axum::extract::{Request, State};
use axum::response::Response;
use magic_dialects::operation::Operation;
use std::sync::Arc;

pub(crate) async fn embeddings(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    plain(app, Operation::Embeddings, request).await
}

/// Text to sound.
pub(crate) async fn speech(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    plain(app, Operation::Speech, request).await
}

pub(crate) async fn images(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    plain(app, Operation::Images, request).await
}

pub(crate) async fn moderations(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    plain(app, Operation::Moderations, request).await
}

async fn plain(app: Arc<App>, operation: Operation, request: Request) -> Result<Response, Refusal> {
    let incoming = serve::receive(&app, request).await?;
    serve::answer(&app, operation, incoming, Vec::new()).await
}
