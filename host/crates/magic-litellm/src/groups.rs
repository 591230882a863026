//! Entries of one name to one alias: who is asked first, by order, weight and strategy, and what other names it has.
use crate::Work;
use crate::deployment::Deployment;
use crate::emit::{Alias, Draft};
use crate::report::Grade;
use crate::secrets;
use crate::yaml::Node;

/// As our own check has it, of a chain with its fallbacks.
pub(crate) const CHAIN_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 128;

/// How LiteLLM chooses among entries of one name, as one word of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Weighted,
    Other(&'static str),
}

/// One order of a group: lower ones are asked first, those without one last.
type Level<'a> = Vec<Deployment<'a>>;

pub(crate) fn read(root: &Node, deployments: Vec<Deployment<'_>>, work: &mut Work, draft: &mut Draft) {
    let strategy = strategy(root, work);
    let mut groups: Vec<(String, Level<'_>)> = Vec::new();
    for deployment in deployments {
        match groups.iter_mut().find(|(group, _)| *group == deployment.group) {
            Some((_, level)) => level.push(deployment),
            None => groups.push((deployment.group.clone(), vec![deployment])),
        }
    }
    let mut dropped = Vec::new();
    for (group, deployments) in &mut groups {
        dropped.extend(cut(deployments).into_iter().map(|extra| (group.clone(), extra)));
    }
    for (group, extra) in dropped {
        let is_kept = groups.iter().flat_map(|(_, kept)| kept).any(|kept| kept.entry.fields == extra.entry.fields);
        let text = format!("an alias has at most {CHAIN_MAX} profiles, and this is one too many of `{group}`");
        // What a wildcard makes of one entry may be dropped under one name and kept under another.
        let of_it = if is_kept { extra.entry.get("model_name") } else { Some(extra.entry) };
        of_it.into_iter().for_each(|node| work.book.overrule(node, Grade::Unsupported, &text));
        draft.left_out.push(extra.profile.origin);
    }
    for (group, deployments) in groups {
        let alias = alias(&group, deployments, strategy, work, draft);
        draft.aliases.push(alias);
    }
    let spread = draft.aliases.iter().any(|alias| alias.chain.len() > 1);
    draft.strategy = match strategy {
        _ if !spread => None,
        Strategy::Weighted => Some("weighted"),
        Strategy::Other(word) => Some(word),
    };
    other_names(root, work, draft);
}

fn strategy(root: &Node, work: &mut Work) -> Strategy {
    let Some(node) = root.get("router_settings").and_then(|router| router.get("routing_strategy")) else {
        return Strategy::Weighted;
    };
    let (strategy, grade, text) = match node.text() {
        Some("simple-shuffle") => {
            (Strategy::Weighted, Grade::Exact, "strategy: weighted, with the weights of each alias")
        }
        Some("least-busy") => (Strategy::Other("least_busy"), Grade::Exact, "strategy: least_busy"),
        Some("latency-based-routing") => {
            let text = "strategy: lowest_latency, which measures the time to the first piece in a way of its own";
            (Strategy::Other("lowest_latency"), Grade::Approximate, text)
        }
        Some("cost-based-routing") => {
            let text = "strategy: lowest_cost, which compares by each profile's `price` or the shipped table, not by LiteLLM's";
            (Strategy::Other("lowest_cost"), Grade::Approximate, text)
        }
        Some("usage-based-routing" | "usage-based-routing-v2") => {
            let text = "strategy: least_busy: requests under way are counted, not the tokens of this minute";
            (Strategy::Other("least_busy"), Grade::Approximate, text)
        }
        Some("provider-budget-routing") => (
            Strategy::Weighted,
            Grade::Unsupported,
            "strategy: weighted; budgets are of virtual keys and teams, not of providers",
        ),
        _ => (
            Strategy::Weighted,
            Grade::Unsupported,
            "no such strategy is known here; strategy: weighted, LiteLLM's default",
        ),
    };
    work.book.grade(node, grade, text);
    strategy
}

fn alias(group: &str, mut deployments: Level<'_>, strategy: Strategy, work: &mut Work, draft: &mut Draft) -> Alias {
    for node in deployments.iter().filter_map(|deployment| param(deployment, "weight")) {
        if weight(node).is_none() {
            work.book.manual(node, "expected a number, zero or more: set weights of the alias");
        }
    }
    let name = alias_name(group, draft);
    let several = deployments.len() > 1;
    for (index, deployment) in deployments.iter_mut().enumerate() {
        let wanted = if several { format!("{name}-{}", index + 1) } else { name.clone() };
        deployment.profile.name = unique(&wanted, |name| draft.profiles.iter().any(|profile| profile.name == name));
        said_of_name(deployment, &name, work);
    }
    let mut levels = levels(deployments, work);
    let mut alias = Alias { name, group: group.to_owned(), ..Alias::default() };
    if let Some(first) = levels.first() {
        alias.weights = weights(first, strategy, work);
    }
    for (place, level) in levels.drain(..).enumerate() {
        let alone = level.len() == 1;
        for deployment in level {
            said_of_shares(&deployment, strategy, alone, work);
            let names = if place == 0 { &mut alias.chain } else { &mut alias.fallbacks };
            names.push(deployment.profile.name.clone());
            draft.profiles.push(deployment.profile);
        }
    }
    alias
}

/// Takes out what a chain has no room for: of those that are asked last, the last in the file. The others stay in its order.
fn cut<'a>(deployments: &mut Level<'a>) -> Level<'a> {
    let mut places: Vec<(usize, f64)> = deployments.iter().map(place_of).enumerate().collect();
    places.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut extra: Vec<usize> = places.into_iter().skip(CHAIN_MAX).map(|(index, _)| index).collect();
    extra.sort_unstable();
    let cut: Vec<_> = extra.into_iter().rev().map(|index| deployments.remove(index)).collect();
    cut.into_iter().rev().collect()
}

/// Its order; none is behind all.
fn place_of(deployment: &Deployment<'_>) -> f64 {
    order(deployment).and_then(Node::number).unwrap_or(f64::INFINITY)
}

fn said_of_name(deployment: &Deployment<'_>, alias: &str, work: &mut Work) {
    let Some(node) = deployment.entry.get("model_name") else { return };
    let profile = &deployment.profile.name;
    if deployment.group == alias {
        work.book.exact(node, format!("alias {alias}, profile {profile}"));
    } else {
        work.book.approximate(
            node,
            format!("alias {alias}, profile {profile}: clients must ask for that name, which is one here"),
        );
    }
}

/// By `order`, lowest first; those without one come after all that have one, as in LiteLLM.
fn levels<'a>(deployments: Level<'a>, work: &mut Work) -> Vec<Level<'a>> {
    let mut levels: Vec<(f64, Level<'a>)> = Vec::new();
    for deployment in deployments {
        let order = place_of(&deployment);
        match levels.iter_mut().find(|(other, _)| *other == order) {
            Some((_, level)) => level.push(deployment),
            None => levels.push((order, vec![deployment])),
        }
    }
    levels.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (place, (_, level)) in levels.iter().enumerate() {
        for deployment in level {
            let Some(node) = order(deployment) else { continue };
            match (node.number(), place, level.len()) {
                (None, ..) => {
                    work.book.manual(node, "expected a number: put the profile where it belongs in the chain")
                }
                (Some(_), 0, _) => work.book.exact(node, "in the chain"),
                (Some(_), _, 1) => work.book.exact(node, "in fallbacks, after all of a lower order"),
                (Some(_), ..) => {
                    work.book.approximate(
                        node,
                        "in fallbacks, after all of a lower order; those of one order follow the file, unshuffled",
                    );
                }
            }
        }
    }
    levels.into_iter().map(|(_, level)| level).collect()
}

const METRICS: [&str; 3] = ["weight", "rpm", "tpm"];

/// LiteLLM's shuffle draws by the first of weight, rpm and tpm that any entry has above zero; an entry without it weighs
/// nothing then. None: all weigh the same.
fn weights(level: &[Deployment<'_>], strategy: Strategy, work: &mut Work) -> Vec<(String, f64)> {
    if strategy != Strategy::Weighted || level.len() == 1 {
        return Vec::new();
    }
    let of = |deployment: &Deployment<'_>, metric: &str| param(deployment, metric).and_then(weight).unwrap_or(0.0);
    let largest = |metric: &str| level.iter().map(|deployment| of(deployment, metric)).fold(0.0, f64::max);
    let Some(metric) = METRICS.into_iter().find(|metric| largest(metric) > 0.0) else { return Vec::new() };
    for node in level.iter().filter_map(|deployment| param(deployment, metric)) {
        if metric == "weight" {
            work.book.exact(node, "weights of the alias");
        } else {
            work.book
                .approximate(node, "weights of the alias, since no entry has a weight above zero; it is no limit here");
        }
    }
    // Ours have six decimals.
    let largest = largest(metric);
    let scale = if (0.01..=1e9).contains(&largest) { 1.0 } else { 1000.0 / largest };
    let weights: Vec<f64> = level.iter().map(|deployment| of(deployment, metric) * scale).collect();
    if weights.windows(2).all(|pair| pair.first() == pair.last()) {
        return Vec::new();
    }
    level.iter().zip(weights).map(|(deployment, weight)| (deployment.profile.name.clone(), weight)).collect()
}

fn weight(node: &Node) -> Option<f64> {
    node.number().filter(|weight| weight.is_finite() && *weight >= 0.0)
}

/// Of what did not decide.
fn said_of_shares(deployment: &Deployment<'_>, strategy: Strategy, alone: bool, work: &mut Work) {
    if let Some(node) = param(deployment, "weight") {
        match strategy {
            Strategy::Other(_) => work.book.exact(node, "of no effect under this strategy, as there"),
            Strategy::Weighted if alone => {
                work.book.exact(node, "of no effect where nobody shares its place, as there")
            }
            Strategy::Weighted => work.book.approximate(
                node,
                "of no effect: in fallbacks nobody is drawn, they are asked in the order of the file",
            ),
        }
    }
    for metric in ["rpm", "tpm"] {
        if let Some(node) = param(deployment, metric) {
            work.book.unsupported(
                node,
                "a profile has no limit of its own: bound virtual keys (`--requests-per-minute`, `--tokens-per-minute`); a vendor's 429 rests the key",
            );
        }
    }
}

fn param<'a>(deployment: &Deployment<'a>, key: &str) -> Option<&'a Node> {
    deployment.entry.get("litellm_params")?.get(key)
}

/// What was added by LiteLLM's interface has it in model_info.
fn order<'a>(deployment: &Deployment<'a>) -> Option<&'a Node> {
    param(deployment, "order").or_else(|| deployment.entry.get("model_info")?.get("order"))
}

/// The name as ours: a character that no name has becomes `-`, and no two differ in case alone.
fn alias_name(group: &str, draft: &Draft) -> String {
    let fits = |char: char| char.is_ascii_alphanumeric() || "_-.:/@+".contains(char);
    let name: String = group.chars().map(|char| if fits(char) { char } else { '-' }).collect();
    unique(&name, |name| draft.aliases.iter().any(|alias| alias.name.eq_ignore_ascii_case(name)))
}

fn unique(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    // Room for the number of the profile and the one that is added here.
    let wanted: String = wanted.chars().take(NAME_BYTES_MAX - 12).collect();
    let mut name = wanted.clone();
    let mut number = 2;
    while taken(&name) {
        name = format!("{wanted}-{number}");
        number += 1;
    }
    name
}

/// `model_group_alias`: further names of what is there already.
fn other_names(root: &Node, work: &mut Work, draft: &mut Draft) {
    let Some(list) = root.get("router_settings").and_then(|router| router.get("model_group_alias")) else { return };
    for (name, node) in list.entries() {
        let target = node.text().or_else(|| node.get("model").and_then(Node::text)).unwrap_or_default();
        let Some(at) = draft.aliases.iter().position(|alias| alias.group == target) else {
            work.book.unsupported(node, "the model that it names is not served here");
            continue;
        };
        if name.contains('*') || secrets::reference(name).is_some() {
            work.book.manual(node, "an alias is an exact name here");
            continue;
        }
        if draft.aliases.iter().any(|alias| alias.group == *name) {
            work.book.approximate(node, "of no effect: there are entries of that name in model_list, which are asked");
            continue;
        }
        if let Some(hidden) = node.get("hidden").filter(|hidden| hidden.truth() == Some(true)) {
            work.book.approximate(hidden, "it is listed in /v1/models; a virtual key with `--alias` sees its own only");
        }
        let alias = alias_name(name, draft);
        work.book.exact(node, format!("alias {alias}, with the chain of {target}"));
        let chain =
            draft.aliases.get(at).map(|alias| (alias.chain.clone(), alias.weights.clone(), alias.fallbacks.clone()));
        let (chain, weights, fallbacks) = chain.unwrap_or_default();
        draft.aliases.push(Alias {
            name: alias,
            group: name.clone(),
            twin_of: Some(at),
            chain,
            weights,
            fallbacks,
            ..Alias::default()
        });
    }
}
