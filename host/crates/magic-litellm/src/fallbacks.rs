//! What is asked when a whole name fails: LiteLLM names other names, an alias of ours names profiles.
use crate::Work;
use crate::emit::{Alias, Draft};
use crate::groups::CHAIN_MAX;
use crate::yaml::{self, Node};

/// Which list of an alias is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    ContextWindow,
    ContentPolicy,
}

const KINDS: [(&str, Kind); 3] = [
    ("fallbacks", Kind::Any),
    ("context_window_fallbacks", Kind::ContextWindow),
    ("content_policy_fallbacks", Kind::ContentPolicy),
];

pub(crate) fn read(root: &Node, work: &mut Work, draft: &mut Draft) {
    // Chains as they are before any fallback is added: a fallback brings its own profiles, not what they fall back to.
    let targets: Vec<(String, Vec<String>)> =
        draft.aliases.iter().map(|alias| (alias.group.clone(), profiles(alias))).collect();
    for (key, kind) in KINDS {
        let mut named = vec![false; draft.aliases.len()];
        if let Some(list) = setting(root, key, work) {
            let mut general = Vec::new();
            for (group, entry) in list.items().iter().flat_map(Node::entries) {
                if group == "*" {
                    general.push(entry);
                    continue;
                }
                match targets.iter().position(|(name, _)| name == group) {
                    Some(at) => {
                        mark(&mut named, at);
                        add(draft, &[at], entry, kind, &targets, work);
                    }
                    None => work
                        .book
                        .unsupported(entry, format!("`{group}` is not served here, so nothing falls back from it")),
                }
            }
            for entry in general {
                add(draft, &others(&named), entry, kind, &targets, work);
            }
            match list.kind {
                yaml::Kind::List(_) => work.book.exact(list, "none, as there"),
                _ => work.book.unsupported(list, "expected a list of `name: [names]`"),
            }
        }
        if kind == Kind::Any
            && let Some(list) = setting(root, "default_fallbacks", work)
        {
            add(draft, &others(&named), list, kind, &targets, work);
        }
        twins(draft, &named, kind);
    }
}

/// The router's own setting wins over the library's, as in LiteLLM.
fn setting<'a>(root: &'a Node, key: &str, work: &mut Work) -> Option<&'a Node> {
    let of = |section: &str| root.get(section).and_then(|section| section.get(key)).filter(|node| !node.is_null());
    let (router, library) = (of("router_settings"), of("litellm_settings"));
    if let (Some(_), Some(library)) = (router, library) {
        work.book.exact(library, "router_settings has it too, and wins there as well");
    }
    router.or(library)
}

fn mark(named: &mut [bool], at: usize) {
    if let Some(slot) = named.get_mut(at) {
        *slot = true;
    }
}

fn others(named: &[bool]) -> Vec<usize> {
    named.iter().enumerate().filter(|(_, named)| !**named).map(|(at, _)| at).collect()
}

fn profiles(alias: &Alias) -> Vec<String> {
    alias.chain.iter().chain(&alias.fallbacks).cloned().collect()
}

/// The names in `entry` as profiles, behind what the aliases have already.
fn add(
    draft: &mut Draft,
    aliases: &[usize],
    entry: &Node,
    kind: Kind,
    targets: &[(String, Vec<String>)],
    work: &mut Work,
) {
    for target in entry.items() {
        let name =
            target.text().or_else(|| (target.entries().len() == 1).then(|| target.get("model")?.text()).flatten());
        let Some(name) = name else {
            work.book.unsupported(target, "a fallback is a profile here, and changes nothing else about the request");
            continue;
        };
        let Some((_, profiles)) = targets.iter().find(|(group, _)| group == name) else {
            work.book.unsupported(target, format!("`{name}` is not served here, so nothing falls back to it"));
            continue;
        };
        let mut left_out = false;
        for at in aliases {
            let Some(alias) = draft.aliases.get_mut(*at).filter(|alias| alias.group != name) else { continue };
            left_out |= !append(alias, profiles, kind);
        }
        if left_out {
            work.book.approximate(
                target,
                format!("its profiles, as far as they fit: at most {CHAIN_MAX} in a chain with its fallbacks"),
            );
        } else if let [profile] = profiles.as_slice() {
            work.book.exact(target, format!("profile {profile}; what `{name}` itself falls back to is not asked"));
        } else {
            work.book.approximate(
                target,
                format!("the {} profiles of `{name}`, one after the other whatever their weights", profiles.len()),
            );
        }
    }
}

/// Whether all are there now.
fn append(alias: &mut Alias, profiles: &[String], kind: Kind) -> bool {
    let chain = alias.chain.len();
    let (list, before) = match kind {
        Kind::Any => (&mut alias.fallbacks, chain),
        Kind::ContextWindow => (&mut alias.context_window_fallbacks, 0),
        Kind::ContentPolicy => (&mut alias.content_policy_fallbacks, 0),
    };
    for profile in profiles {
        if list.contains(profile) || (kind == Kind::Any && alias.chain.contains(profile)) {
            continue;
        }
        if before + list.len() >= CHAIN_MAX {
            return false;
        }
        list.push(profile.clone());
    }
    true
}

/// Another name falls back as the first does, unless the file says otherwise.
fn twins(draft: &mut Draft, named: &[bool], kind: Kind) {
    for at in 0..draft.aliases.len() {
        let twin = draft.aliases.get(at).and_then(|alias| alias.twin_of).filter(|_| named.get(at) == Some(&false));
        let Some(list) = twin.and_then(|twin| draft.aliases.get(twin)).map(|twin| match kind {
            Kind::Any => twin.fallbacks.clone(),
            Kind::ContextWindow => twin.context_window_fallbacks.clone(),
            Kind::ContentPolicy => twin.content_policy_fallbacks.clone(),
        }) else {
            continue;
        };
        if let Some(alias) = draft.aliases.get_mut(at) {
            match kind {
                Kind::Any => alias.fallbacks = list,
                Kind::ContextWindow => alias.context_window_fallbacks = list,
                Kind::ContentPolicy => alias.content_policy_fallbacks = list,
            }
        }
    }
}
