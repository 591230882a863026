//! The chaos matrix: every fault of a vendor, streamed or not, with one key, with several and with a second profile. What must
//! come of a cell is computed from whose fault it is; a failure names its cells.
mod faults;

use faults::{Blame, Fault, REST, first_event};
use magic_tests::{Completion, Folder, Gateway, Provider, Refused, Reply, When};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// What an alias has to fall back on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setup {
    OneKey,
    /// A second key, which is good.
    SeveralKeys,
    /// A second profile, which is good, with a key of its own.
    Fallback,
}

/// Gateways at a time: more only take turns.
const AT_ONCE: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_one_key_every_fault_ends_as_its_blame_says() {
    matrix(Setup::OneKey).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_several_keys_every_fault_ends_as_its_blame_says() {
    matrix(Setup::SeveralKeys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_a_fallback_every_fault_ends_as_its_blame_says() {
    matrix(Setup::Fallback).await;
}

async fn matrix(setup: Setup) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut cells = JoinSet::new();
    let mut names = HashMap::new();
    for (row, fault) in Fault::all().into_iter().enumerate() {
        let fault = Arc::new(fault);
        for stream in [false, true] {
            let name = format!("{} / {} / {setup:?}", fault.name, if stream { "stream" } else { "whole" });
            let cell = Cell { fault: Arc::clone(&fault), stream, setup, id: format!("{setup:?}-{row}-{stream}") };
            let turns = Arc::clone(&turns);
            let task = cells.spawn(async move {
                let _turn = turns.acquire().await.expect("never closed");
                Box::pin(cell.run()).await
            });
            names.insert(task.id(), name);
        }
    }
    let count = names.len();
    let mut wrong = Vec::new();
    while let Some(ended) = cells.join_next_with_id().await {
        match ended {
            Ok((id, found)) => wrong.extend(found.into_iter().map(|what| format!("{}: {what}", names[&id]))),
            Err(error) => wrong.push(format!("{}: {error}", names[&error.id()])),
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} faults in {count} cells:\n{}", wrong.len(), wrong.join("\n"));
}

struct Cell {
    fault: Arc<Fault>,
    stream: bool,
    setup: Setup,
    id: String,
}

/// What must come of a cell.
struct Expected {
    body: Body,
    /// Requests that reached a vendor, and the first profile's among them. Nobody counts those that were refused.
    calls: (usize, usize),
    first_key: (&'static str, &'static str),
    /// How long it rests.
    seconds: Option<RangeInclusive<u64>>,
    /// Of the first profile.
    breaker: &'static str,
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// Of a profile that is well, in the dialect of the profile.
    Answer(&'static str),
    /// 503 with an error object.
    Error,
    /// 200, the first event, and an error frame: no end.
    Broken,
}

// === impl Cell ===

impl Cell {
    fn expected(&self) -> Expected {
        // What had begun for a stream has reached nobody where the reply is whole.
        let blame = match &self.fault.blame {
            Blame::VendorOnTheWay | Blame::VendorOnTheWayInItsWords if !self.stream => Blame::Vendor,
            other => other.clone(),
        };
        let (rescued, second_key) = match self.setup {
            Setup::OneKey => (Body::Error, false),
            Setup::SeveralKeys => (Body::Answer(GOOD), true),
            Setup::Fallback => (Body::Answer(GOOD), false),
        };
        let reached = usize::from(!matches!(self.fault.does, faults::Does::Refuses));
        let of_the_key = |first_key, seconds| {
            let calls = match self.setup {
                Setup::OneKey => (1, 1),
                Setup::SeveralKeys => (2, 2),
                Setup::Fallback => (2, 1),
            };
            Expected { body: rescued, calls, first_key, seconds, breaker: "closed" }
        };
        let well =
            |body| Expected { body, calls: (1, 1), first_key: ("available", ""), seconds: None, breaker: "closed" };
        match blame {
            Blame::Nobody => well(Body::Answer(faults::DRIPPED)),
            Blame::Retires => of_the_key(("retired", "key_rejected"), None),
            Blame::Rests { why, seconds } => of_the_key(("quarantined", why), Some(seconds)),
            Blame::VendorOnTheWay | Blame::VendorOnTheWayInItsWords => well(Body::Broken),
            // Another key would not mend it.
            Blame::Vendor => Expected {
                body: if second_key { Body::Error } else { rescued },
                calls: (reached + usize::from(self.setup == Setup::Fallback), reached),
                first_key: ("available", ""),
                seconds: None,
                breaker: "open",
            },
        }
    }

    /// What is wrong with it.
    async fn run(self) -> Vec<String> {
        let expected = self.expected();
        let vendor = Provider::start().await;
        let refused = Refused::default();
        let keys = ["one", "two", "other"].map(|key| format!("sk-chaos-{}-{key}", self.id));
        let when = When::under("first").and_key(&keys[0]);
        let (base, gates) = self.fault.lay(&vendor, when, self.stream, &refused);
        vendor.little_model();
        let gateway = Gateway::start(self.folder(&vendor, &base, &keys)).await;
        let ask =
            json!({ "model": "alias", "stream": self.stream, "messages": [{ "role": "user", "content": "Hello" }] });

        let open = async {
            for gate in &gates {
                gate.open();
                tokio::task::yield_now().await;
            }
        };
        let (reply, ()) = tokio::join!(gateway.chat(&ask), open);

        let mut wrong = self.judge(reply, &expected, &keys).await;
        let mut check = |what: &str, found: Value, wanted: Value| {
            if found != wanted {
                wrong.push(format!("{what} is {found}, not {wanted}"));
            }
        };
        let handshakes = vendor.handshakes();
        let calls = (vendor.calls().len() + handshakes, vendor.calls_of("first") + handshakes);
        check("calls", json!(calls), json!(expected.calls));
        let key = gateway.key(self.fault.provider, &keys[0]).await;
        check("the key", json!([key["state"], key["why"].as_str().unwrap_or_default()]), json!(expected.first_key));
        check("in flight", key["in_flight"].clone(), json!(0));
        if let Some(seconds) = &expected.seconds {
            let left = key["seconds_left"].as_u64().unwrap_or_default();
            check("the rest", json!([left, seconds.contains(&left)]), json!([left, true]));
        }
        if self.setup == Setup::SeveralKeys {
            check(
                "the second key",
                gateway.key(self.fault.provider, &keys[1]).await["state"].clone(),
                json!("available"),
            );
        }
        check("the breaker", breaker(&gateway, "first").await, json!(expected.breaker));
        if self.setup == Setup::Fallback {
            check("the second key", gateway.key("mistral", &keys[2]).await["state"].clone(), json!("available"));
            check("the second breaker", breaker(&gateway, "second").await, json!("closed"));
        }
        for call in vendor.calls().into_iter().filter(|_| self.fault.hangs()) {
            if call.is_under("first") {
                call.was_left().await;
            }
        }
        gateway.finish(&[&vendor]).await;
        wrong
    }

    fn folder(&self, vendor: &Provider, base: &str, keys: &[String; 3]) -> Folder {
        // Only what the cell waits for: on a busy machine a good event may take longer than that.
        let timeouts = match (self.fault.hangs(), self.stream, &self.fault.blame) {
            (false, ..) => "",
            // A whole reply has no first event: there it is the whole call that is bounded.
            (true, false, _) => "    timeouts: { total_seconds: 0.3 }\n",
            (true, true, Blame::VendorOnTheWay) => "    timeouts: { idle_seconds: 0.3 }\n",
            (true, true, _) => "    timeouts: { first_event_seconds: 0.3 }\n",
        };
        let (provider, second) = (self.fault.provider, vendor.base_of("second"));
        let chain = if self.setup == Setup::Fallback { "[first, second]" } else { "[first]" };
        let yaml = format!(
            "model_list:\n\
             \x20 - model_name: first\n    provider: {provider}\n    model_params: {{ model: m, api_base: \"{base}\" }}\n{timeouts}\
             \x20 - model_name: second\n    provider: mistral\n    model_params: {{ model: m, api_base: \"{second}\" }}\n\
             router_settings:\n  model_group_alias: {{ alias: {chain} }}\n\
             key_management_settings: {{ quarantine_duration_seconds: {REST} }}\n{BREAKER}"
        );
        let first: Vec<&str> =
            keys.iter().take(1 + usize::from(self.setup == Setup::SeveralKeys)).map(String::as_str).collect();
        Folder::new(&yaml).keys(provider, &first).keys("mistral", &[&keys[2]])
    }

    async fn judge(&self, reply: Reply, expected: &Expected, keys: &[String; 3]) -> Vec<String> {
        let status = reply.status;
        let after = reply.header("retry-after").and_then(|value| value.parse::<u64>().ok());
        let text = reply.text().await;
        let mut wrong = Vec::new();
        if keys.iter().any(|key| text.contains(key.as_str())) {
            wrong.push(format!("a secret in {text}"));
        }
        let fits = match expected.body {
            Body::Answer(wanted) => status == 200 && self.answers(&text, wanted),
            Body::Error => {
                let body: Value = serde_json::from_str(&text).unwrap_or_default();
                // Known where the key rests, and then not sooner than it.
                let known = expected.seconds.as_ref().is_none_or(|seconds| {
                    after.is_some_and(|after| after >= *seconds.start() && after <= *seconds.end() + 1)
                });
                let said = body["error"]["message"].as_str().is_some_and(|message| !message.is_empty());
                status == 503 && said && known
            }
            Body::Broken => status == 200 && self.is_broken(&text),
        };
        if !fits {
            wrong.push(format!("{status} (Retry-After {after:?}) is not {:?}: {text}", expected.body));
        }
        wrong
    }

    fn answers(&self, text: &str, wanted: &str) -> bool {
        let found = match self.stream {
            true if !are_frames(text) => return false,
            true => Completion::of_stream(text),
            false => Completion::of_whole(&serde_json::from_str(text).unwrap_or_default()),
        };
        found.content == wanted && found.finish_reason.as_deref() == Some("stop") && found.done && found.error.is_null()
    }

    /// The first event as it came, one error frame, and nothing that looks like an end.
    fn is_broken(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(&first_event()) else { return false };
        if !are_frames(rest) {
            return false;
        }
        let found = Completion::of_stream(rest);
        let told = found.error["message"].as_str().unwrap_or_default();
        let in_its_words =
            !matches!(self.fault.blame, Blame::VendorOnTheWayInItsWords) || told.contains("the vendor gave up");
        !told.is_empty()
            && in_its_words
            && rest.matches("data: ").count() == 1
            && !rest.contains("[DONE]")
            && found.finish_reason.is_none()
    }
}

/// Whether every frame holds JSON, or the end's mark.
fn are_frames(text: &str) -> bool {
    let frames = text.split("\n\n").filter(|frame| !frame.is_empty() && !frame.starts_with(':'));
    let holds = |frame: &str| {
        let data = frame.strip_prefix("data: ");
        data.is_some_and(|data| data == "[DONE]" || serde_json::from_str::<Value>(data).is_ok())
    };
    frames.into_iter().all(holds)
}

/// What a vendor says who is well, or a profile that is asked instead.
const GOOD: &str = magic_tests::GREETING;
/// One failure is enough, so that a cell shows it.
const BREAKER: &str = "breaker_settings: { failures: 1 }\n";

/// A profile that never failed need not be listed.
async fn breaker(gateway: &Gateway, profile: &str) -> Value {
    let all = gateway.get("/admin/breakers").await.json().await;
    let Some(list) = all["breakers"].as_array() else { return all };
    let found = list.iter().find(|one| one["profile"] == profile);
    found.map_or_else(|| json!("closed"), |one| one["state"].clone())
}
