//! Paths of thoughts and which of them are kept. Refuses to know where thoughts and values come from.

/// The thoughts from the question to one state, and what that state is worth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    thoughts: Vec<String>,
    value: f64,
}

/// The best `beam` paths; of equals those that came first.
pub(crate) fn best(mut paths: Vec<Path>, beam: usize) -> Vec<Path> {
    paths.sort_by(|one, other| other.value.total_cmp(&one.value));
    paths.truncate(beam.max(1));
    paths
}

/// What was kept, for whoever watches.
pub(crate) fn summary(depth: usize, beam: &[Path]) -> String {
    let kept = beam.iter().map(|path| {
        let last = path.thoughts.last().map(String::as_str).unwrap_or_default();
        format!("- {} ({})\n", last.replace('\n', " "), path.value)
    });
    format!("Kept at depth {depth}:\n{}", kept.collect::<String>())
}

// === impl Path ===
impl Path {
    /// One thought longer; `None` where the thought is blank.
    pub(crate) fn then(&self, thought: &str) -> Option<Self> {
        let thought = thought.trim();
        let thoughts = || self.thoughts.iter().cloned().chain([thought.to_owned()]).collect();
        (!thought.is_empty()).then(|| Self { thoughts: thoughts(), value: self.value })
    }

    pub(crate) fn worth(self, value: f64) -> Self {
        Self { value, ..self }
    }

    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let key = |path: &Self| path.text().to_lowercase().trim_end_matches('.').to_owned();
        key(self) == key(other)
    }

    /// One thought a line, numbered.
    pub(crate) fn text(&self) -> String {
        let lines = self.thoughts.iter().zip(1..).map(|(thought, number)| format!("{number}. {thought}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}
