//! Who a request is from, and whether that is enough for where it goes: its credentials become a [`Caller`] before any
//! handler runs. The route table says which scope a path needs.
use super::error::Refusal;
use super::login;
use crate::accounts::Principal;
use crate::app::{App, Door, wall_clock};
use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use futures_util::future::{Either, Ready, ready};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, header};
use magic_access::Scope;
use magic_dialects::dialect::Dialect;
use magic_types::{Failure, Kind};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;
use tower::layer::layer_fn;

/// Where Anthropic's clients put their key.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Where Azure's do.
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// What every virtual key begins with.
const OURS: &str = "sk-magic-";

const MISSING: &str = "this gateway wants to know who asks: send a virtual key as `Authorization: Bearer sk-magic-...` \
                       (made by `magic-proxy virtual-keys create`)";

/// Whoever a request is from.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    /// What it may do here: its virtual key's, or what is left to whoever has none.
    pub(crate) scope: Scope,
    /// By the page's cookie, not by showing a key.
    pub(crate) is_signed_in: bool,
}

/// Routes that need a scope, as one part of the table.
pub(crate) fn needs(scope: Scope, app: &Arc<App>, routes: Router<Arc<App>>) -> Router<Arc<App>> {
    let app = Arc::clone(app);
    routes.route_layer(layer_fn(move |inner| Needs { app: Arc::clone(&app), scope, inner }))
}

/// A route behind its scope. It asks at once, so that a request is not boxed once more on its way.
#[derive(Clone)]
struct Needs<S> {
    app: Arc<App>,
    scope: Scope,
    inner: S,
}

fn admitted(app: &App, needed: Scope, method: &Method, headers: &HeaderMap) -> Result<Caller, Failure> {
    let caller = caller(app, method, headers)?;
    if caller.scope.covers(needed) {
        return Ok(caller);
    }
    let text = format!("this needs a virtual key of scope `{needed}` or above; yours has `{}`", caller.scope);
    Err(Failure::new(Kind::Forbidden, text))
}

fn caller(app: &App, method: &Method, headers: &HeaderMap) -> Result<Caller, Failure> {
    let shown = credentials(headers);
    // A key that is shown wins: a browser sends its cookie along unasked.
    if shown.is_none()
        && let Some(principal) = login::signed_in(app, method, headers)?
    {
        return Ok(Caller { scope: principal.scope, principal, is_signed_in: true });
    }
    match (anonymous(app), shown) {
        // While nobody has to say who they are, what clients send as their key is of no interest: most must send something.
        (Some(scope), None) => Ok(Caller { principal: Principal::anonymous(), scope, is_signed_in: false }),
        (Some(scope), Some(key)) if !key.starts_with(OURS) => {
            Ok(Caller { principal: Principal::anonymous(), scope, is_signed_in: false })
        }
        (_, Some(key)) => {
            let principal = app.accounts.authenticate(key, wall_clock()).map_err(|denied| Failure::from(&denied))?;
            Ok(Caller { scope: principal.scope, principal, is_signed_in: false })
        }
        (None, None) => Err(Failure::new(Kind::Unauthenticated, MISSING)),
    }
}

/// What is left to whoever shows no virtual key. On this machine everything, as long as there is none; for strangers models
/// at most, and those only if the operator said so.
fn anonymous(app: &App) -> Option<Scope> {
    match app.door {
        Door { listen, .. } if listen.ip().is_loopback() && !app.accounts.has_keys() => Some(Scope::Admin),
        Door { allow_anonymous, .. } => allow_anonymous.then_some(Scope::User),
    }
}

/// A virtual key, wherever the client's SDK puts it. RFC 6750, section 2.1, for the first.
fn credentials(headers: &HeaderMap) -> Option<&str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| text(X_API_KEY)).or_else(|| text(API_KEY)).filter(|key| !key.is_empty())
}

/// In whose form a refusal is told.
fn dialect(path: &str) -> Dialect {
    if path.starts_with("/v1/messages") { Dialect::Messages } else { Dialect::Chat }
}

// === impl Needs ===
impl<S: Service<Request, Response = Response>> Service<Request> for Needs<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match admitted(&self.app, self.scope, request.method(), request.headers()) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                Either::Left(self.inner.call(request))
            }
            Err(failure) => {
                self.app.upstream.telemetry().shut_out(failure.kind);
                let refusal = Refusal::from(failure).to(dialect(request.uri().path()));
                Either::Right(ready(Ok(refusal.into_response())))
            }
        }
    }
}

// === impl Caller ===
impl Caller {
    /// What is begun or kept for it belongs to this virtual key.
    pub(crate) fn owner(&self) -> Option<String> {
        (!self.principal.is_anonymous()).then(|| self.principal.key.to_string())
    }

    /// Its own, or everybody's for whoever looks after the gateway.
    pub(crate) fn sees(&self, owner: Option<&str>) -> bool {
        let own = (!self.principal.is_anonymous()).then(|| self.principal.key.as_str());
        self.scope.covers(Scope::Viewer) || own == owner
    }

    /// Its own, or everybody's for whoever keeps the gateway running: to change or to go on from, not just to look at.
    ///
    /// # Errors
    /// `Forbidden` for one that it may see at most.
    pub(crate) fn acts_for(&self, owner: Option<&str>) -> Result<(), Failure> {
        if self.scope.covers(Scope::Operator) || self.owner().as_deref() == owner {
            return Ok(());
        }
        let text = format!(
            "another's needs a virtual key of scope `{}` or above; yours has `{}`",
            Scope::Operator,
            self.scope
        );
        Err(Failure::new(Kind::Forbidden, text))
    }

    /// Whose sessions it is shown: `None` for everybody's. Strangers are shown nobody's, not each other's.
    pub(crate) fn lists(&self) -> Option<String> {
        (!self.scope.covers(Scope::Viewer)).then(|| self.owner().unwrap_or_default())
    }

    pub(crate) fn may_use(&self, alias: &str) -> bool {
        self.principal.allows(alias).is_ok()
    }

    /// # Errors
    /// `Forbidden` for an alias that its virtual key or team may not use.
    pub(crate) fn check_alias(&self, alias: &str) -> Result<(), Failure> {
        self.principal.allows(alias).map_err(|denied| Failure::from(&denied))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::of(&parts.extensions).map_err(Refusal::from)
    }
}

impl Caller {
    /// # Errors
    /// `Internal` for a route that stands in no part of the table that needs a scope.
    pub(crate) fn of(extensions: &http::Extensions) -> Result<Self, Failure> {
        let caller = extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Failure::new(Kind::Internal, "this path asks nobody who they are"))
    }
}
