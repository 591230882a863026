//! The form of one tag, seen from its `<`. Knows no context: whether it counts is the parser's affair.
use super::split;
use crate::names::{NAME_BYTES_MAX, TagId, Tags};

/// Longer attributes are no attributes; it bounds what is held back.
const ATTRIBUTES_BYTES_MAX: usize = 128;

pub(super) struct Markup {
    pub(super) id: TagId,
    pub(super) closing: bool,
    /// `<NAME/>`
    pub(super) empty: bool,
    /// From `<` to `>`.
    pub(super) len: usize,
}

pub(super) enum Scan {
    NoTag,
    /// It may become a tag when more text comes.
    Undecided,
    Markup(Markup),
}

/// `tail` begins with `<`.
pub(super) fn scan(tail: &str, tags: &Tags) -> Scan {
    let after = tail.strip_prefix('<').unwrap_or(tail);
    let (closing, named) = match after.strip_prefix('/') {
        Some(named) => (true, named),
        None => (false, after),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let name_len = named.bytes().position(|byte| !is_name(byte));
    let (name, rest) = split(named, name_len.unwrap_or(named.len()));
    if name.len() > NAME_BYTES_MAX || !tags.begins(name) {
        return Scan::NoTag;
    }
    if name_len.is_none() {
        return Scan::Undecided;
    }
    let Some(id) = tags.find(name) else { return Scan::NoTag };
    match end(rest, closing) {
        End::NoTag => Scan::NoTag,
        End::Undecided => Scan::Undecided,
        End::At { len, empty } => Scan::Markup(Markup { id, closing, empty, len: tail.len() - rest.len() + len }),
    }
}

enum End {
    NoTag,
    Undecided,
    At { len: usize, empty: bool },
}

/// `rest` begins behind the name and is not empty.
fn end(rest: &str, closing: bool) -> End {
    // `>` inside an attribute's quotes ends the tag all the same: models write none.
    let stop = rest.bytes().position(|byte| matches!(byte, b'>' | b'<' | b'\n'));
    let inner = split(rest, stop.unwrap_or(rest.len())).0;
    let spaced = inner.starts_with([' ', '\t']);
    let shaped = inner.is_empty() || inner == "/" && !closing || spaced;
    if inner.len() > ATTRIBUTES_BYTES_MAX || !shaped || (closing && !inner.trim().is_empty()) {
        return End::NoTag;
    }
    let Some(stop) = stop else { return End::Undecided };
    if rest.as_bytes().get(stop) != Some(&b'>') {
        return End::NoTag;
    }
    let empty = inner.ends_with('/') && !closing;
    let attributes = inner.strip_suffix('/').unwrap_or(inner).trim();
    // Words without `=` are prose: `<ACTION when needed>`.
    if !attributes.is_empty() && !attributes.contains('=') {
        return End::NoTag;
    }
    End::At { len: stop + 1, empty }
}
