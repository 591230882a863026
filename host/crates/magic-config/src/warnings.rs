//! What a sound config does that its author may not mean. Stops nothing.
use crate::config::{Alias, Config};
use crate::strategy::Strategy;
use magic_types::Usage;

// === impl Config ===
impl Config {
    /// Whole sentences, in the order of the file.
    pub fn warnings(&self) -> Vec<String> {
        self.aliases.iter().flat_map(unpriced).collect()
    }
}

/// A strategy that compares prices, over profiles of which some have none.
fn unpriced(alias: &Alias) -> Vec<String> {
    if alias.strategy != Strategy::LowestCost {
        return Vec::new();
    }
    let profiles = alias.chain.iter().take(alias.spread).filter(|one| one.cost_micros(&Usage::default()).is_none());
    let text = |name| {
        format!(
            "alias `{}` is lowest_cost, and the price of profile `{name}` is unknown, so it is asked last: set `model_params.price`",
            alias.name
        )
    };
    profiles.map(|profile| text(&profile.name)).collect()
}
