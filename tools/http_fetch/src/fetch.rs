//! One fetch: the requests, what their answers mean, and the text for the model. Refuses to touch a socket: `send` does.

use magic_sdk::{
    Error,
    http::{self, Request, Response},
};

use crate::{Args, address, html};

const REDIRECTS_MAX: usize = 5;
/// The policy's own bound is the same; this one holds where a policy is more generous.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
const CHARS_MIN: usize = 200;
const CHARS_MAX: usize = 50_000;
/// Characters of an error page that are worth reading.
const ERROR_CHARS: usize = 300;
const ACCEPT: &str =
    "text/html, application/xhtml+xml, text/plain, application/json;q=0.9, application/xml;q=0.8, text/*;q=0.7";

/// Fetches `args.url` through `send`, following redirects by hand, so that the host checks each.
pub(crate) fn page(
    args: &Args,
    mut send: impl FnMut(&Request) -> Result<Response, http::Error>,
) -> Result<String, Error> {
    if !(CHARS_MIN..=CHARS_MAX).contains(&args.max_chars) {
        return Err(Error::InvalidArguments(format!("`max_chars` is from {CHARS_MIN} to {CHARS_MAX}")));
    }
    let mut url = address::parse(&args.url).map_err(Error::InvalidArguments)?;
    for _ in 0..=REDIRECTS_MAX {
        let request = Request::get(&url)
            .header("accept", ACCEPT)
            .header("accept-encoding", "identity")
            .header("user-agent", concat!("magic-proxy-http_fetch/", env!("CARGO_PKG_VERSION")));
        let response = send(&request)?;
        match (response.status, response.header("location")) {
            (301 | 302 | 303 | 307 | 308, Some(location)) => {
                url = address::resolve(&url, location)
                    .map_err(|text| Error::Failed(format!("{url} redirects, and {text}")))?;
            }
            (200..=299, _) => return read(&url, &response, args),
            _ => return Err(refusal(&url, &response)),
        }
    }
    Err(Error::Failed(format!("more than {REDIRECTS_MAX} redirects; the last leads to {url}")))
}

fn read(url: &str, response: &Response, args: &Args) -> Result<String, Error> {
    if response.body.len() > BODY_BYTES_MAX {
        return Err(Error::Failed(format!("{url} is larger than the {BODY_BYTES_MAX} bytes that are read")));
    }
    let (kind, body) =
        content(response).map_err(|kind| Error::Failed(format!("{url} is `{kind}`, not text that could be read")))?;
    let (title, text) = match kind {
        Kind::Html => html::to_text(&body, args.links.then_some(url)),
        Kind::Text => (None, body.trim().replace("\r\n", "\n")),
    };
    let title = title.map(|title| format!("Title: {title}\n")).unwrap_or_default();
    let chars = text.chars().count();
    if chars == 0 {
        return Ok(format!("{title}URL: {url}\n\n[the page holds no text; it may need a browser to show itself]"));
    }
    let shown: String = text.chars().take(args.max_chars).collect();
    let cut = if chars > args.max_chars {
        format!("\n\n[cut: {} of {chars} characters shown; a larger max_chars shows more]", args.max_chars)
    } else {
        String::new()
    };
    Ok(format!("{title}URL: {url}\n\n{}{cut}", shown.trim_end()))
}

fn refusal(url: &str, response: &Response) -> Error {
    let status = response.status;
    let seconds = response.header("retry-after").and_then(|text| text.trim().parse::<u32>().ok());
    if let (429 | 503, Some(seconds)) = (status, seconds) {
        return Error::Busy(seconds.saturating_mul(1000));
    }
    let meaning = match status {
        301..=308 => "redirects without saying where",
        401 | 403 => "access refused; it may need a login, which this tool does not do",
        404 | 410 => "no such page; check the address",
        429 => "too many requests; try later or another source",
        500..=599 => "the server failed; try later or another source",
        _ => "not a page",
    };
    let body = content(response).map(|(kind, body)| match kind {
        Kind::Html => html::to_text(&body, None).1,
        Kind::Text => body,
    });
    let body: String =
        body.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(ERROR_CHARS).collect();
    let body = if body.is_empty() { body } else { format!("; it says: {body}") };
    Error::Failed(format!("{url} answered {status}: {meaning}{body}"))
}

enum Kind {
    Html,
    Text,
}

/// The body as text, by its declared type; the type itself where it is none that can be read.
fn content(response: &Response) -> Result<(Kind, String), String> {
    let declared = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let mime = declared.split(';').next().unwrap_or_default().trim().to_owned();
    let body = || decoded(&response.body, &declared);
    match mime.as_str() {
        "text/html" | "application/xhtml+xml" => Ok((Kind::Html, body())),
        "" => match std::str::from_utf8(&response.body) {
            Ok(text) if text.trim_start().starts_with('<') => Ok((Kind::Html, text.to_owned())),
            Ok(text) => Ok((Kind::Text, text.to_owned())),
            Err(_) => Err("of no declared type".into()),
        },
        "application/json" | "application/xml" | "application/javascript" | "application/yaml" => {
            Ok((Kind::Text, body()))
        }
        _ if mime.starts_with("text/") || mime.ends_with("+json") || mime.ends_with("+xml") => Ok((Kind::Text, body())),
        _ => Err(mime),
    }
}

/// UTF-8, or the Western encodings that old pages still declare; what cannot be read becomes U+FFFD.
fn decoded(body: &[u8], declared: &str) -> String {
    if let Ok(text) = std::str::from_utf8(body) {
        return text.trim_start_matches('\u{feff}').to_owned();
    }
    let head = String::from_utf8_lossy(body.get(..1024).unwrap_or(body)).to_ascii_lowercase();
    let western = ["iso-8859-1", "iso-8859-15", "windows-1252", "latin1"];
    if western.iter().any(|name| declared.contains(name) || head.contains(name)) {
        return body.iter().map(|byte| windows_1252(*byte)).collect();
    }
    String::from_utf8_lossy(body).into_owned()
}

fn windows_1252(byte: u8) -> char {
    // 0x80 to 0x9f, where it differs from Latin-1; unused places read as U+FFFD.
    const HIGH: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ";
    match byte {
        0x80..=0x9f => HIGH.chars().nth(usize::from(byte - 0x80)).unwrap_or('\u{fffd}'),
        _ => char::from(byte),
    }
}
