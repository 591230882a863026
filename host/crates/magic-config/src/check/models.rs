//! `model_list`: each entry to a [`Profile`]; who serves it and with which parameters is read in modules of their own.
use super::{agents, capabilities, params, settings, vendor};
use crate::agent::{AgentSettings, ToolChoice, ToolProtocol};
use crate::config::TimeoutSettings;
use crate::prices;
use crate::problem::quoted;
use crate::profile::{Price, Profile};
use crate::provider::Provider;
use crate::walk::{Fields, Given, Value};
use magic_types::ProfileName;
use std::sync::Arc;

const NAME_BYTES_MAX: usize = 128;
const CONTEXT_WINDOW_MAX: u32 = 100_000_000;

/// The profiles, and the names of those too faulty to become one, so that an alias of such is not blamed as well.
pub(crate) struct Catalogue {
    profiles: Vec<Arc<Profile>>,
    names: Vec<String>,
}

// === impl Catalogue ===
impl Catalogue {
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Profile>> {
        self.profiles.iter().find(|profile| profile.name.as_str() == name).cloned()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    pub(crate) fn into_profiles(self) -> Vec<Arc<Profile>> {
        self.profiles
    }
}

pub(crate) fn read(list: &Value<'_>, agent: &AgentSettings, timeouts: TimeoutSettings) -> Catalogue {
    let mut catalogue = Catalogue { profiles: Vec::new(), names: Vec::new() };
    let entries = list.list();
    if entries.as_ref().is_some_and(Vec::is_empty) {
        list.problem("no profile");
    }
    for entry in entries.unwrap_or_default() {
        let profile = profile(&entry, agent, timeouts, &mut catalogue.names);
        catalogue.profiles.extend(profile.map(Arc::new));
    }
    catalogue
}

fn profile(
    entry: &Value<'_>,
    global: &AgentSettings,
    timeouts: TimeoutSettings,
    names: &mut Vec<String>,
) -> Option<Profile> {
    let mut fields = entry.fields()?;
    let name = fields.need("model_name", "a unique name for this profile").and_then(|value| {
        let name = value.text()?;
        check_name(&name, &value);
        if names.contains(&name) {
            value.problem(format!("profile {} is defined twice", quoted(value.raw())));
        } else {
            names.push(name.clone());
        }
        Some(name)
    });
    let hint = format!("one of {}", Provider::ALL.map(Provider::as_str).join(", "));
    let provider = fields.need("provider", &hint).and_then(|value| vendor::provider(&value.text()?, &value));
    let timeouts = settings::timeouts(fields.section("timeouts"), Some(timeouts));
    let params =
        fields.need("model_params", "at least `model`, the vendor's name for it").and_then(|value| value.fields());
    fields.finish();
    model_params(params?, name?, provider, global, timeouts)
}

/// The model's own part. `provider` is absent where it was faulty; the rest is checked all the same.
fn model_params(
    mut fields: Fields<'_>,
    name: String,
    provider: Option<Provider>,
    global: &AgentSettings,
    timeouts: TimeoutSettings,
) -> Option<Profile> {
    let place = vendor::place(&mut fields, provider);
    let api_key = fields.take("api_key").and_then(|value| vendor::api_key(&value));
    let context_window = fields.take("context_window").and_then(|value| value.integer_u32(1..=CONTEXT_WINDOW_MAX));
    let price = match fields.take_nullable("price") {
        Given::Value(value) => price(&value),
        // `null` is an answer: nobody counts.
        Given::Null => None,
        Given::Absent => place.as_ref().and_then(|place| prices::of(place.provider, &place.api_base, &place.model)),
    };
    let capabilities = capabilities::read(&mut fields, place.as_ref());
    let agent_given = fields.take("agent_settings");
    let agent_fields = agent_given.as_ref().and_then(Value::fields);
    let agent = agent_fields.map_or_else(|| global.clone(), |fields| agents::read(fields, Some(global)));
    if agent.tool_protocol == ToolProtocol::Grammar && place.as_ref().is_some_and(|place| !place.takes_gbnf()) {
        fields.problem_hint(
            "tool_protocol `grammar` needs a backend that takes GBNF, and this vendor's refuses it",
            "set agent_settings.tool_protocol: tags here",
        );
    }
    if agent.tool_protocol == ToolProtocol::JsonSchema && place.as_ref().is_some_and(|place| !place.takes_json_schema())
    {
        fields.problem_hint(
            "tool_protocol `json_schema` needs a backend that takes a schema for its answer, and this vendor's refuses it",
            "set agent_settings.tool_protocol: native here",
        );
    }
    let holds = matches!(agent.tool_protocol, ToolProtocol::Grammar | ToolProtocol::Native);
    if agent.tool_choice == ToolChoice::Required && !holds {
        fields.problem_hint(
            "tool_choice `required` needs tool_protocol `grammar` or `native`: nothing else can hold a model to it",
            "set agent_settings.tool_protocol, or leave tool_choice out",
        );
    }
    let params = params::read(fields);
    let vendor::Place { provider, dialect, model, api_base, api_version } = place?;
    let name = ProfileName::new(name);
    Some(Profile {
        name,
        provider,
        dialect,
        model,
        api_base,
        api_version,
        api_key,
        params,
        context_window,
        capabilities,
        price,
        agent,
        timeouts,
    })
}

/// Of a million tokens. What is read from the vendor's cache costs as much as the rest where nothing else is said.
fn price(value: &Value<'_>) -> Option<Price> {
    let mut fields = value.fields()?;
    let input = fields.need("input", "of a million tokens, e.g. 2.5").and_then(|value| value.micros());
    let output = fields.need("output", "of a million tokens, e.g. 10").and_then(|value| value.micros());
    let cached = fields.take("cached_input").and_then(|value| value.micros());
    fields.finish();
    let input_micros = input?;
    Some(Price { input_micros, output_micros: output?, cached_input_micros: cached.unwrap_or(input_micros) })
}

/// Names go into URLs, log lines and headers.
pub(crate) fn check_name(name: &str, value: &Value<'_>) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/@+".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
        let message = format!("a name is 1 to {NAME_BYTES_MAX} letters, digits and _ - . : / @ +");
        value.problem(message);
    }
}
