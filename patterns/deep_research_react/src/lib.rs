//! The pattern `deep_research_react`: the blocks PLAN, EXECUTION, SYNTHESIS, FINAL_ANSWER, in that order. Prompts only; the
//! host runs the loop.

magic_sdk::declarative! {
    "SYSTEM_RULE" => include_str!("../prompts/system_rule.md"),
    "PLAN" => include_str!("../prompts/plan.md"),
    "EXECUTION" => include_str!("../prompts/execution.md"),
    "SYNTHESIS" => include_str!("../prompts/synthesis.md"),
    "FINAL_ANSWER" => include_str!("../prompts/final_answer.md"),
    "EXAMPLE" => include_str!("../prompts/example.md"),
}

#[cfg(test)]
mod tests;
