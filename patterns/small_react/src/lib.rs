//! The pattern `small_react`: think, act, observe for models of some hundred million parameters. One short rule, and
//! examples of exactly the form that is wanted; refuses every nuance, because such a model trips over it.

magic_sdk::declarative! {
    "SYSTEM_RULE" => include_str!("../prompts/system_rule.md"),
    "EXAMPLE" => include_str!("../prompts/example_arithmetic.md"),
    "EXAMPLE" => include_str!("../prompts/example_words.md"),
}

#[cfg(test)]
mod tests;
