//! The table and its JSON: the same states in both.
use super::*;
use crate::store::testing::Folder;
use crate::store::{Kept, Store};
use magic_types::Kind;

const CONFIG: &str = "\
model_list:
  - { model_name: main, provider: openai, model_params: { model: gpt-4 } }
  - { model_name: own, provider: openai, model_params: { model: gpt-4 } }
router_settings: { model_group_alias: { chat: [main, own] } }
";

fn some() -> Vec<Line> {
    let line = |pool: &str, id: &str, standing| Line { pool: pool.to_owned(), id: id.to_owned(), standing };
    let remaining = Duration::from_secs(252);
    vec![
        line("google", "google-00aa11bb", Standing::Available),
        line("openai", "openai-3f9ac2d1", Standing::Quarantined { remaining, why: Kind::RateLimited }),
        line("openai", "openai-99990000", Standing::Retired { why: Kind::KeyRejected }),
    ]
}

#[test]
fn every_key_has_a_line_with_its_state_its_reason_and_the_time_left() {
    let wanted = "\
pool    key              state        why                       left
google  google-00aa11bb  available    -                         -
openai  openai-3f9ac2d1  quarantined  rate_limited              4m 12s
openai  openai-99990000  retired      key_rejected              -
";
    assert_eq!(table(&some()), wanted);
}

#[test]
fn machines_get_the_same_by_pool() {
    let wanted = json!({ "pools": [
        { "pool": "google", "keys": [{ "id": "google-00aa11bb", "state": "available", "why": null, "seconds_left": null }] },
        { "pool": "openai", "keys": [
            { "id": "openai-3f9ac2d1", "state": "quarantined", "why": "rate_limited", "seconds_left": 252 },
            { "id": "openai-99990000", "state": "retired", "why": "key_rejected", "seconds_left": null },
        ] },
    ] });
    assert_eq!(as_json(&some()), wanted);
}

#[test]
fn a_long_rest_is_told_in_hours() {
    assert_eq!(shown(Duration::from_secs(59)), "59s");
    assert_eq!(shown(Duration::from_secs(60)), "1m 0s");
    assert_eq!(shown(Duration::from_secs(7265)), "2h 1m");
}

#[tokio::test]
async fn what_a_gateway_has_learnt_is_told_without_one_and_without_a_secret() {
    let folder = Folder::new();
    let paths = Paths::under(&folder.0);
    std::fs::create_dir(&paths.keys).unwrap();
    std::fs::write(&paths.config, CONFIG).unwrap();
    std::fs::write(paths.keys.join("keys_pool_openai.env"), "sk-secret-one\nsk-secret-two\n").unwrap();
    let before = lines(&paths).unwrap();
    assert!(before.iter().all(|line| line.standing == Standing::Available));
    assert!(before.iter().filter(|line| line.pool == "openai").count() >= 2);
    assert!(!paths.data.exists(), "a look changes nothing");

    let refused = &before.iter().find(|line| line.pool == "openai").unwrap().id;
    let now = wall_clock();
    let store = Store::open(&paths.data.join(store::FILE), now);
    let retired = Standing::Retired { why: Kind::KeyRejected };
    let kept = Kept::new(refused.as_str().into(), magic_routing::PoolName::new("openai"), retired, now);
    store.save_keys(vec![kept], now).unwrap();
    assert!(store.flush(Duration::from_secs(30)).await);
    // While it runs, and after its end.
    let running = lines(&paths).unwrap();
    assert!(store.close(Duration::from_secs(30)).await);
    for lines in [running, lines(&paths).unwrap()] {
        assert_eq!(lines.len(), before.len());
        let line = lines.iter().find(|line| line.id == *refused).unwrap();
        assert_eq!(line.standing, retired);
        let shown = format!("{}{}", table(&lines), as_json(&lines));
        assert!(shown.contains("key_rejected") && !shown.contains("sk-"), "{shown}");
    }
}

#[test]
fn a_bad_config_is_told_with_its_problems() {
    let folder = Folder::new();
    let paths = Paths::under(&folder.0);
    std::fs::write(&paths.config, "model_list: 5").unwrap();
    assert!(matches!(lines(&paths), Err(StartError::Config(problems)) if !problems.is_empty()));
}
