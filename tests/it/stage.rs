//! Gateways that several tests begin with.
use magic_tests::{Folder, Gateway, Process, Provider, Script, completion, repository};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::process::Command;

/// One profile without a key, as alias `plain`.
pub(crate) fn plain_yaml(base: &str) -> String {
    format!(
        "model_list:\n  - model_name: main\n    provider: local\n    model_params: {{ model: vendor-model, api_base: \"{base}\" }}\n\
         router_settings:\n  model_group_alias: {{ plain: [main] }}\n"
    )
}

pub(crate) async fn plain() -> (Provider, Gateway) {
    plain_with("").await
}

/// With more sections.
pub(crate) async fn plain_with(more: &str) -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let gateway = Gateway::start(Folder::new(&(plain_yaml(&provider.base()) + more))).await;
    (provider, gateway)
}

/// A request of one word.
pub(crate) fn ask(alias: &str, stream: bool) -> Value {
    json!({ "model": alias, "stream": stream, "messages": [{ "role": "user", "content": "hello" }] })
}

/// A good answer in the form that was asked for.
pub(crate) fn answer(stream: bool, text: &str) -> Script {
    if stream { magic_tests::said(text) } else { Script::json(200, &completion(text)) }
}

/// What a model says that calls the calculator, and then answers. Without the closing tags: the vendor stops before them.
pub(crate) const CALLS_CALCULATOR: &str = "<THOUGHT>I must multiply 17 by 23.</THOUGHT>\n\
                                           <ACTION>{\"tool_name\": \"calculator\", \"arguments\": {\"expression\": \"17 * 23\"}}";
pub(crate) const ANSWERS: &str = "<THOUGHT>The tool says 391.</THOUGHT>\n<FINAL_ANSWER>17 * 23 = 391.";

/// Alias `thinker` reasons by `standard_gemini_react` with the calculator; `chain` falls back from it to a second profile;
/// `plain` does not reason. `agent`: more of the agent settings.
pub(crate) fn react_folder(provider: &Provider, agent: &str, more: &str) -> Folder {
    let profile = |name: &str| {
        let base = provider.base_of(name);
        format!(
            "  - model_name: {name}\n    provider: local\n    model_params:\n      model: {name}-model\n      api_base: \"{base}\"\n      \
             agent_settings: {{ reasoning_mode: standard_gemini_react, tools: [calculator], tool_protocol: tags{agent} }}\n"
        )
    };
    let base = provider.base_of("plain");
    let yaml = format!(
        "model_list:\n{}{}  - {{ model_name: plain, provider: local, model_params: {{ model: m, api_base: \"{base}\" }} }}\n\
         router_settings:\n  model_group_alias: {{ thinker: [first], chain: [first, second], plain: [plain] }}\n{more}",
        profile("first"),
        profile("second")
    );
    Folder::new(&yaml).pattern("standard_gemini_react").tool("calculator")
}

pub(crate) async fn react() -> (Provider, Gateway) {
    react_with("", "").await
}

pub(crate) async fn react_with(agent: &str, more: &str) -> (Provider, Gateway) {
    let provider = Provider::start().await;
    let gateway = Gateway::start(react_folder(&provider, agent, more)).await;
    (provider, gateway)
}

/// The sample config with the small model behind it, and everything that it names.
pub(crate) async fn sample() -> Gateway {
    // The config itself reads it; without it the tests would talk to whatever listens on the default port.
    needs("MAGIC_LOCAL_API_BASE");
    Gateway::start(sample_folder()).await
}

pub(crate) fn sample_folder() -> Folder {
    let read =
        |name: &str| std::fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let folder = Folder::new(&read("proxy_config.yaml")).every_component();
    for file in ["system_prompts/default.md", "manifests/safety.md"] {
        folder.write(file, read(file));
    }
    folder
}

/// A variable that `cargo xtask test` sets.
pub(crate) fn needs(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test --only integration`, which brings the model and the clients that this test needs")
    })
}

/// A script of `tests/clients`, in the language of its name's end, with that language's official packages.
pub(crate) fn client(script: &str) -> Command {
    let folder = repository().join("tests/clients");
    let mut command = if script.ends_with(".py") {
        let mut python = Command::new(needs("MAGIC_TEST_PYTHON"));
        python.arg("-I");
        python
    } else {
        let installed = folder.join("node_modules/openai");
        assert!(installed.is_dir(), "{} is missing: run `cargo xtask test --only needs`", installed.display());
        Command::new(std::env::var("MAGIC_TEST_NODE").unwrap_or_else(|_| "node".to_owned()))
    };
    command.arg(folder.join(script));
    command
}

/// The one JSON object that a client's script writes.
pub(crate) async fn told_by(client: Command, patience: Duration) -> Value {
    let ended = Process::spawn(client).ended_within(patience).await;
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    serde_json::from_str(ended.stdout.trim()).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}
