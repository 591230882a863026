//! Names of what cannot be carried over, each once and in the order of their finding.

#[derive(Default)]
pub(super) struct Lost(Vec<String>);

// === impl Lost ===
impl Lost {
    /// Linear in the names so far, of which a request has few.
    pub(super) fn name(&mut self, name: &str) {
        if self.0.len() < NAMES_MAX && !self.0.iter().any(|known| known == name) {
            self.0.push(name.to_owned());
        }
    }

    pub(super) fn when(&mut self, is_lost: bool, name: &str) {
        if is_lost {
            self.name(name);
        }
    }

    pub(super) fn into_names(self) -> Vec<String> {
        self.0
    }
}

/// They end up in a header: more would tell nobody more, and keep `name` from being quadratic.
const NAMES_MAX: usize = 256;
