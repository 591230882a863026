//! The one suite that every dialect has to pass. A row is a file: `goldens/requests/<client>/*.json` is a request of a
//! client, `goldens/<vendor>/streams/*.sse` a stream of a vendor; what becomes of them stands beside them and is updated
//! by `UPDATE_GOLDENS=1`, then read in the diff. A dialect takes part when it stands in one of the two lists below.
use crate::chat::Request;
use crate::dialect::{Call, Dialect, Error, Head, Vendor, Written};
use crate::quirks;
use crate::reply::Reply;
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

mod conversations;
mod properties;
mod seals;

const CLIENTS: &[Dialect] = &[Dialect::Chat, Dialect::Completions, Dialect::Messages, Dialect::Responses];
const VENDORS: &[Spoken] = &[
    Spoken { dialect: Dialect::Chat, provider: "openai", model: "gpt-5.1" },
    Spoken { dialect: Dialect::Messages, provider: "anthropic", model: "claude-sonnet-4-5-20250929" },
    Spoken { dialect: Dialect::Gemini, provider: "google", model: "gemini-2.5-flash" },
];

/// A vendor's dialect, and to whom it is spoken in the goldens.
struct Spoken {
    dialect: Dialect,
    provider: &'static str,
    model: &'static str,
}

/// What a decoder made of a stream.
#[derive(Clone, Debug, PartialEq)]
struct Heard {
    events: Vec<ChatEvent>,
    end: Result<(), Failure>,
}

struct Fixture {
    name: String,
    bytes: Vec<u8>,
}

impl Spoken {
    fn vendor(&self) -> &'static dyn Vendor {
        self.dialect.vendor().expect("a vendor's dialect")
    }

    fn write(&self, request: &Request) -> Written {
        let call = Call { model: self.model, stream: request.stream, quirks: quirks::of(self.provider) };
        self.vendor().write(request, &call)
    }

    fn streams(&self) -> Vec<Fixture> {
        fixtures(&format!("{}/streams", self.dialect.as_str()), "sse")
    }

    /// Chunk by chunk, up to the first failure or the end of the body.
    fn hear(&self, chunks: &[&[u8]]) -> Heard {
        let mut decoder = self.vendor().decoder();
        let mut events = Vec::new();
        let pushed = chunks.iter().try_for_each(|chunk| decoder.push(chunk, &mut events));
        let end = pushed.and_then(|()| decoder.end(&mut events));
        assert_eq!(decoder.is_done(), end.is_ok(), "an honest end is one that the vendor said");
        Heard { events, end }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

/// The inputs of a folder, in the order of their names; what is golden in there has a second dot in its name.
fn fixtures(folder: &str, extension: &str) -> Vec<Fixture> {
    let mut found: Vec<Fixture> = fs::read_dir(root().join(folder))
        .unwrap_or_else(|error| panic!("goldens/{folder}: {error}"))
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(&format!(".{extension}"))?.to_owned();
            (!name.contains('.')).then(|| Fixture { name, bytes: fs::read(&path).expect("a readable fixture") })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.is_empty(), "goldens/{folder} holds no fixture");
    found
}

fn requests(client: Dialect) -> Vec<(Fixture, Request)> {
    let folder = format!("requests/{}", client.as_str());
    let read = |fixture: Fixture| {
        let read = client.client().expect("a client's dialect").read(&fixture.bytes);
        let request = read.unwrap_or_else(|failure| panic!("{folder}/{}: {failure}", fixture.name));
        (fixture, request)
    };
    fixtures(&folder, "json").into_iter().map(read).collect()
}

/// Compares with a golden, or makes it.
fn check(path: &str, actual: &str) {
    let file = root().join(path);
    if is_updating() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder for goldens");
        fs::write(&file, actual).expect("a writable golden");
        return;
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(actual, golden, "goldens/{path}: run with UPDATE_GOLDENS=1 and read the diff");
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not configuration")]
fn is_updating() -> bool {
    std::env::var("UPDATE_GOLDENS").is_ok_and(|value| value == "1")
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("JSON");
    text.push('\n');
    text
}

#[test]
fn every_clients_request_is_written_for_every_vendor_as_its_golden_says() {
    for spoken in VENDORS {
        for client in CLIENTS {
            for (fixture, request) in requests(*client) {
                let Written { body, lost } = spoken.write(&request);
                let body: Value = serde_json::from_slice(&body).expect("a body is JSON");
                let (vendor, client) = (spoken.dialect.as_str(), client.as_str());
                let path = format!("{vendor}/from_{client}/{}.json", fixture.name);
                check(&path, &pretty(&json!({ "lost": lost, "body": body })));
            }
        }
    }
}

#[test]
fn every_vendors_stream_is_heard_as_its_golden_says() {
    for spoken in VENDORS {
        for fixture in spoken.streams() {
            let Heard { events, end } = spoken.hear(&[&fixture.bytes]);
            let mut text: String = events.iter().map(|event| format!("{event:?}\n")).collect();
            text.push_str(&match end {
                Ok(()) => "end\n".to_owned(),
                Err(failure) => format!("{failure} ({})\n", failure.private),
            });
            check(&format!("{}/streams/{}.events", spoken.dialect.as_str(), fixture.name), &text);
        }
    }
}

#[test]
fn every_vendors_stream_is_told_to_every_client_as_its_golden_says() {
    for spoken in VENDORS {
        for fixture in spoken.streams() {
            let heard = spoken.hear(&[&fixture.bytes]);
            for client in CLIENTS {
                let path = format!("{}/streams/{}.to_{}", spoken.dialect.as_str(), fixture.name, client.as_str());
                check(&format!("{path}.sse"), &told(*client, &heard));
                if heard.end.is_ok() {
                    let whole: Value = serde_json::from_str(&told_whole(*client, &heard)).expect("JSON");
                    check(&format!("{path}.json"), &pretty(&whole));
                }
            }
        }
    }
}

fn head() -> Head {
    Head { id: "1".to_owned(), model: "alias".to_owned(), created: 1_700_000_000 }
}

/// The frames that a client gets, an error's own among them.
fn told(client: Dialect, heard: &Heard) -> String {
    let client = client.client().expect("a client's dialect");
    let mut writer = client.writer(head(), &asked());
    let mut out = String::new();
    heard.events.iter().for_each(|event| writer.event(event, &mut out));
    match &heard.end {
        Ok(()) => writer.end(&mut out),
        Err(failure) => out.push_str(&client.error_frame(&Error {
            status: 502,
            kind: failure.kind.as_str(),
            class: "server_error",
            message: &failure.public,
        })),
    }
    out
}

fn told_whole(client: Dialect, heard: &Heard) -> String {
    let mut writer = client.client().expect("a client's dialect").writer(head(), &asked());
    writer.whole(&Reply::of(&heard.events))
}

/// A request that wants all that a reply can have.
fn asked() -> Request {
    Request { stream: true, include_usage: true, ..Request::default() }
}
