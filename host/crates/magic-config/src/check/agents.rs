//! `agent_settings`, global and of a profile. Does not know which components exist: `Config::check_components` does.
use crate::agent::{AgentSettings, ToolChoice, ToolProtocol};
use crate::defaults;
use crate::walk::{Fields, Given, Value};
use std::time::Duration;

/// Steps beyond this are a loop, not thought.
const STEPS_MAX: u32 = 100;
const TOOL_CALLS_CEILING: u32 = 1000;
const SESSION_CEILING: Duration = Duration::from_secs(24 * 3600);

const PROTOCOLS: [(&str, ToolProtocol); 5] = [
    ("tags", ToolProtocol::Tags),
    ("native", ToolProtocol::Native),
    ("json_schema", ToolProtocol::JsonSchema),
    ("grammar", ToolProtocol::Grammar),
    ("auto", ToolProtocol::Auto),
];

/// Whether calls of destructive tools wait for a person.
const APPROVALS: [(&str, bool); 2] = [("off", false), ("destructive", true)];
const LLM_CALLS_CEILING: u32 = 10_000;
const TOKENS_CEILING: u64 = 1_000_000_000;
const PARALLEL_CEILING: u32 = 64;
const DEPTH_CEILING: u32 = 8;

/// What a model is read, by the end of its name.
const TEXTS: [&str; 2] = [".md", ".txt"];
/// Folders beside the config whose files are nobody's to read, by their usual names.
const SECRETS: [&str; 3] = ["keys_pool", "env", "data"];

const CHOICES: [(&str, ToolChoice); 2] = [("auto", ToolChoice::Auto), ("required", ToolChoice::Required)];

/// Reads a section over `global`, key by key; a key that is absent keeps the global value. `null` is an answer for
/// `reasoning_mode`, `tools`, `system_instruction`, `manifests` and what a session may spend: none of them, all tools, no bound.
pub(crate) fn read(mut fields: Fields<'_>, global: Option<&AgentSettings>) -> AgentSettings {
    let mut settings = global.cloned().unwrap_or_else(built_in);
    if let Some(mode) = nullable(fields.take_nullable("reasoning_mode"), |value| component_name(&value)) {
        settings.reasoning_mode = mode;
    }
    if let Some(options) = fields.take("options").and_then(|value| options(&value)) {
        settings.options = options;
    }
    if let Some(tools) = nullable(fields.take_nullable("tools"), |value| tool_names(&value)) {
        settings.tools = tools;
    }
    if let Some(file) = nullable(fields.take_nullable("system_instruction"), |value| file(&value)) {
        settings.system_instruction = file;
    }
    if let Some(manifests) = nullable(fields.take_nullable("manifests"), |value| files(&value)) {
        settings.manifests = manifests.unwrap_or_default();
    }
    if let Some(steps) = fields.take("max_steps").and_then(|value| value.integer_u32(1..=STEPS_MAX)) {
        settings.max_steps = steps;
    }
    if let Some(protocol) = fields.take("tool_protocol").and_then(|value| value.word("tool protocol", &PROTOCOLS)) {
        settings.tool_protocol = protocol;
    }
    if let Some(choice) = fields.take("tool_choice").and_then(|value| value.word("tool choice", &CHOICES)) {
        settings.tool_choice = choice;
    }
    let range = Duration::from_secs(1)..=SESSION_CEILING;
    if let Some(session) = fields.take("session_seconds_max").and_then(|value| value.seconds(range)) {
        settings.session_max = session;
    }
    if let Some(calls) = fields.take("tool_calls_max").and_then(|value| value.integer_u32(0..=TOOL_CALLS_CEILING)) {
        settings.tool_calls_max = calls;
    }
    budget(&mut fields, &mut settings);
    if let Some(agents) = fields.take("agents").and_then(|value| value.texts()) {
        settings.agents = agents;
    }
    if let Some(approvals) = fields.take("approvals").and_then(|value| value.word("approvals", &APPROVALS)) {
        settings.approvals = approvals;
    }
    fields.finish();
    settings
}

/// What a session may spend beside steps and tool calls. `null` lifts a global bound.
fn budget(fields: &mut Fields<'_>, settings: &mut AgentSettings) {
    let calls = 1..=LLM_CALLS_CEILING;
    if let Some(calls) = nullable(fields.take_nullable("model_calls_max"), |value| value.integer_u32(calls)) {
        settings.llm_calls_max = calls;
    }
    let tokens = 1..=TOKENS_CEILING;
    if let Some(tokens) = nullable(fields.take_nullable("total_tokens_max"), |value| value.integer(tokens)) {
        settings.total_tokens_max = tokens;
    }
    if let Some(cost) = nullable(fields.take_nullable("cost_max"), |value| value.micros()) {
        settings.cost_micros_max = cost;
    }
    if let Some(parallel) = fields.take("parallel_max").and_then(|value| value.integer_u32(1..=PARALLEL_CEILING)) {
        settings.parallel_max = parallel;
    }
    if let Some(depth) = fields.take("depth_max").and_then(|value| value.integer_u32(0..=DEPTH_CEILING)) {
        settings.depth_max = depth;
    }
}

pub(crate) fn built_in() -> AgentSettings {
    AgentSettings {
        reasoning_mode: None,
        options: "{}".to_owned(),
        tools: None,
        max_steps: defaults::MAX_STEPS,
        system_instruction: None,
        manifests: Vec::new(),
        tool_protocol: ToolProtocol::Auto,
        tool_choice: ToolChoice::Auto,
        session_max: defaults::SESSION,
        tool_calls_max: defaults::TOOL_CALLS_MAX,
        llm_calls_max: None,
        total_tokens_max: None,
        cost_micros_max: None,
        parallel_max: defaults::SESSION_PARALLEL_MAX,
        agents: Vec::new(),
        depth_max: defaults::DELEGATION_DEPTH_MAX,
        approvals: false,
    }
}

/// `None`: nothing was said. `Some(None)`: null was said.
fn nullable<'a, T>(given: Given<Value<'a>>, read: impl FnOnce(Value<'a>) -> Option<T>) -> Option<Option<T>> {
    match given {
        Given::Absent => None,
        Given::Null => Some(None),
        Given::Value(value) => read(value).map(Some),
    }
}

/// The name of a component is the name of its file, so it must not lead anywhere else.
fn component_name(value: &Value<'_>) -> Option<String> {
    let name = value.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.len() <= 64 && name.bytes().all(fits) {
        return Some(name);
    }
    value.problem("the name of a component is up to 64 letters, digits, `_` and `-`, without `.wasm`");
    None
}

fn options(value: &Value<'_>) -> Option<String> {
    if !value.is_mapping() {
        value.problem_hint("expected the options of the pattern as a mapping", "e.g. { n: 5 }");
        return None;
    }
    value.json().map(|json| json.to_string())
}

fn tool_names(value: &Value<'_>) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for item in value.list()? {
        let Some(name) = component_name(&item) else { continue };
        if names.contains(&name) {
            item.problem(format!("tool `{name}` is listed twice"));
        } else {
            names.push(name);
        }
    }
    Some(names)
}

/// Only texts, below the config's own folder and in none of those with secrets: the config can be posted over HTTP, and what
/// a file says goes to a vendor.
fn file(value: &Value<'_>) -> Option<String> {
    const HINT: &str = "e.g. system_prompts/default.md";
    let path = value.text()?;
    let inside = !path.starts_with('/')
        && !path.contains(['\\', '\0', ':'])
        && path.split('/').all(|part| !part.is_empty() && part != "..");
    if !inside {
        value.problem_hint("expected a file below the config's own folder", HINT);
        return None;
    }
    // A path may begin with `./`, which leads nowhere else.
    let mut parts = path.split('/').filter(|part| *part != ".");
    let is_hidden = parts.clone().any(|part| part.starts_with('.'));
    let is_text = TEXTS.iter().any(|ending| path.ends_with(ending));
    let is_secret = parts.next().is_some_and(|first| SECRETS.iter().any(|name| first.eq_ignore_ascii_case(name)));
    if is_text && !is_hidden && !is_secret {
        return Some(path);
    }
    value.problem_hint(
        "expected a text for a model: a `.md` or `.txt` file that is not hidden, and not below `keys_pool`, `env` or `data`",
        HINT,
    );
    None
}

fn files(value: &Value<'_>) -> Option<Vec<String>> {
    Some(value.list()?.iter().filter_map(file).collect())
}
