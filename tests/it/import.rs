//! LiteLLM's configs as ours: that a gateway which runs with the result routes as LiteLLM would, that LiteLLM's own examples
//! come through with every field graded, and the verb itself.
use crate::stage::{answer, ask, needs};
use magic_litellm::{Grade, Import};
use magic_tests::{Ended, Folder, Gateway, Process, Provider, Script, When};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// A vendor, and a gateway with what came out of LiteLLM's config. In `yaml`, `{name}` is an address of the vendor's own.
struct Stage {
    vendor: Provider,
    gateway: Gateway,
}

// === impl Stage ===
impl Stage {
    async fn begin(yaml: &str, names: &[&str]) -> Self {
        let vendor = Provider::start().await;
        let mut yaml = yaml.to_owned();
        for name in names {
            yaml = yaml.replace(&format!("{{{name}}}"), &vendor.base_of(name));
        }
        let import = magic_litellm::import(&yaml).unwrap();
        let config = import.config.unwrap_or_else(|why| panic!("{why}\n{}", import.report.table()));
        let folder = Folder::new(&config).keys("openai", &["sk-imported"]);
        Self { vendor, gateway: Gateway::start(folder).await }
    }

    fn all_answer(&self, names: &[&str]) {
        for name in names {
            self.vendor.on(When::under(name), answer(false, name));
        }
    }

    /// What the alias answers: which of the vendor's addresses it came from.
    async fn served_by(&self, alias: &str) -> String {
        let reply = self.gateway.chat(&ask(alias, false)).await;
        assert_eq!(reply.status, 200, "{:?}", reply.header("x-magic-route"));
        reply.json().await["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }

    async fn finish(self) {
        self.gateway.finish(&[&self.vendor]).await;
    }
}

#[tokio::test]
async fn orders_are_tried_from_the_lowest_and_whoever_has_none_is_last() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{none}' } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{two}', order: 2 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{one}', order: 1 } }
";
    let stage = Stage::begin(yaml, &["none", "one", "two"]).await;
    for dead in [&[][..], &["one"], &["one", "two"]] {
        stage.vendor.clear();
        for name in dead {
            stage.vendor.on(When::under(name), Script::error(500, "oops"));
        }
        stage.all_answer(&["none", "one", "two"]);
        let expected = ["one", "two", "none"][dead.len()];
        assert_eq!(stage.served_by("gpt").await, expected);
    }
    stage.finish().await;
}

/// How often each was asked in 400 requests.
async fn shares(yaml: &str, names: &[&str]) -> Vec<usize> {
    let stage = Stage::begin(yaml, names).await;
    stage.all_answer(names);
    for _ in 0..400 {
        stage.served_by("gpt").await;
    }
    let shares = names.iter().map(|name| stage.vendor.calls_of(name)).collect();
    stage.finish().await;
    shares
}

/// Seven standard deviations: by chance it fails once in 10^11 runs.
fn is_about(found: usize, expected: usize) -> bool {
    found.abs_diff(expected) <= 70
}

#[tokio::test]
async fn weights_share_the_requests_and_whoever_has_none_gets_nothing() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}', weight: 3, rpm: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', weight: 1, rpm: 1000 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{c}', rpm: 1000 } }
router_settings: { routing_strategy: simple-shuffle }
";
    let [a, b, c] = shares(yaml, &["a", "b", "c"]).await.try_into().unwrap();
    assert!(is_about(a, 300) && is_about(b, 100) && c == 0, "{a} {b} {c}");
}

#[tokio::test]
async fn requests_per_minute_are_weights_where_nothing_has_a_weight() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}', rpm: 900, tpm: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', rpm: 300, tpm: 1000000 } }
";
    let [a, b] = shares(yaml, &["a", "b"]).await.try_into().unwrap();
    assert!(is_about(a, 300) && is_about(b, 100), "{a} {b}");
}

#[tokio::test]
async fn without_weights_the_shares_are_even() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}' } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}' } }
";
    let [a, b] = shares(yaml, &["a", "b"]).await.try_into().unwrap();
    assert!(is_about(a, 200) && is_about(b, 200), "{a} {b}");
}

const FALLBACKS: &str = "
model_list:
  - { model_name: first, litellm_params: { model: hosted_vllm/m, api_base: '{a}' } }
  - { model_name: second, litellm_params: { model: hosted_vllm/m, api_base: '{b}' } }
  - { model_name: long, litellm_params: { model: hosted_vllm/m, api_base: '{c}' } }
  - { model_name: lax, litellm_params: { model: hosted_vllm/m, api_base: '{d}' } }
router_settings:
  fallbacks: [{ first: [second] }]
  model_group_alias: { also-first: first }
litellm_settings:
  context_window_fallbacks: [{ first: [long] }]
  content_policy_fallbacks: [{ first: [lax] }]
  default_fallbacks: [lax]
";

#[tokio::test]
async fn each_failure_goes_to_the_fallbacks_that_are_for_it() {
    let error = |code: &str| json!({ "error": { "message": "no", "type": "invalid_request_error", "code": code } });
    let cases = [
        (Script::error(500, "oops"), "b"),
        (Script::json(400, &error("context_length_exceeded")), "c"),
        (Script::json(400, &error("content_policy_violation")), "d"),
    ];
    let names = ["a", "b", "c", "d"];
    for alias in ["first", "also-first"] {
        for (fault, expected) in &cases {
            let stage = Stage::begin(FALLBACKS, &names).await;
            stage.vendor.on(When::under("a"), fault.clone());
            stage.all_answer(&names);
            assert_eq!(stage.served_by(alias).await, *expected, "{alias}");
            stage.finish().await;
        }
    }
}

#[tokio::test]
async fn default_fallbacks_are_of_whoever_has_none_of_its_own() {
    let names = ["a", "b", "c", "d"];
    let stage = Stage::begin(FALLBACKS, &names).await;
    for dead in ["a", "b", "c"] {
        stage.vendor.on(When::under(dead), Script::error(500, "oops"));
    }
    stage.all_answer(&["d"]);
    assert_eq!(stage.served_by("second").await, "d");
    assert_eq!(stage.served_by("long").await, "d");
    let reply = stage.gateway.chat(&ask("first", false)).await;
    assert_eq!(
        reply.header("x-magic-route").map(str::to_owned),
        Some("first=upstream_error, second=upstream_error".into())
    );
    reply.whole().await;
    stage.finish().await;
}

#[tokio::test]
async fn who_fails_more_often_than_is_allowed_cools_down() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{a}', order: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', order: 2 } }
router_settings: { allowed_fails: 2, cooldown_time: 90 }
";
    let stage = Stage::begin(yaml, &["a", "b"]).await;
    stage.vendor.on(When::under("a"), Script::error(500, "oops"));
    stage.all_answer(&["b"]);
    for _ in 0..8 {
        assert_eq!(stage.served_by("gpt").await, "b");
    }
    assert_eq!(stage.vendor.calls_of("a"), 3, "two failures are allowed, the third is one too many");
    let all = stage.gateway.get("/admin/breakers").await.json().await;
    let left = all["breakers"][0]["seconds_left"].as_u64().unwrap();
    assert!((80..=90).contains(&left), "{all}");
    stage.finish().await;
}

#[tokio::test]
async fn a_429_cools_down_for_the_time_that_the_file_says() {
    let yaml = "
model_list:
  - { model_name: gpt, litellm_params: { model: openai/m, api_base: '{a}', order: 1 } }
  - { model_name: gpt, litellm_params: { model: hosted_vllm/m, api_base: '{b}', order: 2 } }
router_settings: { cooldown_time: 77 }
";
    let stage = Stage::begin(yaml, &["a", "b"]).await;
    stage.vendor.on(When::under("a"), Script::error(429, "slow down"));
    stage.all_answer(&["b"]);
    for _ in 0..3 {
        assert_eq!(stage.served_by("gpt").await, "b");
    }
    assert_eq!(stage.vendor.calls_of("a"), 1);
    let key = stage.gateway.key("openai", "sk-imported").await;
    assert_eq!(key["state"], "quarantined");
    assert!((67..=77).contains(&key["seconds_left"].as_u64().unwrap()), "{key}");
    stage.finish().await;
}

/// The fields of a YAML file as this crate's own reader of it sees them: every value without values below it.
fn fields(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| fields(value, &format!("{path}/{key}"), found))
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(at, value)| fields(value, &format!("{path}/{at}"), found));
        }
        _ => found.push(path.to_owned()),
    }
}

/// A path of the report in the form of [`fields`].
fn slashed(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let (key, after) = if let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']').unwrap();
            (index.to_owned(), after)
        } else if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let key = stream.next().unwrap().unwrap();
            (key, rest.split_at(stream.byte_offset()).1)
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            (key.to_owned(), after)
        };
        out = format!("{out}/{key}");
        rest = after;
    }
    out
}

/// What of the report must hold whatever the input: each field is graded once, each grade has its sentence, and what comes
/// out passes our own check.
fn is_whole(name: &str, yaml: &str, import: &Import) {
    let value: Value = serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut expected = Vec::new();
    fields(&value, "", &mut expected);
    let mut graded: Vec<String> = import.report.lines.iter().map(|line| slashed(&line.path)).collect();
    expected.sort();
    graded.sort();
    assert_eq!(graded, expected, "{name}");
    assert!(import.report.lines.iter().all(|line| line.text.len() > 3), "{name}");
    match &import.config {
        Ok(config) => {
            let variables: BTreeMap<_, _> = import.variables.iter().cloned().collect();
            let env = |name: &str| variables.get(name).map(|value| (*value).to_owned());
            if let Err(problems) = magic_config::parse(config, &env) {
                panic!("{name}: {problems:?}\n{config}");
            }
        }
        Err(why) => assert!(why.contains("model_list"), "{name}: {why}"),
    }
}

#[test]
fn every_field_of_litellms_own_examples_is_graded_and_what_comes_out_passes_the_check() {
    let folder = needs("MAGIC_LITELLM_EXAMPLES");
    let mut runnable = HashSet::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let yaml = std::fs::read_to_string(&path).unwrap();
        let import = magic_litellm::import(&yaml).unwrap_or_else(|error| panic!("{name}: {error}"));
        is_whole(&name, &yaml, &import);
        count += 1;
        if import.config.is_ok() {
            runnable.insert(name);
        }
    }
    assert!(count >= 25, "{count} files in {folder}");
    // What only names Bedrock, wildcards or no model at all cannot run; the rest must.
    for name in ["azure_config", "load_balancer", "oai_misc_config", "pass_through_config", "simple_config"] {
        assert!(runnable.contains(&format!("example_config_yaml-{name}")), "{name}: {runnable:?}");
    }
    assert!(runnable.contains("dev_config") && runnable.len() >= 20, "{runnable:?}");
}

const LITELLM: &str = "
model_list:
  - { model_name: gpt, litellm_params: { model: openai/gpt-4.1, api_key: sk-secret-of-the-file } }
  - { model_name: far, litellm_params: { model: bedrock/claude, aws_region_name: eu-west-1 } }
general_settings: { master_key: sk-master-of-the-file }
";

async fn run(folder: &Folder, args: &[&str]) -> Ended {
    Process::start(folder, &[&["import", "litellm"], args].concat()).await.ended().await
}

#[tokio::test]
async fn the_verb_writes_a_config_and_says_what_is_left_to_do() {
    let folder = Folder::new("");
    folder.write("litellm.yaml", LITELLM);

    let ended = run(&folder, &["litellm.yaml", "--output", "ours.yaml", "--report", "report.txt"]).await;

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (config, report) =
        ["ours.yaml", "report.txt"].map(|name| std::fs::read_to_string(folder.path(name)).unwrap()).into();
    assert!(
        config.contains("\n  - model_name: gpt\n    provider: openai\n")
            && config.contains("api_key: \"${GPT_API_KEY}\""),
        "{config}"
    );
    assert!(ended.stdout.starts_with(&report) && ended.stdout.ends_with("wrote ours.yaml\n"), "{}", ended.stdout);
    assert!(report.contains("\n7 fields: 2 exact, 0 approximate, 2 manual, 3 unsupported\n"), "{report}");
    assert!(report.contains("`magic-proxy virtual-keys create --name admin --scope admin`"), "{report}");
    for secret in ["sk-secret-of-the-file", "sk-master-of-the-file"] {
        assert!(![&config, &report, &ended.stderr].iter().any(|text| text.contains(secret)));
    }
    let checked = Process::start(&folder, &["check", "--config", "ours.yaml"]).await.ended().await;
    assert_eq!(checked.code, Some(2));
    assert!(checked.stderr.contains("variable `GPT_API_KEY` is not set"), "{}", checked.stderr);
}

#[tokio::test]
async fn the_verb_writes_over_nothing_unless_it_is_told_to() {
    let folder = Folder::new("ours: true\n");
    folder.write("litellm.yaml", LITELLM);
    let config = || std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();

    let refused = run(&folder, &["litellm.yaml"]).await;
    assert_eq!((refused.code, config().as_str()), (Some(1), "ours: true\n"));
    assert!(
        refused.stderr.contains("write proxy_config.yaml: it is there already (--force writes over it)"),
        "{}",
        refused.stderr
    );

    let refused = run(&folder, &["litellm.yaml", "--output", "new.yaml", "--report", "proxy_config.yaml"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(!folder.path("new.yaml").exists(), "all or nothing");

    assert_eq!(run(&folder, &["litellm.yaml", "--force"]).await.code, Some(0));
    assert!(config().contains("model_name: gpt"), "{}", config());
}

#[tokio::test]
async fn the_verb_ends_as_its_result_is() {
    let folder = Folder::new("");
    folder.write("litellm.yaml", LITELLM);
    folder.write("far.yaml", "model_list: [{ model_name: a, litellm_params: { model: bedrock/x } }]");
    folder.write("near.yaml", "model_list: [{ model_name: a, litellm_params: { model: openai/gpt-4.1 } }]");
    folder.write("broken.yaml", "model_list: [");
    let cases = [
        (&["near.yaml", "--output", "-", "--strict"][..], Some(0), ""),
        (&["litellm.yaml", "--output", "-"], Some(0), ""),
        (&["litellm.yaml", "--output", "-", "--strict"], Some(1), "are manual or unsupported"),
        (&["far.yaml", "--output", "-"], Some(1), "none of the 1 entries of model_list can be served here"),
        (&["broken.yaml", "--output", "-"], Some(2), "broken.yaml: failed to read it as YAML"),
        (&["missing.yaml", "--output", "-"], Some(2), "missing.yaml: failed to read it"),
    ];
    for (args, code, says) in cases {
        let ended = run(&folder, args).await;
        assert_eq!(ended.code, code, "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
        assert_eq!(
            ended.stdout.contains("model_list:"),
            args[0] != "far.yaml" && code != Some(2),
            "{args:?}: {}",
            ended.stdout
        );
    }
}

#[tokio::test]
async fn the_report_is_json_for_machines() {
    let folder = Folder::new("");
    folder.write("litellm.yaml", LITELLM);
    let ended = run(&folder, &["litellm.yaml", "--output", "ours.yaml", "--json"]).await;
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout));
    assert_eq!(report["counts"], json!({ "exact": 2, "approximate": 0, "manual": 2, "unsupported": 3 }));
    assert_eq!((&report["runnable"], &report["variables"]), (&json!(true), &json!(["GPT_API_KEY"])));
    let far = report["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["path"] == "model_list[1].litellm_params.model")
        .unwrap();
    assert_eq!(far["grade"], Grade::Unsupported.as_str());
}
