//! `strategy` of an alias, its weights and its tiers; and the default of all aliases.
use crate::defaults;
use crate::problem::{did_you_mean, quoted};
use crate::profile::Profile;
use crate::strategy::{Strategy, Tier};
use crate::walk::{Fields, Value};
use std::sync::Arc;

const WEIGHT: &str = "a weight with at most six decimals, e.g. 3";
const SCORE: &str = "a score above 0 and up to 1 with at most three decimals, e.g. 0.35";

/// A strategy by name, as it holds for aliases that name none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Ordered,
    Weighted,
    LeastBusy,
    LowestLatency,
    LowestCost,
    Capability,
    Complexity,
}

const ALL: [Word; 7] = [
    Word::Ordered,
    Word::Weighted,
    Word::LeastBusy,
    Word::LowestLatency,
    Word::LowestCost,
    Word::Capability,
    Word::Complexity,
];

/// What an alias says of its strategy, taken before its chain is known.
pub(super) struct Given<'a> {
    word: Word,
    weights: Option<Value<'a>>,
    tiers: Option<Value<'a>>,
}

/// `router_settings.strategy`.
pub(super) fn default(router: &mut Fields<'_>) -> Word {
    let Some(value) = router.take("strategy") else { return defaults::STRATEGY };
    match word(&value) {
        Some(Word::Complexity) => {
            value.problem_hint(
                "complexity needs tiers, which are an alias's own",
                "set strategy: complexity and tiers in the mapping of each alias that shall have it",
            );
            defaults::STRATEGY
        }
        Some(word) => word,
        None => defaults::STRATEGY,
    }
}

fn word(value: &Value<'_>) -> Option<Word> {
    let words: Vec<(&str, Word)> = Strategy::WORDS.into_iter().zip(ALL).collect();
    value.word("strategy", &words)
}

// === impl Given ===
impl<'a> Given<'a> {
    pub(super) fn of(word: Word) -> Self {
        Self { word, weights: None, tiers: None }
    }

    pub(super) fn take(fields: &mut Fields<'a>, default: Word) -> Self {
        let named = fields.take("strategy").as_ref().and_then(word);
        let (weights, tiers) = (fields.take("weights"), fields.take("tiers"));
        let word = named.unwrap_or(default);
        if let Some(value) = weights.as_ref().filter(|_| word != Word::Weighted) {
            value.problem_hint("weights are for strategy weighted", "set strategy: weighted, or leave weights out");
        }
        if let Some(value) = tiers.as_ref().filter(|_| word != Word::Complexity) {
            value.problem_hint("tiers are for strategy complexity", "set strategy: complexity, or leave tiers out");
        }
        if word == Word::Complexity && tiers.is_none() {
            fields.problem_hint(
                "strategy complexity needs tiers",
                "e.g. tiers: [{ up_to: 0.35, profiles: [small] }, { profiles: [large] }]",
            );
        }
        Self { word, weights, tiers }
    }

    /// Checked against the alias's chain.
    pub(super) fn over(self, chain: &[Arc<Profile>]) -> Strategy {
        match self.word {
            Word::Ordered => Strategy::Ordered,
            Word::LeastBusy => Strategy::LeastBusy,
            Word::LowestLatency => Strategy::LowestLatency,
            Word::LowestCost => Strategy::LowestCost,
            Word::Capability => Strategy::Capability,
            Word::Weighted => Strategy::Weighted(weights(self.weights.as_ref(), chain)),
            Word::Complexity => Strategy::Complexity(self.tiers.map(|value| tiers(&value, chain)).unwrap_or_default()),
        }
    }
}

/// Profile to number. One that is not named weighs 1.
fn weights(given: Option<&Value<'_>>, chain: &[Arc<Profile>]) -> Vec<u64> {
    let mut weights = vec![defaults::WEIGHT_MILLIONTHS; chain.len()];
    for (name, value) in given.and_then(Value::entries).unwrap_or_default() {
        let place = place(name, &value, chain);
        let weight = value.millionths(WEIGHT);
        if let (Some(slot), Some(weight)) = (place.and_then(|place| weights.get_mut(place)), weight) {
            *slot = weight;
        }
    }
    if let Some(value) = given
        && weights.iter().all(|weight| *weight == 0)
    {
        value.problem_hint("every profile weighs 0", "give at least one a weight above 0");
    }
    weights
}

fn place(name: &str, value: &Value<'_>, chain: &[Arc<Profile>]) -> Option<usize> {
    let place = chain.iter().position(|profile| profile.name.as_str() == name);
    if place.is_none() {
        let known: Vec<&str> = chain.iter().map(|profile| profile.name.as_str()).collect();
        value.problem_hint(format!("no profile {} in the chain", quoted(name)), did_you_mean(name, &known));
    }
    place
}

/// `[{up_to, profiles}, ..]` with ascending bounds; the last tier takes the rest.
fn tiers(list: &Value<'_>, chain: &[Arc<Profile>]) -> Vec<Tier> {
    let items = list.list().unwrap_or_default();
    if items.is_empty() && list.is_list() {
        list.problem("no tier");
    }
    let mut tiers: Vec<Tier> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let is_last = index + 1 == items.len();
        let Some(tier) = tier(item, is_last, chain) else { continue };
        if let Some(before) = tiers.last()
            && before.up_to >= tier.up_to
        {
            item.problem_hint("up_to is not above that of the tier before", "list tiers from simple to hard");
        }
        for leg in &tier.legs {
            if tiers.iter().any(|other| other.legs.contains(leg)) {
                let name = chain.get(*leg).map_or("", |profile| profile.name.as_str());
                item.problem(format!("profile {} is in two tiers", quoted(name)));
            }
        }
        tiers.push(tier);
    }
    tiers
}

fn tier(item: &Value<'_>, is_last: bool, chain: &[Arc<Profile>]) -> Option<Tier> {
    let mut fields = item.fields()?;
    let given = fields.take("up_to");
    let up_to = given.as_ref().map(|value| (value, value.millionths(SCORE)));
    let up_to = match up_to {
        None if is_last => Some(Tier::UP_TO_MAX),
        None => {
            fields.problem_hint("up_to is missing", "only the last tier takes the rest; e.g. up_to: 0.35");
            None
        }
        Some((value, millionths)) => millionths.and_then(|millionths| score(value, millionths, is_last)),
    };
    let profiles = fields.need("profiles", "list the tier's profiles in order; all stand in the chain");
    fields.finish();
    let mut legs: Vec<usize> = Vec::new();
    let names = profiles?.list()?;
    if names.is_empty() {
        item.problem("no profile in the tier");
    }
    for name in &names {
        let Some(place) = name.text().and_then(|text| place(&text, name, chain)) else { continue };
        if legs.contains(&place) {
            name.problem(format!("profile {} is in the tier twice", quoted(name.raw())));
        } else {
            legs.push(place);
        }
    }
    Some(Tier { up_to: up_to?, legs })
}

fn score(value: &Value<'_>, millionths: u64, is_last: bool) -> Option<u32> {
    let thousandths = millionths.is_multiple_of(1000).then_some(millionths / 1000);
    let score = thousandths.and_then(|score| u32::try_from(score).ok());
    let score = score.filter(|score| (1..=Tier::UP_TO_MAX).contains(score));
    if score.is_none() {
        value.problem(format!("expected {SCORE}"));
    } else if is_last && score != Some(Tier::UP_TO_MAX) {
        value.problem_hint("the last tier must take the rest", "leave its up_to out, or add a tier behind it");
    }
    score
}
