//! The verb `eval` as a process of its own: against the scripted vendor through its own gateway, and against a server.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, answer};
use magic_tests::{Ended, Folder, Gate, Process, Provider, Script, When, completion, said, wait_until};
use serde_json::{Value, json};

/// Three sums; the last is beyond the scripted models.
const SUMS: &str = r#"{"id": "two", "question": "What is 1 + 1?", "answer": "2", "checker": "number"}
{"id": "four", "question": "What is 2 + 2?", "answer": "4", "checker": "number"}
{"id": "six", "question": "What is 3 + 3?", "answer": "6", "checker": "number"}
"#;

/// Aliases `weak` and `strong`, each with a profile of its own.
fn folder(provider: &Provider) -> Folder {
    let profile = |name: &str| {
        let base = provider.base_of(name);
        format!("  - {{ model_name: {name}, provider: local, model_params: {{ model: m, api_base: \"{base}\" }} }}\n")
    };
    let yaml = format!(
        "model_list:\n{}{}router_settings: {{ model_group_alias: {{ weak: [weak], strong: [strong] }} }}\n",
        profile("weak"),
        profile("strong")
    );
    let folder = Folder::new(&yaml);
    folder.write("sums.jsonl", SUMS);
    folder
}

async fn eval(folder: &Folder, args: &[&str]) -> Ended {
    Process::start(folder, &[&["eval"], args].concat()).await.ended().await
}

fn transcript(folder: &Folder, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Both know the first; only `strong` knows the second.
fn script(provider: &Provider) {
    provider.on(When::says("1 + 1"), answer(false, "It is 2."));
    provider.on(When::under("strong"), answer(false, "Surely 4."));
    provider.on(When::under("weak"), answer(false, "I do not know."));
}

#[tokio::test]
async fn aliases_are_measured_and_compared_in_one_table() {
    let provider = Provider::start().await;
    script(&provider);
    let folder = folder(&provider);
    let asked = ["sums.jsonl", "--alias", "strong", "--control", "weak", "--seed", "7", "--temperature", "0"];
    let more = ["--system", "Be brief.", "--prompt-suffix", "Only the number.", "--max-tokens", "9", "--out", "out"];

    let ended = eval(&folder, &[&asked[..], &more[..]].concat()).await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<Vec<&str>> = ended.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..8].join(" "), "alias n accuracy (95 % CI) vs weak");
    assert_eq!(lines[1].join(" ").split(" 0.").next().unwrap(), "weak 3 33.3 % (6.1 to 79.2) - - 1.0 5/7", "{ended:?}");
    assert!(lines[2].join(" ").starts_with("strong 3 66.7 % (20.8 to 93.9) +33.3 ("), "{ended:?}");
    assert!(ended.stderr.contains("6/6") && !ended.stderr.contains('\u{1b}'), "{ended:?}");

    let call = provider.calls().into_iter().find(|call| call.is_under("strong")).unwrap().json();
    assert_eq!(
        (&call["seed"], &call["max_tokens"], &call["temperature"]),
        (&json!(7), &json!(9), &json!(0.0)),
        "{call}"
    );
    assert_eq!(call["messages"][0], json!({ "role": "system", "content": "Be brief." }));
    assert!(call["messages"][1]["content"].as_str().unwrap().ends_with("?\n\nOnly the number."), "{call}");
    let lines = transcript(&folder, "out/strong.jsonl");
    assert_eq!((lines.len(), &lines[0]["alias"]), (4, &json!("strong")));
    let two = lines.iter().find(|line| line["id"] == "two").unwrap();
    assert_eq!((&two["answer"], &two["checked"], &two["correct"]), (&json!("It is 2."), &json!("2"), &json!(true)));
    assert_eq!((&two["status"], &two["usage"]["completion_tokens"]), (&json!(200), &json!(7)));
}

#[tokio::test]
async fn the_table_comes_as_markdown_and_as_json_too() {
    let provider = Provider::start().await;
    script(&provider);
    let folder = folder(&provider);
    let both = ["sums.jsonl", "--alias", "weak", "--alias", "strong"];

    let markdown = eval(&folder, &[&both[..], &["--format", "markdown"]].concat()).await;
    let before = provider.calls().len();
    let json = eval(&folder, &[&both[..], &["--format", "json"]].concat()).await;

    assert!(markdown.stdout.starts_with("| alias | n |") && markdown.stdout.contains("| --- | ---: |"), "{markdown:?}");
    assert_eq!(provider.calls().len(), before, "what is answered is not asked again");
    let table: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&table["control"], &table["rows"][1]["right"]), (&json!("weak"), &json!(2)));
    assert_eq!(table["rows"][1]["versus_control"]["only_alias"], 1);
    assert!(folder.path("data/eval/sums/weak.jsonl").is_file(), "where transcripts go by default");
}

#[tokio::test]
async fn a_killed_run_goes_on_where_it_was() {
    let provider = Provider::start().await;
    let gate = Gate::default();
    provider.on(When::says("3 + 3"), answer(false, "6").after(&gate));
    script(&provider);
    let folder = folder(&provider);
    let args = ["eval", "sums.jsonl", "--alias", "strong", "--out", "out", "--parallel", "1"];
    let running = Process::start(&folder, &args).await;
    wait_until("the last item is under way", || provider.calls().len() == 3).await;
    drop(running);

    gate.open();
    let ended = Process::start(&folder, &args).await.ended().await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("100.0 %"), "{ended:?}");
    assert_eq!(provider.calls().len(), 4, "only what was under way is asked again");
    let ids: Vec<Value> = transcript(&folder, "out/strong.jsonl").iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, [Value::Null, json!("two"), json!("four"), json!("six")]);
}

#[tokio::test]
async fn a_stopped_run_says_how_to_go_on() {
    let provider = Provider::start().await;
    let gate = Gate::default();
    provider.on(When::says("3 + 3"), answer(false, "6").after(&gate));
    script(&provider);
    let folder = folder(&provider);
    let running = Process::start(&folder, &["eval", "sums.jsonl", "--alias", "strong", "--parallel", "1"]).await;
    wait_until("the last item is under way", || provider.calls().len() == 3).await;

    running.terminate().await;
    let ended = running.ended().await;

    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("stopped after 2 of 3: the same command goes on from there"), "{ended:?}");
    assert!(ended.stdout.contains("strong  2"), "what there is is shown: {ended:?}");
}

#[tokio::test]
async fn errors_are_no_wrong_answers_and_are_asked_again() {
    let provider = Provider::start().await;
    provider.on(When::says("2 + 2").times(1), Script::error(400, "not today"));
    script(&provider);
    let folder = folder(&provider);
    let args = ["sums.jsonl", "--alias", "strong", "--out", "out"];

    let first = eval(&folder, &args).await;
    let second = eval(&folder, &args).await;

    assert_eq!((first.code, second.code), (Some(1), Some(0)), "{first:?} {second:?}");
    assert!(first.stderr.contains("1 of 3 questions (such as: 400: not today"), "{first:?}");
    assert!(first.stdout.contains("50.0 %") && first.stdout.contains("errors"), "{first:?}");
    assert!(second.stdout.contains("66.7 %") && !second.stdout.contains("errors"), "{second:?}");
    assert_eq!(provider.calls().len(), 4);
}

#[tokio::test]
async fn a_server_that_only_fails_is_given_up() {
    let provider = Provider::start().await;
    provider.always(Script::error(400, "never"));
    let folder = folder(&provider);
    let line = |at: usize| format!("{{\"question\": \"{at}?\", \"answer\": \"1\", \"checker\": \"number\"}}\n");
    folder.write("many.jsonl", (0..50).map(line).collect::<String>());

    let ended = eval(&folder, &["many.jsonl", "--alias", "weak", "--parallel", "1"]).await;

    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("weak failed 10 times in a row, at last with: 400: never"), "{ended:?}");
    assert_eq!(provider.calls().len(), 10);
}

#[tokio::test]
async fn a_bad_data_set_is_told_line_by_line_and_nobody_is_asked() {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    folder.write("bad.jsonl", "{\"question\": \"?\", \"answer\": \"x\", \"checker\": \"number\"}\n\n{\"question\"\n");

    let ended = eval(&folder, &["bad.jsonl", "--alias", "weak"]).await;

    assert_eq!(ended.code, Some(2), "{ended:?}");
    for wanted in ["2 problems:", "bad.jsonl:1: `answer` is `x`", "bad.jsonl:3: "] {
        assert!(ended.stderr.contains(wanted), "{wanted}: {ended:?}");
    }
    assert!(provider.calls().is_empty());
    for (args, wanted) in [
        (&["missing.jsonl", "--alias", "weak"][..], "missing.jsonl: No such file"),
        (&["sums.jsonl", "--alias", "waek"], "--alias waek: not served (served: weak, strong)"),
        (&["sums.jsonl", "--alias", "weak", "--alias", "weak"], "--alias weak is given twice"),
        (&["sums.jsonl", "--alias", "weak", "--base", "nowhere"], "--base nowhere: write an address"),
        (
            &["sums.jsonl", "--alias", "weak", "--base", "http://127.0.0.1:1/v1", "--api-key-env", "NO_SUCH_KEY"],
            "NO_SUCH_KEY",
        ),
    ] {
        let ended = eval(&folder, args).await;
        assert!(ended.code == Some(2) && ended.stderr.contains(wanted), "{wanted}: {ended:?}");
    }
}

#[tokio::test]
async fn another_data_set_or_another_config_is_not_mixed_in() {
    let provider = Provider::start().await;
    script(&provider);
    let folder = folder(&provider);
    let args = ["sums.jsonl", "--alias", "weak", "--out", "out"];
    assert_eq!(eval(&folder, &args).await.code, Some(0));

    folder.write("sums.jsonl", SUMS.replace("1 + 1", "1 + 1 + 0"));
    let data = eval(&folder, &args).await;
    folder.write("sums.jsonl", SUMS);
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    folder.write("proxy_config.yaml", yaml.replace("model: m", "model: other"));
    let config = eval(&folder, &args).await;

    for (ended, wanted) in [(data, "for another data set"), (config, "the alias `weak` was configured otherwise")] {
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(wanted) && ended.stderr.contains("--out"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_server_of_somebody_elses_is_asked_with_its_key_and_tools() {
    let provider = Provider::start().await;
    let call = json!({ "id": "c", "type": "function", "function": { "name": "geo_find", "arguments": "{\"place\": \"new york\"}" } });
    let mut calls = completion("");
    calls["choices"][0]["message"] = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
    let models = json!({ "object": "list", "data": [{ "id": "native" }, { "id": "talker" }] });
    provider.answers(move |call| {
        let talks = call.body.windows(6).any(|some| some == b"talker");
        match (call.method.as_str(), call.path.as_str(), talks) {
            ("GET", "/v1/models", _) => Script::json(200, &models),
            ("GET", _, _) => Script::error(404, "no such thing"),
            (_, _, false) => Script::json(200, &calls),
            (_, _, true) => answer(false, "{\"name\": \"geo.find\", \"arguments\": {\"place\": \"New York\"}}"),
        }
    });
    let folder = folder(&provider);
    let item = json!({ "messages": [{ "role": "user", "content": "Where?" }], "checker": "tool_call",
        "tools": [{ "name": "geo.find", "parameters": { "type": "dict", "required": ["place"],
            "properties": { "place": { "type": "string" }, "far": { "type": "float" } } } }],
        "accepted_calls": [{ "geo.find": { "place": ["New York"], "far": ["", 1.0] } }] });
    folder.write("calls.jsonl", item.to_string());
    // Any variable that every process has will do for a key.
    let key = std::env::var("PATH").unwrap();

    let base = provider.base();
    let args = ["calls.jsonl", "--base", &base, "--api-key-env", "PATH", "--alias", "native", "--alias", "talker"];
    let ended = eval(&folder, &[&args[..], &["--format", "json"]].concat()).await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let table: Value = serde_json::from_str(&ended.stdout).unwrap();
    let figures = |row: usize| (table["rows"][row]["right"].clone(), table["rows"][row]["recovered"].clone());
    assert_eq!(figures(0), (json!(1), json!(1.0)), "{table}");
    assert_eq!(figures(1), (json!(0), json!(1.0)), "it stands in the text, and nobody made a call of it: {table}");
    assert!(provider.calls().iter().all(|call| call.key.as_deref() == Some(key.as_str())));
    let asked = provider.calls().into_iter().find(|call| call.method == "POST").unwrap().json();
    assert_eq!(asked["tools"][0]["function"]["name"], "geo_find");
    assert_eq!(asked["tools"][0]["function"]["parameters"]["properties"]["far"]["type"], "number");
    assert!(!ended.stdout.contains(&key) && !ended.stderr.contains(&key));
}

#[tokio::test]
async fn a_reasoning_alias_is_asked_like_any_other() {
    let provider = Provider::start().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let folder = crate::stage::react_folder(&provider, "", "");
    folder.write("one.jsonl", "{\"question\": \"What is 17 * 23?\", \"answer\": 391, \"checker\": \"number\"}");

    let ended = eval(&folder, &["one.jsonl", "--alias", "thinker", "--out", "out"]).await;

    assert!(ended.code == Some(0) && ended.stdout.contains("100.0 %"), "{ended:?}");
    let line = transcript(&folder, "out/thinker.jsonl").remove(1);
    assert!(line["reasoning_content"].as_str().unwrap().contains("calculator"), "{line}");
    assert_eq!((&line["answer"], &line["usage"]["completion_tokens"]), (&json!("17 * 23 = 391."), &json!(40)));
}

#[tokio::test]
async fn a_generated_data_set_is_the_same_for_the_same_seed() {
    let provider = Provider::start().await;
    let folder = folder(&provider);
    let made = eval(&folder, &["generate", "--kind", "words", "--count", "30", "--seed", "1"]).await;
    let shipped = std::fs::read_to_string(magic_tests::repository().join("eval/words.jsonl")).unwrap();
    assert_eq!((made.code, made.stdout.lines().count()), (Some(0), 30));
    assert!(shipped.starts_with(&made.stdout));
}
