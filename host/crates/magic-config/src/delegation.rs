//! What can only be checked once all aliases are known: that agents exist, and that no alias delegates back to itself.
use crate::config::{Alias, Config};
use crate::problem::{Problem, did_you_mean};
use std::collections::HashSet;

/// Every agent that is no alias, and every circle once, named by its first alias.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let names: Vec<&str> = config.aliases.iter().map(|alias| alias.name.as_str()).collect();
    let mut problems = unknown("agent_settings", &config.agent_settings.agents, &names);
    for (index, profile) in config.profiles.iter().enumerate() {
        if profile.agent.agents != config.agent_settings.agents {
            let path = format!("model_list[{index}].model_params.agent_settings");
            problems.extend(unknown(&path, &profile.agent.agents, &names));
        }
    }
    let mut told: Vec<&str> = Vec::new();
    let mut done: HashSet<&str> = HashSet::new();
    for alias in &config.aliases {
        let mut path = vec![alias.name.as_str()];
        if let Some(circle) =
            circle(config, alias, &mut path, &mut done).filter(|circle| !circle.iter().any(|name| told.contains(name)))
        {
            let text = format!("aliases delegate in a circle: {}", circle.join(" -> "));
            let place = format!("router_settings.model_group_alias.{}", alias.name);
            problems.push(Problem::new(place, text).hint("take one of them out of the other's agent_settings.agents"));
            told.extend(circle);
        }
    }
    problems
}

fn unknown(path: &str, agents: &[String], aliases: &[&str]) -> Vec<Problem> {
    let missing = agents.iter().enumerate().filter(|(_, agent)| !aliases.contains(&agent.as_str()));
    let problem = |(index, agent): (usize, &String)| {
        Problem::new(format!("{path}.agents[{index}]"), format!("no alias `{agent}`"))
            .hint(did_you_mean(agent, aliases))
    };
    missing.map(problem).collect()
}

/// A way from the path's end back to somewhere on it.
fn circle<'a>(
    config: &'a Config,
    alias: &'a Alias,
    path: &mut Vec<&'a str>,
    done: &mut HashSet<&'a str>,
) -> Option<Vec<&'a str>> {
    // An alias without a pattern answers by itself: it hands nothing on.
    alias.reasoning_mode.as_ref()?;
    let agents = &alias.chain.first()?.agent.agents;
    for agent in agents {
        let next = config.alias(agent)?;
        if let Some(start) = path.iter().position(|name| *name == agent.as_str()) {
            let mut circle: Vec<&str> = path.iter().skip(start).copied().collect();
            circle.push(next.name.as_str());
            return Some(circle);
        }
        // Each alias is looked into once, however many ways lead to it.
        if done.contains(next.name.as_str()) {
            continue;
        }
        path.push(next.name.as_str());
        if let Some(found) = circle(config, next, path, done) {
            return Some(found);
        }
        path.pop();
    }
    done.insert(alias.name.as_str());
    None
}
