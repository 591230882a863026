//! The vendors' own clients, one scenario list: straight to a scripted vendor, and through the gateway to each of three. What
//! a user sees must be the same, or a difference that stands in [`EXPLAINED`] with its reason.
mod explained;

use crate::stage;
use explained::EXPLAINED;
use magic_tests::{Folder, Gateway, Provider, little_model, repository, wait_until};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// Of a whole list; seconds where nothing hangs.
const SLOW: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    OpenaiPython,
    OpenaiNode,
    AnthropicPython,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upstream {
    Openai,
    Anthropic,
    Google,
}

/// Why a client sees something else through the gateway.
struct Explained {
    clients: &'static [Client],
    upstreams: &'static [Upstream],
    /// Scenarios, and the beginning of the path in what was seen; `""` is all of it.
    scenarios: &'static [&'static str],
    path: &'static str,
    reason: &'static str,
}

/// One line of what a client saw otherwise.
struct Difference {
    scenario: String,
    path: String,
    direct: Value,
    through: Value,
}

#[tokio::test]
async fn the_openai_python_client_sees_the_same_through_the_gateway() {
    compares(Client::OpenaiPython).await;
}

#[tokio::test]
async fn the_openai_node_client_sees_the_same_through_the_gateway() {
    compares(Client::OpenaiNode).await;
}

#[tokio::test]
async fn the_anthropic_python_client_sees_the_same_through_the_gateway() {
    compares(Client::AnthropicPython).await;
}

/// The comparison would be worth nothing if the client saw failures on both sides.
#[tokio::test]
async fn straight_to_the_vendor_every_scenario_shows_what_it_is_for() {
    for client in [Client::OpenaiPython, Client::OpenaiNode, Client::AnthropicPython] {
        let direct = direct(client).await;
        for (scenario, seen) in &direct {
            let fails = FAILING.contains(&scenario.as_str());
            assert_eq!(seen["raised"].is_object(), fails, "{client:?} {scenario}: {seen}");
            assert!(seen.get("crashed").is_none(), "{client:?} {scenario}: {seen}");
        }
    }
}

/// The scenarios in which a client is meant to raise something.
const FAILING: [&str; 8] = [
    "bad_request",
    "bad_request_stream",
    "response_bad_request",
    "too_long",
    "breaks_off",
    "timed_out",
    "broken",
    "busy",
];

async fn compares(client: Client) {
    let direct = direct(client).await;
    let mut unexplained = String::new();
    let mut table = BTreeMap::new();
    let mut used = BTreeSet::new();
    for upstream in [Upstream::Openai, Upstream::Anthropic, Upstream::Google] {
        let through = through(client, upstream).await;
        let names = |seen: &Map<String, Value>| seen.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&direct), names(&through));
        for (scenario, seen) in &direct {
            let mut found = Vec::new();
            differences(scenario, "", seen, &through[scenario], &mut found);
            let cell = judge(client, upstream, &found, &mut used, &mut unexplained);
            table.entry(scenario.clone()).or_insert_with(Vec::new).push(cell);
        }
    }
    for (number, entry) in EXPLAINED.iter().enumerate().filter(|(_, entry)| entry.clients.contains(&client)) {
        for upstream in entry.upstreams {
            for scenario in entry.scenarios.iter().filter(|name| direct.contains_key(**name)) {
                if !used.contains(&(number, upstream.as_str(), (*scenario).to_owned())) {
                    let (path, reason) = (entry.path, entry.reason);
                    writeln!(
                        unexplained,
                        "{scenario}{path} by {}: no longer differs: take out `{reason}`",
                        upstream.as_str()
                    )
                    .unwrap();
                }
            }
        }
    }
    assert!(unexplained.is_empty(), "{client:?} sees otherwise through the gateway:\n{unexplained}");
    publish(client, &table);
}

/// What stands in the table for one scenario; notes what has no reason.
fn judge(
    client: Client,
    upstream: Upstream,
    found: &[Difference],
    used: &mut BTreeSet<(usize, &'static str, String)>,
    unexplained: &mut String,
) -> String {
    let mut reasons = BTreeSet::new();
    for one in found {
        let fits = |entry: &Explained| {
            entry.clients.contains(&client)
                && entry.upstreams.contains(&upstream)
                && entry.scenarios.contains(&one.scenario.as_str())
                && one.path.starts_with(entry.path)
        };
        if let Some((number, entry)) = EXPLAINED.iter().enumerate().find(|(_, entry)| fits(entry)) {
            used.insert((number, upstream.as_str(), one.scenario.clone()));
            reasons.insert(entry.reason);
        } else {
            reasons.insert("NO REASON");
            let Difference { scenario, path, direct, through } = one;
            writeln!(unexplained, "{scenario}{path} by {}: {through} instead of {direct}", upstream.as_str()).unwrap();
        }
    }
    if reasons.is_empty() { "same".to_owned() } else { reasons.into_iter().collect::<Vec<_>>().join("; ") }
}

/// Leaf by leaf, with the path of each.
fn differences(scenario: &str, path: &str, direct: &Value, through: &Value, found: &mut Vec<Difference>) {
    let fails = |seen: &Value| seen["raised"].is_object() || seen["crashed"].is_string();
    match (direct, through) {
        // All of it is missing then: one line says so.
        (one, other) if fails(other) && !fails(one) => found.push(Difference {
            scenario: scenario.to_owned(),
            path: path.to_owned() + if other["crashed"].is_string() { ".crashed" } else { ".raised" },
            direct: one.clone(),
            through: other.clone(),
        }),
        (Value::Object(one), Value::Object(other)) => {
            for name in one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))) {
                let inner = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
                differences(scenario, &format!("{path}.{name}"), &inner(one), &inner(other), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                differences(scenario, &format!("{path}[{at}]"), one, other, found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push(Difference {
            scenario: scenario.to_owned(),
            path: path.to_owned(),
            direct: one.clone(),
            through: other.clone(),
        }),
    }
}

/// The table of one client, for whoever reads the test's output, and for the users' documents: docs/clients/ holds what this
/// test found. `MAGIC_UPDATE=1` writes it anew.
#[expect(clippy::print_stdout, reason = "the table is what the test is for")]
fn publish(client: Client, table: &BTreeMap<String, Vec<String>>) {
    let package = client.package();
    let same = table.values().flatten().filter(|cell| *cell == "same").count();
    let mut text = format!(
        "# What {package} sees through the gateway\n\nThe same scenarios straight to a vendor and through the gateway to three; \
         {same} of {} are the same, the others differ for the reason given.\nFound by `tests/it/wire.rs`, which fails on any \
         difference without a reason.\n\n| scenario | OpenAI | Anthropic | Google |\n|---|---|---|---|\n",
        table.values().flatten().count()
    );
    for (scenario, cells) in table {
        writeln!(text, "| `{scenario}` | {} |", cells.join(" | ")).unwrap();
    }
    println!("{text}");
    let file = repository().join("docs/clients").join(format!("{}.md", client.file()));
    if std::env::var_os("MAGIC_UPDATE").is_some() {
        std::fs::write(&file, text).unwrap();
    } else {
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(known == text, "{} is not what was found: MAGIC_UPDATE=1 writes it anew", file.display());
    }
}

impl Client {
    fn package(self) -> &'static str {
        match self {
            Self::OpenaiPython => "the `openai` package for Python",
            Self::OpenaiNode => "the `openai` package for Node",
            Self::AnthropicPython => "the `anthropic` package for Python",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::OpenaiPython => "openai-python",
            Self::OpenaiNode => "openai-node",
            Self::AnthropicPython => "anthropic-python",
        }
    }
}

async fn direct(client: Client) -> Map<String, Value> {
    let vendor = little_model().await;
    let seen = run(client, &vendor.root(), "little").await;
    were_left(&vendor).await;
    seen
}

async fn through(client: Client, upstream: Upstream) -> Map<String, Value> {
    let vendor = little_model().await;
    let name = upstream.as_str();
    let yaml = format!(
        "model_list:\n  - model_name: main\n    provider: {name}\n    model_params: {{ model: {}, api_base: \"{}\" }}\n\
         router_settings:\n  model_group_alias: {{ alias: [main] }}\n",
        upstream.model(),
        vendor.base()
    );
    let key = format!("sk-wire-{name}-{client:?}");
    let gateway = Gateway::start(Folder::new(&yaml).keys(name, &[&key])).await;
    let seen = run(client, &gateway.base(), "alias").await;
    were_left(&vendor).await;
    for call in vendor.calls() {
        assert_eq!(call.key.as_deref(), Some(key.as_str()), "{} {}: the gateway's own key", call.method, call.path);
        assert!(upstream.has(&call.path), "{name} is asked in its own dialect, not by {}", call.path);
    }
    let whole = Value::Object(seen.clone()).to_string();
    assert!(!whole.contains(&key), "{client:?} by {name}: a secret in what the client saw");
    gateway.finish(&[&vendor]).await;
    seen
}

/// A client that goes away, with a stream or without one, ends the vendor's work.
async fn were_left(vendor: &Provider) {
    for word in ["endless, one", "endless, two"] {
        let calls = vendor.calls();
        // One that was never asked shows in what the client saw.
        for call in calls.iter().filter(|call| String::from_utf8_lossy(&call.body).contains(word)) {
            call.was_left().await;
        }
    }
    wait_until("nothing is under way at the vendor", || !vendor.calls().iter().any(magic_tests::Call::is_under_way))
        .await;
}

/// What a client saw of a server: its scenarios in the order of the script.
async fn run(client: Client, base: &str, model: &str) -> Map<String, Value> {
    let mut command = stage::client(match client {
        Client::OpenaiPython => "wire.py",
        Client::OpenaiNode => "wire.mjs",
        Client::AnthropicPython => "wire_anthropic.py",
    });
    command.env("MAGIC_BASE", base).env("MAGIC_MODEL", model);
    let Value::Object(seen) = stage::told_by(command, SLOW).await else { panic!("{client:?} told no object") };
    seen
}

// === impl Upstream ===

impl Upstream {
    fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
        }
    }

    /// Whether the vendor has this endpoint.
    fn has(self, path: &str) -> bool {
        match self {
            Self::Openai => !path.contains("/messages") && !path.contains("/models/"),
            Self::Anthropic => path.contains("/messages"),
            Self::Google => path.contains("/models/gemini-3-little:"),
        }
    }

    /// Google's rules hang on the model's generation.
    fn model(self) -> &'static str {
        if self == Self::Google { "gemini-3-little" } else { "little" }
    }
}
