//! The page at `/`, built into the binary: nothing can be missing beside it.
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

struct File {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! file {
    ($path:literal, $content_type:expr) => {
        File { path: $path, content_type: $content_type, text: include_str!(concat!("../../../frontend/", $path)) }
    };
}

const FILES: &[File] = &[
    file!("index.html", HTML),
    file!("style.css", STYLE),
    file!("icon.svg", PICTURE),
    file!("admin.js", SCRIPT),
    file!("admin-view.js", SCRIPT),
    file!("app.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("gateway.js", SCRIPT),
    file!("run.js", SCRIPT),
    file!("session.js", SCRIPT),
    file!("sse.js", SCRIPT),
    file!("view.js", SCRIPT),
    file!("words.js", SCRIPT),
];

/// Nothing but our own files, and nobody may frame the page.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A route for each file, so that every other path stays unknown.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    FILES.iter().fold(router, |router, file| {
        let path = if file.path == "index.html" { "/".to_owned() } else { format!("/{}", file.path) };
        router.route(&path, get(async || serve(file)))
    })
}

fn serve(file: &File) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.content_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // The page belongs to this build: the next one must not be answered from a cache.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (StatusCode::OK, headers, file.text).into_response()
}
