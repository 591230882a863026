//! Grants as they are written on a command line.
use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    grants: GrantArgs,
    #[arg(long)]
    clear: Vec<Bound>,
}

fn patch(line: &str) -> anyhow::Result<GrantsPatch> {
    let line = Line::try_parse_from(std::iter::once("x").chain(line.split_whitespace()))?;
    line.grants.patch(&line.clear)
}

#[test]
fn budgets_name_their_window_or_take_the_one_that_is_given() {
    let patch = patch("--budget 12.50 --budget 1000tokens/day --budget 3/5h --window week").unwrap();
    let budgets: Vec<String> = patch.budgets.unwrap().iter().map(Budget::to_string).collect();
    assert_eq!(budgets, ["12.5 a week", "1000 tokens a day", "3 every 5h"]);
}

#[test]
fn what_is_not_said_stays_and_what_is_cleared_goes() {
    let silent = patch("").unwrap();
    assert!(silent.aliases.is_none() && silent.budgets.is_none() && silent.requests_parallel_max.is_none());
    let said = patch("--alias a --alias b* --parallel 3").unwrap();
    assert_eq!(said.aliases.unwrap().unwrap().len(), 2);
    assert_eq!(said.requests_parallel_max, Some(Some(3)));
    let cleared = patch("--clear aliases --clear budgets --clear parallel").unwrap();
    assert_eq!((cleared.aliases, cleared.requests_parallel_max), (Some(None), Some(None)));
    assert_eq!(cleared.budgets.map(|budgets| budgets.len()), Some(0));
}

#[test]
fn what_cannot_be_read_names_the_argument() {
    for (line, part) in
        [("--budget x", "--budget x"), ("--budget 5/hour", "--budget 5/hour"), ("--alias *a", "--alias")]
    {
        let error = format!("{:#}", patch(line).err().unwrap());
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["long one".to_owned(), String::new()]];
    assert_eq!(table(&["id", "name"], &rows), "id        name\na         b\nlong one\n");
}
