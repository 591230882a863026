//! Rows as text for a terminal, as Markdown for a page, or as JSON for machines. Decides nothing but how it looks.
use crate::stats::Interval;
use crate::summary::{Row, Versus};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Markdown,
    Json,
}

struct Column {
    head: &'static str,
    left: bool,
    cell: fn(&Row) -> Option<String>,
}

const COLUMNS: [Column; 12] = [
    Column { head: "alias", left: true, cell: |row| Some(row.alias.clone()) },
    Column { head: "n", left: false, cell: |row| Some(row.answered.to_string()) },
    Column { head: "errors", left: false, cell: |row| (row.errors > 0).then(|| row.errors.to_string()) },
    Column { head: "accuracy (95 % CI)", left: false, cell: |row| Some(accuracy(row)) },
    Column { head: "recovered", left: false, cell: |row| row.recovered.map(percent) },
    Column { head: "vs control (95 % CI)", left: false, cell: |row| row.versus.as_ref().map(difference) },
    Column { head: "p", left: false, cell: |row| row.versus.map(|versus| p_value(versus.p_value)) },
    Column { head: "calls", left: false, cell: |row| row.calls.map(|calls| format!("{calls:.1}")) },
    Column { head: "tokens in/out", left: false, cell: tokens },
    Column { head: "p50 s", left: false, cell: |row| row.latency_ms_p50.map(seconds) },
    Column { head: "p95 s", left: false, cell: |row| row.latency_ms_p95.map(seconds) },
    Column { head: "cost $", left: false, cell: |row| row.cost_micros.map(dollars) },
];

// === impl Form ===
impl Form {
    /// With a line end at its end. A column that nobody has anything for is left out.
    pub fn show(self, rows: &[Row], control: &str) -> String {
        let shown: Vec<&Column> =
            COLUMNS.iter().filter(|column| rows.iter().any(|row| (column.cell)(row).is_some())).collect();
        let cells = |row: &Row| -> Vec<String> {
            shown.iter().map(|column| (column.cell)(row).unwrap_or_else(|| "-".to_owned())).collect()
        };
        let heads = shown.iter().map(|column| column.head.replace("control", control)).collect();
        let lines: Vec<Vec<String>> = std::iter::once(heads).chain(rows.iter().map(cells)).collect();
        match self {
            Self::Text => text(&shown, &lines),
            Self::Markdown => markdown(&shown, &lines),
            Self::Json => format!("{:#}\n", json(rows, control)),
        }
    }
}

fn text(columns: &[&Column], lines: &[Vec<String>]) -> String {
    let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|at| width(at).unwrap_or(0)).collect();
    let shown = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths).zip(columns).map(|((cell, width), column)| {
            if column.left { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    });
    shown.collect()
}

fn markdown(columns: &[&Column], lines: &[Vec<String>]) -> String {
    let row = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let rule = row(columns.iter().map(|column| if column.left { "---" } else { "---:" }).collect());
    let mut shown = lines.iter().map(|line| row(line.iter().map(String::as_str).collect()));
    shown.next().unwrap_or_default() + &rule + &shown.collect::<String>()
}

fn json(rows: &[Row], control: &str) -> Value {
    let interval = |interval: Interval| json!([interval.low, interval.high]);
    let rows = rows.iter().map(|row| {
        let versus = row.versus.map(|versus| {
            let pairs = versus.pairs;
            json!({ "difference": versus.difference, "interval": interval(versus.interval), "p": versus.p_value,
                "both": pairs.both, "only_alias": pairs.only_alias, "only_control": pairs.only_control, "neither": pairs.neither })
        });
        json!({ "alias": row.alias, "answered": row.answered, "errors": row.errors, "right": row.right,
            "accuracy": row.accuracy, "accuracy_interval": interval(row.accuracy_interval), "recovered": row.recovered,
            "versus_control": versus, "calls": row.calls, "input_tokens": row.input_tokens, "output_tokens": row.output_tokens,
            "cost_micros": row.cost_micros, "latency_ms_p50": row.latency_ms_p50, "latency_ms_p95": row.latency_ms_p95 })
    });
    json!({ "control": control, "rows": rows.collect::<Vec<_>>() })
}

// === cells ===

fn accuracy(row: &Row) -> String {
    let Interval { low, high } = row.accuracy_interval;
    format!("{} ({:.1} to {:.1})", percent(row.accuracy), low * 100.0, high * 100.0)
}

fn difference(versus: &Versus) -> String {
    let Interval { low, high } = versus.interval;
    format!("{:+.1} ({:+.1} to {:+.1})", versus.difference * 100.0, low * 100.0, high * 100.0)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn tokens(row: &Row) -> Option<String> {
    let shown = |tokens: Option<f64>| tokens.map_or_else(|| "-".to_owned(), |tokens| format!("{tokens:.0}"));
    (row.input_tokens.is_some() || row.output_tokens.is_some())
        .then(|| format!("{}/{}", shown(row.input_tokens), shown(row.output_tokens)))
}

fn seconds(ms: u64) -> String {
    format!("{:.2}", ms as f64 / 1000.0)
}

fn dollars(micros: u64) -> String {
    format!("{:.4}", micros as f64 / 1_000_000.0)
}

#[cfg(test)]
mod tests;
