//! What an alias is, as a digest: its models, their settings, its pattern, tools and prompts. Addresses and keys are left
//! out: the same model at another port is the same.
use crate::snapshot::Snapshot;
use magic_config::Profile;
use magic_types::Digest;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// `None` for what is no alias.
pub(super) fn of(snapshot: &Snapshot, alias: &str) -> Option<String> {
    let alias = snapshot.config.alias(alias)?;
    let mut text = String::new();
    for profile in &alias.chain {
        describe(profile, snapshot, &mut text);
    }
    if let Some(pattern) = alias.reasoning_mode.as_deref().and_then(|name| snapshot.components.pattern(name)) {
        add(&mut text, format_args!("pattern {:?}", pattern.digest));
        let wanted = alias.chain.first().and_then(|profile| profile.agent.tools.as_ref());
        let tools = snapshot
            .components
            .toolboxes()
            .filter(|owner| wanted.is_none_or(|wanted| owner.tools().iter().any(|tool| wanted.contains(&tool.name))));
        tools.for_each(|owner| add(&mut text, format_args!("tools {} {:?}", owner.name, owner.digest)));
    }
    Some(Digest(Sha256::digest(text.as_bytes()).into()).to_string())
}

fn describe(profile: &Profile, snapshot: &Snapshot, text: &mut String) {
    let Profile { name, provider, dialect, model, params, agent, .. } = profile;
    let params = serde_json::Value::Object(params.clone());
    add(text, format_args!("profile {name} {provider:?} {} {model} {params} {agent:?}", dialect.as_str()));
    for file in agent.system_instruction.iter().chain(&agent.manifests) {
        add(text, format_args!("prompt {:?}", snapshot.prompts.get(file)));
    }
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _written = writeln!(text, "{line}");
}
