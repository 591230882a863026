//! A small HTTP client that shows a reply as it stands on the wire: exact bytes, piece by piece, and how it ended.
use crate::wait::PATIENCE;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// One connection for one request. Dropping it leaves the gateway.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// For the next byte.
    patience: Duration,
}

/// A reply whose head has arrived. Dropping it leaves the gateway.
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    connection: Connection,
    framing: Framing,
    /// Of frames that were begun.
    text: Vec<u8>,
}

enum Framing {
    /// So many bytes are still to come.
    Length(usize),
    Chunked,
    Over,
}

// === impl Connection ===

impl Connection {
    /// # Panics
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the gateway listens");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self { stream, buffer: Vec::new(), patience: PATIENCE }
    }

    /// For a real model on a slow machine.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// # Panics
    /// When the gateway has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the gateway reads");
    }

    /// A request, and its whole reply, of a gateway that may be killed at any moment. `None`: it was.
    pub async fn try_once(
        address: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain([("connection", "close")]).collect();
        stream.write_all(head(method, path, &headers, body.len()).as_bytes()).await.ok()?;
        stream.write_all(body).await.ok()?;
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.ok()?;
        let text = String::from_utf8(read).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Sends a request and waits for nothing.
    pub async fn begin(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.send(head(method, path, headers, body.len()).as_bytes()).await;
        self.send(body).await;
    }

    /// A request, and its reply's head.
    pub async fn request(mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.begin(method, path, headers, body).await;
        self.reply().await
    }

    /// The reply to what was sent so far.
    ///
    /// # Panics
    /// When the gateway closes the connection instead, or says what is not HTTP.
    pub async fn reply(mut self) -> Reply {
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.read().await, "the gateway closed the connection without a reply");
        };
        let head: Vec<u8> = self.buffer.drain(..head_end).collect();
        let head = String::from_utf8(head).expect("a head of ASCII");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let status = status.parse().expect("a number");
        let mut reply = Reply { status, headers, connection: self, framing: Framing::Over, text: Vec::new() };
        reply.framing = match (reply.header("content-length"), reply.header("transfer-encoding")) {
            (Some(length), None) => Framing::Length(length.parse().expect("a length")),
            (None, Some("chunked")) => Framing::Chunked,
            (None, None) => Framing::Over,
            both => panic!("an odd framing: {both:?}"),
        };
        reply
    }

    /// Whether the gateway has closed this side without a word.
    pub async fn closed(mut self) -> bool {
        !self.read().await
    }

    async fn read(&mut self) -> bool {
        match timeout(self.patience, self.stream.read_buf(&mut self.buffer)).await {
            Ok(read) => matches!(read, Ok(bytes) if bytes > 0),
            Err(_) => panic!("the gateway said nothing for {:?}", self.patience),
        }
    }
}

/// The head of a request, with the gateway as its host.
fn head(method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if matches!(method, "POST" | "PUT") { format!("content-length: {length}\r\n") } else { String::new() };
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}{length}\r\n")
}

// === impl Reply ===

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The next bytes of the body: one HTTP chunk, or the whole. `None` at the body's own end.
    ///
    /// # Panics
    /// When the connection breaks before that end.
    pub async fn piece(&mut self) -> Option<Vec<u8>> {
        match self.framing {
            Framing::Over => None,
            Framing::Length(length) => {
                self.fill(length).await;
                self.framing = Framing::Over;
                Some(self.connection.buffer.drain(..length).collect())
            }
            Framing::Chunked => {
                let line = loop {
                    if let Some(at) = find(&self.connection.buffer, b"\r\n") {
                        break self.connection.buffer.drain(..at + 2).collect::<Vec<u8>>();
                    }
                    assert!(self.connection.read().await, "the gateway's reply was cut");
                };
                let line = String::from_utf8(line).expect("a chunk's length");
                let length = usize::from_str_radix(line.trim(), 16).expect("a chunk's length");
                self.fill(length + 2).await;
                let mut piece: Vec<u8> = self.connection.buffer.drain(..length + 2).collect();
                piece.truncate(length);
                if length == 0 {
                    self.framing = Framing::Over;
                    return None;
                }
                Some(piece)
            }
        }
    }

    /// The rest of the body.
    ///
    /// # Panics
    /// When it does not come whole.
    pub async fn whole(mut self) -> Vec<u8> {
        let mut whole = std::mem::take(&mut self.text);
        while let Some(piece) = self.piece().await {
            whole.extend(piece);
        }
        whole
    }

    /// The same, and the connection for another request.
    pub async fn whole_and_connection(mut self) -> (Vec<u8>, Connection) {
        let mut whole = Vec::new();
        while let Some(piece) = self.piece().await {
            whole.extend(piece);
        }
        (whole, self.connection)
    }

    pub async fn text(self) -> String {
        String::from_utf8(self.whole().await).expect("UTF-8")
    }

    /// # Panics
    /// When the body is not JSON.
    pub async fn json(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The message of an error reply in OpenAI's shape.
    ///
    /// # Panics
    /// When the status or the shape is another.
    pub async fn error(self, status: u16) -> Value {
        let found = self.status;
        let body = self.json().await;
        assert_eq!(found, status, "{body}");
        let error = body["error"].clone();
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "an error without a message: {body}");
        assert!(error["type"].is_string() && error.get("param").is_some() && error["code"].is_string(), "{body}");
        error
    }

    /// The next SSE frame with its blank line, exactly. `None` at the end of the body.
    ///
    /// # Panics
    /// When the body ends within a frame.
    pub async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some(at) = find(&self.text, b"\n\n") {
                let frame: Vec<u8> = self.text.drain(..at + 2).collect();
                return Some(String::from_utf8(frame).expect("UTF-8"));
            }
            match self.piece().await {
                Some(piece) => self.text.extend(piece),
                None => {
                    assert!(
                        self.text.is_empty(),
                        "the reply ends within a frame: {:?}",
                        String::from_utf8_lossy(&self.text)
                    );
                    return None;
                }
            }
        }
    }

    async fn fill(&mut self, length: usize) {
        while self.connection.buffer.len() < length {
            assert!(self.connection.read().await, "the gateway's reply was cut");
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
