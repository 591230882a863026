//! What LiteLLM bounds its clients by, as the command that makes such a virtual key or team here.
use crate::yaml::Node;

/// Keys that are arguments of a command, whatever section they stand in.
pub(crate) const BOUNDS: [&str; 9] = [
    "max_budget",
    "budget_duration",
    "rpm_limit",
    "tpm_limit",
    "max_parallel_requests",
    "models",
    "duration",
    "key_alias",
    "team_alias",
];

/// `magic-proxy <verb> create ...` with what `section` says of it.
pub(crate) fn command(verb: &str, name: &str, section: &Node) -> String {
    let number = |key: &str| section.get(key).and_then(Node::number).filter(|number| *number > 0.0);
    let name = ["key_alias", "team_alias"].into_iter().find_map(|key| section.get(key)?.text()).unwrap_or(name);
    let mut command = match verb {
        "teams" => format!("magic-proxy teams create {}", team_name(name)),
        _ => format!("magic-proxy {verb} create --name {}", quoted(name)),
    };
    if let Some(budget) = number("max_budget").filter(|budget| *budget >= 0.000_001) {
        let window = section.get("budget_duration").and_then(Node::text).map_or_else(|| "total".to_owned(), window);
        command += &format!(" --budget {}/{window}", crate::emit::number(budget));
    }
    let counts = [
        ("rpm_limit", "--requests-per-minute"),
        ("tpm_limit", "--tokens-per-minute"),
        ("max_parallel_requests", "--parallel"),
    ];
    for (key, argument) in counts {
        if let Some(count) = number(key) {
            command += &format!(" {argument} {count:.0}");
        }
    }
    for model in section.get("models").map(Node::items).unwrap_or_default().iter().filter_map(Node::text) {
        command += &format!(" --alias {}", quoted(model));
    }
    if let Some(duration) = section.get("duration").and_then(Node::text).filter(|_| verb == "virtual-keys") {
        command += &format!(" --expires {}", quoted(duration));
    }
    command
}

/// LiteLLM's `30d`, `24h`, `1mo`; months begin on the first there too.
fn window(duration: &str) -> String {
    match duration {
        "1d" | "24h" | "daily" => "day".to_owned(),
        "7d" | "1w" | "weekly" => "week".to_owned(),
        "1mo" | "30d" | "monthly" => "month".to_owned(),
        other => match other.strip_suffix("mo").and_then(|months| months.parse::<u32>().ok()) {
            Some(months) => format!("{}d", u64::from(months) * 30),
            None => other.replace(|char: char| !char.is_ascii_alphanumeric(), ""),
        },
    }
}

/// A team is called by letters, digits, `-`, `_` and `.`, at most 64.
fn team_name(name: &str) -> String {
    let fits = |char: char| if char.is_ascii_alphanumeric() || "-_.".contains(char) { char } else { '-' };
    let name: String = name.chars().map(fits).take(64).collect();
    let name = name.trim_start_matches(['-', '_', '.']);
    if name.is_empty() { "team".to_owned() } else { name.to_owned() }
}

/// For a shell.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:@+".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
