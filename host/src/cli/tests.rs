//! The command line as clap understands it.
use super::*;
use clap::CommandFactory as _;

#[test]
fn no_two_arguments_have_one_name_and_every_rule_among_them_makes_sense() {
    Cli::command().debug_assert();
}

fn refusal(args: &[&str]) -> String {
    let args = ["magic-proxy"].iter().chain(args);
    Cli::try_parse_from(args).map(|_| "taken".to_owned()).unwrap_or_else(|error| error.to_string())
}

#[test]
fn eval_needs_a_data_set_and_an_alias_unless_it_generates() {
    assert!(refusal(&["eval"]).contains("--alias <ALIAS>"));
    assert!(refusal(&["eval", "a.jsonl"]).contains("--alias <ALIAS>"));
    assert!(refusal(&["eval", "a.jsonl", "--alias", "a", "--parallel", "0"]).contains("1..=1024"));
    assert!(refusal(&["eval", "a.jsonl", "--alias", "a", "--api-key-env", "KEY"]).contains("--base <URL>"));
    assert!(refusal(&["eval", "generate"]).contains("--kind <KIND>"));
    assert_eq!(refusal(&["eval", "generate", "--kind", "words"]), "taken");
    assert_eq!(refusal(&["eval", "a.jsonl", "--alias", "a", "--alias", "b", "--control", "b"]), "taken");
}
