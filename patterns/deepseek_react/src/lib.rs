//! The pattern `deepseek_react`: a researcher who plans in the first thought, executes item by item, drafts in the last
//! thought and then writes the text. Prompts only; the host runs the loop.

magic_sdk::declarative! {
    "SYSTEM_RULE" => include_str!("../prompts/system_rule.md"),
    "PLAN" => include_str!("../prompts/plan.md"),
    "EXECUTE" => include_str!("../prompts/execute.md"),
    "DRAFT" => include_str!("../prompts/draft.md"),
    "EXAMPLE" => include_str!("../prompts/example.md"),
}

#[cfg(test)]
mod tests;
