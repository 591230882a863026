//! Sessions that outlive the process: killed at any moment, started again, and none the worse.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, react_with};
use magic_tests::{
    Call, Connection, Event, Events, Folder, Gate, Process, Provider, Script, ToolWat, said, wait_until_async,
};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PATH: &str = "/v1/react/sessions";
const SESSIONS: usize = 200;
const STEPS: usize = 10;
const KILLS: usize = 20;

/// The vendor: what a session's model says follows from how far the session has come. And the service that the tool `note`
/// posts to.
fn world(call: &Call) -> Script {
    if call.path == "/note" {
        return Script::json(200, &json!({ "noted": true }));
    }
    let messages = call.messages();
    let said_by_user: String =
        messages.iter().filter(|(role, _)| role == "user").map(|(_, text)| text.as_str()).collect();
    let name = said_by_user.split("I am ").nth(1).and_then(|rest| rest.split('.').next()).expect("a name");
    let step = said_by_user.matches("<OBSERVATION>").count() + 1;
    let thought = format!("<THOUGHT>Step {step} of {name}.</THOUGHT>");
    said(&match step {
        STEPS.. => format!("{thought}<FINAL_ANSWER>{name} is done in {step} steps."),
        step => {
            let arguments = json!({ "n": step, "name": name, "expression": format!("{step} * 2") });
            let (tool, arguments) = match step % 2 {
                0 => ("calculator", json!({ "expression": arguments["expression"] })),
                _ => ("note", arguments),
            };
            format!("{thought}<ACTION>{}", json!({ "tool_name": tool, "arguments": arguments }))
        }
    })
}

fn folder(provider: &Provider) -> Folder {
    let yaml = format!(
        "model_list:\n  - model_name: main\n    provider: local\n    model_params:\n      model: m\n      api_base: \"{}\"\n\
         \x20     agent_settings: {{ reasoning_mode: standard_gemini_react, tool_protocol: tags, max_steps: 12 }}\n\
         router_settings: {{ model_group_alias: {{ think: [main] }} }}\nserver_settings: {{ sessions_queued_max: 400 }}\n",
        provider.base()
    );
    let folder = Folder::new(&yaml).pattern("standard_gemini_react").tool("calculator");
    let root = provider.root();
    folder.write("tools/note.wasm", ToolWat::posts("note", &format!("{root}/note")).file());
    let host = root.trim_start_matches("http://");
    folder.write("tools/note.policy.yaml", format!("http: {{ hosts: [\"{host}\"], allow_private: true }}\n"));
    folder
}

async fn start(folder: &Folder) -> (Process, SocketAddr) {
    let mut process = Process::start(folder, &["--listen", "127.0.0.1:0"]).await;
    let address = process.address().await;
    (process, address)
}

/// A request to a process that may be killed at any moment. `None`: it was. Of a stream only the beginning is read.
async fn try_request(address: SocketAddr, method: &str, path: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    let mut read = Vec::new();
    while stream.read_buf(&mut read).await.ok()? > 0 {
        if read.windows(3).any(|window| window == b"id:") {
            break;
        }
    }
    let text = String::from_utf8(read).ok()?;
    Some(text.split_once("\r\n\r\n")?.1.to_owned())
}

/// Those of our sessions that the gateway knows, and whether they have ended.
async fn known(address: SocketAddr) -> Option<HashMap<String, String>> {
    let list = try_request(address, "GET", &format!("{PATH}?limit=1000"), "").await?;
    let list: Value = serde_json::from_str(&list).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = list["data"].as_array()?.iter();
    Some(rows.map(|row| (text(&row["session_id"]), text(&row["status"]))).collect())
}

/// Submits what the gateway does not know yet; a kill in the middle only means that it is tried again.
async fn submit_missing(address: SocketAddr) {
    let Some(known) = known(address).await else { return };
    for number in 0..SESSIONS {
        let id = format!("s{number}");
        if known.contains_key(&id) {
            continue;
        }
        let order = json!({ "model_alias": "think", "session_id": id, "user_query": format!("I am {id}. Go on.") });
        if try_request(address, "POST", PATH, &order.to_string()).await.is_none() {
            return;
        }
    }
}

/// Random, but the same in every run that is given the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_fault_a_crash_loses_no_session_and_runs_no_call_twice() {
    let seed = std::env::var("MAGIC_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let provider = Provider::start().await;
    provider.answers(world);
    let folder = folder(&provider);
    let mut dice = Dice(seed);

    for kill in 0..KILLS {
        let (process, address) = start(&folder).await;
        let goal = provider.calls().len() + 60 + usize::try_from(dice.roll(120)).expect("small");
        let submitting = submit_missing(address);
        let killed = async {
            let mut seen = 0;
            while provider.calls().len() < goal {
                let done = known(address)
                    .await
                    .is_some_and(|known| known.len() == SESSIONS && known.values().all(|status| status == "answered"));
                seen += 1;
                if done || seen > 2_000 {
                    break;
                }
                tokio::task::yield_now().await;
            }
            process.kill().await;
        };
        tokio::join!(submitting, killed);
        assert!(kill < 2 || known_on_disk(&folder) > 0, "seed {seed}: nothing is on disk after {kill} kills");
    }

    let (process, address) = start(&folder).await;
    submit_missing(address).await;
    wait_until_async("every session has answered", || async {
        known(address)
            .await
            .is_some_and(|known| known.len() == SESSIONS && known.values().all(|status| status == "answered"))
    })
    .await;
    for number in 0..SESSIONS {
        check_session(address, &format!("s{number}"), seed).await;
    }
    let mut noted = HashSet::new();
    for call in provider.calls().iter().filter(|call| call.path == "/note") {
        let key = call.header("idempotency-key").expect("each call has its key").to_owned();
        assert!(noted.insert(key.clone()), "seed {seed}: the call {key} ran twice");
        assert!(
            noted.insert(format!("body {}", String::from_utf8_lossy(&call.body))),
            "seed {seed}: twice by its body"
        );
    }
    process.kill().await;
    let ended = Process::start(&folder, &["replay"]).await.ended_within(std::time::Duration::from_secs(120)).await;
    assert_eq!(ended.code, Some(0), "seed {seed}: {}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains(&format!("{SESSIONS} sessions, 0 that do not agree")), "{}", ended.stdout);
}

fn known_on_disk(folder: &Folder) -> u64 {
    std::fs::metadata(folder.path("data/sessions.db-wal")).map_or(0, |file| file.len())
        + std::fs::metadata(folder.path("data/sessions.db")).map_or(0, |file| file.len())
}

/// As it is without any kill, but for calls whose outcome nobody knows.
async fn check_session(address: SocketAddr, id: &str, seed: u64) {
    let connection = Connection::open(address).await;
    let reply = connection.request("GET", &format!("{PATH}/{id}/events"), &[("last-event-id", "0")], b"").await;
    let events = Events::new(reply).await.rest().await;
    let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "seed {seed}: {id}");
    let told = transcript(&events);
    let mut expected = Vec::new();
    for step in 1..STEPS {
        expected.push(format!("step {step}"));
        expected.push(format!("thought Step {step} of {id}."));
        match step % 2 {
            0 => {
                expected.push(format!("call calculator {}", json!({ "expression": format!("{step} * 2") })));
                expected.push(format!("observation {}", step * 2));
            }
            _ => {
                let arguments = json!({ "n": step, "name": id, "expression": format!("{step} * 2") });
                expected.push(format!("call note {arguments}"));
                expected.push("observation {\"noted\":true}".to_owned());
            }
        }
    }
    expected.push(format!("step {STEPS}"));
    expected.push(format!("thought Step {STEPS} of {id}."));
    expected.push(format!("answer {id} is done in {STEPS} steps."));
    let unknown = "observation Error: the call's outcome is unknown: the gateway stopped while it ran";
    assert_eq!(told.len(), expected.len(), "seed {seed}: {id}: {told:#?}");
    for (told, expected) in told.iter().zip(&expected) {
        let may_be_unknown = expected.contains("noted") && told == unknown;
        assert!(told == expected || may_be_unknown, "seed {seed}: {id}: {told} instead of {expected}");
    }
    let replay = Connection::open(address).await.request("POST", &format!("{PATH}/{id}/replay"), &[], b"").await;
    let replay: Value = replay.json().await;
    assert_eq!(replay["agrees"], true, "seed {seed}: {id}: {replay}");
}

/// What a reader has in the end: text joined, and void text left out.
fn transcript(events: &[Event]) -> Vec<String> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for event in events {
        let text = || event.payload["text"].as_str().expect("a text");
        let line = match event.name.as_str() {
            "StepStarted" => format!("step {}", event.payload["step"]),
            "AgentThoughtStream" => format!("thought {}", text()),
            "FinalAnswerStream" => format!("answer {}", text()),
            "Observation" => format!("observation {}", text()),
            "AgentToolCallStart" => {
                format!("call {} {}", event.payload["tool_name"].as_str().expect("a name"), event.payload["arguments"])
            }
            "Progress" if event.payload["kind"] == "restarted" => {
                let from = event.payload["payload"]["void_from"].as_u64().expect("a number");
                lines.retain(|(seq, line)| *seq < from || !(line.starts_with("thought") || line.starts_with("answer")));
                continue;
            }
            _ => continue,
        };
        let kind = line.split(' ').next().unwrap_or_default().to_owned();
        match lines.last_mut() {
            Some((_, last)) if ["thought", "answer"].contains(&kind.as_str()) && last.starts_with(&kind) => {
                last.push_str(line.strip_prefix(&kind).and_then(|rest| rest.strip_prefix(' ')).unwrap_or_default());
            }
            _ => lines.push((event.id, line)),
        }
    }
    let trimmed = |line: String| line.replace("thought \n", "thought ").replace("\\n", "");
    lines.into_iter().map(|(_, line)| trimmed(line)).collect()
}

#[tokio::test]
async fn a_reader_that_is_cut_off_at_any_event_gets_exactly_the_rest_also_after_a_restart() {
    let (provider, mut gateway) = react_with("", "").await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let order = json!({ "model_alias": "thinker", "user_query": "What is 17 * 23?", "session_id": "cut-off" });
    let all = Events::new(gateway.post(PATH, &order).await).await.rest().await;
    for _ in 0..2 {
        for last in 0..all.len() - 1 {
            let headers = [("last-event-id", last.to_string())];
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let reply = gateway.connect().await.request("GET", &format!("{PATH}/cut-off/events"), &headers, b"").await;
            assert_eq!(Events::new(reply).await.rest().await, all[last + 1..], "behind {last}");
        }
        gateway.restart().await;
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_fault_a_lease_is_renewed_and_a_long_session_runs_once() {
    let provider = Provider::start().await;
    let gate = Gate::default();
    provider.once(said("<FINAL_ANSWER>once.").after(&gate));
    let folder = folder(&provider);
    let (first, address) = start(&folder).await;
    let order = json!({ "model_alias": "think", "session_id": "long", "user_query": "I am long. Go on." });
    try_request(address, "POST", PATH, &order.to_string()).await.expect("it is submitted");
    provider.call(0).await;
    // A second gateway on the same files, until the session is held by a lease that began after the first was over.
    let (second, _) = start(&folder).await;
    let (first_ends, length_ms) = (leased_until(&folder), 15_000);
    wait_until_async("the lease is renewed", || async { leased_until(&folder) > first_ends + length_ms }).await;
    gate.open();
    wait_until_async("the session has answered", || async {
        known(address).await.is_some_and(|known| known["long"] == "answered")
    })
    .await;
    assert_eq!(provider.calls().len(), 1, "the other gateway left it alone");
    first.kill().await;
    second.kill().await;
}

/// When the lease of the one session ends, as the file has it.
fn leased_until(folder: &Folder) -> i64 {
    let connection = magic_sqlite::reader(&folder.path("data/sessions.db")).expect("the file");
    connection.query_row("SELECT leased_until_ms FROM jobs", [], |row| row.get(0)).expect("one session")
}
