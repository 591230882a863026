//! What can only be checked once components are loaded: that every pattern and tool a config names is there.
use crate::agent::AgentSettings;
use crate::config::Config;
use crate::problem::{Problem, did_you_mean};

// === impl Config ===
impl Config {
    /// Every reasoning mode and tool that no loaded component bears. What a profile has from the global settings is
    /// reported once, there.
    pub fn check_components(&self, patterns: &[&str], tools: &[&str]) -> Vec<Problem> {
        let mut problems = missing("agent_settings", &self.agent_settings, None, patterns, tools);
        for (index, profile) in self.profiles.iter().enumerate() {
            let path = format!("model_list[{index}].model_params.agent_settings");
            problems.extend(missing(&path, &profile.agent, Some(&self.agent_settings), patterns, tools));
        }
        problems
    }
}

fn missing(
    path: &str,
    agent: &AgentSettings,
    global: Option<&AgentSettings>,
    patterns: &[&str],
    tools: &[&str],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let inherited = global.is_some_and(|global| global.reasoning_mode == agent.reasoning_mode);
    if let Some(mode) = agent.reasoning_mode.as_deref()
        && !inherited
        && !patterns.contains(&mode)
    {
        let hint = format!("{}; its file is patterns/{mode}.wasm", did_you_mean(mode, patterns));
        problems.push(Problem::new(format!("{path}.reasoning_mode"), format!("no pattern `{mode}`")).hint(hint));
    }
    let inherited = global.is_some_and(|global| global.tools == agent.tools);
    let named = if inherited { &[] } else { agent.tools.as_deref().unwrap_or_default() };
    for (index, tool) in named.iter().enumerate() {
        if !tools.contains(&tool.as_str()) {
            let hint = format!("{}; its file is tools/{tool}.wasm", did_you_mean(tool, tools));
            problems.push(Problem::new(format!("{path}.tools[{index}]"), format!("no tool `{tool}`")).hint(hint));
        }
    }
    problems
}
