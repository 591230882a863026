//! Tables, for people as Markdown and for machines as JSON. Holds figures; works nothing out.
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

pub(crate) struct Report {
    machine: Map<String, Value>,
    tables: Vec<Table>,
}

pub(crate) struct Table {
    /// For machines.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the rows are.
    pub(crate) rows_are: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Row>,
    /// How to read it, a line each.
    pub(crate) notes: Vec<String>,
}

pub(crate) struct Column {
    pub(crate) heading: &'static str,
    /// For machines.
    pub(crate) key: &'static str,
    pub(crate) decimals: usize,
}

pub(crate) struct Row {
    pub(crate) label: String,
    /// One for each column; `None` where there is nothing to say.
    pub(crate) figures: Vec<Option<f64>>,
}

// === impl Column ===
impl Column {
    pub(crate) const fn new(heading: &'static str, key: &'static str, decimals: usize) -> Self {
        Self { heading, key, decimals }
    }
}

// === impl Row ===
impl Row {
    pub(crate) fn new(label: impl Into<String>, figures: impl Into<Vec<Option<f64>>>) -> Self {
        Self { label: label.into(), figures: figures.into() }
    }
}

// === impl Report ===
impl Report {
    pub(crate) fn new(machine: Map<String, Value>) -> Self {
        Self { machine, tables: Vec::new() }
    }

    pub(crate) fn push(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub(crate) fn text(&self) -> String {
        let facts: Vec<String> = self.machine.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect();
        let mut out = format!("\n{}\n", facts.join(" · "));
        for table in &self.tables {
            table.write(&mut out);
        }
        out
    }

    pub(crate) fn json(&self) -> String {
        let tables: Map<String, Value> =
            self.tables.iter().map(|table| (table.name.to_owned(), table.json())).collect();
        let whole = json!({ "machine": self.machine, "tables": tables });
        // A value of ours always has a text.
        serde_json::to_string_pretty(&whole).unwrap_or_default()
    }
}

// === impl Table ===
impl Table {
    fn write(&self, out: &mut String) {
        let headings = self.columns.iter().map(|column| column.heading.to_owned());
        let mut lines = vec![std::iter::once(self.rows_are.to_owned()).chain(headings).collect::<Vec<_>>()];
        for row in &self.rows {
            let figures = self.columns.iter().zip(&row.figures).map(|(column, figure)| column.shown(*figure));
            lines.push(std::iter::once(row.label.clone()).chain(figures).collect());
        }
        let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..=self.columns.len()).map(|at| width(at).unwrap_or(0)).collect();
        // Writing to a string cannot fail.
        let _written = writeln!(out, "\n### {}\n", self.title);
        for (number, line) in lines.iter().enumerate() {
            let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            let _written = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
            if number == 0 {
                let rules = widths.iter().enumerate().map(|(at, width)| match at {
                    0 => "-".repeat(width + 2),
                    _ => format!("{}:", "-".repeat(width + 1)),
                });
                let _written = writeln!(out, "|{}|", rules.collect::<Vec<_>>().join("|"));
            }
        }
        for note in &self.notes {
            let _written = writeln!(out, "\n{note}");
        }
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let figures = self.columns.iter().zip(&row.figures);
            let mut object: Map<String, Value> =
                figures.map(|(column, figure)| (column.key.to_owned(), json!(figure))).collect();
            object.insert("row".to_owned(), json!(row.label));
            Value::Object(object)
        });
        json!({ "rows": rows.collect::<Vec<_>>(), "notes": self.notes })
    }
}

// === impl Column ===
impl Column {
    fn shown(&self, figure: Option<f64>) -> String {
        figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.0$}", self.decimals))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
