//! Virtual keys, teams and usage by the command line, on the file alone.
use magic_tests::{Ended, Folder, Process, never_logged};
use serde_json::Value;

async fn run(folder: &Folder, line: &str) -> Ended {
    let words: Vec<&str> = line.split_whitespace().collect();
    Process::start(folder, &words).await.ended().await
}

async fn good(folder: &Folder, line: &str) -> String {
    let ended = run(folder, line).await;
    assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
    ended.stdout
}

async fn json(folder: &Folder, line: &str) -> Value {
    serde_json::from_str(&good(folder, line).await).unwrap()
}

#[tokio::test]
async fn a_key_is_made_listed_rotated_and_revoked_by_the_command_line() {
    let folder = Folder::new("");
    let none = good(&folder, "virtual-keys list").await;
    assert!(none.starts_with("no virtual keys"), "{none}");
    assert!(!folder.path("data/accounts.db").exists(), "a look makes no file");

    good(&folder, "teams create research --requests-per-minute 600 --budget 100/month").await;
    let made = run(&folder, "virtual-keys create --name ci --team research --alias fast --alias gpt-* --budget 5000tokens --window day --expires 30d").await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let secret = made.stdout.trim().to_owned();
    assert!(secret.starts_with("sk-magic-") && secret.lines().count() == 1, "nothing else is on standard output");
    let id = made.stderr.split_whitespace().next().unwrap().to_owned();

    let listed = json(&folder, "virtual-keys list --json").await;
    let key = &listed["virtual_keys"][0];
    assert_eq!(
        (key["id"].as_str(), key["team"].as_str(), key["scope"].as_str()),
        (Some(id.as_str()), Some("research"), Some("user"))
    );
    assert_eq!(key["budgets"], serde_json::json!([{ "tokens": 5000, "window": "day" }]));
    let table = good(&folder, "virtual-keys list").await;
    assert!(table.contains("fast|gpt-*, 5000 tokens a day"), "{table}");

    let rotated = json(&folder, &format!("virtual-keys rotate {id} --grace 1h --json")).await;
    let other = rotated["secret"].as_str().unwrap().to_owned();
    assert!(other != secret && rotated["old_secret_good_until"].is_string());
    good(&folder, &format!("virtual-keys update {id} --name nightly --clear budgets --parallel 2 --no-team")).await;
    let updated = json(&folder, "virtual-keys list --json").await["virtual_keys"][0].clone();
    assert_eq!((updated["name"].as_str(), updated["requests_parallel_max"].as_u64()), (Some("nightly"), Some(2)));
    assert!(updated["team"].is_null() && updated["budgets"].as_array().unwrap().is_empty());
    good(&folder, "teams delete research").await;
    good(&folder, &format!("virtual-keys revoke {id}")).await;
    assert_eq!(json(&folder, "virtual-keys list --json").await["virtual_keys"][0]["standing"], "revoked");

    for part in ["data/accounts.db", "data/accounts.db-wal"] {
        let bytes = std::fs::read(folder.path(part)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&secret) && !text.contains(&other), "a secret in {part}");
    }
    never_logged(&secret);
}

#[tokio::test]
async fn a_mistake_on_the_command_line_is_named_and_changes_nothing() {
    let folder = Folder::new("");
    for (line, part) in [
        ("virtual-keys create --name x --team nowhere", "there is no team `nowhere`"),
        ("virtual-keys create --name x --scope root", "known: user, viewer, operator, admin"),
        ("virtual-keys create --name x --budget 5/hour", "read --budget 5/hour"),
        ("virtual-keys create --name x --budget 5 --budget 6", "two budgets in money over the window `month`"),
        ("virtual-keys create --name x --expires soon", "`soon` is neither"),
        ("virtual-keys revoke vk_0", "there is no virtual key `vk_0`"),
        ("teams create a/b", "is no name"),
        ("usage --by nothing", "`by`: no `nothing`"),
    ] {
        let ended = run(&folder, line).await;
        assert!(ended.code != Some(0) && ended.stderr.contains(part), "{line}: {ended:?}");
    }
    assert!(json(&folder, "virtual-keys list --json").await["virtual_keys"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn usage_without_a_file_is_an_empty_table() {
    let folder = Folder::new("");
    let csv = good(&folder, "usage --by key,day --csv").await;
    assert_eq!(csv, "key,day,requests,estimated,tokens_in,tokens_cached,tokens_out,cost\r\n");
}
