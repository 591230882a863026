//! One client of the soak: sends what it is dealt on a kept connection, and says how each reply ended.
use super::mix::Sort;
use crate::wire::{self, CHUNKED_END, Length};
use anyhow::{Context as _, Result, bail};
use memchr::memmem;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Beyond it a reply hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// A client that leaves before anything came has waited that long.
const LEAVES_AFTER: Duration = Duration::from_millis(5);

/// What a stream ends with, by dialect.
const LAST_WORDS: [&[u8]; 3] = [b"data: [DONE]", b"message_stop", b"response.completed"];

/// How a reply ended, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ended {
    Whole,
    /// A stream that ended with an error in its own words.
    Broken,
    /// Ours: the client closed the connection.
    Left,
    Refused(u16),
    /// A 200 that ends without its last word, or in the middle of the HTTP.
    Cut,
    Hung,
}

pub(super) struct Client {
    address: SocketAddr,
    connection: Option<TcpStream>,
    buffer: Vec<u8>,
}

// === impl Client ===
impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None, buffer: Vec::new() }
    }

    /// # Errors
    /// When the gateway takes no connection, which is the end of the soak.
    pub(super) async fn ask(&mut self, sort: &Sort, question: u64) -> Result<Ended> {
        let request = sort.request(question);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => TcpStream::connect(self.address).await.context("connect to the gateway")?,
        };
        self.buffer.clear();
        let patience = if sort.word == "left_early" { LEAVES_AFTER } else { PATIENCE };
        let asked = self.converse(&mut connection, &request, sort);
        let (ended, kept) = match tokio::time::timeout(patience, asked).await {
            Ok(Ok((ended, kept))) => (ended, kept),
            Ok(Err(_)) => (Ended::Cut, false),
            Err(_) if sort.word == "left_early" => (Ended::Left, false),
            Err(_) => (Ended::Hung, false),
        };
        self.connection = kept.then_some(connection);
        Ok(ended)
    }

    /// How it ended, and whether the connection can be used again.
    async fn converse(&mut self, connection: &mut TcpStream, request: &[u8], sort: &Sort) -> Result<(Ended, bool)> {
        connection.write_all(request).await?;
        let head = loop {
            if let Some(head) = wire::head(&self.buffer)? {
                break head;
            }
            self.read(connection).await?;
        };
        self.buffer.drain(..head.bytes);
        match head.length {
            Length::Known(bytes) => {
                while self.buffer.len() < bytes {
                    self.read(connection).await?;
                }
            }
            Length::Chunked => {
                while !self.buffer.ends_with(CHUNKED_END) {
                    if sort.word == "left" && memmem::find(&self.buffer, b"\n\n").is_some() {
                        return Ok((Ended::Left, false));
                    }
                    self.read(connection).await?;
                }
            }
        }
        Ok((self.judge(head.status, sort.streams), true))
    }

    fn judge(&self, status: Option<u16>, streams: bool) -> Ended {
        let said = |words: &[u8]| memmem::find(&self.buffer, words).is_some();
        let has_last_word = if streams {
            LAST_WORDS.iter().any(|words| said(words))
        } else {
            // Read along with another client, it comes in chunks.
            self.buffer.strip_suffix(CHUNKED_END).unwrap_or(&self.buffer).ends_with(b"}")
        };
        match status {
            Some(200) if streams && said(b"\"error\":{") => Ended::Broken,
            Some(200) if has_last_word => Ended::Whole,
            Some(200) => Ended::Cut,
            status => Ended::Refused(status.unwrap_or(0)),
        }
    }

    async fn read(&mut self, connection: &mut TcpStream) -> Result<()> {
        if connection.read_buf(&mut self.buffer).await? == 0 {
            bail!("the gateway closed the connection");
        }
        Ok(())
    }
}
