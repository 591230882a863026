//! Reads how the model divides the task. Refuses what names no agent, in words for the model.

use magic_sdk::{driver::AgentCard, reading};

/// One part of the task and who shall do it.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Part {
    pub(crate) agent: String,
    pub(crate) task: String,
}

/// The parts, or a sentence that says what to mend.
pub(crate) fn parts(text: &str, agents: &[AgentCard], parts_max: usize) -> Result<Vec<Part>, String> {
    let parts: Vec<Part> = reading::json_list(text)?;
    if parts.is_empty() {
        return Err("The list is empty.".into());
    }
    if parts.len() > parts_max {
        return Err(format!("The list has {} parts; at most {parts_max} are allowed.", parts.len()));
    }
    match parts.iter().find(|part| agents.iter().all(|agent| agent.name != part.agent)) {
        None => Ok(parts),
        Some(stranger) => {
            let names: Vec<String> = agents.iter().map(|agent| format!("`{}`", agent.name)).collect();
            Err(format!("There is no agent `{}`; the agents are {}.", stranger.agent, names.join(", ")))
        }
    }
}
