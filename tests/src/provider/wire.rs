//! One connection of the scripted vendor: reads requests, carries out scripts, and notices when the other side leaves.
use super::script::{End, Step};
use super::{Call, Fate, Script, Shared, lock};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The other side is gone.
struct Left;

pub(super) async fn converse(stream: TcpStream, shared: &Shared) {
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let mut wire = Wire { stream, buffer: Vec::new() };
    while let Ok(call) = wire.request().await {
        let script = shared.begin(&call);
        let done = wire.perform(&script).await;
        *lock(&call.fate) = if done.is_ok() { Fate::Over } else { Fate::Left };
        match (done, script.end) {
            (Ok(()), End::Whole) => {}
            (Ok(()), End::Reset) => return wire.stream.set_zero_linger().expect("a linger of zero resets"),
            (Ok(()), End::Close | End::Hang) | (Err(Left), _) => return,
        }
    }
}

impl Wire {
    async fn request(&mut self) -> Result<Call, Left> {
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.read().await?;
        };
        let head: Vec<u8> = self.buffer.drain(..head_end).collect();
        let head = String::from_utf8(head).expect("the gateway sends a head of ASCII");
        let mut lines = head.split("\r\n");
        let mut start = lines.next().unwrap_or_default().split(' ');
        let (method, path) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        assert!(find("transfer-encoding").is_none(), "the gateway is expected to send its bodies with their length");
        let length: usize = find("content-length").map_or(0, |text| text.parse().expect("a length"));
        let key = find("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        while self.buffer.len() < length {
            self.read().await?;
        }
        let body = self.buffer.drain(..length).collect();
        let fate = Arc::new(Mutex::new(Fate::UnderWay));
        Ok(Call { method: method.to_owned(), path: path.to_owned(), headers, key, body, fate })
    }

    async fn perform(&mut self, script: &Script) -> Result<(), Left> {
        for step in script.all_steps() {
            match step {
                Step::Write(bytes) => self.stream.write_all(&bytes).await.map_err(|_| Left)?,
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
