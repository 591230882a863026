//! Profiles and aliases to the text of `proxy_config.yaml`. Decides nothing: what stands in the draft is written.
use serde_json::Value;
use std::fmt::Write as _;

/// The file that is to be written.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) profiles: Vec<Profile>,
    pub(crate) aliases: Vec<Alias>,
    /// Entries that cannot be served here, so that whoever reads the file sees where they were.
    pub(crate) left_out: Vec<String>,
    /// Of all aliases.
    pub(crate) strategy: Option<&'static str>,
    /// Other sections by name, each with its keys and what stands behind them.
    pub(crate) sections: Vec<(&'static str, Vec<(&'static str, String)>)>,
}

#[derive(Default)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// Where it comes from, for whoever reads the file.
    pub(crate) origin: String,
    pub(crate) provider: &'static str,
    pub(crate) model: String,
    pub(crate) api_base: Option<String>,
    pub(crate) api_version: Option<String>,
    pub(crate) api_key: Option<String>,
    pub(crate) context_window: Option<u64>,
    pub(crate) price: Vec<(&'static str, String)>,
    pub(crate) capabilities: Vec<(&'static str, bool)>,
    pub(crate) timeouts: Vec<(&'static str, f64)>,
    /// Texts in them are ours: `${NAME}` is a variable, `$$` a dollar sign.
    pub(crate) params: Vec<(String, Value)>,
}

#[derive(Default)]
pub(crate) struct Alias {
    /// What LiteLLM calls it.
    pub(crate) group: String,
    /// The alias whose chain it has, where it is only another name.
    pub(crate) twin_of: Option<usize>,
    pub(crate) name: String,
    pub(crate) chain: Vec<String>,
    pub(crate) weights: Vec<(String, f64)>,
    pub(crate) fallbacks: Vec<String>,
    pub(crate) context_window_fallbacks: Vec<String>,
    pub(crate) content_policy_fallbacks: Vec<String>,
}

// === impl Draft ===
impl Draft {
    /// Sets a key of a section; the first to set it has set it. False: another was first.
    pub(crate) fn set(&mut self, section: &'static str, key: &'static str, value: impl Into<String>) -> bool {
        let at = self.sections.iter().position(|(name, _)| *name == section).unwrap_or_else(|| {
            self.sections.push((section, Vec::new()));
            self.sections.len() - 1
        });
        match self.sections.get_mut(at) {
            Some((_, keys)) if !keys.iter().any(|(name, _)| *name == key) => {
                keys.push((key, value.into()));
                true
            }
            _ => false,
        }
    }
}

const HEAD: &str = "\
# Made from LiteLLM's config by `magic-proxy import litellm`. Its report says what became of each field; docs/CONFIG.md says
# what else may stand here.
";

pub(crate) fn text(draft: &Draft) -> String {
    let mut out = format!("{HEAD}model_list:\n");
    for profile in &draft.profiles {
        out.push_str(&profile_text(profile));
    }
    for entry in &draft.left_out {
        let _infallible = writeln!(out, "  # left out, see the report: {}", one_line(entry));
    }
    out.push_str("\nrouter_settings:\n");
    if let Some(strategy) = draft.strategy {
        line(&mut out, 2, "strategy", strategy);
    }
    out.push_str("  model_group_alias:\n");
    for alias in &draft.aliases {
        out.push_str(&alias_text(alias));
    }
    for (section, keys) in &draft.sections {
        let _infallible = write!(out, "\n{section}:\n");
        for (key, value) in keys {
            line(&mut out, 2, key, value);
        }
    }
    out
}

fn profile_text(profile: &Profile) -> String {
    let mut out = format!("  # {}\n  - model_name: {}\n", one_line(&profile.origin), scalar(&profile.name));
    line(&mut out, 4, "provider", profile.provider);
    if !profile.timeouts.is_empty() {
        line(&mut out, 4, "timeouts", &flow(profile.timeouts.iter().map(|(key, value)| (*key, number(*value)))));
    }
    out.push_str("    model_params:\n");
    line(&mut out, 6, "model", &scalar(&profile.model));
    let places =
        [("api_base", &profile.api_base), ("api_version", &profile.api_version), ("api_key", &profile.api_key)];
    for (key, value) in places {
        if let Some(value) = value {
            line(&mut out, 6, key, &scalar(value));
        }
    }
    if let Some(window) = profile.context_window {
        line(&mut out, 6, "context_window", &window.to_string());
    }
    if !profile.price.is_empty() {
        line(&mut out, 6, "price", &flow(profile.price.iter().map(|(key, value)| (*key, value.clone()))));
    }
    if !profile.capabilities.is_empty() {
        let shown = profile.capabilities.iter().map(|(key, value)| (*key, value.to_string()));
        line(&mut out, 6, "capabilities", &flow(shown));
    }
    for (key, value) in &profile.params {
        line(&mut out, 6, &scalar(key), &json(value));
    }
    out
}

/// A list where a list says everything.
fn alias_text(alias: &Alias) -> String {
    let names =
        |names: &[String]| format!("[{}]", names.iter().map(|name| scalar(name)).collect::<Vec<_>>().join(", "));
    let lists = [
        ("fallbacks", &alias.fallbacks),
        ("context_window_fallbacks", &alias.context_window_fallbacks),
        ("content_policy_fallbacks", &alias.content_policy_fallbacks),
    ];
    if alias.weights.is_empty() && lists.iter().all(|(_, list)| list.is_empty()) {
        return format!("    {}: {}\n", scalar(&alias.name), names(&alias.chain));
    }
    let mut out = format!("    {}:\n", scalar(&alias.name));
    line(&mut out, 6, "chain", &names(&alias.chain));
    if !alias.weights.is_empty() {
        line(&mut out, 6, "strategy", "weighted");
        line(
            &mut out,
            6,
            "weights",
            &flow(alias.weights.iter().map(|(name, weight)| (name.as_str(), number(*weight)))),
        );
    }
    for (key, list) in lists {
        if !list.is_empty() {
            line(&mut out, 6, key, &names(list));
        }
    }
    out
}

fn line(out: &mut String, indent: usize, key: &str, value: &str) {
    let gap = if value.starts_with('\n') { "" } else { " " };
    let _infallible = writeln!(out, "{:indent$}{key}:{gap}{value}", "");
}

fn flow<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    let entries: Vec<String> = entries.map(|(key, value)| format!("{}: {value}", scalar(key))).collect();
    format!("{{ {} }}", entries.join(", "))
}

/// At most six decimals, and no more of them than it needs.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Plain where nothing could read it as anything but a text.
pub(crate) fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./@+".contains(&byte))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// JSON is YAML.
fn json(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(160).collect()
}
