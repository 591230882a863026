//! A client of `/v1/react/sessions`: events as they come, checked for their form.
use crate::client::Reply;
use serde_json::Value;

/// One frame of a session's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: u64,
    pub name: String,
    pub payload: Value,
}

/// The events of one reply. Dropping it leaves the gateway, but not the session.
pub struct Events {
    reply: Reply,
}

// === impl Events ===

impl Events {
    /// # Panics
    /// When the reply is no stream of events.
    pub async fn new(reply: Reply) -> Self {
        let status = reply.status;
        if status != 200 {
            panic!("{status}: {}", reply.text().await);
        }
        assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        Self { reply }
    }

    /// The next event; `None` at the stream's end. Comments are passed over.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let frame = self.reply.frame().await?;
            if !frame.starts_with(':') {
                return Some(read(&frame));
            }
        }
    }

    /// Reads up to an event of this name and returns everything up to it.
    ///
    /// # Panics
    /// When the stream ends before.
    pub async fn until(&mut self, name: &str) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("no {name} came, but {events:?}"));
            events.push(event);
            if events.last().is_some_and(|event| event.name == name) {
                return events;
            }
        }
    }

    pub async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn read(frame: &str) -> Event {
    let lines: Vec<&str> = frame.trim_end().split('\n').collect();
    let [id, name, data] = lines.as_slice() else { panic!("expected id, event and data: {frame:?}") };
    let field = |line: &str, name: &str| {
        line.strip_prefix(name).unwrap_or_else(|| panic!("expected `{name}` in {frame:?}")).to_owned()
    };
    let id: u64 = field(id, "id: ").parse().expect("a number");
    let name = field(name, "event: ");
    let data: Value = serde_json::from_str(&field(data, "data: ")).expect("JSON");
    assert_eq!(data["event_type"], name.as_str(), "{frame:?}");
    assert_eq!(data["seq"], id, "{frame:?}");
    assert!(data["ts"].as_str().is_some_and(|ts| ts.ends_with('Z') && ts.contains('T')), "RFC 3339: {frame:?}");
    Event { id, name, payload: data["payload"].clone() }
}
