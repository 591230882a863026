//! What a leg needs on every request, worked out once per load: address, model and defaults as they stand on the wire.
use super::client::{Clients, Endpoint};
use magic_config::{Config, Profile};
use magic_routing::{Plan, Plans, Settings};
use magic_types::AliasName;
use std::collections::HashMap;
use std::sync::Arc;

/// An alias as the upstream sees it: the plan, and a target for each of its legs.
pub(crate) struct Route {
    pub(crate) plan: Arc<Plan>,
    pub(super) settings: Settings,
    targets: Vec<Target>,
}

/// One profile, ready to be sent to.
pub(crate) struct Target {
    pub(crate) profile: Arc<Profile>,
    pub(super) endpoint: Endpoint,
    /// The vendor's model as a JSON string.
    pub(super) model_json: String,
    /// Generation parameters of the profile, as JSON texts.
    pub(super) defaults: Vec<(String, String)>,
}

impl Route {
    pub(crate) fn target(&self, leg: usize) -> Option<&Target> {
        self.targets.get(leg)
    }

    /// Whose settings hold for the whole chain, e.g. its agent settings.
    pub(crate) fn first_profile(&self) -> Option<&Arc<Profile>> {
        self.plan.legs.first().map(|leg| &leg.profile)
    }
}

pub(super) fn routes(config: &Config, clients: &Clients) -> Result<HashMap<AliasName, Arc<Route>>, String> {
    let plans = Plans::compile(config);
    let settings = Settings::of(config);
    let route = |plan: &Arc<Plan>| {
        let targets = plan.legs.iter().map(|leg| target(&leg.profile, clients)).collect::<Result<_, _>>()?;
        Ok((plan.alias.clone(), Arc::new(Route { plan: Arc::clone(plan), settings, targets })))
    };
    plans.iter().map(route).collect()
}

fn target(profile: &Arc<Profile>, clients: &Clients) -> Result<Target, String> {
    let url = format!("{}/chat/completions", profile.api_base);
    let endpoint = clients
        .endpoint(&url, profile.timeouts.connect)
        .map_err(|error| format!("profile `{}`: `api_base` is not a URL: {error}", profile.name))?;
    let defaults = profile.params.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
    let model_json = serde_json::Value::from(profile.model.as_str()).to_string();
    Ok(Target { profile: Arc::clone(profile), endpoint, model_json, defaults })
}
