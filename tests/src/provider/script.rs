//! What the vendor does with one request, step by step. Knows no socket: a script is a value.
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

/// Opened by the test; until then whoever stands before it waits.
#[derive(Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

#[derive(Clone)]
pub struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
    head: Option<Head>,
}

#[derive(Clone)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

#[derive(Clone)]
pub(super) enum Step {
    Write(Vec<u8>),
    /// Until the other side has left.
    Repeat(Vec<u8>),
    Wait(Gate),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The reply is whole; the connection may be used again.
    Whole,
    /// The connection is closed in good order.
    Close,
    /// The connection is torn down.
    Reset,
    /// Nothing more is said until the other side has left.
    Hang,
}

// === impl Gate ===

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Gate {
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn opened(&self) {
        let mut watched = self.0.subscribe();
        watched.wait_for(|open| *open).await.expect("the sender is our own");
    }
}

// === impl Script ===

impl Script {
    /// A whole reply of any kind.
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let head = Head { status, headers: vec![] };
        let script = Self { steps: Vec::new(), end: End::Whole, head: Some(head) };
        let script = script.header("content-type", content_type).header("content-length", &body.len().to_string());
        Self { steps: vec![Step::Write(body)], ..script }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json", body.to_string())
    }

    /// An error in OpenAI's shape.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(
            status,
            &serde_json::json!({ "error": { "message": message, "type": "vendor_error", "code": null } }),
        )
    }

    /// The beginning of a stream; pieces follow.
    pub fn stream() -> Self {
        let head = Head { status: 200, headers: vec![] };
        let script = Self { steps: Vec::new(), end: End::Close, head: Some(head) };
        script.header("content-type", "text/event-stream; charset=utf-8").header("transfer-encoding", "chunked")
    }

    /// The beginning of a JSON reply whose length is not told; pieces follow.
    pub fn json_in_chunks() -> Self {
        let head = Head { status: 200, headers: vec![] };
        let script = Self { steps: Vec::new(), end: End::Close, head: Some(head) };
        script.header("content-type", "application/json").header("transfer-encoding", "chunked")
    }

    /// A whole stream of these pieces.
    pub fn sse<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Self {
        pieces.into_iter().fold(Self::stream(), |script, piece| script.piece(piece)).end()
    }

    /// No HTTP at all.
    pub fn raw(bytes: &[u8]) -> Self {
        Self { steps: vec![Step::Write(bytes.to_vec())], end: End::Close, head: None }
    }

    /// Not a byte until the other side has left.
    pub fn silence() -> Self {
        Self { steps: Vec::new(), end: End::Hang, head: None }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.head {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// One chunk of a stream, written by itself.
    #[must_use]
    pub fn piece(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.step(Step::Write(framed))
    }

    /// The same chunk over and over, until the other side has left.
    #[must_use]
    pub fn for_ever(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.step(Step::Repeat(framed))
    }

    /// One byte of this at a time, each in a chunk of its own; a byte waits for its gate, if there is one for it.
    #[must_use]
    pub fn drip(self, bytes: impl AsRef<[u8]>, gates: &[Gate]) -> Self {
        let bytes = bytes.as_ref().chunks(1).enumerate();
        bytes.fold(self, |script, (at, byte)| match gates.get(at) {
            Some(gate) => script.gate(gate).piece(byte),
            None => script.piece(byte),
        })
    }

    /// A chunk that says it is longer than it is: only its first half is written.
    #[must_use]
    pub fn half_a_piece(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let half = &bytes[..bytes.len() / 2];
        self.step(Step::Write([format!("{:x}\r\n", bytes.len()).as_bytes(), half].concat()))
    }

    /// Goes on when the test opens the gate.
    #[must_use]
    pub fn gate(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// Waits for the gate before anything is said at all.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.steps = self.all_steps();
        self.head = None;
        self.steps.insert(0, Step::Wait(gate.clone()));
        self
    }

    /// The stream's own end.
    #[must_use]
    pub fn end(self) -> Self {
        Self { end: End::Whole, ..self.step(Step::Write(b"0\r\n\r\n".to_vec())) }
    }

    /// The connection is closed without the stream's end.
    #[must_use]
    pub fn cut(self) -> Self {
        Self { end: End::Close, ..self }
    }

    /// The reply is whole, and then the connection is closed all the same, as some servers do without a word.
    #[must_use]
    pub fn and_close(self) -> Self {
        Self { end: End::Close, ..self }
    }

    /// Only the first `bytes` of a whole reply's body, then the connection is closed.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        if let Some(Step::Write(body)) = self.steps.last_mut() {
            body.truncate(bytes);
        }
        self.cut()
    }

    #[must_use]
    pub fn reset(self) -> Self {
        Self { end: End::Reset, ..self }
    }

    #[must_use]
    pub fn hang(self) -> Self {
        Self { end: End::Hang, ..self }
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The head as its first step.
    pub(super) fn all_steps(&self) -> Vec<Step> {
        let head = self.head.as_ref().map(|head| Step::Write(head.bytes()));
        head.into_iter().chain(self.steps.iter().cloned()).collect()
    }
}

// === impl Head ===

impl Head {
    fn bytes(&self) -> Vec<u8> {
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("HTTP/1.1 {} Scripted\r\n{lines}\r\n", self.status).into_bytes()
    }
}
