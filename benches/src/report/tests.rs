use super::{Column, Report, Row, Table};

const COLUMNS: &[Column] = &[Column::new("p50 µs", "p50_us", 1), Column::new("requests/s", "requests_per_s", 0)];

fn report() -> Report {
    let rows = vec![Row::new("direct", [Some(12.345), Some(1000.0)]), Row::new("gateway", [Some(7.0), None])];
    let mut report = Report::new(serde_json::Map::new());
    report.push(Table {
        name: "t",
        title: "A table",
        rows_are: "who",
        columns: COLUMNS,
        rows,
        notes: vec!["So.".to_owned()],
    });
    report
}

#[test]
fn a_table_is_markdown_with_its_columns_in_line() {
    let expected = "\n\n\n### A table\n\n\
        | who     | p50 µs | requests/s |\n\
        |---------|-------:|-----------:|\n\
        | direct  |   12.3 |       1000 |\n\
        | gateway |    7.0 |          - |\n\nSo.\n";
    assert_eq!(report().text(), expected);
}

#[test]
fn json_keeps_every_digit_and_says_null_where_there_is_nothing() {
    let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
    let row = |at: usize, key: &str| json["tables"]["t"]["rows"][at][key].clone();
    assert_eq!(row(0, "p50_us"), 12.345);
    assert!(row(1, "requests_per_s").is_null());
}
