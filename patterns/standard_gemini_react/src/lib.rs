//! The pattern `standard_gemini_react`: plain think, act, observe. The control group for every comparison, and short enough
//! for the smallest models; refuses any further structure.

magic_sdk::declarative! {
    "SYSTEM_RULE" => include_str!("../prompts/system_rule.md"),
    "EXAMPLE" => include_str!("../prompts/example.md"),
}

#[cfg(test)]
mod tests;
