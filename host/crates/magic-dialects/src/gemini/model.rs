//! What a Gemini model's name says of its abilities. A name that says nothing is taken for a current model, since the
//! moving aliases (`gemini-flash-latest`) are.

/// Models of one generation take the same parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// 1.x and 2.0: no thinking.
    Early,
    /// 2.5: thinks by a budget of tokens.
    Budget,
    /// 3 and later: thinks by a level, and refuses function calls without their seal.
    Level,
}

pub(crate) fn generation(model: &str) -> Generation {
    let name = bare(model);
    match name.strip_prefix("gemini-") {
        Some(rest) if rest.starts_with("2.5") => Generation::Budget,
        Some(rest) if rest.starts_with('1') || rest.starts_with('2') => Generation::Early,
        Some(_) => Generation::Level,
        // Gemma, LearnLM, tuned models: nothing is known of their thinking.
        None => Generation::Early,
    }
}

/// Without its collection.
pub(crate) fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}
