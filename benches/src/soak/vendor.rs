//! The vendor of the soak: three dialects on one port, and the fault that a request asks for by a word in its
//! conversation. The model `steady` has none.
use crate::vendor::{Both, request};
use crate::wire::Length;
use anyhow::{Context as _, Result, bail};
use memchr::memmem;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Of a stream; few, as it is the requests that are many.
const EVENTS: usize = 24;
/// Of what is slow: before the head, and again before the end.
const PAUSE: Duration = Duration::from_millis(30);

pub(super) struct Vendor {
    openai: Both,
    anthropic: Both,
    google: Both,
    /// Connections that stand.
    open: Cell<u64>,
    /// What it did, by its own word.
    done: RefCell<BTreeMap<&'static str, u64>>,
}

#[derive(Clone, Copy)]
enum Deed {
    Answered,
    KeyChecked,
    Rejected,
    Limited,
    Failed,
    CutEarly,
    Cut,
    InBand,
    Slow,
    Hung,
    HungEarly,
}

/// How a reply leaves its connection.
enum After {
    Kept,
    Closed,
}

// === impl Deed ===
impl Deed {
    const FAULTS: [(&'static [u8], Self); 10] = [
        (b"[[rejected]]", Self::Rejected),
        (b"[[limited]]", Self::Limited),
        (b"[[failing]]", Self::Failed),
        (b"[[cut_early]]", Self::CutEarly),
        (b"[[cut]]", Self::Cut),
        (b"[[in_band]]", Self::InBand),
        (b"[[slow]]", Self::Slow),
        (b"[[hedged]]", Self::Slow),
        (b"[[left]]", Self::Hung),
        (b"[[left_early]]", Self::HungEarly),
    ];

    fn of(line: &[u8], body: &[u8]) -> Self {
        if line.starts_with(b"GET ") {
            return Self::KeyChecked;
        }
        if memmem::find(body, b"\"model\":\"steady\"").is_some() {
            return Self::Answered;
        }
        let asked = |(word, _): &&(&[u8], Self)| memmem::find(body, word).is_some();
        Self::FAULTS.iter().find(asked).map_or(Self::Answered, |(_, deed)| *deed)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::KeyChecked => "checked a key",
            Self::Rejected => "rejected a key (401)",
            Self::Limited => "limited a key (429)",
            Self::Failed => "failed (500)",
            Self::CutEarly => "cut in a whole reply",
            Self::Cut => "cut after the first events",
            Self::InBand => "error after the first events",
            Self::Slow => "slow",
            Self::Hung => "hung after the first events until it was left",
            Self::HungEarly => "hung before its head until it was left",
        }
    }
}

// === impl Vendor ===
impl Vendor {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            openai: Both::openai(EVENTS),
            anthropic: Both::anthropic(EVENTS),
            google: Both::google(EVENTS),
            open: Cell::default(),
            done: RefCell::default(),
        })
    }

    pub(super) fn open(&self) -> u64 {
        self.open.get()
    }

    pub(super) fn done(&self) -> BTreeMap<&'static str, u64> {
        self.done.borrow().clone()
    }

    /// Within a `LocalSet`, until it is dropped.
    pub(super) async fn serve(self: Rc<Self>, listener: TcpListener) -> Result<()> {
        loop {
            let (stream, _) = listener.accept().await.context("accept a connection")?;
            let vendor = Rc::clone(&self);
            tokio::task::spawn_local(async move {
                vendor.open.set(vendor.open.get() + 1);
                // A peer that leaves in the middle is done with us.
                let _ended = vendor.converse(stream).await;
                vendor.open.set(vendor.open.get() - 1);
            });
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = Vec::with_capacity(4 << 10);
        while let Some(head) = request(&mut stream, &mut buffer).await? {
            let Length::Known(length) = head.length else { bail!("a chunked request") };
            let line = buffer.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let body = buffer.get(head.bytes..head.bytes + length).unwrap_or_default();
            let deed = Deed::of(line, body);
            *self.done.borrow_mut().entry(deed.as_str()).or_default() += 1;
            let (replies, streams) = self.replies(line, body);
            if let After::Closed = act(&mut stream, deed, replies, streams).await? {
                return Ok(());
            }
            buffer.drain(..head.bytes + length);
        }
        Ok(())
    }

    fn replies(&self, line: &[u8], body: &[u8]) -> (&Both, bool) {
        let has = |text: &[u8], word: &[u8]| memmem::find(text, word).is_some();
        if has(line, b"GenerateContent") || has(line, b":generateContent") {
            (&self.google, has(line, b":streamGenerateContent"))
        } else if has(line, b"/messages") {
            (&self.anthropic, has(body, b"\"stream\":true"))
        } else {
            (&self.openai, has(body, b"\"stream\":true"))
        }
    }
}

async fn act(stream: &mut TcpStream, deed: Deed, replies: &Both, streams: bool) -> Result<After> {
    let whole = std::slice::from_ref(&replies.whole);
    let pieces = if streams { replies.flood.as_slice() } else { whole };
    let (last, first) = pieces.split_last().context("a reply has no pieces")?;
    match deed {
        Deed::Answered => write(stream, pieces).await?,
        Deed::KeyChecked => stream.write_all(&refusal("200 OK", "")).await?,
        Deed::Rejected => stream.write_all(&refusal("401 Unauthorized", "")).await?,
        Deed::Limited => stream.write_all(&refusal("429 Too Many Requests", "retry-after: 1\r\n")).await?,
        Deed::Failed => stream.write_all(&refusal("500 Internal Server Error", "")).await?,
        Deed::CutEarly => {
            let (half, _) = last.split_at(last.len() / 2);
            stream.write_all(half).await?;
            return Ok(After::Closed);
        }
        Deed::Cut => {
            write(stream, first).await?;
            return Ok(After::Closed);
        }
        Deed::InBand => {
            write(stream, first).await?;
            let event =
                "data: {\"error\":{\"message\":\"the scripted vendor is overloaded\",\"type\":\"server_error\"}}\n\n";
            stream.write_all(format!("{:x}\r\n{event}\r\n0\r\n\r\n", event.len()).as_bytes()).await?;
        }
        Deed::Slow => {
            tokio::time::sleep(PAUSE).await;
            write(stream, first).await?;
            tokio::time::sleep(PAUSE).await;
            stream.write_all(last).await?;
        }
        Deed::Hung | Deed::HungEarly => {
            if let Deed::Hung = deed {
                write(stream, first).await?;
            }
            // Comes back when the peer has closed, which it has to.
            let _left = stream.read_u8().await;
            return Ok(After::Closed);
        }
    }
    Ok(After::Kept)
}

async fn write(stream: &mut TcpStream, pieces: &[Vec<u8>]) -> Result<()> {
    for piece in pieces {
        stream.write_all(piece).await?;
    }
    Ok(())
}

fn refusal(status: &str, header: &str) -> Vec<u8> {
    let body = r#"{"error":{"message":"the scripted vendor says so","type":"scripted"}}"#;
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{header}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
