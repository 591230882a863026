//! As much of HTTP/1.1 as the vendor and the load need: where a head ends and how long its body is. Trusts its peers.
use anyhow::{Context as _, Result, bail};
use memchr::memmem;

/// How a message's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Known(usize),
    Chunked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Of a reply.
    pub(crate) status: Option<u16>,
    /// Of the head itself, blank line included.
    pub(crate) bytes: usize,
    pub(crate) length: Length,
}

/// What a chunked body ends with. None of our bodies holds it.
pub(crate) const CHUNKED_END: &[u8] = b"\r\n0\r\n\r\n";

/// The head at the beginning of `buffer`; `None` while it is not whole.
///
/// # Errors
/// For lengths that cannot be read.
pub(crate) fn head(buffer: &[u8]) -> Result<Option<Head>> {
    let Some(end) = memmem::find(buffer, b"\r\n\r\n") else { return Ok(None) };
    let Some(text) = buffer.get(..end) else { return Ok(None) };
    let mut head = Head { status: status(text), bytes: end + 4, length: Length::Known(0) };
    for line in text.split(|byte| *byte == b'\n').skip(1) {
        if let Some(value) = value_of(line, b"content-length:") {
            head.length = Length::Known(std::str::from_utf8(value)?.trim().parse().context("read a content-length")?);
        } else if let Some(value) = value_of(line, b"transfer-encoding:") {
            if !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                bail!("a transfer-encoding that is not `chunked`");
            }
            head.length = Length::Chunked;
        }
    }
    Ok(Some(head))
}

fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

fn status(text: &[u8]) -> Option<u16> {
    text.strip_prefix(b"HTTP/1.1 ").and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok())
}

/// A request to `/v1/chat/completions` for a model, about 300 bytes.
pub(crate) fn request(model: &str, streams: bool) -> Vec<u8> {
    request_with(model, streams, "")
}

/// With more header lines.
pub(crate) fn request_with(model: &str, streams: bool, more: &str) -> Vec<u8> {
    let question = "In two sentences, tell me why a gateway ought to be small, quick and honest about its failures.";
    let body = format!(
        "{{\"model\":\"{model}\",\"stream\":{streams},\"temperature\":0.2,\"messages\":[{{\"role\":\"system\",\"content\":\"You are \
         brief.\"}},{{\"role\":\"user\",\"content\":\"{question}\"}}]}}"
    );
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}

#[cfg(test)]
mod tests;
