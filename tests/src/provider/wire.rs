//! One connection of the scripted vendor: reads requests, carries out scripts, and notices when the other side leaves.
use super::script::{End, Step};
use super::{Call, Fate, Script, Shared, lock};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Where vendors look for a key that is no bearer token.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];

/// The other side is gone.
struct Left;

pub(super) async fn converse(stream: TcpStream, shared: &Shared) {
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let mut wire = Wire { stream, buffer: Vec::new() };
    if wire.begins_tls().await {
        shared.handshakes.fetch_add(1, Ordering::SeqCst);
        // What a web server says to TLS on its plain port.
        let _left = wire.stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        return;
    }
    while let Ok(call) = wire.request().await {
        let script = shared.begin(&call);
        let done = wire.perform(&script, &call.written).await;
        *lock(&call.fate) = if done.is_ok() { Fate::Over } else { Fate::Left };
        match (done, script.end) {
            (Ok(()), End::Whole) => {}
            (Ok(()), End::Reset) => return wire.stream.set_zero_linger().expect("a linger of zero resets"),
            (Ok(()), End::Close | End::Hang) | (Err(Left), _) => return,
        }
    }
}

impl Wire {
    /// A handshake's first byte is no letter of a method.
    async fn begins_tls(&mut self) -> bool {
        self.read().await.is_ok() && self.buffer.first() == Some(&22)
    }

    async fn request(&mut self) -> Result<Call, Left> {
        let head = self.through(b"\r\n\r\n").await?;
        let head = String::from_utf8(head).expect("the gateway sends a head of ASCII");
        let mut lines = head.split("\r\n");
        let mut start = lines.next().unwrap_or_default().split(' ');
        let (method, path) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let key = find("authorization").map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
        let key = key.or_else(|| KEY_HEADERS.iter().find_map(|name| find(name))).map(str::to_owned);
        let body = match (find("transfer-encoding"), find("content-length")) {
            (None, length) => self.take(length.map_or(0, |text| text.parse().expect("a length"))).await?,
            // A file on its way through has no length yet. Nothing else is sent like this.
            (Some(_), _) => {
                let form = find("content-type").is_some_and(|kind| kind.starts_with("multipart/"));
                assert!(form, "the gateway is expected to send JSON with its length");
                self.chunks().await?
            }
        };
        let fate = Arc::new(Mutex::new(Fate::UnderWay));
        let (method, path) = (method.to_owned(), path.to_owned());
        Ok(Call { method, path, headers, key, body, fate, written: Arc::default() })
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, Left> {
        let mut whole = Vec::new();
        loop {
            let line = String::from_utf8(self.through(b"\r\n").await?).expect("a chunk's length");
            let length = usize::from_str_radix(line.trim(), 16).expect("a chunk's length");
            whole.extend(self.take(length).await?);
            self.through(b"\r\n").await?;
            if length == 0 {
                return Ok(whole);
            }
        }
    }

    /// The bytes up to `mark`, with it.
    async fn through(&mut self, mark: &[u8]) -> Result<Vec<u8>, Left> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                return Ok(self.buffer.drain(..at + mark.len()).collect());
            }
            self.read().await?;
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>, Left> {
        while self.buffer.len() < length {
            self.read().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn perform(&mut self, script: &Script, written: &AtomicUsize) -> Result<(), Left> {
        for step in script.all_steps() {
            match step {
                Step::Write(bytes) => self.write(&bytes, written).await?,
                Step::Repeat(bytes) => loop {
                    self.write(&bytes, written).await?;
                },
                Step::Wait(gate) => {
                    tokio::select! {
                        () = gate.opened() => {}
                        left = self.watch() => return Err(left),
                    }
                }
            }
        }
        if script.end == End::Hang { Err(self.watch().await) } else { Ok(()) }
    }

    async fn write(&mut self, bytes: &[u8], written: &AtomicUsize) -> Result<(), Left> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.stream.write(rest).await {
                Ok(0) | Err(_) => return Err(Left),
                Ok(count) => {
                    written.fetch_add(count, Ordering::SeqCst);
                    rest = rest.split_at(count).1;
                }
            }
        }
        Ok(())
    }

    /// Reads until the other side leaves. A next request on the same connection is kept for later.
    async fn watch(&mut self) -> Left {
        loop {
            if let Err(left) = self.read().await {
                return left;
            }
        }
    }

    async fn read(&mut self) -> Result<(), Left> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(Left),
            Ok(_) => Ok(()),
        }
    }
}
