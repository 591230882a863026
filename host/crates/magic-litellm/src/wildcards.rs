//! Entries for many names at once (`openai/*`): which of the names that the file itself mentions they are for. Names that only
//! clients know cannot be guessed.
use crate::yaml::Node;

/// The names that the file mentions and no entry has as they are, each with the pattern that LiteLLM would take for it.
pub(crate) fn mentioned(root: &Node) -> Vec<(String, String)> {
    let entries = root.get("model_list").map(Node::items).unwrap_or_default();
    let groups: Vec<&str> = entries.iter().filter_map(|entry| entry.get("model_name")?.text()).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for name in names(root) {
        if groups.contains(&name) || name.contains('*') || found.iter().any(|(known, _)| known == name) {
            continue;
        }
        // The longest says most.
        let fitting = groups.iter().filter(|pattern| captured(pattern, name).is_some());
        if let Some(pattern) = fitting.max_by_key(|pattern| pattern.len()) {
            found.push((name.to_owned(), (*pattern).to_owned()));
        }
    }
    found
}

/// What the star of a pattern stands for in a name.
pub(crate) fn captured<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after).filter(|star| !star.is_empty() && !after.contains('*'))
}

/// In fallbacks, and behind other names.
fn names(root: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    for section in ["router_settings", "litellm_settings"].into_iter().filter_map(|section| root.get(section)) {
        for key in ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"] {
            let list = section.get(key).map(Node::items).unwrap_or_default();
            for (group, targets) in list.iter().flat_map(Node::entries) {
                names.push(group.as_str());
                names.extend(targets.items().iter().filter_map(Node::text));
            }
        }
        let default = section.get("default_fallbacks").map(Node::items).unwrap_or_default();
        names.extend(default.iter().filter_map(Node::text));
        let aliases = section.get("model_group_alias").map(Node::entries).unwrap_or_default();
        names.extend(aliases.iter().filter_map(|(_, target)| target.text().or_else(|| target.get("model")?.text())));
    }
    names
}
