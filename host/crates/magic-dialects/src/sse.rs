//! Server-sent events as bytes (WHATWG HTML, section 9.2.6), incrementally. Total: any input yields events or the one
//! error, and every split of the input yields the same events.

/// One dispatched event. `data` joins the event's data lines by `\n`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// The `event:` field; empty where there was none.
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
}

/// An event grew past the parser's bound; the stream cannot be trusted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Invariant: `line` never holds a line end, and `line` and `data` together never exceed `event_bytes_max`.
pub(crate) struct Parser {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was `\r`: a `\n` that follows belongs to the same line end.
    after_cr: bool,
    at_start: bool,
    /// The last line was blank, or there was none yet.
    between_events: bool,
    event_bytes_max: usize,
}

impl Parser {
    pub(crate) fn new(event_bytes_max: usize) -> Self {
        Self {
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            at_start: true,
            between_events: true,
            event_bytes_max,
        }
    }

    /// Feeds a chunk and hands every event that it completes to `on_event`. Says how many of the chunk's bytes end at a
    /// blank line: a stream cut behind them loses whole events only.
    ///
    /// # Errors
    /// [`TooLong`] when an event exceeds the bound.
    pub(crate) fn push(&mut self, chunk: &[u8], mut on_event: impl FnMut(Event<'_>)) -> Result<usize, TooLong> {
        let mut settled = 0;
        let mut rest = chunk;
        while let Some(first) = rest.first() {
            let after_cr = std::mem::take(&mut self.after_cr);
            if after_cr && *first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                if self.is_between_events() {
                    settled = chunk.len() - rest.len();
                }
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.hold(rest)?;
                break;
            };
            let (head, tail) = rest.split_at(end);
            self.after_cr = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            self.end_line(head, &mut on_event)?;
            if self.is_between_events() {
                settled = chunk.len() - rest.len();
            }
        }
        Ok(settled)
    }

    fn is_between_events(&self) -> bool {
        self.between_events && self.line.is_empty()
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() + part.len() > self.event_bytes_max {
            return Err(TooLong);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, head: &[u8], on_event: &mut impl FnMut(Event<'_>)) -> Result<(), TooLong> {
        if self.line.is_empty() {
            return self.take_line(head, on_event);
        }
        self.hold(head)?;
        let line = std::mem::take(&mut self.line);
        let result = self.take_line(&line, on_event);
        // The allocation is kept for the next split line.
        self.line = line;
        self.line.clear();
        result
    }

    fn take_line(&mut self, mut line: &[u8], on_event: &mut impl FnMut(Event<'_>)) -> Result<(), TooLong> {
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        self.between_events = line.is_empty();
        if line.is_empty() {
            self.dispatch(on_event);
            return Ok(());
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let (field, rest) = line.split_at(colon);
                let value = rest.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        match field {
            b"data" => self.add_data(value),
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
                Ok(())
            }
            // Comments, ids, retry hints and unknown fields: no upstream of ours means anything by them.
            _ => Ok(()),
        }
    }

    fn add_data(&mut self, value: &[u8]) -> Result<(), TooLong> {
        if self.data.len() + value.len() + 1 > self.event_bytes_max {
            return Err(TooLong);
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has_data = true;
        Ok(())
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        if self.has_data {
            on_event(Event { name: &self.name, data: &self.data });
        }
        self.name.clear();
        self.data.clear();
        self.has_data = false;
    }
}

#[cfg(test)]
mod tests;
