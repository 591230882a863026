//! What a vendor does wrong, by name: scripts of faults that several tests need. Knows no socket but the one that refuses.
use super::Script;
use crate::openai::{chunk, completion};
use std::net::SocketAddr;
use tokio::net::TcpSocket;

/// A port that nobody listens on, kept as long as this lives: no other test gets it meanwhile.
pub struct Refused {
    address: SocketAddr,
    _kept: TcpSocket,
}

/// How a reply that was begun goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HalfWay {
    /// Nothing more comes, and the connection stays open.
    Hangs,
    /// The connection ends within a chunk of HTTP.
    CutMidChunk,
    /// The connection ends within a character of several bytes.
    CutMidCharacter,
    /// What follows is no JSON.
    Malformed,
    /// What follows is an error object.
    InBandError,
    /// It ends as HTTP ends, without the vendor's last word.
    EndsWithoutDone,
}

// === impl Refused ===

impl Default for Refused {
    /// # Panics
    /// When there is no port to be had.
    fn default() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        // Bound and never listened to: the system refuses whoever connects.
        Self { address: socket.local_addr().expect("an address"), _kept: socket }
    }
}

impl Refused {
    /// For `api_base`.
    pub fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

// === impl HalfWay ===

impl HalfWay {
    /// A stream whose first event is good: a piece of `text`.
    pub fn stream(self, text: &str) -> Script {
        let begun = Script::stream().piece(chunk(text));
        let next = chunk("\u{1f980} never whole");
        let character = next.find('\u{1f980}').expect("it was put in");
        match self {
            Self::Hangs => begun.hang(),
            Self::CutMidChunk => begun.half_a_piece(&next).cut(),
            Self::CutMidCharacter => begun.piece(&next.as_bytes()[..character + 2]).cut(),
            Self::Malformed => begun.piece("data: {\"choices\": [}\n\ndata: [DONE]\n\n").end(),
            Self::InBandError => {
                begun.piece("data: {\"error\":{\"message\":\"the vendor gave up\",\"code\":500}}\n\n").end()
            }
            Self::EndsWithoutDone => begun.end(),
        }
    }

    /// The same of a reply that is not streamed.
    pub fn whole(self) -> Script {
        let body = completion("\u{1f980} never whole").to_string();
        let character = body.find('\u{1f980}').expect("it was put in");
        let begun = Script::bytes(200, "application/json", body.as_bytes());
        match self {
            Self::Hangs => begun.cut_after(character).hang(),
            Self::CutMidChunk => Script::json_in_chunks().half_a_piece(&body).cut(),
            Self::CutMidCharacter => begun.cut_after(character + 2),
            Self::Malformed => Script::bytes(200, "application/json", "{\"choices\": [}"),
            Self::InBandError => Script::json(
                200,
                &serde_json::json!({ "error": { "message": "the vendor gave up", "type": "server_error", "code": 500 } }),
            ),
            Self::EndsWithoutDone => Script::json_in_chunks().piece(&body.as_bytes()[..character]).end(),
        }
    }
}
