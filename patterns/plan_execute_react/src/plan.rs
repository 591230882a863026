//! Steps, what each waits for, and what came of them. Refuses to deadlock: where needs are met by nothing, the first step
//! goes ahead without them.

use magic_sdk::driver::fill;

/// One step, as the model wrote it.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Step {
    /// 0 where the model gave none.
    #[serde(default)]
    pub(crate) id: u32,
    pub(crate) step: String,
    /// Steps whose results this one has to know.
    #[serde(default)]
    needs: Vec<u32>,
}

/// Invariant: ids are unique.
#[derive(Default)]
pub(crate) struct Plan(Vec<(Step, Option<String>)>);

const RESULT: &str = include_str!("../prompts/result.md");

// === impl Step ===
impl Step {
    /// The whole task as one step.
    pub(crate) fn whole(task: String) -> Self {
        Self { id: 0, step: task, needs: Vec::new() }
    }
}

// === impl Plan ===
impl Plan {
    /// Adds steps; false where there were none. An id that is taken becomes the next free one.
    pub(crate) fn extend(&mut self, steps: Vec<Step>) -> bool {
        let added = !steps.is_empty();
        for mut step in steps {
            if step.id == 0 || self.0.iter().any(|(known, _)| known.id == step.id) {
                step.id = self.0.iter().map(|(known, _)| known.id).max().unwrap_or(0).saturating_add(1);
            }
            self.0.push((step, None));
        }
        added
    }

    /// The steps that can be done now.
    pub(crate) fn ready(&self) -> Vec<Step> {
        let open = || self.0.iter().filter(|(_, result)| result.is_none()).map(|(step, _)| step);
        let waits = |step: &Step| open().any(|other| other.id != step.id && step.needs.contains(&other.id));
        let ready: Vec<Step> = open().filter(|step| !waits(step)).cloned().collect();
        if ready.is_empty() { open().take(1).cloned().collect() } else { ready }
    }

    pub(crate) fn finish(&mut self, id: u32, result: String) {
        if let Some((_, open)) = self.0.iter_mut().find(|(step, _)| step.id == id) {
            *open = Some(result);
        }
    }

    /// Every step with its result, for a section of a prompt.
    pub(crate) fn results(&self) -> String {
        let lines = self.0.iter().map(|(step, result)| {
            let result = result.as_deref().unwrap_or("(not done)");
            fill(RESULT, &[("id", &step.id.to_string()), ("step", &step.step), ("result", result)])
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
