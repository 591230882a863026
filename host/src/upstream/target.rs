//! What a leg needs on every request, worked out once per load: addresses, headers, model and defaults as they stand on
//! the wire, and which operations it serves by which way.
use super::client::{Client, Clients, Url};
use http::{HeaderMap, HeaderName, HeaderValue};
use magic_config::{Config, DialectName, Profile};
use magic_dialects::operation::Operation;
use magic_dialects::quirks::{self, Quirks};
use magic_dialects::vendor::{Auth, Family, Speaker, Way};
use magic_routing::{Leg, Plan, Plans, PoolName, Settings};
use magic_types::AliasName;
use std::collections::HashMap;
use std::sync::Arc;

/// An alias as the upstream sees it: the plan, and a target for each of its legs.
pub(crate) struct Route {
    pub(crate) plan: Arc<Plan>,
    pub(super) settings: Settings,
    targets: Vec<Target>,
    /// Who could answer, in one text: equal for two routes that send the same requests to the same models.
    answerers: String,
}

/// One profile, ready to be sent to.
pub(crate) struct Target {
    pub(crate) profile: Arc<Profile>,
    pub(super) client: Client,
    pub(super) family: Family,
    pub(super) auth: Auth,
    pub(super) quirks: &'static Quirks,
    /// The vendor's model as a JSON string.
    pub(super) model_json: String,
    /// Generation parameters of the profile, as JSON texts.
    pub(super) defaults: Vec<(String, String)>,
    /// By operation, in the order of [`Operation::ALL`].
    doors: Vec<Result<Door, &'static str>>,
    /// Where pacing or a session wants events although the bytes could pass.
    decoded: Door,
}

/// Where one operation goes.
pub(super) struct Door {
    pub(super) way: Way,
    pub(super) whole: Url,
    pub(super) stream: Url,
}

impl Route {
    pub(crate) fn target(&self, leg: usize) -> Option<&Target> {
        self.targets.get(leg)
    }

    /// Whether a leg of it could carry out the operation, whatever state its keys are in.
    pub(crate) fn serves(&self, operation: Operation) -> bool {
        self.targets.iter().any(|target| target.door(operation).is_ok())
    }

    /// The legs that cannot carry out the operation, and why.
    pub(crate) fn unfit(&self, operation: Operation) -> Vec<(usize, &'static str)> {
        let doors = self.targets.iter().enumerate();
        doors.filter_map(|(leg, target)| Some((leg, target.door(operation).err()?))).collect()
    }

    /// Who could answer, and what they would be asked beside the request, in one text.
    pub(crate) fn answerers(&self) -> &str {
        &self.answerers
    }

    /// Whose settings hold for the whole chain, e.g. its agent settings.
    pub(crate) fn first_profile(&self) -> Option<&Arc<Profile>> {
        self.plan.legs.first().map(|leg| &leg.profile)
    }
}

impl Target {
    pub(super) fn door(&self, operation: Operation) -> Result<&Door, &'static str> {
        let door = self.doors.get(operation as usize).ok_or("does not know the operation")?;
        door.as_ref().map_err(|why| *why)
    }

    /// The family's own headers, and those of the client that change what its body means.
    pub(super) fn headers(&self, clients: Option<&HeaderMap>) -> HeaderMap {
        let mut headers = fixed_headers(self.family);
        for name in self.family.forwarded_headers() {
            let name = HeaderName::from_static(name);
            let mut values = clients.map(|clients| clients.get_all(&name)).into_iter().flatten();
            // A client's own goes before the family's.
            if let Some(first) = values.next() {
                headers.insert(name.clone(), first.clone());
            }
            values.for_each(|value| {
                headers.append(name.clone(), value.clone());
            });
        }
        headers
    }

    /// In the family's own dialect of conversations.
    pub(super) fn decoded(&self) -> &Door {
        &self.decoded
    }
}

pub(super) fn routes(
    config: &Config,
    has_keys: impl Fn(&PoolName) -> bool,
    clients: &Clients,
) -> Result<HashMap<AliasName, Arc<Route>>, String> {
    let plans = Plans::compile(config, has_keys);
    let settings = Settings::of(config);
    let link_local = config.server_settings.allow_link_local_vendors;
    let route = |plan: &Arc<Plan>| {
        let targets =
            plan.legs.iter().map(|leg| target(&leg.profile, clients, link_local)).collect::<Result<_, _>>()?;
        let answerers = plan.legs.iter().map(answerer).collect();
        Ok((plan.alias.clone(), Arc::new(Route { plan: Arc::clone(plan), settings, targets, answerers })))
    };
    plans.iter().map(route).collect()
}

/// A leg by whatever of the config changes its answers.
fn answerer(leg: &Leg) -> String {
    let Profile { name, dialect, model, api_base, api_version, params, .. } = leg.profile.as_ref();
    format!("{:?}\n", (leg.lane.as_str(), name, dialect, model, api_base, api_version, params))
}

fn target(profile: &Arc<Profile>, clients: &Clients, link_local: bool) -> Result<Target, String> {
    let family = family(profile);
    let speaker = speaker(profile);
    let base: Url = speaker.base.parse().map_err(|error| not_a_url(profile, &error))?;
    let client = clients
        .client(&base, profile.timeouts.connect, link_local)
        .map_err(|error| format!("profile `{}`: {error}", profile.name))?;
    let door = |operation, way| {
        let url = |stream| speaker.url(operation, way, &profile.model, stream).parse();
        let urls = url(false).and_then(|whole| Ok((whole, url(true)?)));
        urls.map(|(whole, stream)| Door { way, whole, stream }).map_err(|error| not_a_url(profile, &error))
    };
    let doors = Operation::ALL.into_iter().map(|operation| match speaker.way(operation) {
        Ok(Way::Estimate) => Ok(Err("cannot count tokens")),
        Ok(way) => door(operation, way).map(Ok),
        Err(why) => Ok(Err(why)),
    });
    let decoded = door(Operation::ChatCompletions, Way::Chat(family.dialect()))?;
    Ok(Target {
        client,
        family,
        auth: speaker.auth(),
        quirks: quirks::of(profile.provider.as_str()),
        model_json: serde_json::Value::from(profile.model.as_str()).to_string(),
        defaults: profile.params.iter().map(|(key, value)| (key.clone(), value.to_string())).collect(),
        doors: doors.collect::<Result<_, _>>()?,
        decoded,
        profile: Arc::clone(profile),
    })
}

fn not_a_url(profile: &Profile, error: &impl std::fmt::Display) -> String {
    format!("profile `{}`: `api_base` is not a URL: {error}", profile.name)
}

fn family(profile: &Profile) -> Family {
    match profile.dialect {
        DialectName::OpenAi => Family::OpenAi,
        DialectName::Anthropic => Family::Anthropic,
        DialectName::Google => Family::Google,
    }
}

/// Those that every request to the family must bear.
pub(super) fn fixed_headers(family: Family) -> HeaderMap {
    let pair =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    family.fixed_headers().iter().map(pair).collect()
}

/// The vendor at the profile's address.
pub(super) fn speaker(profile: &Profile) -> Speaker<'_> {
    Speaker {
        provider: profile.provider.as_str(),
        family: family(profile),
        base: &profile.api_base,
        api_version: profile.api_version.as_deref(),
    }
}
