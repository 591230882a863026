//! The page at `/` in a real browser with a real model: `tests/browser/page.mjs` drives it and checks.
use crate::stage::sample;
use magic_tests::{Process, repository};
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// Half a dozen runs of the model, on a machine that does other things as well.
const SLOW: Duration = Duration::from_secs(1200);

#[tokio::test]
async fn the_page_shows_a_thought_a_tool_call_and_an_answer_of_the_real_model() {
    let chromium = std::env::var("MAGIC_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    assert!(
        Path::new(&chromium).is_file(),
        "no Chromium at {chromium}: install it, or say where it is in MAGIC_CHROMIUM"
    );
    let script = repository().join("tests/browser/page.mjs");
    let installed = repository().join("tests/browser/node_modules/playwright-core");
    assert!(installed.is_dir(), "{} is missing: run `cargo xtask test --only needs`", installed.display());
    let gateway = sample().await;

    let mut node = Command::new(std::env::var("MAGIC_TEST_NODE").unwrap_or_else(|_| "node".to_owned()));
    node.arg(script).env("MAGIC_BASE", gateway.base()).env("MAGIC_CHROMIUM", chromium);
    let ended = Process::spawn(node).ended_within(SLOW).await;

    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains(" 0 failed"), "{}", ended.stdout);
    gateway.finish(&[]).await;
}
