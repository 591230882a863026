//! `magic-proxy import litellm`, as a process.
use magic_litellm::Grade;
use magic_tests::{Ended, Folder, Process};
use serde_json::{Value, json};
use std::collections::HashSet;
use tokio::process::Command;

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
async fn the_commands_of_the_report_are_taken_as_they_stand() {
    let yaml = "
general_settings: { master_key: sk-1234, max_parallel_requests: 20 }
litellm_settings:
  max_budget: 100.5
  budget_duration: 30d
  default_internal_user_params: { max_budget: 0.25, budget_duration: 2mo, models: [gpt, 'claude/*'], tpm_limit: 1000 }
  upperbound_key_generate_params: { key_alias: it's a key, duration: 30d, rpm_limit: 10, max_parallel_requests: 3, max_budget: 7 }
  default_team_params: { max_budget: 3, budget_duration: 24h }
  default_team_settings: [{ team_id: 'team one' }, { team_id: '_2' }]
";
    let report = magic_litellm::import(yaml).unwrap().report;
    let quoted = report.lines.iter().flat_map(|line| line.text.split('`'));
    let commands: HashSet<&str> =
        quoted.filter(|text| text.starts_with("magic-proxy ") && text.contains(" create ")).collect();
    assert_eq!(commands.len(), 8, "{commands:#?}");
    // A team of one name is made once.
    let folder = Folder::new("");
    let binary = magic_tests::proxy_binary().await;
    for (number, command) in commands.iter().enumerate() {
        let mut shell = Command::new("sh");
        shell.current_dir(folder.path("")).args(["-c", &command.replacen("magic-proxy", "\"$0\"", 1)]).arg(&binary);
        shell.env("MAGIC_PROXY_DATA", folder.path(&format!("accounts-{number}")));
        let ended = Process::spawn(shell).ended().await;
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.stderr);
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
