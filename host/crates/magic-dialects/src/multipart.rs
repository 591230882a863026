//! `multipart/form-data` (RFC 7578) that arrives in chunks: its fields as soon as each is whole, and the body with a field's
//! value replaced, all other bytes as the client sent them. Holds what it is fed: the caller bounds that.
//!
//! The libraries for it read async streams and give fields away one by one; a form that is sent on has to keep its bytes.
use crate::fields::invalid;
use magic_types::Failure;
use memchr::memmem;
use std::ops::Range;

/// RFC 2046, section 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;
/// Of one field's header: a name, a file's name and a type.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// OpenAI's transcription has about a dozen.
const FIELDS_MAX: usize = 128;

/// Invariant: `fields` are whole and in order, and every byte before `from` has been looked at once.
pub struct Form {
    /// `\r\n--<boundary>`.
    delimiter: Vec<u8>,
    held: Vec<u8>,
    from: usize,
    state: State,
    fields: Vec<Field>,
}

enum State {
    /// Before the first delimiter.
    Preamble,
    /// Behind a delimiter: `--`, or a line end and a header.
    Delimited,
    Header {
        start: usize,
    },
    Value {
        header: Header,
        start: usize,
    },
    /// Behind the last delimiter; what follows means nothing.
    Ended,
}

#[derive(Default)]
struct Header {
    name: String,
    filename: Option<String>,
    content_type: Option<String>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// A file has one.
    pub filename: Option<String>,
    pub content_type: Option<String>,
    /// Where the value stands in the body.
    span: Range<usize>,
}

// === impl Form ===
impl Form {
    /// A reader for a body of this `Content-Type`.
    ///
    /// # Errors
    /// A client's failure if that is no form or names no boundary.
    pub fn new(content_type: &str) -> Result<Self, Failure> {
        let boundary = boundary(content_type).ok_or_else(|| {
            invalid("the content type must be `multipart/form-data` with a boundary of 1 to 70 characters")
        })?;
        Ok(Self {
            delimiter: [b"\r\n--", boundary.as_bytes()].concat(),
            held: Vec::new(),
            from: 0,
            state: State::Preamble,
            fields: Vec::new(),
        })
    }

    /// Feeds a chunk. Every split of the body yields the same fields, in linear time.
    ///
    /// # Errors
    /// A client's failure for a form that is not one.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        self.held.extend_from_slice(chunk);
        while self.step()? {}
        Ok(())
    }

    /// Whether the last delimiter has been seen.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Those that are whole so far.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub fn value(&self, field: &Field) -> &[u8] {
        self.held.get(field.span.clone()).unwrap_or_default()
    }

    /// The value of the first whole field of that name that is no file and is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name && field.filename.is_none())?;
        std::str::from_utf8(self.value(field)).ok()
    }

    /// What was fed so far.
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    /// What was fed so far, with another value for every whole field of that name. If one comes later, it is not replaced:
    /// whoever sends on the rest of a stream as it comes must refuse a second `model` in there.
    pub fn with(&self, name: &str, value: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.held.len() + value.len());
        let mut from = 0;
        for field in self.fields.iter().filter(|field| field.name == name) {
            out.extend_from_slice(self.held.get(from..field.span.start).unwrap_or_default());
            out.extend_from_slice(value.as_bytes());
            from = field.span.end;
        }
        out.extend_from_slice(self.held.get(from..).unwrap_or_default());
        out
    }

    /// Goes on by one state, if what is held suffices.
    fn step(&mut self) -> Result<bool, Failure> {
        match &mut self.state {
            State::Preamble => {
                // The first delimiter may stand at the very start, where no line end is before it.
                let bare = self.delimiter.get(2..).unwrap_or_default();
                if self.from == 0 && self.held.len() < bare.len() {
                    return Ok(false);
                }
                if self.from == 0 && self.held.starts_with(bare) {
                    self.from = bare.len();
                    self.state = State::Delimited;
                    return Ok(true);
                }
                let found = self.next_delimiter();
                if found.is_some() {
                    self.state = State::Delimited;
                }
                Ok(found.is_some())
            }
            State::Delimited => self.after_delimiter(),
            State::Header { start } => {
                let start = *start;
                self.header(start)
            }
            State::Value { header, start } => {
                let (header, start) = (std::mem::take(header), *start);
                match self.next_delimiter() {
                    Some(end) => self.finish_field(header, start..end),
                    None => {
                        self.state = State::Value { header, start };
                        Ok(false)
                    }
                }
            }
            State::Ended => Ok(false),
        }
    }

    /// Where the next delimiter begins; `from` then stands behind it.
    fn next_delimiter(&mut self) -> Option<usize> {
        let from = self.from;
        let found = memmem::find(self.held.get(from..).unwrap_or_default(), &self.delimiter);
        match found {
            Some(at) => {
                self.from = from + at + self.delimiter.len();
                Some(from + at)
            }
            None => {
                // Its first bytes may stand at the end already.
                self.from = self.held.len().saturating_sub(self.delimiter.len() - 1).max(from);
                None
            }
        }
    }

    fn after_delimiter(&mut self) -> Result<bool, Failure> {
        let rest = self.held.get(self.from..).unwrap_or_default();
        // Padding may follow a delimiter (RFC 2046, section 5.1.1).
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if padding > HEADER_BYTES_MAX {
            return Err(broken("padding without an end"));
        }
        match rest.get(padding..padding + 2) {
            None => Ok(false),
            Some(b"--") if padding == 0 => {
                self.state = State::Ended;
                Ok(false)
            }
            Some(b"\r\n") => {
                self.from += padding;
                self.state = State::Header { start: self.from + 2 };
                Ok(true)
            }
            Some(_) => Err(broken("a boundary without a line end")),
        }
    }

    /// A header ends at a blank line; its first line may be that, so the search begins at the line end before it.
    fn header(&mut self, start: usize) -> Result<bool, Failure> {
        let seen = self.held.get(self.from..).unwrap_or_default();
        let Some(at) = memmem::find(seen, b"\r\n\r\n") else {
            if self.held.len().saturating_sub(start) > HEADER_BYTES_MAX {
                return Err(broken("a field's header of more than 16 KiB"));
            }
            self.from = self.held.len().saturating_sub(3).max(self.from);
            return Ok(false);
        };
        let end = self.from + at;
        if end.saturating_sub(start) > HEADER_BYTES_MAX {
            return Err(broken("a field's header of more than 16 KiB"));
        }
        let header = Header::read(self.held.get(start..end).unwrap_or_default());
        self.from = end + 4;
        self.state = State::Value { header, start: self.from };
        Ok(true)
    }

    fn finish_field(&mut self, header: Header, span: Range<usize>) -> Result<bool, Failure> {
        if self.fields.len() == FIELDS_MAX {
            return Err(broken("more than 128 fields"));
        }
        if header.name.is_empty() {
            return Err(broken("a field without a name"));
        }
        let Header { name, filename, content_type } = header;
        self.fields.push(Field { name, filename, content_type, span });
        self.state = State::Delimited;
        Ok(true)
    }
}

// === impl Header ===
impl Header {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut header = Self::default();
        for (field, value) in text.split("\r\n").filter_map(|line| line.split_once(':')) {
            if field.trim().eq_ignore_ascii_case("content-disposition") {
                header.name = parameter(value, "name").unwrap_or_default();
                header.filename = parameter(value, "filename");
            } else if field.trim().eq_ignore_ascii_case("content-type") {
                header.content_type = Some(value.trim().to_owned());
            }
        }
        header
    }
}

/// RFC 9110, section 8.3.1; quoted or not.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    let boundary = parameter(&format!(";{parameters}"), "boundary")?;
    let is_good = kind.trim().eq_ignore_ascii_case("multipart/form-data")
        && (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len())
        && boundary.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    is_good.then_some(boundary)
}

/// The value of `; <name>=…`, a token or a quoted string. Browsers write a quote within one as `%22`, others as `\"`.
fn parameter(text: &str, name: &str) -> Option<String> {
    let mut rest = text.split_once(';')?.1;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let (value, behind) = after.split_once(';').unwrap_or((after, ""));
                (value.trim_end().to_owned(), behind)
            }
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = behind.trim_start().trim_start_matches(';');
    }
}

/// The text up to the closing quote, and what is behind it.
fn quoted_string(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            // Only these two are ever escaped: Windows' file names hold backslashes that escape nothing.
            '\\' if matches!(chars.as_str().chars().next(), Some('"' | '\\')) => value.extend(chars.next()),
            other => value.push(other),
        }
    }
    (value.replace("%22", "\""), chars.as_str())
}

fn broken(what: &str) -> Failure {
    invalid(format!("the form cannot be read: {what}"))
}

#[cfg(test)]
mod tests;
