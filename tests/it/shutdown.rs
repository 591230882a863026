//! The binary as a process: how it starts, what it says, and how it stops.
use crate::stage::{answer, ask, plain_yaml};
use magic_tests::{Completion, Connection, Ended, Folder, Gate, Process, Provider, Script, chunk};

const SERVE: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[tokio::test]
async fn a_stopping_gateway_finishes_what_it_has_begun_and_exits_0() {
    let provider = Provider::start().await;
    let gate = Gate::default();
    let rest = "data: [DONE]\n\n";
    provider.once(Script::stream().piece(chunk("first")).gate(&gate).piece(chunk("last")).piece(rest).end());
    provider.once(answer(false, "whole").after(&gate));
    let folder = Folder::new(&plain_yaml(&provider.base()));
    let mut process = Process::start(&folder, &SERVE).await;
    let address = process.address().await;
    let mut streaming = post(address, true).await.reply().await;
    assert_eq!(streaming.frame().await, Some(chunk("first")));
    let whole = post(address, false).await;
    provider.call(1).await;

    process.terminate().await;
    magic_tests::wait_until("it says that it stops", || process.stderr().contains("stopping")).await;
    gate.open();

    let streamed = streaming.text().await;
    assert_eq!(streamed, chunk("last") + rest);
    assert_eq!(Completion::of_whole(&whole.reply().await.json().await).content, "whole");
    let Ended { code, stderr, .. } = process.ended().await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("did not finish in time"), "{stderr}");
}

#[tokio::test]
async fn a_stopping_gateway_takes_no_new_connection() {
    let provider = Provider::start().await;
    let gate = Gate::default();
    provider.once(answer(false, "late").after(&gate));
    let folder = Folder::new(&plain_yaml(&provider.base()));
    let mut process = Process::start(&folder, &SERVE).await;
    let address = process.address().await;
    let begun = post(address, false).await;
    provider.call(0).await;

    process.terminate().await;

    magic_tests::wait_until_async("nobody listens any more", || async {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    gate.open();
    assert_eq!(begun.reply().await.status, 200);
    assert_eq!(process.ended().await.code, Some(0));
}

#[tokio::test]
async fn a_stopping_gateway_leaves_what_takes_longer_than_its_drain_time() {
    let provider = Provider::start().await;
    provider.once(Script::silence());
    let yaml = plain_yaml(&provider.base()) + "server_settings: { drain_seconds: 0.2 }\n";
    let folder = Folder::new(&yaml);
    let mut process = Process::start(&folder, &SERVE).await;
    let _waiting = post(process.address().await, false).await;
    let call = provider.call(0).await;

    process.terminate().await;

    let Ended { code, stderr, .. } = process.ended().await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("drain_seconds"), "{stderr}");
    call.was_left().await;
}

#[tokio::test]
async fn a_start_says_what_is_served_and_one_curl_to_try() {
    let provider = Provider::start().await;
    let folder = Folder::new(&plain_yaml(&provider.base())).pattern("standard_gemini_react").tool("calculator");
    let mut process = Process::start(&folder, &SERVE).await;
    let address = process.address().await;
    magic_tests::wait_until("it says all", || process.stdout().contains("\"messages\"")).await;

    let said = process.stdout();

    for part in [&format!("http://{address}/"), "plain", "standard_gemini_react", "calculator", "curl"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    process.terminate().await;
    assert_eq!(process.ended().await.code, Some(0));
}

/// One mistake of several sorts.
const SEVERAL: &str = "model_list:\n  - { model_name: a, provider: opnai, model_params: { model: m } }\n\
                       \x20 - { model_name: b, provider: local, model_params: { model: m, api_base: 'http://127.0.0.1:1/v1', temprature: 1 } }\n\
                       router_settings:\n  model_group_alias: { ghost: [nobody], thinker: [c] }\n\
                       servr_settings: {}\n";
const PROBLEMS: [[&str; 2]; 4] = [
    ["model_list[0].provider", "did you mean `openai`"],
    ["model_list[1].model_params.temprature", "did you mean `temperature`"],
    ["router_settings.model_group_alias.ghost[0]", "nobody"],
    ["servr_settings", "did you mean `server_settings`"],
];

#[tokio::test]
async fn a_bad_config_stops_the_start_with_2_and_every_problem() {
    let folder = Folder::new(SEVERAL);
    let ended = Process::start(&folder, &SERVE).await.ended().await;
    shows_every_problem(&ended);
    assert!(!ended.stdout.contains("serves"), "{}", ended.stdout);
}

#[tokio::test]
async fn check_prints_every_problem_at_once_and_exits_2() {
    let folder = Folder::new(SEVERAL);
    let ended = Process::start(&folder, &["check"]).await.ended().await;
    shows_every_problem(&ended);
}

fn shows_every_problem(ended: &Ended) {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for [path, hint] in PROBLEMS {
        let line = ended.stderr.lines().find(|line| line.trim_start().starts_with(path));
        let line = line.unwrap_or_else(|| panic!("no line for {path}: {}", ended.stderr));
        assert!(line.contains(hint), "{line}");
    }
}

#[tokio::test]
async fn check_names_unknown_components_missing_files_and_broken_wasm() {
    let yaml = "model_list:\n  - model_name: a\n    provider: local\n    model_params:\n      model: m\n      api_base: http://127.0.0.1:1/v1\n      \
                agent_settings: { reasoning_mode: standard_gemini_raect, tools: [calculater], system_instruction: prompts/none.md }\n\
                router_settings:\n  model_group_alias: { thinker: [a] }\n";
    let folder = Folder::new(yaml).pattern("standard_gemini_react").tool("calculator");
    let ended = Process::start(&folder, &["check"]).await.ended().await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in ["did you mean `standard_gemini_react`", "did you mean `calculator`", "prompts/none.md"] {
        assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
    }

    let folder = Folder::new(&plain_yaml("http://127.0.0.1:1/v1"));
    folder.write("patterns/broken.wasm", b"\0asm not really");
    let ended = Process::start(&folder, &["check"]).await.ended().await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("patterns/broken.wasm"), "{}", ended.stderr);
}

#[tokio::test]
async fn check_of_a_good_config_exits_0_and_serves_nothing() {
    let folder = Folder::new(&plain_yaml("http://127.0.0.1:1/v1")).pattern("standard_gemini_react");
    let ended = Process::start(&folder, &["check"]).await.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("good") && ended.stdout.contains("1 aliases"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_missing_config_is_named_with_the_flag_that_names_another() {
    let folder = Folder::new("");
    let ended = Process::start(&folder, &["check", "--config", "nowhere.yaml"]).await.ended().await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("nowhere.yaml") && ended.stderr.contains("--config"), "{}", ended.stderr);
}

#[tokio::test]
async fn help_and_version_exit_0_and_an_unknown_flag_2() {
    let folder = Folder::new("");
    for (args, said) in
        [(["--help"].as_slice(), "--listen"), (&["check", "--help"], "--config"), (&["--version"], "magic-proxy")]
    {
        let ended = Process::start(&folder, args).await.ended().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
    }
    let ended = Process::start(&folder, &["--lisen", "x"]).await.ended().await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_clear_error_and_exit_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = Folder::new(&plain_yaml("http://127.0.0.1:1/v1"));

    let ended = Process::start(&folder, &["serve", "--listen", &address]).await.ended().await;

    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(&address) && ended.stderr.contains("--listen"), "{}", ended.stderr);
}

#[tokio::test]
async fn logs_can_be_json_and_never_hold_a_key() {
    let provider = Provider::start().await;
    provider.always(answer(false, "hi"));
    let yaml = plain_yaml(&provider.base()).replace("provider: local", "provider: openai");
    let folder = Folder::new(&yaml).keys("openai", &["sk-of-the-process"]);
    let mut process = Process::start(&folder, &["--log-format", "json", "--listen", "127.0.0.1:0"]).await;
    let address = process.address().await;
    assert_eq!(post(address, false).await.reply().await.status, 200);
    magic_tests::wait_until("the request is logged", || process.stderr().contains("served by")).await;
    process.terminate().await;

    let Ended { stderr, .. } = process.ended().await;

    let lines = stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
    let line = lines.into_iter().find(|line| line["alias"] == "plain").expect("a line of the request");
    assert_eq!((&line["level"], &line["profile"]), (&"INFO".into(), &"main".into()));
    assert!(!stderr.contains("sk-of-the-process"), "{stderr}");
}

async fn post(address: std::net::SocketAddr, stream: bool) -> Connection {
    let mut connection = Connection::open(address).await;
    connection.begin("POST", "/v1/chat/completions", &[], ask("plain", stream).to_string().as_bytes()).await;
    connection
}
