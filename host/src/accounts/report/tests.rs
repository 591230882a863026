//! What a spreadsheet is given.
use super::super::tally::Sums;
use super::*;

#[test]
fn cells_are_quoted_where_they_must_be_and_are_never_formulas() {
    let sums = Sums { requests: 2, cost_micros: 1_500_000, ..Sums::default() };
    let row = |alias: &str| Row { by: vec![(By::Alias, alias.to_owned())], sums };
    let csv = usage_csv(&[By::Alias], &[row("plain"), row("with, \"both\""), row("=1+1")]);
    assert_eq!(
        csv,
        "alias,requests,estimated,tokens_in,tokens_cached,tokens_out,cost\r\n\
         plain,2,0,0,0,0,1.5\r\n\
         \"with, \"\"both\"\"\",2,0,0,0,0,1.5\r\n\
         '=1+1,2,0,0,0,0,1.5\r\n"
    );
}
