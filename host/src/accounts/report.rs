//! Usage for people and programs: as CSV, as JSON, as cells of a table. One set of columns for all of them.
use super::usage::{By, Row};
use magic_access::Money;
use serde_json::{Map, Value, json};

const SUMS: [&str; 6] = ["requests", "estimated", "tokens_in", "tokens_cached", "tokens_out", "cost"];

/// The columns' names.
pub(crate) fn usage_head(by: &[By]) -> Vec<&'static str> {
    by.iter().map(|by| by.as_str()).chain(SUMS).collect()
}

pub(crate) fn usage_cells(row: &Row) -> Vec<String> {
    let sums = &row.sums;
    let counts = [sums.requests, sums.estimated, sums.tokens_in, sums.tokens_cached, sums.tokens_out];
    let by = row.by.iter().map(|(_, text)| text.clone());
    by.chain(counts.map(|count| count.to_string())).chain([Money(sums.cost_micros).to_string()]).collect()
}

/// RFC 4180, with a head. What a spreadsheet would take for a formula begins with a quote mark.
pub(crate) fn usage_csv(by: &[By], rows: &[Row]) -> String {
    let line =
        |cells: Vec<String>| format!("{}\r\n", cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","));
    let head = line(usage_head(by).into_iter().map(str::to_owned).collect());
    head + &rows.iter().map(|row| line(usage_cells(row))).collect::<String>()
}

pub(crate) fn usage_json(rows: &[Row]) -> Value {
    let one = |row: &Row| {
        let mut fields: Map<String, Value> =
            row.by.iter().map(|(by, text)| (by.as_str().to_owned(), json!(text))).collect();
        let sums = &row.sums;
        fields.insert("requests".to_owned(), json!(sums.requests));
        fields.insert("estimated".to_owned(), json!(sums.estimated));
        fields.insert("tokens_in".to_owned(), json!(sums.tokens_in));
        fields.insert("tokens_cached".to_owned(), json!(sums.tokens_cached));
        fields.insert("tokens_out".to_owned(), json!(sums.tokens_out));
        fields.insert("cost".to_owned(), json!(Money(sums.cost_micros).to_string()));
        fields.insert("cost_micros".to_owned(), json!(sums.cost_micros));
        Value::Object(fields)
    };
    json!({ "usage": rows.iter().map(one).collect::<Vec<_>>() })
}

fn quoted(cell: &str) -> String {
    let cell = if cell.starts_with(['=', '+', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests;
