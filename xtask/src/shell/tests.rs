use super::*;

fn sh(script: &str) -> Command {
    let mut sh = Command::new("/bin/sh");
    sh.args(["-c", script]);
    sh
}

#[test]
fn a_command_is_told_as_one_would_type_it() {
    assert_eq!(typed(Command::new("/usr/bin/node").args(["--test", "a.js"])), "node --test a.js");
}

#[test]
fn lines_are_handed_on_although_one_is_no_text_and_the_end_is_bad() {
    let mut heard = Vec::new();
    let done = lines(&mut sh("echo one; printf '\\377\\n'; echo three; exit 4"), |line| heard.push(line.to_owned()));
    assert_eq!(heard, ["one", "\u{fffd}", "three"]);
    assert!(done.unwrap_err().to_string().contains("exit status: 4"));
}

#[test]
fn a_quiet_command_that_fails_is_quoted() {
    let log = std::env::temp_dir().join(format!("magic-shell-{}.log", std::process::id()));
    let why = format!("{:#}", quietly(&mut sh("echo no such package >&2; exit 1"), "installing", &log).unwrap_err());
    fs::remove_file(log).unwrap();
    assert!(why.contains("no such package"), "{why}");
}

#[test]
fn a_time_reads_in_the_unit_that_fits() {
    assert_eq!(spell(Duration::from_millis(4_240)), "4.2s");
    assert_eq!(spell(Duration::from_secs(185)), "3m 05s");
}

#[test]
fn the_repository_is_where_the_workspace_is() {
    assert!(root().join("xtask/Cargo.toml").is_file());
}
