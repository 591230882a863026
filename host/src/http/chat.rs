//! The conversational endpoints: OpenAI's chat completions and old completions, Anthropic's messages and their count.
//! Each alias answers all of them, whatever its vendor speaks.
use super::error::Refusal;
use super::{models, reply, serve};
use crate::app::App;
use axum::extract::{Request, State};
use axum::response::Response;
use magic_dialects::dialect::Dialect;
use magic_dialects::openai::request;
use magic_dialects::operation::Operation;
use magic_dialects::{anthropic, counting};
use std::sync::Arc;

pub(crate) async fn completions(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let incoming = serve::receive(&app, request).await?;
    serve::answer(&app, Operation::ChatCompletions, incoming, Vec::new()).await
}

pub(crate) async fn text_completions(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let incoming = serve::receive(&app, request).await?;
    serve::answer(&app, Operation::Completions, incoming, Vec::new()).await
}

pub(crate) async fn messages(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let answered = async {
        let incoming = serve::receive(&app, request).await?;
        serve::answer(&app, Operation::Messages, incoming, Vec::new()).await
    };
    answered.await.map_err(|refusal: Refusal| refusal.to(Dialect::Messages))
}

/// Counted by the vendor where it can, else estimated here, which the reply says.
pub(crate) async fn count_tokens(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let counted = async {
        let incoming = serve::receive(&app, request).await?;
        let head = request::head(&incoming.body)?;
        let snapshot = &incoming.snapshot;
        let route = models::route(snapshot, &incoming.caller, &head.model)?;
        if route.serves(Operation::CountTokens) && route.plan.reasoning_mode.is_none() {
            return serve::answer(&app, Operation::CountTokens, incoming, Vec::new()).await;
        }
        let mut response =
            reply::json_text(counting::reply(counting::estimate(&anthropic::count_tokens::read(&incoming.body)?)));
        response.headers_mut().insert("x-magic-estimated", http::HeaderValue::from_static("true"));
        Ok(response)
    };
    counted.await.map_err(|refusal: Refusal| refusal.to(Dialect::Messages))
}
