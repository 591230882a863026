//! The tool `calculator`: one expression in, one number out, exact wherever that is possible. Refuses units, variables,
//! equations and anything too large to be worth a model's reading.

use magic_sdk::{Error, Hints, Output, Tool};

mod functions;
mod grammar;
mod show;
mod value;

/// See [`Tool::DESCRIPTION`].
pub struct Calculator;

/// The arguments of one call.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// What to evaluate.
    pub expression: String,
}

impl Tool for Calculator {
    type Args = Args;
    const NAME: &str = "calculator";
    const DESCRIPTION: &str = include_str!("../schema/description.md");
    const SCHEMA: &str = include_str!("../schema/arguments.json");
    const OUTPUT_SCHEMA: Option<&str> = Some(include_str!("../schema/output.json"));
    const HINTS: Hints = Hints::PURE;

    fn call(args: Args) -> Result<Output, Error> {
        match grammar::evaluate(&args.expression) {
            Ok(value) => Ok(show::output(&value)),
            Err(text) => Err(Error::InvalidArguments(text)),
        }
    }
}

magic_sdk::tool!(Calculator);

#[cfg(test)]
mod tests;
