//! The pattern `basic_react`: deep analysis, gathering as a neutral analyst, then, the switch declared, synthesis as a
//! thoughtful companion. Prompts only; the host runs the loop.

magic_sdk::declarative! {
    "SYSTEM_RULE" => include_str!("../prompts/system_rule.md"),
    "ANALYSIS" => include_str!("../prompts/analysis.md"),
    "GATHERING" => include_str!("../prompts/gathering.md"),
    "SYNTHESIS" => include_str!("../prompts/synthesis.md"),
    "EXAMPLE" => include_str!("../prompts/example.md"),
}

#[cfg(test)]
mod tests;
