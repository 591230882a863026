//! Nodes to [`Config`]: the sections of the file, most in a module of their own. Enters problems and goes on; what it puts
//! in a faulty place is never seen, because a config with a problem is not handed out.
mod agents;
mod aliases;
mod cache;
mod capabilities;
mod listener;
mod models;
mod params;
mod settings;
mod strategy;
mod telemetry;
mod vendor;

pub(crate) use strategy::Word;

use crate::config::Config;
use crate::walk::{Book, Value};
use crate::yaml::Node;

/// `None` where the file is no mapping at all; that, too, is in the book.
pub(crate) fn config(book: &Book<'_>, root: &Node) -> Option<Config> {
    static EMPTY: Node = Node::Map(Vec::new());
    // An empty file is an empty mapping: what it lacks is reported like any other lack.
    let root = if matches!(root, Node::Null) { &EMPTY } else { root };
    let mut fields = book.value(root).fields()?;
    // A place for anchors; nothing in it is read.
    fields.take("definitions");
    let agent_settings = agents::read(fields.section("agent_settings"), None);
    let timeout_settings = settings::timeouts(fields.section("timeout_settings"), None);
    let model_list = fields.need("model_list", "list at least one profile: model_name, provider, model_params");
    let profiles = model_list.map(|list| models::read(&list, &agent_settings, timeout_settings));
    let hedging_settings = settings::hedging(fields.section("hedging_settings"));
    let mut router = fields.section("router_settings");
    let strategy = strategy::default(&mut router);
    let groups = router.need("model_group_alias", "name what clients may ask for: `my-alias: [my_profile]`");
    let aliases = groups.map(|groups| aliases::read(&groups, profiles.as_ref(), hedging_settings, strategy));
    router.finish();
    let known_models = profiles.as_ref();
    let config = Config {
        aliases: aliases.unwrap_or_default(),
        server_settings: settings::server(fields.section("server_settings")),
        key_management_settings: settings::keys(fields.section("key_management_settings")),
        breaker_settings: settings::breaker(fields.section("breaker_settings")),
        hedging_settings,
        streaming_settings: settings::streaming(fields.section("streaming_settings")),
        cache_settings: cache::read(fields.section("cache_settings"), known_models),
        telemetry_settings: telemetry::read(book, fields.section("telemetry_settings")),
        provider_model_lists: fields
            .take("provider_model_lists")
            .map(|lists| provider_model_lists(&lists))
            .unwrap_or_default(),
        profiles: profiles.map(models::Catalogue::into_profiles).unwrap_or_default(),
        agent_settings,
        timeout_settings,
    };
    fields.finish();
    Some(config)
}

fn provider_model_lists(lists: &Value<'_>) -> Vec<(crate::Provider, Vec<String>)> {
    let entries = lists.entries().unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|(name, models)| {
            let models_read = models.texts();
            Some((vendor::provider(name, &models)?, models_read?))
        })
        .collect()
}
